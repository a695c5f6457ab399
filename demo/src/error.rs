//! What can go wrong with a node.

use std::{io, net::SocketAddr, path::PathBuf};

/// Why a node could not start, answer or stop cleanly.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    #[error("failed to listen on `{address}`")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("failed to create data directory `{}`", path.display())]
    CreateDirectory { path: PathBuf, source: io::Error },
    #[error("failed to read `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("failed to write `{}`", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("failed to obtain random bytes for a node id")]
    Random { source: getrandom::Error },
    #[error("failed to start a thread for database `{}`", path.display())]
    Thread { path: PathBuf, source: io::Error },
    #[error("failed to open database `{}`", path.display())]
    Open { path: PathBuf, source: rusqlite::Error },
    #[error("database `{}` is in use by another process", path.display())]
    InUse { path: PathBuf },
    #[error("database `{}` has {links} hard links, so a write would change another node's data", path.display())]
    HardLinked { path: PathBuf, links: u64 },
    #[error("database `{}` has format {found}, this program knows formats up to {known}", path.display())]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("database `{}` is not a demo node's database", path.display())]
    Foreign { path: PathBuf },
    #[error("failed to use database `{}`", path.display())]
    Database { path: PathBuf, source: rusqlite::Error },
    #[error("failed to close database `{}`", path.display())]
    Close { path: PathBuf, source: rusqlite::Error },
    #[error("database `{}` is closed", path.display())]
    Closed { path: PathBuf },
    #[error("key `{key}` has {length} bytes, allowed are 1 to {most}")]
    KeyLength { key: String, length: usize, most: usize },
    #[error("value of key `{key}` has {length} bytes, allowed are {most}")]
    ValueLength { key: String, length: usize, most: usize },
    #[error("stamp of key `{key}` is beyond what a node can count")]
    Stamp { key: String },
}
