//! What the documents say is true: their examples run, their commands parse, their links lead somewhere, and the
//! tables of functions, kinds and exit codes are those of the program.
//!
//! `UPDATE_DOCS=1` writes the tables and the picture anew; read the difference before it is committed. Start in
//! [`page`] for what a document is made of.

#![expect(clippy::unwrap_used, reason = "tests")]

mod commands;
mod examples;
mod exit_codes;
mod links;
mod messages;
mod page;
mod picture;
mod run;
mod tables;
