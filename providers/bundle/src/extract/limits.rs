//! How much an archive may hold.

/// What an archive may hold before it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of the uncompressed stream.
    pub bytes: u64,
    /// How many times larger than its compressed form any 64 MiB of the stream may be; `None` if
    /// `bytes` is known to be right. Databases that preallocate zeros exceed the default.
    pub ratio: Option<u64>,
    /// Most entries.
    pub entries: u64,
    /// Most directories above an entry.
    pub depth: usize,
    /// Most bytes of one PAX header.
    pub pax_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: u64::MAX, ratio: Some(1000), entries: 50_000_000, depth: 256, pax_bytes: 1 << 20 }
    }
}

impl Limits {
    /// Returns the limits of a stream whose length a trusted manifest tells.
    #[must_use]
    pub fn exactly(bytes: u64) -> Self {
        Self { bytes, ratio: None, ..Self::default() }
    }
}
