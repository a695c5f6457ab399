//! From a request to its answer.

use std::{collections::BTreeMap, convert::Infallible, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Body, Incoming},
    header::{ALLOW, CONTENT_TYPE, HeaderValue},
};
use serde::Serialize;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{
    database::{MAX_PAGE, MAX_VALUE_BYTES, check_key},
    error::DemoError,
    feed::Page,
    peer::LONG_POLL,
    store::Store,
};

/// How long a client may take to send a value.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
const MAX_KEYS: u32 = 10_000;

/// What answers need to know.
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) store: Store,
    /// Ends long polls when the node stops.
    pub(crate) stopping: CancellationToken,
}

/// Why a request got no answer of its own.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("there is nothing at `{path}`")]
    NoSuchPath { path: String },
    #[error("there is no key `{key}`")]
    NoSuchKey { key: String },
    #[error("`{method}` is not for this path, allowed are {allowed}")]
    Method { method: Method, allowed: &'static str },
    #[error("`{text}` is not percent-encoded UTF-8")]
    Encoding { text: String },
    #[error("parameter `{name}` is `{text}`, expected a number")]
    Number { name: &'static str, text: String },
    #[error("value is larger than {MAX_VALUE_BYTES} bytes")]
    TooLarge,
    #[error("value was not sent in time")]
    TooSlow,
    #[error("failed to read the value")]
    Broken,
    #[error(transparent)]
    Demo(#[from] DemoError),
}

/// What `/health` tells.
#[derive(Serialize)]
struct Health<'a> {
    name: &'a str,
    node: &'a str,
    count: i64,
    head: i64,
}

type Answer = Response<Full<Bytes>>;

/// Answers one request.
pub(crate) async fn answer(node: &Node, request: Request<Incoming>) -> Result<Answer, Infallible> {
    Ok(route(node, request).await.unwrap_or_else(refuse))
}

async fn route(node: &Node, request: Request<Incoming>) -> Result<Answer, Refusal> {
    let query = parse_query(request.uri().query().unwrap_or_default())?;
    let path = request.uri().path().to_owned();
    if let Some(key) = path.strip_prefix("/kv/") {
        let key = decode(key)?;
        check_key(&key)?;
        return entry(node, request, key).await;
    }
    match path.as_str() {
        "/health" | "/count" | "/kv" | "/changes" if request.method() != Method::GET => {
            Err(Refusal::Method { method: request.method().clone(), allowed: "GET" })
        }
        "/health" => health(node).await,
        "/count" => Ok(json(&node.store.call(|database| database.count()).await?)),
        "/kv" => keys(node, &query).await,
        "/changes" => changes(node, &query).await,
        _ => Err(Refusal::NoSuchPath { path }),
    }
}

async fn entry(node: &Node, request: Request<Incoming>, key: String) -> Result<Answer, Refusal> {
    let store = &node.store;
    let origin = store.node().to_owned();
    match *request.method() {
        Method::GET => {
            let asked = key.clone();
            let value = store.call(move |database| database.get(&asked)).await?;
            value.map(bytes).ok_or(Refusal::NoSuchKey { key })
        }
        Method::PUT => {
            let value = read_value(request.into_body()).await?;
            store.call(move |database| database.put(&origin, key, value)).await?;
            Ok(empty())
        }
        Method::DELETE => {
            let asked = key.clone();
            let is_deleted = store.call(move |database| database.delete(&origin, asked)).await?;
            if is_deleted { Ok(empty()) } else { Err(Refusal::NoSuchKey { key }) }
        }
        _ => Err(Refusal::Method { method: request.method().clone(), allowed: "GET, PUT, DELETE" }),
    }
}

async fn health(node: &Node) -> Result<Answer, Refusal> {
    let (count, head) = node.store.call(|database| Ok((database.count()?, database.head()))).await?;
    Ok(json(&Health { name: &node.name, node: node.store.node(), count, head }))
}

async fn keys(node: &Node, query: &BTreeMap<String, String>) -> Result<Answer, Refusal> {
    let text = |name| query.get(name).cloned().unwrap_or_default();
    let (prefix, after) = (text("prefix"), text("after"));
    let limit = number(query, "limit", MAX_KEYS)?.min(MAX_KEYS);
    let keys = node.store.call(move |database| database.keys(&prefix, &after, limit)).await?;
    Ok(json(&keys))
}

/// Answers with a page of the feed. At the end of the feed it holds the request for `wait`
/// milliseconds, or until there is a change.
async fn changes(node: &Node, query: &BTreeMap<String, String>) -> Result<Answer, Refusal> {
    let after = number(query, "after", 0_i64)?;
    let limit = number(query, "limit", MAX_PAGE)?.min(MAX_PAGE);
    let wait = Duration::from_millis(number(query, "wait", 0)?).min(LONG_POLL);
    let mut head = node.store.head();
    // A cursor beyond the head is from another time; whoever holds it has to know at once.
    if limit > 0 && *head.borrow() == after && !wait.is_zero() {
        tokio::select! {
            _ = timeout(wait, head.wait_for(|head| *head != after)) => {}
            () = node.stopping.cancelled() => {}
        }
    }
    Ok(json(&page(node, after, limit).await?))
}

async fn page(node: &Node, after: i64, limit: u32) -> Result<Page, DemoError> {
    let name = node.store.node().to_owned();
    node.store.call(move |database| database.changes(&name, after, limit)).await
}

async fn read_value(body: Incoming) -> Result<Vec<u8>, Refusal> {
    if body.size_hint().lower() > MAX_VALUE_BYTES as u64 {
        return Err(Refusal::TooLarge);
    }
    let collected = timeout(BODY_TIMEOUT, Limited::new(body, MAX_VALUE_BYTES).collect()).await;
    let collected = collected.map_err(|_| Refusal::TooSlow)?;
    let value =
        collected.map_err(|error| if error.is::<LengthLimitError>() { Refusal::TooLarge } else { Refusal::Broken })?;
    Ok(value.to_bytes().into())
}

fn parse_query(query: &str) -> Result<BTreeMap<String, String>, Refusal> {
    query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(name, value)| Ok((decode(name)?, decode(value)?)))
        .collect()
}

