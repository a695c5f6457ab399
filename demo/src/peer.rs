//! Another node, and how to ask it for changes.

use std::{fmt, str::FromStr, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{Request, StatusCode, Uri, client::conn::http1, header::HOST};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet, time::timeout};

use crate::{database::MAX_PAGE, feed::Page};

/// How long a peer may hold a request while it has no change to tell.
pub(crate) const LONG_POLL: Duration = Duration::from_secs(20);

const PATIENCE: Duration = Duration::from_secs(10);
/// A page of values in base64, with room to spare.
const MAX_PAGE_BYTES: usize = 16 << 20;

/// The address of a peer, written `http://host:port`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer {
    host: String,
    port: u16,
}

/// What is not the address of a peer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a peer's address, expected `http://host:port`")]
pub struct InvalidPeer {
    pub text: String,
}

/// Why a peer gave no page.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    #[error("no answer in time")]
    Silent,
    #[error("failed to connect")]
    Connect { source: std::io::Error },
    #[error("failed to talk HTTP")]
    Http { source: hyper::Error },
    #[error("answered {status}")]
    Status { status: StatusCode },
    #[error("failed to read the answer")]
    Body { source: Box<dyn std::error::Error + Send + Sync> },
    #[error("answered something that is not a page of changes")]
    Page { source: serde_json::Error },
}

impl FromStr for Peer {
    type Err = InvalidPeer;

    fn from_str(text: &str) -> Result<Self, InvalidPeer> {
        let parse = || {
            let uri: Uri = text.parse().ok()?;
            let authority = uri.authority()?;
            let is_bare = uri.path() == "/" && uri.query().is_none() && !authority.as_str().contains('@');
            let host = authority.host();
            let is_http = uri.scheme_str() == Some("http");
            (is_http && is_bare && !host.is_empty())
                .then(|| authority.port_u16())
                .flatten()
                .map(|port| Self { host: host.to_owned(), port })
        };
        parse().ok_or_else(|| InvalidPeer { text: text.to_owned() })
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "http://{}:{}", self.host, self.port)
    }
}

impl Peer {
    /// Asks who the peer is and where its feed ends.
    pub(crate) async fn head(&self) -> Result<Page, AskError> {
        timeout(PATIENCE, self.ask("/changes?limit=0")).await.unwrap_or(Err(AskError::Silent))
    }

    /// Asks for the changes after `after`, waiting for some when there are none.
    pub(crate) async fn changes(&self, after: i64) -> Result<Page, AskError> {
        let target = format!("/changes?after={after}&limit={MAX_PAGE}&wait={}", LONG_POLL.as_millis());
        timeout(LONG_POLL + PATIENCE, self.ask(&target)).await.unwrap_or(Err(AskError::Silent))
    }

    async fn ask(&self, target: &str) -> Result<Page, AskError> {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((host, self.port)).await.map_err(|source| AskError::Connect { source })?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|source| AskError::Http { source })?;
        // The connection ends with this set: when the answer was read, or the caller gave up.
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        let request = Request::get(target)
            .header(HOST, format!("{}:{}", self.host, self.port))
            .body(Empty::<Bytes>::new())
            .expect("host and target were parsed before");
        let response = sender.send_request(request).await.map_err(|source| AskError::Http { source })?;
        if response.status() != StatusCode::OK {
            return Err(AskError::Status { status: response.status() });
        }
        let body = Limited::new(response.into_body(), MAX_PAGE_BYTES);
        let body = body.collect().await.map_err(|source| AskError::Body { source })?.to_bytes();
        serde_json::from_slice(&body).map_err(|source| AskError::Page { source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_http_with_host_and_port() {
        for good in ["http://127.0.0.1:80", "http://[::1]:4001", "http://node-1.example:65535"] {
            assert_eq!(good.parse::<Peer>().map(|peer| peer.to_string()), Ok(good.to_owned()));
        }
        assert_eq!("http://a:1/".parse::<Peer>(), "http://a:1".parse());
        for bad in ["", "127.0.0.1:80", "https://a:1", "http://a", "http://a:1/kv", "http://a:1?b", "http://u@a:1"] {
            assert_eq!(bad.parse::<Peer>(), Err(InvalidPeer { text: bad.to_owned() }));
        }
    }
}
