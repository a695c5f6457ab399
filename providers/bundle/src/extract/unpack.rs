//! What of a tar stream is extracted, and in which order.
//!
//! [`unpack`] checks every entry and tells a [`Sink`] what to make of it. Symbolic links are made
//! last, so that nothing can be written through one; modes and times of directories at the very end.

use std::{
    collections::BTreeMap,
    io::{self, Read},
};

use super::Limits;
use crate::{
    digest::Hashing,
    tar::{Member, MemberKind, Reader, TarError},
    tree::{
        Entry, Index, Modified, Node, rooted,
        walk::{check_link, check_path},
    },
};

/// Receives what an archive holds; paths are checked, and folders come before what is in them.
pub(crate) trait Sink {
    fn directory(&mut self, path: &str) -> io::Result<()>;
    fn file(&mut self, path: &str) -> io::Result<()>;
    /// Appends to the file that was begun last.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    fn close(&mut self, mode: u32, modified: Modified) -> io::Result<()>;
    fn hard_link(&mut self, original: &str, path: &str) -> io::Result<()>;
    fn symlink(&mut self, path: &str, target: &str, modified: Modified) -> io::Result<()>;
    fn finish_directory(&mut self, path: &str, mode: u32, modified: Option<Modified>) -> io::Result<()>;
}

/// Makes nothing.
#[derive(Debug)]
pub(crate) struct Nowhere;

impl Sink for Nowhere {
    fn directory(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }
    fn file(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }
    fn write(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
    fn close(&mut self, _: u32, _: Modified) -> io::Result<()> {
        Ok(())
    }
    fn hard_link(&mut self, _: &str, _: &str) -> io::Result<()> {
        Ok(())
    }
    fn symlink(&mut self, _: &str, _: &str, _: Modified) -> io::Result<()> {
        Ok(())
    }
    fn finish_directory(&mut self, _: &str, _: u32, _: Option<Modified>) -> io::Result<()> {
        Ok(())
    }
}

/// What was in a stream.
#[derive(Debug)]
pub(crate) struct Unpacked {
    pub(crate) index: Index,
    /// Mode and time of the top, if the stream said so.
    pub(crate) top: Option<(u32, Modified)>,
}

/// Why a stream was not unpacked.
#[derive(Debug)]
pub(crate) enum UnpackError {
    Tar(TarError),
    Write { entry: String, source: io::Error },
}

impl From<TarError> for UnpackError {
    fn from(error: TarError) -> Self {
        Self::Tar(error)
    }
}

/// What folders have that exist only because something is in them.
const IMPLIED_MODE: u32 = 0o755;
const BUFFER: usize = 256 << 10;

/// Unpacks the stream in `input` to its end.
pub(crate) fn unpack(input: impl Read, limits: Limits, sink: &mut dyn Sink) -> Result<Unpacked, UnpackError> {
    let mut reader = Reader::new(input, limits);
    let mut unpacking = Unpacking { entries: BTreeMap::new(), top: None, limits, sink, buffer: vec![0; BUFFER] };
    while let Some(member) = reader.next()? {
        unpacking.member(member, &mut reader)?;
    }
    unpacking.finish()
}

struct Unpacking<'a> {
    entries: BTreeMap<String, Made>,
    top: Option<(u32, Modified)>,
    limits: Limits,
    sink: &'a mut dyn Sink,
    buffer: Vec<u8>,
}

struct Made {
    mode: u32,
    /// Absent for folders that no entry of the stream named.
    modified: Option<Modified>,
    node: Node,
}

