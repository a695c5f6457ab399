//! The canonical writer: a walked tree becomes pieces of a tar stream.

use std::{collections::HashMap, path::Path};

use super::{BLOCK, pax};
use crate::tree::{
    Modified, TreeError,
    walk::{Seen, Walked, WalkedKind, check_link},
};

/// A piece of a stream; all pieces in order are the stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// Headers, or the end of the stream.
    Bytes(Vec<u8>),
    /// The content of a file and [`padding`] after it; only of files that have content.
    Content(&'a Walked),
    /// No bytes: the file is a hard link to the other, which came before.
    Linked { file: &'a Walked, original: &'a Walked },
}

/// Returns how many zeros follow a content of `bytes` bytes.
pub(crate) fn padding(bytes: u64) -> usize {
    (bytes.wrapping_neg() % BLOCK as u64) as usize
}

/// Returns the stream of the tree at `directory`, whose entries are in byte order of path.
///
/// # Errors
/// When a link leads out of the tree: the stream would not be extracted.
pub(crate) fn pieces<'a>(directory: &Path, top: Seen, walked: &'a [Walked]) -> Result<Vec<Piece<'a>>, TreeError> {
    let mut pieces = vec![Piece::Bytes(header(&Header {
        path: "./",
        mode: top.mode,
        modified: top.modified,
        kind: b'5',
        bytes: 0,
        link: "",
    }))];
    let mut originals: HashMap<(u64, u64), &Walked> = HashMap::new();
    for entry in walked {
        let Seen { mode, modified, bytes, device, inode, links, .. } = entry.seen;
        let path = format!("./{}", entry.path);
        match &entry.kind {
            WalkedKind::Directory => {
                let path = format!("{path}/");
                push(&mut pieces, &Header { path: &path, mode, modified, kind: b'5', bytes: 0, link: "" });
            }
            WalkedKind::Symlink { target } => {
                if check_link(&entry.path, target).is_err() {
                    let path = directory.join(&entry.path);
                    return Err(TreeError::LinkLeadsOut { path, target: target.clone() });
                }
                push(&mut pieces, &Header { path: &path, mode: 0o777, modified, kind: b'2', bytes: 0, link: target });
            }
            WalkedKind::File => {
                let original = if links > 1 { *originals.entry((device, inode)).or_insert(entry) } else { entry };
                if original.path == entry.path {
                    push(&mut pieces, &Header { path: &path, mode, modified, kind: b'0', bytes, link: "" });
                    if bytes > 0 {
                        pieces.push(Piece::Content(entry));
                    }
                } else {
                    let link = format!("./{}", original.path);
                    push(&mut pieces, &Header { path: &path, mode, modified, kind: b'1', bytes: 0, link: &link });
                    pieces.push(Piece::Linked { file: entry, original });
                }
            }
        }
    }
    pieces.push(Piece::Bytes(vec![0; 2 * BLOCK]));
    Ok(pieces)
}

fn push(pieces: &mut Vec<Piece<'_>>, fields: &Header<'_>) {
    pieces.push(Piece::Bytes(header(fields)));
}

struct Header<'a> {
    path: &'a str,
    mode: u32,
    modified: Modified,
    kind: u8,
    bytes: u64,
    link: &'a str,
}

/// Most bytes of a size in octal digits.
const MAX_OCTAL: u64 = 0o777_7777_7777;

/// Returns a header, with a PAX header before it if a field does not fit.
fn header(fields: &Header<'_>) -> Vec<u8> {
    let fits = |text: &str| text.len() <= 100 && text.is_ascii();
    let mut records = Vec::new();
    let seconds = u64::try_from(fields.modified.seconds).ok().filter(|seconds| *seconds <= MAX_OCTAL);
    if !fits(fields.link) {
        pax::push(&mut records, "linkpath", fields.link);
    }
    if seconds.is_none() || fields.modified.nanoseconds != 0 {
        pax::push(&mut records, "mtime", &pax::time(fields.modified));
    }
    if !fits(fields.path) {
        pax::push(&mut records, "path", fields.path);
    }
    if fields.bytes > MAX_OCTAL {
        pax::push(&mut records, "size", &fields.bytes.to_string());
    }
    let mut bytes = Vec::new();
    if !records.is_empty() {
        bytes.extend(block("./PaxHeaders/loam", 0o644, records.len() as u64, 0, b'x', ""));
        let zeros = padding(records.len() as u64);
        bytes.append(&mut records);
        bytes.resize(bytes.len() + zeros, 0);
    }
    let size = if fields.bytes > MAX_OCTAL { 0 } else { fields.bytes };
    bytes.extend(block(fields.path, fields.mode, size, seconds.unwrap_or(0), fields.kind, fields.link));
    bytes
}

/// Returns one ustar header block; names that do not fit are cut, as PAX has them in full.
fn block(path: &str, mode: u32, bytes: u64, seconds: u64, kind: u8, link: &str) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut text = |at: usize, length: usize, text: &[u8]| {
        let length = length.min(text.len());
        block[at..at + length].copy_from_slice(&text[..length]);
    };
    text(0, 100, ascii(path).as_bytes());
    text(100, 8, format!("{mode:07o}").as_bytes());
    text(108, 8, b"0000000");
    text(116, 8, b"0000000");
    text(124, 12, format!("{bytes:011o}").as_bytes());
    text(136, 12, format!("{seconds:011o}").as_bytes());
    text(148, 8, b"        ");
    text(156, 1, &[kind]);
    text(157, 100, ascii(link).as_bytes());
    text(257, 8, b"ustar\x0000");
    text(329, 8, b"0000000");
    text(337, 8, b"0000000");
    let sum: u32 = block.iter().copied().map(u32::from).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

fn ascii(text: &str) -> String {
    text.chars().map(|char| if char.is_ascii() { char } else { '_' }).collect()
}
