//! Real nodes on loopback.

#![expect(clippy::unwrap_used, reason = "tests")]

mod http;
mod network;
mod node;
