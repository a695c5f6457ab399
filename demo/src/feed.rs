//! What a node tells its peers: pages of changes.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// The version of one entry. The greater of two stamps wins.
///
/// `counter` is a Lamport clock: a write counts one more than anything its node
/// has seen, so a write that knew of another one beats it. `origin` is the node
/// that wrote, and settles what happened at the same count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    pub counter: i64,
    pub origin: String,
}

/// The present version of one entry. Deleted entries stay, without a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The place in the feed of the node that tells it.
    pub seq: i64,
    pub key: String,
    pub stamp: Stamp,
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub value: Option<Vec<u8>>,
}

/// Part of a change feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Whose feed this is. `seq` has a meaning within one feed alone.
    pub node: String,
    /// The last `seq` of the feed.
    pub head: i64,
    /// In the order of `seq`; a key appears once, at its latest change.
    pub changes: Vec<Change>,
}

fn to_base64<S: Serializer>(value: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
    value.as_ref().map(|bytes| STANDARD.encode(bytes)).serialize(serializer)
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| STANDARD.decode(text).map_err(D::Error::custom)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(value: Option<&[u8]>) -> Change {
        let stamp = Stamp { counter: 7, origin: "n".to_owned() };
        Change { seq: 3, key: "k".to_owned(), stamp, value: value.map(<[u8]>::to_vec) }
    }

    #[test]
    fn changes_survive_the_wire() {
        for value in [None, Some(&b""[..]), Some(&[0, 255, b'"'][..])] {
            let page = Page { node: "n".to_owned(), head: 3, changes: vec![change(value)] };
            let text = serde_json::to_string(&page).expect("a page is plain data");
            assert_eq!(serde_json::from_str::<Page>(&text).ok(), Some(page), "{text}");
        }
    }

    #[test]
    fn counts_come_before_origins() {
        let stamp = |counter, origin: &str| Stamp { counter, origin: origin.to_owned() };
        assert!(stamp(2, "a") > stamp(1, "z"));
        assert!(stamp(1, "b") > stamp(1, "a"));
    }
}
