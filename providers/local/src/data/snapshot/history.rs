//! Earlier snapshots, and which of them are kept.

use loam_provider::{Type, Value};
use serde::Deserialize;

use super::spec::Spec;
use crate::data::archives::Stored;

/// An archive of an earlier snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Row")]
pub(super) struct Earlier {
    pub(super) stored: Stored,
    created_at: String,
}

#[derive(Deserialize)]
struct Row {
    bucket: String,
    key: String,
    created_at: String,
}

impl From<Row> for Earlier {
    fn from(Row { bucket, key, created_at }: Row) -> Self {
        Self { stored: Stored { bucket, key }, created_at }
    }
}

impl Earlier {
    pub(super) fn list(earlier: &[Self]) -> Value {
        let ty = Type::object(["url", "bucket", "key", "created_at"].map(|name| (name, Type::String)));
        let item = |Self { stored, created_at }: &Self| {
            Value::object([
                ("url", Value::from(stored.url())),
                ("bucket", Value::from(stored.bucket.as_str())),
                ("key", Value::from(stored.key.as_str())),
                ("created_at", Value::from(created_at.as_str())),
            ])
        };
        Value::list(ty, earlier.iter().map(item))
    }
}

/// Returns every archive there is when the next snapshot is made, the newest first.
pub(super) fn earlier(before: &Spec) -> Vec<Earlier> {
    let created_at = before.created_at.clone().unwrap_or_default();
    let newest = before.archives.iter().filter_map(|copy| copy.stored(before));
    let newest = newest.map(|stored| Earlier { stored, created_at: created_at.clone() });
    newest.chain(before.previous.iter().cloned()).collect()
}

/// Returns the archives of the newest snapshots, of which `newer` stand before these.
pub(super) fn kept(earlier: Vec<Earlier>, last: Option<u64>, newer: u64) -> Vec<Earlier> {
    let Some(last) = last else { return earlier };
    let mut times: Vec<String> = Vec::new();
    earlier
        .into_iter()
        .filter(|earlier| {
            if times.last() != Some(&earlier.created_at) {
                times.push(earlier.created_at.clone());
            }
            times.len() as u64 + newer <= last
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_are_kept_whole_and_the_newest_is_counted() {
        let archive = |key: &str, time: &str| {
            Earlier::from(Row { bucket: "file:///b".into(), key: key.into(), created_at: time.into() })
        };
        let all = vec![archive("d", "3"), archive("c", "3"), archive("b", "2"), archive("a", "1")];
        let keys = |last| -> Vec<String> {
            kept(all.clone(), last, 1).into_iter().map(|earlier| earlier.stored.key).collect()
        };
        assert_eq!(keys(None), ["d", "c", "b", "a"]);
        assert_eq!(keys(Some(3)), ["d", "c", "b"]);
        assert_eq!(keys(Some(2)), ["d", "c"]);
        assert!(keys(Some(1)).is_empty());
    }
}
