//! The command line as scripts and people meet it: exit codes, what goes where, what is refused.

mod basics;
mod conformance;
mod console;
mod ephemeral;
mod fmt;
mod graph;
mod imports;
mod interrupt;
mod json;
mod metadata;
mod mistakes;
mod moves;
mod saved;
#[cfg(feature = "sim")]
mod sim;
mod state;
mod terminal;
mod tree;
