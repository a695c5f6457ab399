//! What the engine does in one case at a time.

mod order;
