//! Buckets that are directories or memory, and reading objects from any bucket as a stream.
//!
//! [`Directory`] answers `file://` URLs. [`locate`] splits the URL of an object into bucket and key.

mod directory;
mod listing;
mod memory;
mod sidecar;
mod stream;
mod url;

pub(crate) use self::stream::{feed, head};
pub use self::{
    directory::Directory,
    memory::Memory,
    url::{file_url, locate, path_of},
};
