//! Independent zstd frames, compressed on all cores and written in order, with a seek table.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use bytes::Bytes;

use crate::digest::Digest;

/// How many uncompressed bytes one frame of an archive holds.
pub(crate) const FRAME: usize = 4 << 20;
/// Most threads that compress for one archive; each holds a frame.
const MAX_WORKERS: usize = 16;

/// A frame that is ready to be written.
#[derive(Debug)]
pub(crate) struct Compressed {
    pub(crate) bytes: Vec<u8>,
    pub(crate) uncompressed: u64,
    pub(crate) sha256: Digest,
}

/// Compresses each piece that `next` returns and gives the frames to `write`, in order.
///
/// Errors of `next` and `write` end it; frames before them may have been written.
pub(crate) fn compress<E: From<io::Error>>(
    level: i32,
    mut next: impl FnMut() -> Result<Option<Bytes>, E>,
    mut write: impl FnMut(Compressed) -> Result<(), E>,
) -> Result<(), E> {
    let workers = crate::tree::workers().min(MAX_WORKERS);
    let (jobs, queue) = sync_channel::<Job>(workers);
    let queue = Mutex::new(queue);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| work(level, &queue));
        }
        // Dropped when this closure returns, which ends the workers.
        let jobs = jobs;
        let mut pending: VecDeque<Receiver<io::Result<Compressed>>> = VecDeque::new();
        let mut has_more = true;
        while has_more || !pending.is_empty() {
            if has_more && pending.len() <= workers {
                match next()? {
                    Some(piece) => {
                        let (reply, answer) = sync_channel(1);
                        jobs.send(Job { piece, reply }).map_err(|_| died())?;
                        pending.push_back(answer);
                    }
                    None => has_more = false,
                }
            } else if let Some(answer) = pending.pop_front() {
                write(answer.recv().map_err(|_| died())??)?;
            }
        }
        Ok(())
    })
}

struct Job {
    piece: Bytes,
    reply: SyncSender<io::Result<Compressed>>,
}

fn work(level: i32, queue: &Mutex<Receiver<Job>>) {
    let mut compressor = Compressor::new(level);
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { piece, reply }) = job else { return };
        let compressed = match &mut compressor {
            Ok(compressor) => compressor.frame(&piece),
            Err(error) => Err(io::Error::other(error.to_string())),
        };
        // Nobody waits any more when another frame failed.
        let _ = reply.send(compressed);
    }
}

fn died() -> io::Error {
    io::Error::other("a compressing thread died")
}

struct Compressor(zstd::bulk::Compressor<'static>);

impl Compressor {
    fn new(level: i32) -> io::Result<Self> {
        let mut compressor = zstd::bulk::Compressor::new(level)?;
        compressor.include_checksum(true)?;
        compressor.include_contentsize(true)?;
        Ok(Self(compressor))
    }

    fn frame(&mut self, piece: &[u8]) -> io::Result<Compressed> {
        let bytes = self.0.compress(piece)?;
        Ok(Compressed { bytes, uncompressed: piece.len() as u64, sha256: Digest::of(piece) })
    }
}

/// Returns the seek table of frames with these compressed and uncompressed lengths.
///
/// It is a skippable frame in zstd's seekable format, which every decoder passes over.
pub(crate) fn seek_table(frames: impl ExactSizeIterator<Item = (u64, u64)>) -> Vec<u8> {
    let count = frames.len();
    let length = count * 8 + 9;
    let (Ok(count), Ok(length)) = (u32::try_from(count), u32::try_from(length)) else { return Vec::new() };
    let mut table = Vec::with_capacity(length as usize + 8);
    table.extend(0x184d_2a5e_u32.to_le_bytes());
    table.extend(length.to_le_bytes());
    for (compressed, uncompressed) in frames {
        // Frames hold a few mebibytes.
        table.extend(u32::try_from(compressed).unwrap_or(u32::MAX).to_le_bytes());
        table.extend(u32::try_from(uncompressed).unwrap_or(u32::MAX).to_le_bytes());
    }
    table.extend(count.to_le_bytes());
    table.push(0);
    table.extend(0x8f92_eab1_u32.to_le_bytes());
    table
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn frames_stay_in_order_and_are_one_zstd_stream() {
        let pieces: Vec<Bytes> = (0..50_u8).map(|n| Bytes::from(vec![n; 1000 + usize::from(n)])).collect();
        let mut input = pieces.iter().cloned();
        let (mut stream, mut frames) = (Vec::new(), Vec::new());
        compress::<io::Error>(
            3,
            || Ok(input.next()),
            |frame| {
                stream.extend(&frame.bytes);
                frames.push((frame.bytes.len() as u64, frame.uncompressed));
                Ok(())
            },
        )
        .unwrap();
        stream.extend(seek_table(frames.iter().copied()));
        assert_eq!(zstd::decode_all(stream.as_slice()).unwrap(), pieces.concat());
        assert_eq!(frames[7].1, 1007);
    }

    #[test]
    fn a_failing_source_or_sink_ends_the_work() {
        let piece = || Ok(Some(Bytes::from_static(b"x")));
        let failed = compress::<io::Error>(3, piece, |_| Err(io::Error::other("full")));
        assert_eq!(failed.unwrap_err().to_string(), "full");
        let failed = compress::<io::Error>(3, || Err(io::Error::other("gone")), |_| Ok(()));
        assert_eq!(failed.unwrap_err().to_string(), "gone");
    }
}
