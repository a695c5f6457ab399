//! The kinds of this machine, with real files and real processes.
#![expect(clippy::unwrap_used, reason = "tests")]

mod drift;
mod files;
mod network;
mod process;
mod scale;
mod seed;
mod world;
