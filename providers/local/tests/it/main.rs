//! The kinds of this machine, with real files and real processes.
#![expect(clippy::unwrap_used, reason = "tests")]

mod files;
mod process;
mod world;
