//! Tar streams: the canonical writer and a reader that trusts nothing.
//!
//! Knows blocks and headers, but neither files nor compression. A canonical stream (`loam-tar/1`)
//! is POSIX pax, sorted by byte order of path beneath one `./`, with uid and gid 0 and no names,
//! so that the same tree gives the same bytes.

mod pax;
mod read;
mod write;

pub(crate) use self::{
    read::{Member, MemberKind, Reader, TarError},
    write::{Piece, padding, pieces},
};

/// The rules of canonical streams.
pub(crate) const CANONICAL: &str = "loam-tar/1";

const BLOCK: usize = 512;

#[cfg(test)]
mod tests;
