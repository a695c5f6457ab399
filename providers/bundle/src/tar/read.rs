//! A strict reader of tar streams.
//!
//! Understands ustar, pax and the long names of GNU tar. Whatever two readers might understand
//! differently is an error: wrong checksums, sizes that disagree, sizes of what has no content,
//! keywords twice, sparse files, bytes after the end.

use std::io::{self, Read};

use super::{BLOCK, pax};
use crate::{extract::Limits, tree::Modified};

/// An entry, before anybody decided whether it may be extracted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    /// Without a leading `./` and a trailing `/`; empty for the top.
    pub(crate) path: String,
    pub(crate) mode: u32,
    pub(crate) modified: Modified,
    pub(crate) kind: MemberKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MemberKind {
    Directory,
    File { bytes: u64 },
    Symlink { target: String },
    HardLink { target: String },
}

/// Why a stream is not read on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TarError {
    #[error("the stream cannot be read")]
    Read(#[source] io::Error),
    #[error("{0}")]
    Malformed(String),
    #[error("`{entry}`: {because}")]
    Refused { entry: String, because: &'static str },
    #[error("more than {limit} {what}")]
    TooLarge { what: &'static str, limit: u64 },
}

/// Reads entries one after another.
#[derive(Debug)]
pub(crate) struct Reader<R> {
    input: R,
    limits: Limits,
    entries: u64,
    /// Bytes of the current content that were not read yet, and zeros after it.
    content: u64,
    padding: u64,
}

/// What came before an entry's header and overrides its fields.
#[derive(Debug, Default)]
struct Overrides {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    modified: Option<Modified>,
    has_pax: bool,
}

impl<R: Read> Reader<R> {
    pub(crate) fn new(input: R, limits: Limits) -> Self {
        Self { input, limits, entries: 0, content: 0, padding: 0 }
    }

    /// Returns the next entry; `None` after the last, when nothing but zeros followed.
    pub(crate) fn next(&mut self) -> Result<Option<Member>, TarError> {
        self.skip_content()?;
        let mut overrides = Overrides::default();
        loop {
            let Some(block) = self.block()? else {
                return Err(malformed("it ends without an end mark: it was cut off"));
            };
            if block.iter().all(|&byte| byte == 0) {
                if overrides.has_pax || overrides.path.is_some() || overrides.link.is_some() {
                    return Err(malformed("an extended header is not followed by an entry"));
                }
                return self.end().map(|()| None);
            }
            check_header(&block)?;
            let size = number(&block[124..136]).ok_or_else(|| malformed("a header has no valid size"))?;
            match block[156] {
                b'x' => {
                    if std::mem::replace(&mut overrides.has_pax, true) {
                        return Err(malformed("an entry has two PAX headers"));
                    }
                    let records = self.extension(size)?;
                    overrides.apply(&records)?;
                }
                b'g' => check_global(&self.extension(size)?)?,
                b'L' => set_once(&mut overrides.path, self.long_name(size)?, "name")?,
                b'K' => set_once(&mut overrides.link, self.long_name(size)?, "link target")?,
                kind => return self.member(&block, kind, size, overrides).map(Some),
            }
        }
    }

    /// Fills `buffer` from the current file's content; 0 at its end.
    pub(crate) fn content(&mut self, buffer: &mut [u8]) -> Result<usize, TarError> {
        let wanted = buffer.len().min(usize::try_from(self.content).unwrap_or(usize::MAX));
        self.exact(&mut buffer[..wanted])?;
        self.content -= wanted as u64;
        Ok(wanted)
    }

    fn member(&mut self, block: &[u8], kind: u8, size: u64, overrides: Overrides) -> Result<Member, TarError> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(TarError::TooLarge { what: "entries", limit: self.limits.entries });
        }
        let raw = overrides.path.unwrap_or_else(|| name(block));
        let shown = String::from_utf8_lossy(&raw).into_owned();
        let refused = |because| TarError::Refused { entry: shown.clone(), because };
        let path = String::from_utf8(raw).map_err(|_| refused("its name is not UTF-8"))?;
        let size = match overrides.size {
            None => size,
            // A size that does not fit into the header leaves 0, or the most that fits, there.
            Some(pax) if pax == size || pax > 0o777_7777_7777 && matches!(size, 0 | 0o777_7777_7777) => pax,
            Some(_) => return Err(refused("its two sizes disagree")),
        };
        let link = overrides.link.unwrap_or_else(|| until_nul(&block[157..257]).to_vec());
        let link = || String::from_utf8(link).map_err(|_| refused("its link target is not UTF-8"));
        let is_folder_name = path.ends_with('/');
        let kind = match kind {
            b'0' | 0 if is_folder_name => return Err(refused("it is a file with the name of a directory")),
            b'0' | 0 => MemberKind::File { bytes: size },
            b'5' => MemberKind::Directory,
            b'2' => MemberKind::Symlink { target: link()? },
            b'1' => MemberKind::HardLink { target: relative(&link()?).to_owned() },
            b'3' | b'4' => return Err(refused("it is a device")),
            b'6' => return Err(refused("it is a FIFO")),
            b'S' => return Err(refused("it is a sparse file in the old GNU format")),
            _ => return Err(refused("its type is unknown")),
        };
        let has_content = matches!(kind, MemberKind::File { .. });
        if !has_content && size != 0 {
            return Err(refused("it has content, but is no file"));
        }
        let mode = number(&block[100..108]).and_then(|mode| u32::try_from(mode).ok());
        let mode = mode.ok_or_else(|| refused("its mode is no number"))? & 0o777;
        let modified = match overrides.modified {
            Some(modified) => modified,
            None => Modified {
                seconds: seconds(&block[136..148]).ok_or_else(|| refused("its time is no number"))?,
                nanoseconds: 0,
            },
        };
        self.content = size;
        self.padding = super::padding(size) as u64;
        Ok(Member { path: relative(&path).to_owned(), mode, modified, kind })
    }

    fn skip_content(&mut self) -> Result<(), TarError> {
        let mut buffer = [0; 4 * BLOCK];
        while self.content > 0 {
            self.content(&mut buffer)?;
        }
        let padding = std::mem::take(&mut self.padding) as usize;
        self.exact(&mut buffer[..padding])
    }

    /// Reads the content of an extended header.
    fn extension(&mut self, size: u64) -> Result<Vec<u8>, TarError> {
        if size > self.limits.pax_bytes {
            return Err(TarError::TooLarge { what: "bytes in one extended header", limit: self.limits.pax_bytes });
        }
        let mut content = vec![0; size as usize];
        self.exact(&mut content)?;
        self.exact(&mut vec![0; super::padding(size)])?;
        Ok(content)
    }

    fn long_name(&mut self, size: u64) -> Result<Vec<u8>, TarError> {
        let content = self.extension(size)?;
        let (name, nuls) = content.split_at(until_nul(&content).len());
        if name.is_empty() || nuls.iter().any(|&byte| byte != 0) {
            return Err(malformed("a long name is empty, or goes on after its end"));
        }
        Ok(name.to_vec())
    }

    /// Reads the second end mark and what follows, which must be zeros.
    fn end(&mut self) -> Result<(), TarError> {
        let Some(second) = self.block()? else {
            return Err(malformed("it ends within its end mark: it was cut off"));
        };
        let mut is_zero = second.iter().all(|&byte| byte == 0);
        let mut buffer = [0; 8 * BLOCK];
        while is_zero {
            let count = self.input.read(&mut buffer).map_err(TarError::Read)?;
            if count == 0 {
                return Ok(());
            }
            is_zero = buffer[..count].iter().all(|&byte| byte == 0);
        }
        Err(malformed("something follows its end mark"))
    }

    /// Reads one block; `None` where the stream ends.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, TarError> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            match self.input.read(&mut block[filled..]) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(malformed("it ends within a block: it was cut off")),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(TarError::Read(error)),
            }
        }
        Ok(Some(block))
    }

    fn exact(&mut self, buffer: &mut [u8]) -> Result<(), TarError> {
        self.input.read_exact(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => malformed("it ends within an entry: it was cut off"),
            _ => TarError::Read(error),
        })
    }
}

