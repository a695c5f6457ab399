//! The command line: the only module that reads arguments, environment and working directory.
//!
//! Each command is a file: its `Args`, whose doc comments are the help, and a `run` that reads as a
//! paragraph. [`error`] alone turns failures into text and exit codes.

mod apply;
mod completions;
mod demo;
mod destroy;
mod error;
mod fmt;
mod graph;
mod init;
mod inputs;
mod internal;
mod interrupt;
mod output;
mod plan;
mod project;
mod providers;
mod run;
mod show;
mod state;
mod terminal;
mod validate;
mod version;

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{CommandFactory as _, Parser, Subcommand};

use error::{Code, Failure};
use terminal::Terminal;

/// Declarative networks and the data they stand on.
///
/// loam reads `*.loam.hcl` in a directory, compares it with what it recorded and with the world,
/// shows what will change and why, and makes it so.
#[derive(Debug, Parser)]
#[command(name = "loam", version, disable_help_subcommand = true, max_term_width = 100)]
#[command(
    after_help = "A first run:  loam init && loam plan && loam apply\nExit codes:   0 done, 1 error, 2 changes (with --detailed-exitcode)"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Global {
    /// Work in this directory
    #[arg(
        short = 'C',
        long = "chdir",
        value_name = "DIR",
        global = true,
        default_value = ".",
        hide_default_value = true
    )]
    directory: PathBuf,
    /// Write one JSON object per line (see schemas/)
    #[arg(long, global = true)]
    json: bool,
    /// Write no colours, as with NO_COLOR
    #[arg(long, global = true)]
    no_color: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a starter configuration into an empty directory, or check the one that is there
    Init(init::Args),
    /// Check the configuration without looking at state or world
    Validate(validate::Args),
    /// Show what apply would change, and why
    Plan(plan::Args),
    /// Make the world what the configuration says
    Apply(apply::Args),
    /// Destroy everything in the state, except what is retained
    Destroy(destroy::Args),
    /// Show the objects in the state, or a saved plan
    Show(show::Args),
    /// Show output values
    Output(output::Args),
    /// Look at the state, and mend it
    State(state::Args),
    /// Draw which block needs which
    Graph(graph::Args),
    /// Lay out configuration files the usual way
    Fmt(fmt::Args),
    /// Show the providers and the kinds they realise
    Providers(providers::Args),
    /// Write a completion script for a shell
    Completions(completions::Args),
    /// Show the version
    Version(version::Args),
    /// Serve a small replicated key-value store: a node to try networks with
    DemoNode(demo::Args),
    /// What loam starts by itself
    #[command(hide = true)]
    Internal(internal::Args),
}

/// Returns the grammar of the command line, so that what documents show can be held against it.
#[must_use]
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the command line.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(usage) => return error::usage(&usage),
    };
    if let Command::Internal(args) = &arguments.command {
        return internal::run(args);
    }
    let mut terminal = Terminal::new(&arguments.global);
    let outcome = dispatch(&mut terminal, arguments);
    error::exit(&mut terminal, outcome)
}

fn dispatch(terminal: &mut Terminal, arguments: Arguments) -> Result<Code, Failure> {
    let Arguments { global, command } = arguments;
    match command {
        Command::Init(args) => init::run(terminal, &global, &args),
        Command::Validate(args) => validate::run(terminal, &global, &args),
        Command::Plan(args) => plan::run(terminal, &global, &args),
        Command::Apply(args) => apply::run(terminal, &global, &args),
        Command::Destroy(args) => destroy::run(terminal, &global, &args),
        Command::Show(args) => show::run(terminal, &global, &args),
        Command::Output(args) => output::run(terminal, &global, &args),
        Command::State(args) => state::run(terminal, &global, &args),
        Command::Graph(args) => graph::run(terminal, &global, &args),
        Command::Fmt(args) => fmt::run(terminal, &global, &args),
        Command::Providers(args) => providers::run(terminal, &global, &args),
        Command::Completions(args) => completions::run(terminal, &args),
        Command::Version(args) => version::run(terminal, &global, &args),
        Command::DemoNode(args) => demo::run(args),
        // Ran before there was a terminal.
        Command::Internal(_) => Ok(Code::Done),
    }
}
