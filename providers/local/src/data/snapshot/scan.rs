//! Refuses to publish private keys, credentials and the like.
//!
//! What is excluded anyway is not looked at. A file is refused for its name, when the configuration
//! took it back, or for what is in it. Finding nothing proves nothing: this is the last net.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use loam_bundle::{
    archive::SECRETS,
    tree::{Entry, Index, Node, Selection},
};
use loam_provider::ProviderError;

use crate::data::{json_file::failed, work};

/// Longer than any mark with what stands around it, so that none is cut in two.
const OVERLAP: usize = 128;
const PIECE: usize = 1 << 20;

/// Checks that no file of the index, which is of `source`, looks like a secret or holds one.
pub(super) async fn refuse_secrets(source: &Path, index: &Index) -> Result<(), ProviderError> {
    let (source, entries) = (source.to_owned(), index.entries.clone());
    work::blocking(move || scan(&source, &entries)).await
}

fn scan(source: &Path, entries: &[Entry]) -> Result<(), ProviderError> {
    let nothing: [&str; 0] = [];
    let named = Selection::new(SECRETS.iter().copied(), nothing)
        .map_err(|error| ProviderError::because("the names of secrets are malformed", error))?;
    let mut buffer = vec![0; PIECE + OVERLAP];
    for entry in entries {
        match &entry.node {
            Node::Directory | Node::Symlink { .. } => continue,
            Node::File { .. } => {}
        }
        if named.selects(&entry.path, false) {
            return Err(found(&entry.path, "its name is that of a node's identity or a secret"));
        }
        let path = source.join(&entry.path);
        if let Some(what) = secret_in(&path, &mut buffer).map_err(|error| failed("read", &path, error))? {
            return Err(found(&entry.path, &format!("it holds {what}")));
        }
    }
    Ok(())
}

fn found(path: &str, because: &str) -> ProviderError {
    ProviderError::failed(format!("`{path}` must not be published: {because}"))
        .hint("Add it to `exclude` in the `archive` block. If it is no secret, write `scan = false` there.")
}

/// Returns what secret is in a file.
fn secret_in(path: &PathBuf, buffer: &mut [u8]) -> io::Result<Option<&'static str>> {
    let mut file = File::open(path)?;
    let mut held = 0;
    loop {
        let count = file.read(&mut buffer[held..])?;
        if count == 0 {
            return Ok(None);
        }
        let filled = held + count;
        if let Some(secret) = secret(&buffer[..filled]) {
            return Ok(Some(secret));
        }
        let kept = filled.min(OVERLAP);
        buffer.copy_within(filled - kept..filled, 0);
        held = kept;
    }
}

/// What starts a secret, what must follow it, and what it is.
struct Mark {
    start: &'static [u8],
    follows: Follows,
    what: &'static str,
}

enum Follows {
    /// At least this many letters, digits, `_` or `-`.
    Word(usize),
    /// This text, on the same line.
    OnLine(&'static [u8]),
    Nothing,
}

const MARKS: &[Mark] = &[
    Mark { start: b"-----BEGIN ", follows: Follows::OnLine(b"PRIVATE KEY"), what: "a private key" },
    Mark { start: b"AGE-SECRET-KEY-1", follows: Follows::Word(32), what: "an age key" },
    Mark { start: b"tendermint/PrivKey", follows: Follows::Nothing, what: "a validator's private key" },
    Mark { start: b"\"kdfparams\"", follows: Follows::Nothing, what: "an encrypted wallet" },
    Mark { start: b"AKIA", follows: Follows::Word(16), what: "an AWS access key" },
    Mark { start: b"aws_secret_access_key", follows: Follows::OnLine(b"="), what: "an AWS secret key" },
    Mark { start: b"ghp_", follows: Follows::Word(36), what: "a GitHub token" },
    Mark { start: b"github_pat_", follows: Follows::Word(36), what: "a GitHub token" },
    Mark { start: b"glpat-", follows: Follows::Word(20), what: "a GitLab token" },
    Mark { start: b"xoxb-", follows: Follows::Word(20), what: "a Slack token" },
    Mark { start: b"xoxp-", follows: Follows::Word(20), what: "a Slack token" },
];

fn secret(bytes: &[u8]) -> Option<&'static str> {
    let holds = |mark: &&Mark| {
        let mut rest = bytes;
        while let Some(at) = position(rest, mark.start) {
            rest = &rest[at + mark.start.len()..];
            let is_there = match mark.follows {
                Follows::Nothing => true,
                Follows::Word(length) => rest.len() >= length && rest[..length].iter().all(|byte| is_word(*byte)),
                Follows::OnLine(text) => {
                    let line = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()).min(64);
                    position(&rest[..line], text).is_some()
                }
            };
            if is_there {
                return true;
            }
        }
        false
    };
    MARKS.iter().find(holds).map(|mark| mark.what)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// Returns where `text`, which is not empty, first stands in `bytes`.
fn position(bytes: &[u8], text: &[u8]) -> Option<usize> {
    let (first, last) = (text[0], bytes.len().checked_sub(text.len())?);
    let mut from = 0;
    while from <= last {
        let at = from + bytes[from..=last].iter().position(|byte| *byte == first)?;
        if bytes[at..].starts_with(text) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn secrets_are_found_wherever_they_stand() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let pem = b"-----BEGIN EC PRIVATE KEY-----";
        let mut buffer = vec![0; PIECE + OVERLAP];
        for at in [0, 1, PIECE - 3, PIECE + OVERLAP - 15, PIECE + OVERLAP, 2 * PIECE + 7] {
            let mut bytes = vec![b'-'; at];
            bytes.extend_from_slice(pem);
            fs::write(&path, &bytes).unwrap();
            assert_eq!(secret_in(&path, &mut buffer).unwrap(), Some("a private key"), "{at}");
        }
    }

    #[test]
    fn what_only_looks_like_one_is_left_alone() {
        for text in ["-----BEGIN CERTIFICATE-----", "AKIA and more", "ghp_short", "-----BEGIN \nPRIVATE KEY"] {
            assert_eq!(secret(text.as_bytes()), None, "{text}");
        }
        assert_eq!(secret(b"id=AKIAABCDEFGHIJKLMNOP"), Some("an AWS access key"));
    }
}