impl Overrides {
    fn apply(&mut self, records: &[u8]) -> Result<(), TarError> {
        for (key, value) in pax::parse(records).map_err(malformed)? {
            let text = std::str::from_utf8(value).ok();
            match key {
                "path" => set_once(&mut self.path, no_nul(value)?, "name")?,
                "linkpath" => set_once(&mut self.link, no_nul(value)?, "link target")?,
                "size" => {
                    let size = text.filter(|text| pax::is_decimal(text)).and_then(|text| text.parse().ok());
                    self.size = Some(size.ok_or_else(|| malformed("a PAX size is no number"))?);
                }
                "mtime" => {
                    let modified = text.and_then(pax::parse_time);
                    self.modified = Some(modified.ok_or_else(|| malformed("a PAX time is no number"))?);
                }
                "hdrcharset" => return Err(malformed("a PAX header changes the character set")),
                _ if key.starts_with("GNU.sparse.") => return Err(malformed("it holds a sparse file")),
                // Owners, other times, extended attributes: none of them is honoured.
                _ => {}
            }
        }
        Ok(())
    }
}

/// Checks a global header, which must not say anything of entries.
fn check_global(records: &[u8]) -> Result<(), TarError> {
    for (key, _) in pax::parse(records).map_err(malformed)? {
        if matches!(key, "path" | "linkpath" | "size" | "hdrcharset") || key.starts_with("GNU.") {
            return Err(malformed("a global header changes names or sizes"));
        }
    }
    Ok(())
}

