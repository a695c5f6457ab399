//! Reads an archive of a bucket through: fetching, hashing, decompressing and unpacking at once.
//!
//! Each is a thread of its own; pieces of a few mebibytes travel between them in short queues.

use std::{
    io::{self, BufRead, Read},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use loam_provider::ObjectError;
use tokio::{sync::mpsc, task::JoinError};

use super::{
    ExtractError, Limits,
    unpack::{Nowhere, Sink, UnpackError, Unpacked, unpack},
};
use crate::{
    archive::Place,
    codec::{self, Format},
    digest::{Digest, Hashing},
    pipe::{self, Item, PipeReader, pipe},
    progress::Meter,
    store,
    tar::TarError,
};

/// What was read.
#[derive(Debug)]
pub(crate) struct Through {
    pub(crate) sha256: Digest,
    pub(crate) bytes: u64,
    pub(crate) format: Format,
    /// Digest and length of the uncompressed stream.
    pub(crate) tar: (Digest, u64),
    pub(crate) unpacked: Unpacked,
}

const PIECES: usize = 4;
const PIECE: usize = 1 << 20;
/// The stream's window in which the ratio is taken.
const WINDOW: u64 = 64 << 20;

/// Reads the archive at `place` to its end and unpacks it into `sink`; `hold` lives as long as that does.
pub(crate) async fn read<S: Sink + Send + 'static>(
    place: &Place,
    limits: Limits,
    mut sink: S,
    staging: &Path,
    meter: impl FnOnce(u64) -> Meter,
    hold: impl Send + 'static,
) -> Result<(Through, S), ExtractError> {
    let url = place.url();
    let meta = store::head(place.store.as_ref(), &place.key).await.map_err(|error| missing(error, &url))?;
    let (to_hash, hash_input) = pipe(PIECES);
    let (to_decode, decode_input) = pipe(PIECES);
    let (to_unpack, unpack_input) = pipe(PIECES);
    let meter = meter(meta.bytes);
    let hash = tokio::task::spawn_blocking(move || hash(hash_input));
    let decode = tokio::task::spawn_blocking(move || decode(decode_input, &to_unpack, limits));
    let unpack = tokio::task::spawn_blocking(move || {
        let unpacked = unpack(unpack_input, limits, &mut sink);
        drop(hold);
        unpacked.map(|unpacked| (unpacked, sink))
    });
    let feed = store::feed(place.store.as_ref(), &meta, vec![to_hash, to_decode], |bytes| meter.add(bytes));
    let (fed, hashed, decoded, unpacked) = tokio::join!(feed, hash, decode, unpack);

    let interrupted = |_: JoinError| ExtractError::Interrupted { url: url.clone() };
    fed?;
    // Whoever fails first cuts the pipes of the others: what only says so is not the cause.
    let (hashed, decoded, unpacked) =
        (hashed.map_err(interrupted)?, decoded.map_err(interrupted)?, unpacked.map_err(interrupted)?);
    let (unpacked, sink) = match (unpacked, &decoded) {
        (Ok(unpacked), _) => unpacked,
        (Err(error), Err(cause)) if is_cut(&error) && !cause.is_cut() => {
            return Err(decoded.map_or_else(|error| error.at(&url), |_| ExtractError::Interrupted { url: url.clone() }));
        }
        (Err(error), _) => return Err(described(error, &url, staging)),
    };
    let (format, tar) = decoded.map_err(|error| error.at(&url))?;
    let (sha256, bytes) = hashed.map_err(|_| ExtractError::Interrupted { url: url.clone() })?;
    meter.end();
    Ok((Through { sha256, bytes, format, tar, unpacked }, sink))
}

/// Reads the archive at `place` through and makes nothing.
pub(crate) async fn inspect(
    place: &Place,
    limits: Limits,
    meter: impl FnOnce(u64) -> Meter,
) -> Result<Through, ExtractError> {
    read(place, limits, Nowhere, Path::new(""), meter, ()).await.map(|(read, _)| read)
}

