//! What a process printed: its last lines, and signs of failure in what is new.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// How many lines an error shows.
const SHOWN_LINES: usize = 20;
/// How much of a log's end is looked at for them.
const SHOWN_BYTES: u64 = 16 << 10;
/// The longest line that is looked at whole for a sign of failure.
const LINE_BYTES: usize = 64 << 10;

/// Reads what is appended to a log.
#[derive(Debug)]
pub(crate) struct Follow {
    path: PathBuf,
    from: u64,
    at: u64,
    line: Vec<u8>,
}

impl Follow {
    /// Follows a log from its present end.
    pub(crate) fn from_end(path: PathBuf) -> Self {
        let from = path.metadata().map_or(0, |metadata| metadata.len());
        Self { path, from, at: from, line: Vec::new() }
    }

    /// Returns whether a line that was appended since the last call matches a pattern.
    pub(crate) fn says(&mut self, pattern: &str) -> bool {
        let Ok(mut file) = File::open(&self.path) else { return false };
        let mut text = Vec::new();
        if file.seek(SeekFrom::Start(self.at)).is_err() {
            return false;
        }
        self.at += file.take(SHOWN_BYTES * 64).read_to_end(&mut text).unwrap_or(0) as u64;
        for part in text.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if matches(&String::from_utf8_lossy(&self.line), pattern) {
                return true;
            }
            if part.ends_with(b"\n") || self.line.len() > LINE_BYTES {
                self.line.clear();
            }
        }
        false
    }

    /// Returns the last lines that were appended.
    pub(crate) fn tail(&self) -> Vec<String> {
        tail(&self.path, self.from)
    }
}

/// Returns the last lines of a log after a position.
pub(crate) fn tail(path: &Path, from: u64) -> Vec<String> {
    let Ok(mut file) = File::open(path) else { return Vec::new() };
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    let start = from.max(length.saturating_sub(SHOWN_BYTES));
    let mut text = Vec::new();
    if file.seek(SeekFrom::Start(start)).is_err() || file.take(SHOWN_BYTES).read_to_end(&mut text).is_err() {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(SHOWN_LINES)..].iter().map(|line| printable(line)).collect()
}

/// Returns a line without what would move a terminal's cursor.
fn printable(line: &str) -> String {
    line.chars().filter(|char| !char.is_control() || *char == '\t').collect()
}

/// Returns whether the parts of a pattern, between its `*`, stand in a line in this order.
fn matches(line: &str, pattern: &str) -> bool {
    let mut rest = line;
    pattern.split('*').all(|part| match rest.find(part) {
        Some(start) => {
            rest = &rest[start + part.len()..];
            true
        }
        None => false,
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn patterns_are_text_with_stars() {
        let table = [("FATAL", true), ("bad*genesis", true), ("genesis*bad", false), ("fatal", false)];
        for (pattern, expected) in table {
            assert_eq!(matches("12:00 FATAL bad hash of genesis", pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn a_sign_is_found_once_and_only_in_what_is_new() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, "FATAL of an earlier run\n").unwrap();
        let mut follow = Follow::from_end(path.clone());
        assert!(!follow.says("FATAL"));
        let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"now FA").unwrap();
        assert!(!follow.says("FATAL"));
        file.write_all(b"TAL\nend\n").unwrap();
        assert!(follow.says("FATAL"));
        assert_eq!(follow.tail(), ["now FATAL", "end"]);
    }
}
