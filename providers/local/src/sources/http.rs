//! `http`: what a server answers.

use std::collections::BTreeMap;

use loam_bundle::digest::Digest;
use loam_http::{HttpError, Request, Trust, shown};
use loam_provider::{
    Attribute, CallCx, DataSource, Format, Known, Path, Period, ProviderError, Schema, Size, Trouble, Type, Value,
    decode,
};
use serde::Deserialize;

use super::{base64, text, too_long};
use crate::data::{object, work};

const METHODS: &[&str] = &["GET", "HEAD", "POST"];

#[derive(Debug, Deserialize)]
struct Spec {
    url: String,
    #[serde(default = "get")]
    method: String,
    #[serde(default)]
    request_headers: BTreeMap<String, String>,
    request_body: Option<String>,
    #[serde(default = "half_minute")]
    timeout: Period,
    #[serde(default = "sixteen_mebibytes")]
    max_size: Size,
    checksum: Option<String>,
    ca_certificate: Option<String>,
}

fn get() -> String {
    "GET".to_owned()
}

fn half_minute() -> Period {
    Period(std::time::Duration::from_secs(30))
}

fn sixteen_mebibytes() -> Size {
    Size(16 << 20)
}

pub(super) fn source() -> DataSource {
    let schema = Schema::new([
        ("url", Attribute::required(Type::String, "What is asked: `http://…` or `https://…`.")),
        (
            "method",
            Attribute::default(Type::String, "GET", "How it is asked; it must change nothing.")
                .format(Format::OneOf(METHODS)),
        ),
        (
            "request_headers",
            Attribute::optional(
                Type::map(Type::String),
                "Headers of the request. They go to no other host, wherever the server redirects.",
            )
            .secret(),
        ),
        ("request_body", Attribute::optional(Type::String, "What is sent along.").secret()),
        (
            "timeout",
            Attribute::default(Type::String, "30s", "How long everything may take, with redirects.")
                .format(Format::Period),
        ),
        (
            "max_size",
            Attribute::default(Type::String, "16MiB", "The size beyond which the answer is an error.")
                .format(Format::Size),
        ),
        ("checksum", Attribute::optional(Type::String, "The digest that the body must have: `\"sha256:…\"`.")),
        (
            "ca_certificate",
            Attribute::optional(
                Type::String,
                "Certificates in PEM of the authorities that are trusted in place of the system's.",
            ),
        ),
        ("status_code", Attribute::computed(Type::Number, "The answer's status, whatever it is: 200, 404.")),
        (
            "response_headers",
            Attribute::computed(
                Type::map(Type::String),
                "The answer's headers, by names as `Content-Type` is written; several of a name are joined by `, `.",
            ),
        ),
        ("body", Attribute::computed(Type::String, "What the answer holds; null where that is not UTF-8.")),
        ("body_base64", Attribute::computed(Type::String, "What the answer holds, in Base64.")),
    ]);
    super::source("http", "What a server answers to a request over HTTP or HTTPS.", schema)
}

pub(super) async fn fetch(cx: &CallCx, config: &Value) -> Result<Known, ProviderError> {
    let spec: Spec = decode(config)?;
    let expected = spec.checksum.as_deref().map(checksum).transpose()?;
    let (url, max_size) = (shown(&spec.url), spec.max_size);
    let trust = spec.ca_certificate.map_or(Trust::System, Trust::Authorities);
    let request = Request {
        url: spec.url,
        method: spec.method,
        headers: spec.request_headers,
        body: spec.request_body.map(String::into_bytes),
        timeout: spec.timeout.0,
        trust,
    };
    let asked = async { loam_http::fetch(request, max_size.0).await.map_err(|error| failed(error, max_size)) };
    let answer = work::until_cancelled(cx, asked).await?;
    if let Some(expected) = expected {
        let found = Digest::of(&answer.body);
        if found != expected {
            let status = answer.status;
            let message = format!("the answer of `{url}`, with status {status}, has sha256 `{found}`");
            return Err(invalid("checksum", message)
                .trouble(Trouble::Failed)
                .hint("Somebody changed what is there, or it is not what was meant; look at it before you trust it."));
        }
    }
    let headers = answer.headers.into_iter().map(|(name, value)| (name, Value::from(value)));
    object::completed(
        config,
        [
            ("status_code", Value::from(u64::from(answer.status))),
            ("response_headers", Value::map(Type::String, headers)),
            ("body", text(&answer.body)),
            ("body_base64", base64(&answer.body)),
        ],
    )
}

fn checksum(text: &str) -> Result<Digest, ProviderError> {
    let hint = "Write `sha256:` and the 64 hexadecimal digits that `sha256sum` prints.";
    if !text.starts_with("sha256:") {
        return Err(invalid("checksum", format!("`{text}` does not start with `sha256:`")).hint(hint));
    }
    let digest: Result<Digest, loam_bundle::digest::InvalidDigest> = text.parse();
    digest.map_err(|error| invalid("checksum", error.to_string()).hint(hint))
}

pub(super) fn failed(error: HttpError, max_size: Size) -> ProviderError {
    let message = error.to_string();
    match error {
        HttpError::Url { .. } => invalid("url", message),
        HttpError::Request { .. } => invalid("request_headers", message),
        HttpError::Authorities { .. } => invalid("ca_certificate", message),
        HttpError::Failed { source, .. } => about_url(
            ProviderError::because(message, source)
                .hint("Check the URL, and that the server can be reached from here."),
        ),
        HttpError::TimedOut { .. } => invalid("timeout", message)
            .trouble(Trouble::TimedOut)
            .hint("Raise `timeout`, or check that the server can be reached from here."),
        HttpError::TooLong { url, .. } => too_long(&format!("the answer of `{url}`"), max_size, "max_size"),
        HttpError::Redirects { .. } | HttpError::Refused { .. } | HttpError::Interrupted { .. } => {
            about_url(ProviderError::failed(message))
        }
    }
}

fn about_url(mut error: ProviderError) -> ProviderError {
    error.path = Some(Path::attribute("url"));
    error
}

fn invalid(attribute: &str, message: impl Into<String>) -> ProviderError {
    ProviderError::invalid(Path::attribute(attribute), message)
}
