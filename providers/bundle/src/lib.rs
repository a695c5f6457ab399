//! Object stores, canonical tar, zstd frames, series of versions and safe extraction.
