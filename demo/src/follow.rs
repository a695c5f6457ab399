//! Following one peer: read its feed, apply it, go on where it ended.

use std::time::Duration;

use tokio::time::sleep;
use tracing::{info, warn};

use crate::{
    error::DemoError,
    peer::{AskError, Peer},
    store::Store,
};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error(transparent)]
    Peer(#[from] AskError),
    #[error(transparent)]
    Own(#[from] DemoError),
}

/// Which feed is read, and how far.
struct Place {
    node: String,
    cursor: i64,
}

/// Follows `peer` until dropped, or until it turns out to be this node itself.
///
/// A peer that cannot be reached is asked again after a pause that grows to two seconds;
/// it is logged when it goes and when it comes, not at every attempt.
pub(crate) async fn follow(peer: Peer, store: Store) {
    let mut place = None;
    let mut pause = FIRST_PAUSE;
    loop {
        match step(&peer, &store, place.take()).await {
            Ok(Some(next)) => {
                pause = FIRST_PAUSE;
                place = Some(next);
            }
            Ok(None) => {
                info!(%peer, "peer is this node itself, not followed");
                return;
            }
            Err(error) => {
                if pause == FIRST_PAUSE {
                    warn!(%peer, error = &error as &dyn std::error::Error, "failed to follow, trying again");
                }
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Takes one page, or finds the place when there is none. Returns none for this node itself.
///
/// A place is good for one feed. A peer that answers as another node was seeded anew and
/// is read from where that feed was left; a feed shorter than the cursor was set back and
/// is read again from its start.
async fn step(peer: &Peer, store: &Store, place: Option<Place>) -> Result<Option<Place>, FollowError> {
    let Some(Place { node, cursor }) = place else {
        let head = peer.head().await?;
        return find(peer, store, head.node).await;
    };
    let page = peer.changes(cursor).await?;
    if page.node != node {
        return find(peer, store, page.node).await;
    }
    if page.head < cursor {
        return Ok(Some(Place { node, cursor: 0 }));
    }
    let cursor = page.changes.last().map_or(cursor, |change| change.seq);
    store.call(|database| database.apply(page)).await?;
    Ok(Some(Place { node, cursor }))
}

async fn find(peer: &Peer, store: &Store, node: String) -> Result<Option<Place>, FollowError> {
    if node == store.node() {
        return Ok(None);
    }
    let name = node.clone();
    let cursor = store.call(move |database| database.cursor(&name)).await?;
    info!(%peer, node, after = cursor, "following");
    Ok(Some(Place { node, cursor }))
}
