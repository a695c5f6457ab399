//! `cargo xtask fuzz`: texts that nobody would write, for the parser, the evaluator and the formatter.
//!
//! Inputs are written by the rules of the language (`grammar`), or made of the project's own tests (`seeds`) by breaking
//! them (`mutate`). Each is tried in another process under limits of time and memory (`watch`), which checks what
//! `target` says. The same seed gives the same inputs.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for developers that says what it found")]

mod dice;
mod grammar;
mod meaning;
mod mutate;
mod seeds;
mod target;
mod watch;

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::Parser;

use self::{
    seeds::Seeds,
    target::Target,
    watch::{Found, Until, try_inputs, watch},
};

/// Tries texts that nobody would write, until one fails or it is enough.
#[derive(Parser)]
#[command(name = "cargo xtask fuzz", bin_name = "cargo xtask fuzz")]
struct Args {
    /// What is tried.
    target: Target,
    /// For how long, in seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// How many texts, whatever time they take.
    #[arg(long, conflicts_with = "seconds")]
    count: Option<u64>,
    /// Which texts.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the text that fails is kept.
    #[arg(long, default_value = "target/fuzz")]
    folder: PathBuf,
    /// Try the text in this file alone.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seconds", "count", "seed"])]
    again: Option<PathBuf>,
    /// Try texts in this process, each from this file.
    #[arg(long, hide = true)]
    through: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            for cause in std::iter::successors(error.source(), |&cause| cause.source()) {
                eprintln!("because: {cause}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> Result<ExitCode, Box<dyn Error>> {
    let Args { target, seconds, count, seed, folder, again, through } = args;
    if let Some(file) = through {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        try_inputs(target, seed, count, &file, &Seeds::read(&repository)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let name = target.name();
    if let Some(file) = again {
        return Ok(match target.check(&fs::read_to_string(&file)?) {
            Ok(()) => {
                println!("{name}: nothing was found");
                ExitCode::SUCCESS
            }
            Err(what) => {
                println!("{name}: {what}");
                ExitCode::FAILURE
            }
        });
    }
    let until = count.map_or(Until::Time(Duration::from_secs(seconds)), Until::Count);
    Ok(match watch(target, seed, until, &folder)? {
        Found::Nothing { inputs } => {
            println!("{name}: {inputs} texts of seed {seed} were tried, and nothing was found");
            ExitCode::SUCCESS
        }
        Found::Failure { number, what, input } => {
            println!("{name}: text {number} of seed {seed}: {what}");
            println!("again: cargo xtask fuzz {name} --again {}", input.display());
            ExitCode::FAILURE
        }
    })
}