fn missing(error: ObjectError, url: &str) -> ExtractError {
    match error {
        ObjectError::NotFound { .. } => ExtractError::Missing { url: url.to_owned() },
        error => ExtractError::Store(error),
    }
}

fn hash(mut input: PipeReader) -> io::Result<(Digest, u64)> {
    let mut hashing = Hashing::default();
    while let Some(piece) = input.piece()? {
        hashing.update(&piece);
    }
    Ok(hashing.finish())
}

enum DecodeError {
    Read(io::Error),
    TooLarge { what: &'static str, limit: u64 },
}

impl DecodeError {
    fn is_cut(&self) -> bool {
        match self {
            Self::Read(error) => pipe::is_cut(error),
            Self::TooLarge { .. } => false,
        }
    }

    fn at(self, url: &str) -> ExtractError {
        let url = url.to_owned();
        match self {
            Self::Read(error) if pipe::is_cut(&error) => ExtractError::Interrupted { url },
            Self::Read(source) => ExtractError::Damaged { url, source },
            Self::TooLarge { what, limit } => ExtractError::TooLarge { url, what, limit },
        }
    }
}

type Decoded = (Format, (Digest, u64));

/// Decompresses to the end, within the limits.
fn decode(input: PipeReader, output: &mpsc::Sender<Item>, limits: Limits) -> Result<Decoded, DecodeError> {
    let consumed = Arc::new(AtomicU64::new(0));
    let input = Counting { input, consumed: Arc::clone(&consumed) };
    let (format, mut decoder) = codec::decoder(input).map_err(DecodeError::Read)?;
    let mut hashing = Hashing::default();
    let (mut total, mut window, mut consumed_before) = (0_u64, 0_u64, 0_u64);
    loop {
        let mut piece = vec![0; PIECE];
        let count = fill(&mut decoder, &mut piece).map_err(DecodeError::Read)?;
        if count == 0 {
            break;
        }
        piece.truncate(count);
        (total, window) = (total + count as u64, window + count as u64);
        if total > limits.bytes {
            return Err(DecodeError::TooLarge { what: "bytes", limit: limits.bytes });
        }
        if window >= WINDOW {
            let now = consumed.load(Ordering::Relaxed);
            if let Some(limit) = limits.ratio.filter(|ratio| window > ratio.saturating_mul(now - consumed_before)) {
                return Err(DecodeError::TooLarge { what: "times its compressed size", limit });
            }
            (window, consumed_before) = (0, now);
        }
        hashing.update(&piece);
        output.blocking_send(Some(Bytes::from(piece))).map_err(|_| DecodeError::Read(pipe::cut()))?;
    }
    output.blocking_send(None).map_err(|_| DecodeError::Read(pipe::cut()))?;
    Ok((format, hashing.finish()))
}

/// Reads until the buffer is full or the input ends.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Counts what a decoder takes.
struct Counting {
    input: PipeReader,
    consumed: Arc<AtomicU64>,
}

impl Read for Counting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.consumed.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl BufRead for Counting {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.input.consume(count);
        self.consumed.fetch_add(count as u64, Ordering::Relaxed);
    }
}

fn is_cut(error: &UnpackError) -> bool {
    matches!(error, UnpackError::Tar(TarError::Read(source)) if pipe::is_cut(source))
}

fn described(error: UnpackError, url: &str, staging: &Path) -> ExtractError {
    let url = url.to_owned();
    match error {
        UnpackError::Tar(TarError::Read(source)) if pipe::is_cut(&source) => ExtractError::Interrupted { url },
        UnpackError::Tar(TarError::Read(source)) => ExtractError::Damaged { url, source },
        UnpackError::Tar(TarError::Malformed(because)) => ExtractError::Malformed { url, because },
        UnpackError::Tar(TarError::Refused { entry, because }) => ExtractError::Refused { url, entry, because },
        UnpackError::Tar(TarError::TooLarge { what, limit }) => ExtractError::TooLarge { url, what, limit },
        UnpackError::Write { entry, source } => {
            ExtractError::Io { operation: "extract", path: staging.join(entry), source }
        }
    }
}