impl Unpacking<'_> {
    fn member(&mut self, member: Member, reader: &mut Reader<impl Read>) -> Result<(), UnpackError> {
        let Member { path, mode, modified, kind } = member;
        let refused = |because| TarError::Refused { entry: path.clone(), because };
        if path.is_empty() {
            if kind != MemberKind::Directory {
                return Err(refused("it is the top, but no directory").into());
            }
            return match self.top.replace((mode, modified)) {
                None => Ok(()),
                Some(_) => Err(refused("it is there twice").into()),
            };
        }
        check_path(&path).map_err(refused)?;
        if path.matches('/').count() >= self.limits.depth {
            return Err(TarError::TooLarge { what: "folders above an entry", limit: self.limits.depth as u64 }.into());
        }
        self.parents(&path)?;
        let is_implied = match self.entries.get(&path) {
            None => false,
            Some(Made { modified: None, node: Node::Directory, .. }) if kind == MemberKind::Directory => true,
            Some(_) => return Err(refused("it is there twice").into()),
        };
        let made = match kind {
            MemberKind::Directory => {
                if !is_implied {
                    self.sink.directory(&path).map_err(unwritten(&path))?;
                }
                Made { mode, modified: Some(modified), node: Node::Directory }
            }
            MemberKind::File { .. } => {
                let node = self.file(&path, mode, modified, reader)?;
                Made { mode, modified: Some(modified), node }
            }
            MemberKind::Symlink { target } => {
                check_link(&path, &target).map_err(refused)?;
                Made { mode: 0, modified: Some(modified), node: Node::Symlink { target } }
            }
            MemberKind::HardLink { target } => {
                let Some(Made { mode, modified, node: node @ Node::File { .. } }) = self.entries.get(&target) else {
                    return Err(refused("it is a hard link to what is no file of the archive so far").into());
                };
                let made = Made { mode: *mode, modified: *modified, node: node.clone() };
                self.sink.hard_link(&target, &path).map_err(unwritten(&path))?;
                made
            }
        };
        self.entries.insert(path, made);
        Ok(())
    }

    /// Makes the folders above `path` that no entry named so far.
    fn parents(&mut self, path: &str) -> Result<(), UnpackError> {
        for (at, _) in path.match_indices('/') {
            let above = &path[..at];
            match self.entries.get(above) {
                Some(Made { node: Node::Directory, .. }) => {}
                Some(_) => {
                    let because = "it is beneath what is no directory";
                    return Err(TarError::Refused { entry: path.to_owned(), because }.into());
                }
                None => {
                    self.sink.directory(above).map_err(unwritten(above))?;
                    let made = Made { mode: IMPLIED_MODE, modified: None, node: Node::Directory };
                    self.entries.insert(above.to_owned(), made);
                }
            }
        }
        Ok(())
    }

    fn file(
        &mut self,
        path: &str,
        mode: u32,
        modified: Modified,
        reader: &mut Reader<impl Read>,
    ) -> Result<Node, UnpackError> {
        self.sink.file(path).map_err(unwritten(path))?;
        let mut hashing = Hashing::default();
        loop {
            let count = reader.content(&mut self.buffer)?;
            if count == 0 {
                break;
            }
            hashing.update(&self.buffer[..count]);
            self.sink.write(&self.buffer[..count]).map_err(unwritten(path))?;
        }
        self.sink.close(mode, modified).map_err(unwritten(path))?;
        let (sha256, bytes) = hashing.finish();
        Ok(Node::File { bytes, sha256 })
    }

    fn finish(self) -> Result<Unpacked, UnpackError> {
        for (path, made) in &self.entries {
            if let Node::Symlink { target } = &made.node {
                self.sink.symlink(path, target, made.modified.unwrap_or_default()).map_err(unwritten(path))?;
            }
        }
        for (path, made) in self.entries.iter().rev() {
            if made.node == Node::Directory {
                self.sink.finish_directory(path, made.mode, made.modified).map_err(unwritten(path))?;
            }
        }
        let entries = self.entries.into_iter().map(|(path, Made { mode, modified, node })| Entry {
            path,
            mode,
            modified: modified.unwrap_or_default(),
            node,
        });
        Ok(Unpacked { index: rooted(entries.collect()), top: self.top })
    }
}

fn unwritten(entry: &str) -> impl FnOnce(io::Error) -> UnpackError {
    move |source| UnpackError::Write { entry: entry.to_owned(), source }
}
