//! The command line: the only module that reads arguments, environment and working directory.
//!
//! Each command is a file: its `Args`, whose doc comments are the help, and a `run` that reads as a
//! paragraph. `error` alone turns failures into text and exit codes.

mod apply;
mod ask;
mod completions;
mod console;
mod demo;
mod destroy;
mod error;
mod fmt;
mod get;
mod graph;
mod import;
mod init;
mod inputs;
mod internal;
mod interrupt;
mod metadata;
mod nearest;
mod output;
mod plan;
mod project;
mod providers;
mod run;
mod show;
mod state;
mod terminal;
mod trace;
mod usage;
mod validate;
mod version;

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{CommandFactory as _, Parser, Subcommand};

use error::{Code, Failure};
use terminal::Terminal;

/// Declarative networks and the data they stand on.
#[derive(Debug, Parser)]
#[command(
    name = "loam",
    version,
    about = ABOUT,
    after_help = AFTER_HELP,
    max_term_width = 100,
    disable_help_flag = true,
    disable_help_subcommand = true,
    disable_version_flag = true
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
    /// Show the version
    #[arg(short = 'V', long, action = clap::ArgAction::Version)]
    version: Option<bool>,
}

/// What loam is.
const ABOUT: &str = "\
Declarative networks and the data they stand on.

loam reads `*.loam.hcl` in a directory, compares it with what it recorded and with the world, shows \
what will change and why, and makes it so.";

/// What stands below the help of loam itself: how to begin, and what else decides what it does.
const AFTER_HELP: &str = "\
A first run:
  loam init && loam plan && loam apply

Exit codes:
  0  Done
  1  Something failed, or was not confirmed
  2  With plan --detailed-exitcode: there are changes

Environment:
  LOAM_VAR_name   The value of the input variable `name`
  LOAM_STATE_KEY  The key that seals secrets in the state, instead of `.loam/key`
  NO_COLOR        No colours, if set to anything
  LOAM_LOG        Traces on standard error, for developers of loam: `debug`, `loam=trace`

`loam COMMAND --help` tells more about a command.";

/// What every command takes.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Take configuration and state from this directory
    #[arg(
        short = 'C',
        long = "chdir",
        value_name = "DIR",
        global = true,
        default_value = ".",
        hide_default_value = true
    )]
    directory: PathBuf,
    /// Write one JSON object per line on standard output, for programs
    #[arg(long, global = true)]
    json: bool,
    /// Write no colours, as with NO_COLOR
    #[arg(long, global = true)]
    no_color: bool,
    /// Show this help
    #[arg(short = 'h', long, global = true, action = clap::ArgAction::HelpShort)]
    help: Option<bool>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Args),
    Get(get::Args),
    Validate(validate::Args),
    Plan(plan::Args),
    Apply(apply::Args),
    Destroy(destroy::Args),
    Show(show::Args),
    Output(output::Args),
    Console(console::Args),
    Import(import::Args),
    State(state::Args),
    Graph(graph::Args),
    Fmt(fmt::Args),
    Providers(providers::Args),
    Metadata(metadata::Args),
    Completions(completions::Args),
    Version(version::Args),
    DemoNode(demo::Args),
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
    let given = usage::without_help_command(arguments.into_iter().collect());
    let parsed = match usage::dashes(&given) {
        Some(mistake) => Err(mistake),
        None => Arguments::try_parse_from(&given).map_err(|error| usage::Stop::of(error, &given)),
    };
    let arguments = match parsed {
        Ok(arguments) => arguments,
        Err(stop) => return error::usage(&mut Terminal::new(&usage::global(&given)), stop),
    };
    if let Command::Internal(args) = &arguments.command {
        return internal::run(args);
    }
    let mut terminal = Terminal::new(&arguments.global);
    if let Err(failure) = trace::begin(&mut terminal) {
        return error::exit(&mut terminal, Err(failure));
    }
    let outcome = dispatch(&mut terminal, arguments);
    error::exit(&mut terminal, outcome)
}

fn dispatch(terminal: &mut Terminal, arguments: Arguments) -> Result<Code, Failure> {
    let Arguments { global, command, version: _ } = arguments;
    match command {
        Command::Init(args) => init::run(terminal, &global, &args),
        Command::Get(args) => get::run(terminal, &global, &args),
        Command::Validate(args) => validate::run(terminal, &global, &args),
        Command::Plan(args) => plan::run(terminal, &global, &args),
        Command::Apply(args) => apply::run(terminal, &global, &args),
        Command::Destroy(args) => destroy::run(terminal, &global, &args),
        Command::Show(args) => show::run(terminal, &global, &args),
        Command::Output(args) => output::run(terminal, &global, &args),
        Command::Console(args) => console::run(terminal, &global, &args),
        Command::Import(args) => import::run(terminal, &global, &args),
        Command::State(args) => state::run(terminal, &global, &args),
        Command::Graph(args) => graph::run(terminal, &global, &args),
        Command::Fmt(args) => fmt::run(terminal, &global, &args),
        Command::Providers(args) => providers::run(terminal, &global, &args),
        Command::Metadata(args) => metadata::run(terminal, &global, &args),
        Command::Completions(args) => completions::run(terminal, &args),
        Command::Version(args) => version::run(terminal, &global, &args),
        Command::DemoNode(args) => demo::run(args),
        // Ran before there was a terminal.
        Command::Internal(_) => Ok(Code::Done),
    }
}
