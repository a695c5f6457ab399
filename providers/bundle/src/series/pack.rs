//! The stream of a version: which frames there are already, and a pack of those that are new.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use bytes::Bytes;
use loam_provider::{Precondition, Upload};
use tokio::sync::mpsc;

use super::{
    Found, Series, SeriesError,
    files::{Files, Row, RowNode},
    layout::{Pack, key, read},
};
use crate::{
    archive::{
        CreatedAt, FORMAT, Frame,
        encode::{Encoded, encode},
        frames::FRAME,
    },
    codec::Format,
    digest::{Digest, Hashing},
    pipe::{self, Cancelled, Item, pipe},
    progress::{Phase, Report},
    tar::{Piece, padding, pieces},
    tree::{Index, Node, Reading, Survey, TreeError, walk::Walked},
};

/// Frames that earlier versions hold.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The frames of a file's content, by the file's digest.
    contents: HashMap<Digest, Vec<Frame>>,
    /// Any frame, by its digest.
    frames: HashMap<Digest, Frame>,
    /// The packs that they are in, by key.
    packs: BTreeMap<String, Pack>,
}

impl Known {
    pub(super) fn is_empty(&self) -> bool {
        self.contents.is_empty() && self.frames.is_empty()
    }
}

/// How many versions are searched for a file's content.
const LOOK_BACK: usize = 64;

/// Returns the frames of earlier versions that may be used again; looks further back only for files not yet found.
pub(super) async fn known(series: &Series, newest: &Found, index: &Index) -> Result<Known, SeriesError> {
    let mut missing: HashSet<Digest> = index
        .entries
        .iter()
        .filter_map(|entry| match &entry.node {
            Node::File { sha256, bytes } if *bytes > 0 => Some(*sha256),
            Node::File { .. } | Node::Directory | Node::Symlink { .. } => None,
        })
        .collect();
    let mut known = Known::default();
    let mut next = Some(newest.clone());
    for _ in 0..LOOK_BACK {
        let Some(found) = next.take() else { break };
        let files = Files::read(series, &found.manifest).await?;
        for row in &files.entries {
            if let RowNode::File { sha256, .. } = &row.node
                && let Some(range) = row.node.frames()
                && missing.remove(sha256)
            {
                known.contents.insert(*sha256, found.manifest.frames[range].to_vec());
            }
        }
        let parent = found.manifest.parent;
        known.packs.extend(found.manifest.packs.into_iter().map(|pack| (pack.key.clone(), pack)));
        for frame in found.manifest.frames {
            known.frames.entry(frame.sha256).or_insert(frame);
        }
        if !missing.is_empty()
            && let Some(parent) = parent
        {
            next = read(series, parent.version).await?.filter(|found| found.manifest.epoch == newest.manifest.epoch);
        }
    }
    Ok(known)
}

/// How to pack a version.
#[derive(Debug)]
pub(super) struct Packing {
    pub(super) level: i32,
    /// Nothing is used again, not even within the version: the pack is the stream.
    pub(super) is_full: bool,
    pub(super) known: Known,
    /// Part of the pack's name.
    pub(super) now: CreatedAt,
}

/// A version whose frames are all in the bucket.
#[derive(Debug)]
pub(super) struct Packed {
    /// The own pack: key, digest, length. Absent if every frame was there already.
    pub(super) own: Option<(String, Digest, u64)>,
    pub(super) frames: Vec<Frame>,
    /// The packs of earlier versions that its frames are in.
    pub(super) older: Vec<Pack>,
    pub(super) reused_bytes: u64,
    pub(super) tar: (Digest, u64),
    pub(super) files: Files,
    pub(super) is_full: bool,
}

