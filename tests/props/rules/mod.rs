//! What the engine does in one case at a time.

mod failure;
mod order;
mod plan;
mod recovery;
mod secrets;
mod takeover;
