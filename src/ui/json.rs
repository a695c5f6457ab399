//! JSON lines: one object per line, its `type` first.

use std::io::{self, Write};

use serde::Serialize;

/// Writes one value on a line of its own.
pub(super) fn line(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
