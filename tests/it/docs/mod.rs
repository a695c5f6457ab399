//! What the documents say is true: their examples run, their commands parse, their links lead somewhere, and the
//! tables of functions, kinds and exit codes are those of the program.
//!
//! `UPDATE_DOCS=1` writes the tables and the picture anew; read the difference before it is committed. Start in
//! [`page`] for what a document is made of.

mod commands;
mod examples;
mod exit_codes;
mod links;
mod messages;
mod page;
mod picture;
mod tables;
mod variables;

use crate::support::{Done, Project};

/// The columns of a terminal, in documents.
const COLUMNS: usize = 100;

/// Runs loam in a directory, as wide as documents show it.
fn loam(project: &Project, arguments: &[&str]) -> Done {
    Done::of(project.command(arguments).env("COLUMNS", COLUMNS.to_string()))
}
