//! HTTP requests that are limited in time and size, and keep what is secret with the host it is for.
//!
//! [`send`] makes one request and follows redirects: never from HTTPS to HTTP, and what the caller put into
//! headers and body goes to no other origin. Its answer is a stream. [`fetch`] reads the answer whole, off the
//! async workers. Errors show of a URL only scheme, host and path, because tokens stand in queries.

mod redirect;
mod url;

use std::{
    collections::BTreeMap,
    io::{self, Read},
    time::{Duration, Instant},
};

use ureq::{
    Agent, Body,
    http::{Method, Response as Answer, header::HeaderName, header::HeaderValue},
    tls::{PemItem, RootCerts, TlsConfig, parse_pem},
};

pub use self::url::shown;
use self::{
    redirect::{Next, next},
    url::Url,
};

/// How many redirects are followed.
pub const MOST_REDIRECTS: usize = 10;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `http://` or `https://`, without user and password.
    pub url: String,
    /// `GET`, `POST`.
    pub method: String,
    /// Headers by name.
    pub headers: BTreeMap<String, String>,
    /// What is sent along.
    pub body: Option<Vec<u8>>,
    /// How long everything may take, with redirects and the answer's body.
    pub timeout: Duration,
    /// Whose certificates are trusted.
    pub trust: Trust,
}

/// Whose certificates are trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Trust {
    /// Those that the system trusts.
    #[default]
    System,
    /// Those of these authorities alone, as PEM.
    Authorities(String),
}

/// An answer whose body is still to be read.
pub struct Response {
    /// The status: 200, 404.
    pub status: u16,
    /// Headers by name as `Content-Type` is written; several of a name are joined by `, `.
    pub headers: BTreeMap<String, String>,
    /// The request's URL, as errors show it.
    shown: String,
    body: Body,
}

/// An answer, read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The status: 200, 404.
    pub status: u16,
    /// Headers by name, as in [`Response`].
    pub headers: BTreeMap<String, String>,
    /// The body as it was sent.
    pub body: Vec<u8>,
}

/// Why there is no answer. `url` is as [`shown`] makes it.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The URL cannot be asked.
    #[error("`{url}` is not a URL that can be asked: {because}")]
    Url { url: String, because: &'static str },
    /// Not a method, a header's name or a header's value; values are not shown.
    #[error("{what} is not allowed in a request")]
    Request { what: String },
    /// The PEM text holds no certificate that can be read.
    #[error("the certificates of the authorities cannot be read: {because}")]
    Authorities { because: String },
    /// Nobody answers there, or not in HTTP.
    #[error("failed to ask `{url}`")]
    Failed { url: String, source: Box<dyn std::error::Error + Send + Sync> },
    /// It took too long.
    #[error("`{url}` did not answer in {} s", timeout.as_secs_f64())]
    TimedOut { url: String, timeout: Duration },
    /// The answer is longer than allowed.
    #[error("the answer of `{url}` is longer than {limit} bytes")]
    TooLong { url: String, limit: u64 },
    /// Redirects lead nowhere.
    #[error("`{url}` was redirected more than {MOST_REDIRECTS} times")]
    Redirects { url: String },
    /// A redirect that is not followed.
    #[error("`{url}` redirects to `{to}`, which is not followed: {because}")]
    Refused { url: String, to: String, because: &'static str },
    /// The thread that asked died.
    #[error("the request to `{url}` was interrupted")]
    Interrupted { url: String },
}

/// Makes a request and returns the answer, whatever its status.
///
/// # Errors
/// When the request is malformed, nobody answers in time, or a redirect is not followed.
pub fn send(request: &Request) -> Result<Response, HttpError> {
    let started = Instant::now();
    let agent = agent(request)?;
    let mut asked = Asked::new(request)?;
    for _ in 0..=MOST_REDIRECTS {
        let left = request.timeout.saturating_sub(started.elapsed());
        let answer = ask(&agent, &asked, left).map_err(|error| failed(error, &asked.url, request.timeout))?;
        match next(&asked.url, &asked.method, &answer)? {
            Next::Done => return Ok(response(answer, &asked.url)),
            Next::Ask { url, method } => asked.follow(url, method),
        }
    }
    Err(HttpError::Redirects { url: shown(&request.url) })
}

/// Makes a request and reads the answer, which may have at most `limit` bytes, on a thread of its own.
///
/// When the future is dropped, the thread ends with the piece that it is waiting for.
///
/// # Errors
/// As [`send`], and when the answer is too long or breaks off.
pub async fn fetch(request: Request, limit: u64) -> Result<Fetched, HttpError> {
    let interrupted = HttpError::Interrupted { url: shown(&request.url) };
    let (answer, answered) = tokio::sync::oneshot::channel();
    // Not one of the runtime's threads: those are waited for when the program ends.
    std::thread::spawn(move || {
        let fetched = send(&request).and_then(|response| response.whole(limit, &request, &|| answer.is_closed()));
        // Nobody is left to tell if the request was given up.
        let _ = answer.send(fetched);
    });
    answered.await.unwrap_or(Err(interrupted))
}

impl Response {
    /// Returns the body as a stream; it ends with an error where the request's time is over.
    pub fn into_reader(self) -> impl Read + Send + 'static {
        self.body.into_reader()
    }

    fn whole(self, limit: u64, request: &Request, is_given_up: &dyn Fn() -> bool) -> Result<Fetched, HttpError> {
        let Self { status, headers, shown: url, body } = self;
        let mut reader = body.into_reader();
        let (mut body, mut piece) = (Vec::new(), vec![0; 64 << 10]);
        loop {
            if is_given_up() {
                return Err(HttpError::Interrupted { url });
            }
            let count = match reader.read(&mut piece) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(broke_off(error, url, request.timeout)),
            };
            if count == 0 {
                return Ok(Fetched { status, headers, body });
            }
            if (body.len() + count) as u64 > limit {
                return Err(HttpError::TooLong { url, limit });
            }
            body.extend_from_slice(&piece[..count]);
        }
    }
}

