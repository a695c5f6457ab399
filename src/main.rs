//! The `loam` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    loam::cli::main(std::env::args_os())
}