/// Uploads what is new and returns the whole stream.
pub(super) async fn pack(
    series: &Series,
    survey: &Arc<Survey>,
    packing: Packing,
    report: &Report,
) -> Result<Packed, SeriesError> {
    let relative = format!("packs/{}.tar.zst", fresh_name(packing.now));
    let key = key(series, &relative)?;
    let url = format!("{}/{key}", series.store.url());
    let mut upload = series.store.upload(&key, &BTreeMap::new()).await?;
    let (to_encode, input) = pipe(2);
    let (to_upload, mut packed) = mpsc::channel::<Item>(2);
    let Packing { level, is_full, known, .. } = packing;
    let packs = known.packs.clone();
    let encode = tokio::task::spawn_blocking(move || encode(Format::TarZst, Some(level), input, to_upload));
    let (survey, report, (_guard, cancelled)) = (Arc::clone(survey), report.clone(), pipe::cancellation());
    let lay = tokio::task::spawn_blocking(move || {
        let laying =
            Laying { known, is_full, output: to_encode, slots: Vec::new(), new: 0, hashing: Hashing::default() };
        laying.lay(&survey, &report, &cancelled)
    });
    let uploaded = async {
        while let Some(Some(bytes)) = packed.recv().await {
            if let Err(error) = upload.part(bytes).await {
                packed.close();
                return Err(error);
            }
        }
        Ok(())
    };
    let (laid, encoded, uploaded) = tokio::join!(lay, encode, uploaded);
    let finished = match (uploaded, laid, encoded) {
        (Err(error), _, _) => Err(error.into()),
        (Ok(()), Ok(Err(LayError::Tree(error))), _) => Err(error.into()),
        (Ok(()), _, Ok(Err(source))) if !pipe::is_cut(&source) => Err(SeriesError::Compress { url, source }),
        (Ok(()), Ok(Ok(laid)), Ok(Ok(encoded))) => Ok((laid, encoded)),
        (Ok(()), _, _) => Err(SeriesError::Interrupted { url }),
    };
    match finished {
        Ok((laid, encoded)) => {
            let mut packed = finish(relative, laid, encoded, upload, is_full).await?;
            let used: HashSet<&str> = packed.frames.iter().map(|frame| frame.pack.as_ref()).collect();
            packed.older = packs.into_values().filter(|pack| used.contains(pack.key.as_str())).collect();
            Ok(packed)
        }
        Err(error) => {
            // The first error is the one to tell.
            let _ = upload.abort().await;
            Err(error)
        }
    }
}

async fn finish(
    relative: String,
    laid: Laid,
    encoded: Encoded,
    upload: Box<dyn Upload>,
    is_full: bool,
) -> Result<Packed, SeriesError> {
    let pack: Arc<str> = relative.as_str().into();
    let mut offset = 0;
    let mut new = Vec::with_capacity(encoded.frames.len());
    for frame in &encoded.frames {
        let (pack, compressed, uncompressed) = (Arc::clone(&pack), frame.compressed, frame.uncompressed);
        new.push(Frame { pack, offset, compressed, uncompressed, sha256: frame.sha256 });
        offset += compressed;
    }
    let own = if new.is_empty() {
        upload.abort().await?;
        None
    } else {
        upload.complete(&Precondition::Absent).await?;
        Some((relative, encoded.sha256, encoded.bytes))
    };
    let (mut frames, mut reused_bytes) = (Vec::with_capacity(laid.slots.len()), 0);
    for slot in laid.slots {
        frames.push(match slot {
            Slot::New(at) => new[at].clone(),
            Slot::Known(frame) => {
                reused_bytes += frame.compressed;
                frame
            }
        });
    }
    Ok(Packed { own, frames, older: Vec::new(), reused_bytes, tar: laid.tar, files: laid.files, is_full })
}

/// A frame of the stream: one that exists, or the n-th of the new pack.
#[derive(Debug, Clone)]
enum Slot {
    Known(Frame),
    New(usize),
}

struct Laid {
    slots: Vec<Slot>,
    tar: (Digest, u64),
    files: Files,
}

enum LayError {
    Tree(TreeError),
    Cut,
}

impl From<TreeError> for LayError {
    fn from(error: TreeError) -> Self {
        Self::Tree(error)
    }
}

/// Headers between two contents are cut into frames of this many bytes.
const HEADERS: usize = 1 << 20;

struct Laying {
    known: Known,
    is_full: bool,
    output: mpsc::Sender<Item>,
    slots: Vec<Slot>,
    new: usize,
    hashing: Hashing,
}

