//! A node of a test, and what is asked of it.

use std::{future::Future, net::SocketAddr, path::Path, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, StatusCode, client::conn::http1};
use hyper_util::rt::TokioIo;
use loam_demo::{DemoError, Options, Server, feed::Page};
use tokio::{net::TcpStream, sync::oneshot, task::JoinHandle};

/// A node that runs.
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    pub(crate) id: String,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Result<(), DemoError>>,
}

pub(crate) fn options(name: &str, data_dir: &Path, peers: &[SocketAddr]) -> Options {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let peers = peers.iter().map(|peer| format!("http://{peer}").parse().unwrap()).collect();
    Options { name: name.to_owned(), listen, data_dir: data_dir.to_owned(), peers }
}

impl Node {
    pub(crate) async fn start(data_dir: &Path, peers: &[SocketAddr]) -> Self {
        Self::run(options("node", data_dir, peers)).await
    }

    pub(crate) async fn run(options: Options) -> Self {
        let server = Server::bind(options).await.unwrap();
        let (stop, stopped) = oneshot::channel();
        let (address, id) = (server.local_addr(), server.node_id().to_owned());
        let running = tokio::spawn(server.run(async { drop(stopped.await) }));
        Self { address, id, stop, running }
    }

    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.running.await.unwrap().unwrap();
    }

    pub(crate) async fn ask(&self, method: Method, target: &str, body: &[u8]) -> (StatusCode, Bytes) {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let body = Full::new(Bytes::copy_from_slice(body));
        let request = Request::builder().method(method).uri(target).header("host", "node").body(body).unwrap();
        let response = sender.send_request(request).await.unwrap();
        (response.status(), response.into_body().collect().await.unwrap().to_bytes())
    }

    pub(crate) async fn put(&self, key: &str, value: &str) {
        let (status, body) = self.ask(Method::PUT, &format!("/kv/{key}"), value.as_bytes()).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{body:?}");
    }

    pub(crate) async fn delete(&self, key: &str) {
        let (status, body) = self.ask(Method::DELETE, &format!("/kv/{key}"), b"").await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{body:?}");
    }

    pub(crate) async fn get(&self, key: &str) -> Option<String> {
        match self.ask(Method::GET, &format!("/kv/{key}"), b"").await {
            (StatusCode::OK, body) => Some(String::from_utf8(body.into()).unwrap()),
            (StatusCode::NOT_FOUND, _) => None,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn json(&self, target: &str) -> serde_json::Value {
        let (status, body) = self.ask(Method::GET, target, b"").await;
        assert_eq!(status, StatusCode::OK, "{body:?}");
        serde_json::from_slice(&body).unwrap()
    }

    /// Returns the whole feed, or waits for changes after `after` if there are none yet.
    pub(crate) async fn feed(&self, after: i64) -> Page {
        serde_json::from_value(self.json(&format!("/changes?after={after}&wait=20000")).await).unwrap()
    }

    /// Returns what nodes agree on in the end, deletes and stamps included, in order of keys.
    pub(crate) async fn content(&self) -> Vec<(String, loam_demo::feed::Stamp, Option<Vec<u8>>)> {
        let page: Page = serde_json::from_value(self.json("/changes").await).unwrap();
        let mut content: Vec<_> =
            page.changes.into_iter().map(|change| (change.key, change.stamp, change.value)).collect();
        content.sort();
        content
    }
}

/// Waits until `is_reached` holds, looking again whenever `node` has a change.
pub(crate) async fn until<F: Future<Output = bool>>(node: &Node, is_reached: impl Fn() -> F) {
    let wait = async {
        loop {
            let head = node.json("/health").await["head"].as_i64().unwrap();
            if is_reached().await {
                return;
            }
            node.feed(head).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect("the nodes do not get there");
}

/// Waits until `nodes` hold the same.
pub(crate) async fn converged(nodes: &[&Node]) {
    for node in &nodes[1..] {
        // Either may be the one that is behind.
        let is_equal = || async { node.content().await == nodes[0].content().await };
        let both = async {
            tokio::select! { () = until(node, is_equal) => {}, () = until(nodes[0], is_equal) => {} }
        };
        both.await;
    }
}
