//! Tests of the real binary, and of the rules that hold for the whole project.

#![expect(clippy::unwrap_used, reason = "tests")]

mod architecture;
mod bad_input;
mod cli;
mod crash;
mod docs;
mod examples;
mod kinds;
mod modules;
#[path = "../../src/ui/schema_test.rs"]
mod schema;
mod secrets;
mod state_files;
mod support;
