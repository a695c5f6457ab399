//! What loam starts by itself: the launcher of detached processes.

use std::process::ExitCode;

/// What loam starts by itself
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Become the detached process that standard input describes, after its record was written
    Launch,
}

pub(super) fn run(args: &Args) -> ExitCode {
    match args.command {
        Command::Launch => loam_local::launch::run(),
    }
}