impl Laying {
    /// Reads the tree once more and lays its stream out in frames; what is known is read, but not sent.
    fn lay(mut self, survey: &Survey, report: &Report, cancelled: &Cancelled) -> Result<Laid, LayError> {
        let pieces = pieces(&survey.directory, survey.top, &survey.walked)?;
        let meter = report.phase(Phase::Pack, Some(survey.index.bytes()));
        let digests: HashMap<&str, (Digest, u64)> = survey
            .index
            .entries
            .iter()
            .filter_map(|entry| match &entry.node {
                Node::File { sha256, bytes } => Some((entry.path.as_str(), (*sha256, *bytes))),
                Node::Directory | Node::Symlink { .. } => None,
            })
            .collect();
        let mut placed: HashMap<&str, Placed> = HashMap::new();
        let mut contents: HashMap<Digest, (usize, usize)> = HashMap::new();
        let mut headers = Vec::new();
        for piece in &pieces {
            match piece {
                Piece::Bytes(bytes) => {
                    headers.extend_from_slice(bytes);
                    if headers.len() >= HEADERS {
                        self.headers(&mut headers)?;
                    }
                }
                Piece::Linked { file, original } => {
                    placed.insert(&file.path, Placed::Link(original.path.clone()));
                }
                Piece::Content(walked) => {
                    self.headers(&mut headers)?;
                    let first = self.slots.len();
                    let sha256 = digests.get(walked.path.as_str()).map(|(sha256, _)| *sha256);
                    let reused = sha256.filter(|_| !self.is_full).and_then(|sha256| self.reused(sha256, &contents));
                    let then = if reused.is_none() { Then::Send } else { Then::Nothing };
                    let read = self.content(survey, walked, then, cancelled)?;
                    if Some(read) != sha256 {
                        return Err(TreeError::Changed { path: survey.directory.join(&walked.path) }.into());
                    }
                    self.slots.extend(reused.into_iter().flatten());
                    let count = self.slots.len() - first;
                    contents.insert(read, (first, count));
                    placed.insert(&walked.path, Placed::Frames(first, count));
                    meter.add(walked.seen.bytes);
                }
            }
        }
        self.headers(&mut headers)?;
        self.output.blocking_send(None).map_err(|_| LayError::Cut)?;
        meter.end();
        let rows = survey.index.entries.iter().map(|entry| {
            let node = match &entry.node {
                Node::Directory => RowNode::Directory,
                Node::Symlink { target } => RowNode::Symlink { target: target.clone() },
                Node::File { bytes, sha256 } => match placed.remove(entry.path.as_str()) {
                    Some(Placed::Link(original)) => RowNode::Link { original, bytes: *bytes, sha256: *sha256 },
                    Some(Placed::Frames(first_frame, frames)) => {
                        RowNode::File { bytes: *bytes, sha256: *sha256, first_frame, frames }
                    }
                    None => RowNode::File { bytes: *bytes, sha256: *sha256, first_frame: 0, frames: 0 },
                },
            };
            let mtime = (entry.modified.seconds, entry.modified.nanoseconds);
            Row { path: entry.path.clone(), mode: entry.mode, mtime, node }
        });
        let top = (survey.top.mode, survey.top.modified.seconds, survey.top.modified.nanoseconds);
        let files = Files { format: FORMAT.to_owned(), top, entries: rows.collect() };
        Ok(Laid { slots: self.slots, tar: self.hashing.finish(), files })
    }

    /// Returns the frames of a content that an earlier version or an earlier file of this one has.
    fn reused(&self, sha256: Digest, contents: &HashMap<Digest, (usize, usize)>) -> Option<Vec<Slot>> {
        if let Some(&(first, count)) = contents.get(&sha256) {
            return Some(self.slots[first..first + count].to_vec());
        }
        self.known.contents.get(&sha256).map(|frames| frames.iter().cloned().map(Slot::Known).collect())
    }

    fn headers(&mut self, headers: &mut Vec<u8>) -> Result<(), LayError> {
        if headers.is_empty() {
            return Ok(());
        }
        let headers = std::mem::take(headers);
        self.hashing.update(&headers);
        match self.known.frames.get(&Digest::of(&headers)).filter(|_| !self.is_full) {
            Some(frame) => self.slots.push(Slot::Known(frame.clone())),
            None => self.send(headers)?,
        }
        Ok(())
    }

    /// Reads a file, with its padding, and sends it in frames if it is new.
    fn content(
        &mut self,
        survey: &Survey,
        walked: &Walked,
        then: Then,
        cancelled: &Cancelled,
    ) -> Result<Digest, LayError> {
        let mut reading = Reading::open(&survey.directory, walked)?;
        let mut hashing = Hashing::default();
        let mut left = walked.seen.bytes;
        while left > 0 {
            if cancelled.is_set() {
                return Err(LayError::Cut);
            }
            let length = usize::try_from(left).map_or(FRAME, |left| left.min(FRAME));
            let mut frame = vec![0; length];
            reading.fill(&mut frame)?;
            hashing.update(&frame);
            left -= length as u64;
            if left == 0 {
                frame.resize(length + padding(walked.seen.bytes), 0);
            }
            self.hashing.update(&frame);
            if then == Then::Send {
                self.send(frame)?;
            }
        }
        Ok(hashing.finish().0)
    }

    fn send(&mut self, frame: Vec<u8>) -> Result<(), LayError> {
        self.slots.push(Slot::New(self.new));
        self.new += 1;
        self.output.blocking_send(Some(Bytes::from(frame))).map_err(|_| LayError::Cut)
    }
}

/// What happens to a content after it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Send,
    Nothing,
}

/// Where a file's content is.
enum Placed {
    Frames(usize, usize),
    Link(String),
}

/// Returns a name that nobody else has: 26 characters that sort by the time they were made.
pub(super) fn fresh_name(now: CreatedAt) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let millis = now.as_millisecond().unsigned_abs();
    let mut random = [0; 10];
    // Without randomness the time and the process still tell publishers apart; a taken key is refused anyway.
    if getrandom::fill(&mut random).is_err() {
        random[..4].copy_from_slice(&std::process::id().to_be_bytes());
    }
    let mut value = u128::from(millis) << 80;
    for (place, byte) in random.iter().rev().enumerate() {
        value |= u128::from(*byte) << (8 * place);
    }
    (0..26).rev().map(|place| char::from(DIGITS[((value >> (5 * place)) & 31) as usize])).collect()
}
