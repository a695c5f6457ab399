//! The content root: a Merkle tree over entries in byte order of path.
//!
//! A leaf is `sha256(0x00, path, kind, mode, length, sha256 or link target)`, each field with its
//! length before it; an inner node is `sha256(0x01, left, right)`. As in RFC 6962, a level's odd
//! node is carried up, so the root is computed in one pass over the entries.

use sha2::{Digest as _, Sha256};

use super::{Entry, Index, Node};
use crate::digest::{ContentRoot, Digest};

/// Returns the index of `entries`, which are in byte order of path.
pub(crate) fn rooted(entries: Vec<Entry>) -> Index {
    let content_root = content_root(&entries);
    Index { entries, content_root }
}

/// Returns the content root of `entries`, which are in byte order of path.
pub(crate) fn content_root<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> ContentRoot {
    // Complete subtrees, the largest first: how many leaves each has, and its digest.
    let mut subtrees: Vec<(u64, Digest)> = Vec::new();
    for entry in entries {
        let mut subtree = (1, leaf(entry));
        while let Some(&(leaves, left)) = subtrees.last().filter(|(leaves, _)| *leaves == subtree.0) {
            subtrees.pop();
            subtree = (leaves * 2, inner(&left, &subtree.1));
        }
        subtrees.push(subtree);
    }
    let root = subtrees.into_iter().map(|(_, digest)| digest).rev().reduce(|right, left| inner(&left, &right));
    ContentRoot(root.unwrap_or_else(|| Digest::of(b"")))
}

fn leaf(entry: &Entry) -> Digest {
    let mut text = vec![0];
    let mut field = |bytes: &[u8]| {
        text.extend((bytes.len() as u64).to_be_bytes());
        text.extend(bytes);
    };
    field(entry.path.as_bytes());
    match &entry.node {
        Node::Directory => {
            field(b"directory");
            field(&entry.mode.to_be_bytes());
        }
        Node::File { bytes, sha256 } => {
            field(b"file");
            field(&entry.mode.to_be_bytes());
            field(&bytes.to_be_bytes());
            field(sha256.as_bytes());
        }
        Node::Symlink { target } => {
            field(b"symlink");
            field(target.as_bytes());
        }
    }
    Digest::of(&text)
}

fn inner(left: &Digest, right: &Digest) -> Digest {
    let mut sha256 = Sha256::new();
    sha256.update([1]);
    sha256.update(left.as_bytes());
    sha256.update(right.as_bytes());
    Digest::from(sha256)
}
