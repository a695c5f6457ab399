//! The life of a node: open, listen, follow, stop cleanly.

use std::{future::Future, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::{
    error::DemoError,
    follow::follow,
    peer::Peer,
    routes::{Node, answer},
    store::{Closing, Store},
};

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long requests may go on after the node was asked to stop.
const GRACE: Duration = Duration::from_secs(3);
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a node is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// What the node calls itself in `/health` and in its log.
    pub name: String,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Made if it is missing.
    pub data_dir: PathBuf,
    /// The nodes to follow. This node itself may be among them.
    pub peers: Vec<Peer>,
}

/// A node that holds its port and its database, and answers once it runs.
pub struct Server {
    options: Options,
    address: SocketAddr,
    listener: TcpListener,
    store: Store,
    closing: Closing,
}

/// Runs a node until `shutdown` is done, then stops it cleanly.
pub async fn serve(options: Options, shutdown: impl Future<Output = ()>) -> Result<(), DemoError> {
    Server::bind(options).await?.run(shutdown).await
}

impl Server {
    /// Takes the port and opens the database.
    pub async fn bind(options: Options) -> Result<Self, DemoError> {
        let failed = |source| DemoError::Listen { address: options.listen, source };
        let listener = TcpListener::bind(options.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (store, closing) = Store::open(options.data_dir.clone()).await?;
        Ok(Self { options, address, listener, store, closing })
    }

    /// Returns the address that the node listens on.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Returns the id that this node writes under.
    pub fn node_id(&self) -> &str {
        self.store.node()
    }

    /// Answers and follows until `shutdown` is done.
    ///
    /// Then running requests get a moment to end, and the database is written back to one file.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), DemoError> {
        let Self { options, address, listener, store, closing } = self;
        let stopping = CancellationToken::new();
        let mut followers = JoinSet::new();
        for peer in options.peers {
            followers.spawn(follow(peer, store.clone()));
        }
        info!(name = options.name, node = store.node(), %address, "ready");

        let node = Arc::new(Node { name: options.name, store: store.clone(), stopping: stopping.clone() });
        let mut connections = accept(listener, &node, shutdown).await;
        drop(node);

        info!("stopping");
        stopping.cancel();
        followers.shutdown().await;
        let drained = timeout(GRACE, async { while connections.join_next().await.is_some() {} }).await;
        if drained.is_err() {
            warn!(connections = connections.len(), "requests did not end in time");
            connections.shutdown().await;
        }
        store.close(closing).await?;
        info!("stopped");
        Ok(())
    }
}

/// Accepts connections until `shutdown` is done; returns those that are still open.
async fn accept(listener: TcpListener, node: &Arc<Node>, shutdown: impl Future<Output = ()>) -> JoinSet<()> {
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => return connections,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(talk(stream, Arc::clone(node)))),
                Err(error) => {
                    // Out of descriptors, most likely: those of ended connections come back.
                    warn!(error = &error as &dyn std::error::Error, "failed to accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Answers the requests of one connection; after `stopping`, the one that is running.
async fn talk(stream: TcpStream, node: Arc<Node>) {
    let stopping = node.stopping.clone();
    let service = service_fn(move |request| {
        let node = Arc::clone(&node);
        async move { answer(&node, request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(error = &error as &dyn std::error::Error, "connection ended early");
    }
}