fn number<T: std::str::FromStr>(
    query: &BTreeMap<String, String>,
    name: &'static str,
    default: T,
) -> Result<T, Refusal> {
    match query.get(name) {
        Some(text) => text.parse().map_err(|_| Refusal::Number { name, text: text.clone() }),
        None => Ok(default),
    }
}

fn decode(text: &str) -> Result<String, Refusal> {
    let refused = || Refusal::Encoding { text: text.to_owned() };
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first != b'%' {
            decoded.push(first);
            rest = after;
            continue;
        }
        let Some((&[high, low], after)) = after.split_first_chunk::<2>() else { return Err(refused()) };
        let digit = |byte: u8| char::from(byte).to_digit(16).ok_or_else(refused);
        // Two hexadecimal digits fit a byte.
        decoded.push((digit(high)? * 16 + digit(low)?) as u8);
        rest = after;
    }
    String::from_utf8(decoded).map_err(|_| refused())
}

fn refuse(refusal: Refusal) -> Answer {
    let status = match &refusal {
        Refusal::NoSuchPath { .. } | Refusal::NoSuchKey { .. } => StatusCode::NOT_FOUND,
        Refusal::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
        Refusal::Encoding { .. } | Refusal::Number { .. } | Refusal::Broken => StatusCode::BAD_REQUEST,
        Refusal::Demo(DemoError::KeyLength { .. }) => StatusCode::BAD_REQUEST,
        Refusal::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::TooSlow => StatusCode::REQUEST_TIMEOUT,
        Refusal::Demo(error) => {
            warn!(error = error as &dyn std::error::Error, "request failed");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    };
    let mut answer = with_type(Bytes::from(format!("{refusal}\n")), "text/plain; charset=utf-8");
    *answer.status_mut() = status;
    if let Refusal::Method { allowed, .. } = refusal {
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    }
    answer
}

fn json(content: &impl Serialize) -> Answer {
    let text = serde_json::to_vec(content).expect("what is told has string keys and finite numbers");
    with_type(Bytes::from(text), "application/json")
}

fn bytes(value: Vec<u8>) -> Answer {
    with_type(Bytes::from(value), "application/octet-stream")
}

fn empty() -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer
}

fn with_type(body: Bytes, content_type: &'static str) -> Answer {
    let mut answer = Response::new(Full::new(body));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_percent_decoded() {
        let decoded = |text| decode(text).ok();
        assert_eq!(decoded("a%2Fb%20c+d/%C3%a9").as_deref(), Some("a/b c+d/é"));
        for bad in ["%", "%4", "%zz", "%+1", "%C3"] {
            assert_eq!(decoded(bad), None, "{bad}");
        }
    }
}
