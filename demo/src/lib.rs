//! A small replicated key-value server to try networks with.
//!
//! A node keeps its entries in one SQLite database, serves them over HTTP and
//! follows the changes of its peers. Every entry bears a [stamp](feed::Stamp);
//! of two writes to a key the one with the greater stamp wins on every node, so
//! nodes that see each other, directly or through others, end up equal whatever
//! the order in which changes arrive.
//!
//! | request | answer |
//! |---|---|
//! | `GET /health` | name, node id, number of entries and of the latest change, once the database is open |
//! | `GET /kv/KEY`, `PUT /kv/KEY`, `DELETE /kv/KEY` | one entry; a value is at most 1 MiB |
//! | `GET /kv?prefix=P&after=KEY&limit=N` | keys in order, as a JSON array |
//! | `GET /count` | the number of entries |
//! | `GET /changes?after=SEQ&limit=N&wait=MS` | the change feed that peers follow |
//!
//! The data directory holds `demo.db` and `node_id`. After a clean stop `demo.db`
//! is one consistent file: copied into another directory it seeds another node.
//! `node_id` says who a node is and does not belong in a seed; a node that finds
//! another's takes a new identity.
//!
//! Start in [`server`] for the life of a node, in `database` for what a write does.

mod database;
mod error;
pub mod feed;
mod follow;
mod identity;
mod peer;
mod routes;
pub mod server;
mod store;

pub use database::{DATABASE_FILE, MAX_KEY_BYTES, MAX_VALUE_BYTES, fill};
pub use error::DemoError;
pub use identity::NODE_ID_FILE;
pub use peer::{InvalidPeer, Peer};
pub use server::{Options, Server, serve};
