//! Nodes that follow each other, stop, come back and are copied.

use std::{fs, net::SocketAddr, path::Path};

use loam_demo::{DATABASE_FILE, NODE_ID_FILE, Options, fill};

use crate::node::{Node, converged, options, until};

fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn copy(from: &Path, to: &Path, names: &[&str]) {
    for name in names {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
}

/// Three nodes that all follow all, themselves included.
async fn three(dirs: &[tempfile::TempDir; 3]) -> [Node; 3] {
    // Ports have to be known before anyone listens. These are free, having just been given, and
    // stay so on an address that no other test uses.
    let probes = [(); 3].map(|()| std::net::TcpListener::bind("127.0.83.1:0").unwrap());
    let addresses = probes.map(|probe| probe.local_addr().unwrap());
    let start = |index: usize| {
        let at = |listen: SocketAddr, options: Options| Options { listen, ..options };
        Node::run(at(addresses[index], options(&format!("node-{index}"), dirs[index].path(), &addresses)))
    };
    [start(0).await, start(1).await, start(2).await]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_writes_and_deletes_converge() {
    let dirs = [scratch(), scratch(), scratch()];
    for dir in &dirs {
        fill(dir.path(), [("seeded", "by all alike"), ("doomed", "soon")]).unwrap();
    }
    let nodes = three(&dirs).await;
    let write = |index: usize| {
        let node = &nodes[index];
        async move {
            for round in 0..10 {
                node.put("contended", &format!("{round} of {index}")).await;
                node.put(&format!("own/{index}/{round}"), "1").await;
            }
            if index == 1 {
                node.delete("doomed").await;
            }
        }
    };
    tokio::join!(write(0), write(1), write(2));
    let [zero, one, two] = &nodes;
    until(zero, || async { zero.json("/count").await == 32 && zero.get("doomed").await.is_none() }).await;
    converged(&[zero, one, two]).await;
    assert_eq!(zero.json("/count").await, 32, "30 own keys, the contended one, the seeded one");
    assert_eq!(two.get("doomed").await, None);
    assert_eq!(one.get("seeded").await.as_deref(), Some("by all alike"));
    let winner = zero.get("contended").await.unwrap();
    assert!(winner.starts_with("9 of "), "no node's last write loses to an earlier one: {winner}");
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test]
async fn changes_travel_through_nodes_in_between() {
    let dirs = [scratch(), scratch(), scratch()];
    let first = Node::start(dirs[0].path(), &[]).await;
    let middle = Node::start(dirs[1].path(), &[first.address]).await;
    let last = Node::start(dirs[2].path(), &[middle.address]).await;
    first.put("a", "1").await;
    until(&last, || async { last.get("a").await.as_deref() == Some("1") }).await;
    first.delete("a").await;
    until(&last, || async { last.get("a").await.is_none() }).await;
    assert_eq!(last.content().await, first.content().await);
}

#[tokio::test]
async fn a_node_that_was_down_catches_up() {
    let dirs = [scratch(), scratch()];
    let first = Node::start(dirs[0].path(), &[]).await;
    let second = Node::start(dirs[1].path(), &[first.address]).await;
    first.put("a", "1").await;
    first.put("b", "1").await;
    converged(&[&first, &second]).await;
    let id = second.id.clone();
    second.stop().await;

    first.put("a", "2").await;
    first.delete("b").await;
    let second = Node::start(dirs[1].path(), &[first.address]).await;
    assert_eq!(second.id, id, "a restart is no new node");
    converged(&[&first, &second]).await;
    assert_eq!((second.get("a").await.as_deref(), second.get("b").await), (Some("2"), None));
}

#[tokio::test]
async fn a_copied_database_is_another_node_and_converges() {
    let dirs = [scratch(), scratch(), scratch()];
    let original = Node::start(dirs[0].path(), &[]).await;
    original.put("a", "before the copy").await;
    let id = original.id.clone();
    original.stop().await;
    let left: Vec<_> = fs::read_dir(dirs[0].path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "a stopped node leaves its database and its id: {left:?}");

    copy(dirs[0].path(), dirs[1].path(), &[DATABASE_FILE]);
    copy(dirs[0].path(), dirs[2].path(), &[DATABASE_FILE, NODE_ID_FILE]);
    let original = Node::start(dirs[0].path(), &[]).await;
    let copied = Node::start(dirs[1].path(), &[original.address]).await;
    let whole = Node::start(dirs[2].path(), &[original.address, copied.address]).await;
    assert_eq!(original.id, id);
    assert_ne!(copied.id, id);
    assert_ne!(whole.id, id);
    assert_ne!(whole.id, copied.id);
    assert_eq!(copied.get("a").await.as_deref(), Some("before the copy"));

    original.put("b", "original").await;
    copied.put("c", "copy").await;
    until(&whole, || async { whole.json("/count").await == 3 }).await;
    assert_eq!(whole.get("b").await.as_deref(), Some("original"));
    assert_eq!(whole.get("c").await.as_deref(), Some("copy"));
}

#[tokio::test]
async fn a_peer_seeded_anew_is_read_from_its_start() {
    let dirs = [scratch(), scratch(), scratch()];
    let peer = Node::start(dirs[0].path(), &[]).await;
    let address = peer.address;
    for round in 0..5 {
        peer.put("old", &round.to_string()).await;
    }
    let follower = Node::start(dirs[1].path(), &[address]).await;
    until(&follower, || async { follower.get("old").await.as_deref() == Some("4") }).await;
    peer.stop().await;

    // Another database at the same address, whose feed is shorter than the follower's cursor.
    let peer = Node::run(Options { listen: address, ..options("peer", dirs[2].path(), &[]) }).await;
    peer.put("new", "1").await;
    until(&follower, || async { follower.get("new").await.is_some() }).await;
    assert_eq!(follower.get("old").await.as_deref(), Some("4"), "what is known is not forgotten");
}

#[tokio::test]
async fn a_feed_that_was_set_back_is_read_from_its_start() {
    let dirs = [scratch(), scratch(), scratch()];
    fill(dirs[2].path(), [("old", "seeded")]).unwrap();
    let peer = Node::start(dirs[0].path(), &[]).await;
    let (address, id) = (peer.address, peer.id.clone());
    for round in 0..5 {
        peer.put("old", &round.to_string()).await;
    }
    let follower = Node::start(dirs[1].path(), &[address]).await;
    until(&follower, || async { follower.get("old").await.as_deref() == Some("4") }).await;
    peer.stop().await;

    // Written into the same file, so that the peer stays who it was.
    copy(dirs[2].path(), dirs[0].path(), &[DATABASE_FILE]);
    let peer = Node::run(Options { listen: address, ..options("peer", dirs[0].path(), &[follower.address]) }).await;
    assert_eq!(peer.id, id);
    peer.put("new", "1").await;
    until(&follower, || async { follower.get("new").await.is_some() }).await;
    converged(&[&peer, &follower]).await;
    assert_eq!(peer.get("old").await.as_deref(), Some("4"), "what a peer knows comes back");
}

#[tokio::test]
async fn answered_writes_survive_a_kill() {
    let (dir, found) = (scratch(), scratch());
    let node = Node::start(dir.path(), &[]).await;
    node.put("a", "1").await;
    node.put("b", "1").await;
    node.delete("b").await;
    // The files of a running node are what a kill would leave.
    copy(dir.path(), found.path(), &[DATABASE_FILE, &format!("{DATABASE_FILE}-wal")]);
    node.put("a", "after the kill").await;
    let again = Node::start(found.path(), &[]).await;
    assert_eq!((again.get("a").await.as_deref(), again.get("b").await), (Some("1"), None));
}

#[tokio::test]
async fn a_long_poll_does_not_hold_up_a_stop() {
    let dirs = [scratch(), scratch()];
    let node = Node::start(dirs[0].path(), &[]).await;
    let follower = Node::start(dirs[1].path(), &[node.address]).await;
    node.put("a", "1").await;
    converged(&[&node, &follower]).await;
    let stopped = tokio::time::timeout(std::time::Duration::from_secs(2), node.stop()).await;
    assert!(stopped.is_ok(), "the follower's request was held on");
    assert_eq!(follower.get("a").await.as_deref(), Some("1"), "a follower lives on without its peer");
}
