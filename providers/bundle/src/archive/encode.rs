//! One archive being packed: pieces of the tar stream in, pieces of the archive out.

use std::io::{self, Write};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::frames::{compress, seek_table};
use crate::{
    codec::{Encoding, Format},
    digest::{Digest, Hashing},
    pipe::{self, Item, PipeReader},
};

/// An archive that was packed.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub(crate) sha256: Digest,
    pub(crate) bytes: u64,
    pub(crate) frames: Vec<EncodedFrame>,
}

/// A frame of it; the next one starts where it ends.
#[derive(Debug)]
pub(crate) struct EncodedFrame {
    pub(crate) compressed: u64,
    pub(crate) uncompressed: u64,
    pub(crate) sha256: Digest,
}

/// Packs what `input` brings; each of its pieces becomes a frame where the format has frames.
///
/// The end is sent on only if `input` had one: what was cut off is never taken for complete.
pub(crate) fn encode(
    format: Format,
    level: Option<i32>,
    mut input: PipeReader,
    output: mpsc::Sender<Item>,
) -> io::Result<Encoded> {
    let output = Output { sender: output, hashing: Hashing::default(), buffer: Vec::new() };
    let mut frames = Vec::new();
    let output = match Encoding::new(format, level, output) {
        Encoding::Frames(mut output) => {
            let write = |frame: super::frames::Compressed| {
                frames.push(EncodedFrame {
                    compressed: frame.bytes.len() as u64,
                    uncompressed: frame.uncompressed,
                    sha256: frame.sha256,
                });
                output.send(frame.bytes)
            };
            compress(level.unwrap_or_default(), || input.piece(), write)?;
            output.send(seek_table(frames.iter().map(|frame| (frame.compressed, frame.uncompressed))))?;
            output
        }
        Encoding::Stream(mut encoder) => {
            while let Some(piece) = input.piece()? {
                encoder.write_all(&piece)?;
            }
            encoder.finish()?
        }
    };
    let (sha256, bytes) = output.end()?;
    Ok(Encoded { sha256, bytes, frames })
}

/// Hashes what is written and sends it on in pieces.
struct Output {
    sender: mpsc::Sender<Item>,
    hashing: Hashing,
    buffer: Vec<u8>,
}

const PIECE: usize = 1 << 20;

impl Output {
    fn send(&mut self, piece: Vec<u8>) -> io::Result<()> {
        if piece.is_empty() {
            return Ok(());
        }
        self.hashing.update(&piece);
        self.sender.blocking_send(Some(Bytes::from(piece))).map_err(|_| pipe::cut())
    }

    fn end(mut self) -> io::Result<(Digest, u64)> {
        let rest = std::mem::take(&mut self.buffer);
        self.send(rest)?;
        self.sender.blocking_send(None).map_err(|_| pipe::cut())?;
        Ok(self.hashing.finish())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE {
            let piece = std::mem::replace(&mut self.buffer, Vec::with_capacity(PIECE));
            self.send(piece)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
