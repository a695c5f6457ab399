//! Modules that are fetched.

use std::io::{self, Write};

use serde::Serialize;

use super::{json::line, text::clean};
use crate::modules::{Entry, Status};

/// So many digits of a commit are shown.
const DIGITS: usize = 12;

/// Writes a module, and what became of it.
///
/// # Errors
/// Those of the writer.
pub fn module(out: &mut dyn Write, entry: &Entry, status: &Status) -> io::Result<()> {
    let short = |commit: &str| commit.get(..DIGITS).unwrap_or(commit).to_owned();
    let now = entry.commit.as_deref().map(short);
    let commit = now.map(|commit| format!(" at {commit}")).unwrap_or_default();
    let status = match status {
        Status::Present => "was there".to_owned(),
        Status::Fetched => "fetched".to_owned(),
        Status::Moved { from } => format!("moved from {}", short(from)),
    };
    writeln!(out, "{}: {}{commit} ({status})", clean(&entry.address), clean(&entry.source))
}

/// Writes the same as JSON on one line: `schemas/about.json`.
///
/// # Errors
/// Those of the writer.
pub fn module_json(out: &mut dyn Write, entry: &Entry, status: &Status) -> io::Result<()> {
    #[derive(Serialize)]
    struct Line<'a> {
        r#type: &'static str,
        address: &'a str,
        source: &'a str,
        directory: &'a str,
        commit: Option<&'a str>,
        sha256: Option<&'a str>,
        status: &'static str,
        from: Option<&'a str>,
    }
    let Entry { address, source, directory, commit, sha256 } = entry;
    let (status, from) = match status {
        Status::Present => ("present", None),
        Status::Fetched => ("fetched", None),
        Status::Moved { from } => ("moved", Some(from.as_str())),
    };
    let (commit, sha256) = (commit.as_deref(), sha256.as_deref());
    line(out, &Line { r#type: "module", address, source, directory, commit, sha256, status, from })
}