fn check_header(block: &[u8; BLOCK]) -> Result<(), TarError> {
    let sum: u32 = block[..148].iter().chain(&block[156..]).map(|&byte| u32::from(byte)).sum::<u32>() + 8 * 32;
    if number(&block[148..156]) != Some(u64::from(sum)) {
        return Err(malformed("a header's checksum is wrong"));
    }
    match &block[257..265] {
        b"ustar\x0000" | b"ustar  \0" => Ok(()),
        _ => Err(malformed("a header is neither ustar nor GNU")),
    }
}

fn malformed(because: impl Into<String>) -> TarError {
    TarError::Malformed(because.into())
}

fn set_once(field: &mut Option<Vec<u8>>, value: Vec<u8>, what: &str) -> Result<(), TarError> {
    match field.replace(value) {
        None => Ok(()),
        Some(_) => Err(malformed(format!("an entry has two overrides of its {what}"))),
    }
}

fn no_nul(value: &[u8]) -> Result<Vec<u8>, TarError> {
    if value.is_empty() || value.contains(&0) {
        return Err(malformed("a PAX name is empty or has a NUL in it"));
    }
    Ok(value.to_vec())
}

fn until_nul(field: &[u8]) -> &[u8] {
    &field[..field.iter().position(|&byte| byte == 0).unwrap_or(field.len())]
}

/// Returns the name in a header; GNU headers use the field of the prefix otherwise.
fn name(block: &[u8]) -> Vec<u8> {
    let name = until_nul(&block[..100]);
    let prefix = until_nul(&block[345..500]);
    if &block[257..263] == b"ustar\0" && !prefix.is_empty() { [prefix, b"/", name].concat() } else { name.to_vec() }
}

/// Returns a path as archives write it, relative to the top and without a trailing slash.
fn relative(path: &str) -> &str {
    let path = path.strip_suffix('/').unwrap_or(path);
    if path == "." { "" } else { path.strip_prefix("./").unwrap_or(path) }
}

/// Reads an octal field, or a positive number in GNU's binary form.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        if field[0] != 0x80 {
            return None;
        }
        return field[1..]
            .iter()
            .try_fold(0_u64, |number, &byte| (number >> 56 == 0).then(|| number << 8 | u64::from(byte)));
    }
    let text = std::str::from_utf8(field).ok()?;
    let text = text.trim_matches(|char| char == ' ' || char == '\0');
    if text.is_empty() {
        return Some(0);
    }
    if text.bytes().all(|byte| (b'0'..=b'7').contains(&byte)) { u64::from_str_radix(text, 8).ok() } else { None }
}

/// Reads a time, which in GNU's binary form may lie before 1970.
fn seconds(field: &[u8]) -> Option<i64> {
    if field[0] == 0xff {
        let (high, low) = field.split_at(field.len() - 8);
        let bytes: [u8; 8] = low.try_into().ok()?;
        return high.iter().all(|&byte| byte == 0xff).then(|| i64::from_be_bytes(bytes)).filter(|seconds| *seconds < 0);
    }
    i64::try_from(number(field)?).ok()
}