/// What is asked at one hop.
struct Asked<'r> {
    url: Url,
    method: Method,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Option<&'r [u8]>,
}

impl<'r> Asked<'r> {
    fn new(request: &'r Request) -> Result<Self, HttpError> {
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| HttpError::Request { what: format!("the method `{}`", request.method) })?;
        let header = |(name, value): (&String, &String)| {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| HttpError::Request { what: format!("a header named `{name}`") })?;
            let mut value = HeaderValue::from_str(value)
                .map_err(|_| HttpError::Request { what: format!("the value of the header `{name}`") })?;
            value.set_sensitive(true);
            Ok((name, value))
        };
        let headers = request.headers.iter().map(header).collect::<Result<_, HttpError>>()?;
        Ok(Self { url: Url::parse(&request.url)?, method, headers, body: request.body.as_deref() })
    }

    fn follow(&mut self, url: Url, method: Method) {
        if !url.has_origin_of(&self.url) {
            self.headers.clear();
        }
        if method != self.method {
            self.body = None;
        }
        (self.url, self.method) = (url, method);
    }
}

fn agent(request: &Request) -> Result<Agent, HttpError> {
    let roots = match &request.trust {
        Trust::System => RootCerts::PlatformVerifier,
        Trust::Authorities(pem) => RootCerts::new_with_certs(&certificates(pem)?),
    };
    Ok(Agent::config_builder()
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("loam/", env!("CARGO_PKG_VERSION")))
        .allow_non_standard_methods(true)
        .build()
        .new_agent())
}

fn certificates(pem: &str) -> Result<Vec<ureq::tls::Certificate<'static>>, HttpError> {
    let mut certificates = Vec::new();
    for item in parse_pem(pem.as_bytes()) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(_) => {}
            Err(error) => return Err(HttpError::Authorities { because: error.to_string() }),
        }
    }
    if certificates.is_empty() {
        return Err(HttpError::Authorities { because: "there is no certificate in the text".to_owned() });
    }
    Ok(certificates)
}

fn ask(agent: &Agent, asked: &Asked<'_>, left: Duration) -> Result<Answer<Body>, ureq::Error> {
    let mut request = ureq::http::Request::builder().method(asked.method.clone()).uri(asked.url.text());
    for (name, value) in &asked.headers {
        request = request.header(name, value);
    }
    // No time left is not the same as no limit.
    let left = Some(left.max(Duration::from_millis(1)));
    match asked.body {
        Some(body) => {
            let request = request.body(body)?;
            agent.run(agent.configure_request(request).timeout_global(left).allow_non_standard_methods(true).build())
        }
        None => {
            let request = request.body(())?;
            agent.run(agent.configure_request(request).timeout_global(left).allow_non_standard_methods(true).build())
        }
    }
}

fn response(answer: Answer<Body>, url: &Url) -> Response {
    let mut headers = BTreeMap::<String, String>::new();
    for (name, value) in answer.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        match headers.entry(written(name.as_str())) {
            std::collections::btree_map::Entry::Vacant(free) => drop(free.insert(value.into_owned())),
            std::collections::btree_map::Entry::Occupied(mut held) => {
                held.get_mut().push_str(", ");
                held.get_mut().push_str(&value);
            }
        }
    }
    Response { status: answer.status().as_u16(), headers, shown: url.shown(), body: answer.into_body() }
}

/// Returns a header's name as it is usually written: `Content-Type`.
fn written(name: &str) -> String {
    let word = |word: &str| match word.split_at_checked(1) {
        Some((first, rest)) => first.to_ascii_uppercase() + &rest.to_ascii_lowercase(),
        None => word.to_owned(),
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

fn failed(error: ureq::Error, url: &Url, timeout: Duration) -> HttpError {
    match error {
        ureq::Error::Timeout(_) => HttpError::TimedOut { url: url.shown(), timeout },
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => {
            HttpError::TimedOut { url: url.shown(), timeout }
        }
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
            HttpError::Url { url: url.shown(), because: "it is malformed" }
        }
        // The library would say the whole URL, or only "io: ".
        ureq::Error::Io(error) => HttpError::Failed { url: url.shown(), source: Box::new(error) },
        error => HttpError::Failed { url: url.shown(), source: Box::new(error) },
    }
}

fn broke_off(error: io::Error, url: String, timeout: Duration) -> HttpError {
    let is_late = error.kind() == io::ErrorKind::TimedOut
        || error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<ureq::Error>())
            .is_some_and(|inner| matches!(inner, ureq::Error::Timeout(_)));
    if is_late { HttpError::TimedOut { url, timeout } } else { HttpError::Failed { url, source: Box::new(error) } }
}
