//! The one read of a tree that feeds every archive made of it.

use std::{collections::HashMap, path::Path, thread};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::frames::FRAME;
use crate::{
    digest::{Digest, Hashing},
    pipe::{Cancelled, Item, PipeReader, pipe},
    progress::{Meter, Phase, Report},
    tar::{Piece, padding, pieces},
    tree::{
        Index, Reading, Selection, TreeError, entry, rooted,
        walk::{Walked, top, walk},
    },
};

/// A tree that was read to its end.
#[derive(Debug)]
pub(super) struct Produced {
    pub(super) index: Index,
    /// Digest and length of the tar stream.
    pub(super) tar: (Digest, u64),
}

/// Why a tree was not read to its end.
#[derive(Debug)]
pub(super) enum ProduceError {
    Tree(TreeError),
    /// Whoever reads the stream went away, and knows why.
    Cut,
}

impl From<TreeError> for ProduceError {
    fn from(error: TreeError) -> Self {
        Self::Tree(error)
    }
}

/// Sends the canonical stream of a tree, in pieces of one frame each, into every output.
pub(super) fn produce(
    source: &Path,
    selection: &Selection,
    report: &Report,
    cancelled: &Cancelled,
    mut outputs: Vec<mpsc::Sender<Item>>,
) -> Result<Produced, ProduceError> {
    let walked = walk(source, selection)?;
    let pieces = pieces(source, top(source)?, &walked)?;
    let (to_hash, hash_input) = pipe(2);
    outputs.push(to_hash);
    thread::scope(|scope| {
        let hash = scope.spawn(move || hash(hash_input));
        let mut stream = Stream { outputs, buffer: vec![0; FRAME], filled: 0 };
        let total = pieces.iter().map(|piece| if let Piece::Content(walked) = piece { walked.seen.bytes } else { 0 });
        let meter = report.phase(Phase::Pack, Some(total.sum()));
        let mut digests: HashMap<&str, Digest> = HashMap::new();
        for piece in &pieces {
            match piece {
                Piece::Bytes(bytes) => stream.write(bytes)?,
                Piece::Content(walked) => {
                    let digest = content(source, walked, &mut stream, &meter, cancelled)?;
                    digests.insert(&walked.path, digest);
                }
                Piece::Linked { file, original } => {
                    let digest = digests.get(original.path.as_str()).copied().unwrap_or_else(|| Digest::of(b""));
                    digests.insert(&file.path, digest);
                }
            }
        }
        stream.end()?;
        meter.end();
        let empty = Digest::of(b"");
        let digest_of = |walked: &Walked| Some(digests.get(walked.path.as_str()).copied().unwrap_or(empty));
        let entries: Result<Vec<_>, TreeError> =
            walked.iter().map(|walked| entry(source, walked, digest_of(walked))).collect();
        let tar = hash.join().ok().flatten().ok_or(ProduceError::Cut)?;
        Ok(Produced { index: rooted(entries?), tar })
    })
}

fn content(
    source: &Path,
    walked: &Walked,
    stream: &mut Stream,
    meter: &Meter,
    cancelled: &Cancelled,
) -> Result<Digest, ProduceError> {
    let mut reading = Reading::open(source, walked)?;
    let mut hashing = Hashing::default();
    let mut left = walked.seen.bytes;
    while left > 0 {
        if cancelled.is_set() {
            return Err(ProduceError::Cut);
        }
        let room = stream.room()?;
        let count = reading.fill(room)?;
        hashing.update(&room[..count]);
        stream.filled += count;
        left -= count as u64;
        meter.add(count as u64);
    }
    stream.write(&[0; 512][..padding(walked.seen.bytes)])?;
    Ok(hashing.finish().0)
}

/// Cuts a stream into pieces of one frame.
struct Stream {
    outputs: Vec<mpsc::Sender<Item>>,
    buffer: Vec<u8>,
    filled: usize,
}

impl Stream {
    /// Returns the room that is left in the current piece; there is always some.
    fn room(&mut self) -> Result<&mut [u8], ProduceError> {
        if self.filled == FRAME {
            self.flush()?;
        }
        Ok(&mut self.buffer[self.filled..])
    }

    fn write(&mut self, mut bytes: &[u8]) -> Result<(), ProduceError> {
        while !bytes.is_empty() {
            let room = self.room()?;
            let count = room.len().min(bytes.len());
            room[..count].copy_from_slice(&bytes[..count]);
            self.filled += count;
            bytes = &bytes[count..];
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ProduceError> {
        let mut piece = std::mem::replace(&mut self.buffer, vec![0; FRAME]);
        piece.truncate(self.filled);
        self.filled = 0;
        self.send(&Some(Bytes::from(piece)))
    }

    fn end(mut self) -> Result<(), ProduceError> {
        self.flush()?;
        self.send(&None)
    }

    fn send(&self, item: &Item) -> Result<(), ProduceError> {
        for output in &self.outputs {
            output.blocking_send(item.clone()).map_err(|_| ProduceError::Cut)?;
        }
        Ok(())
    }
}

fn hash(mut input: PipeReader) -> Option<(Digest, u64)> {
    let mut hashing = Hashing::default();
    while let Some(piece) = input.piece().ok()? {
        hashing.update(&piece);
    }
    Some(hashing.finish())
}
