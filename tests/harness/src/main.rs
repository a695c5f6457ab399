//! `cargo xtask`: sets up what the tests need and runs them.
//!
//! Each command is a list of steps, done in order until one fails. [`programs`] knows
//! what the tests need besides Rust, [`install`] how to get it, [`cargo`] how the
//! workspace is built, checked and tested.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for developers that says what it does")]

mod bench;
mod cargo;
mod install;
mod programs;

use std::{
    error::Error,
    path::PathBuf,
    process::{Command, ExitCode},
};

use clap::Parser;

/// Checks and tests the workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Args {
    /// Install the programs that the tests use, if any is missing, and run all tests.
    Test {
        /// Passed to `cargo test`, such as `--test it` or `-- --nocapture`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Try texts that nobody would write on `parse`, `eval` or `fmt`.
    Fuzz {
        /// Passed to the program that tries, such as `fmt --seconds 600 --seed 3`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Compare loam with an installed Terraform on the same configuration.
    Bench {
        /// What is compared.
        what: Compared,
        /// How many blocks the configuration has.
        #[arg(long, default_value_t = 100_000)]
        blocks: usize,
        /// How often each program runs; the median by time is told.
        #[arg(long, default_value_t = 3)]
        runs: usize,
        /// Where the figures are written as JSON.
        #[arg(long, value_name = "FILE", default_value = "target/bench/language.json")]
        json: PathBuf,
    },
    /// Check formatting, lints and documentation.
    Lint,
    /// Do what CI does: lint, then test.
    Ci,
}

/// What is compared with Terraform.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Compared {
    /// Reading and evaluating: `validate`.
    Language,
}

/// Why a command ended early.
#[derive(Debug, thiserror::Error)]
enum XtaskError {
    #[error(transparent)]
    Step(#[from] StepError),
    #[error(transparent)]
    Install(#[from] install::InstallError),
    #[error(transparent)]
    Bench(#[from] bench::BenchError),
}

/// Why a program that was run is no success.
#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error("failed to run `{program}`")]
    Start { program: String, source: std::io::Error },
    #[error("`{command}` ended with {status}")]
    Failed { command: String, status: std::process::ExitStatus },
}

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            exit_code(&error)
        }
    }
}

fn run(args: Args) -> Result<(), XtaskError> {
    match args {
        Args::Test { args } => test(&args),
        Args::Fuzz { args } => Ok(cargo::fuzz(&args)?),
        Args::Bench { what: Compared::Language, blocks, runs, json } => {
            print!("{}", bench::language(blocks, runs, &json)?);
            Ok(())
        }
        Args::Lint => Ok(cargo::lint()?),
        Args::Ci => {
            cargo::lint()?;
            test(&[])
        }
    }
}

fn test(args: &[String]) -> Result<(), XtaskError> {
    install::ensure(programs::NEEDED)?;
    Ok(cargo::test(args)?)
}

/// Shows `command`, runs it with this terminal, and waits for its success.
fn step(command: &mut Command) -> Result<(), StepError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let line = command_line(command);
    eprintln!("xtask: {line}");
    let status = command.status().map_err(|source| StepError::Start { program, source })?;
    if status.success() { Ok(()) } else { Err(StepError::Failed { command: line, status }) }
}

/// Returns a command as one would type it, without the path of its program.
fn command_line(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let words = std::iter::once(name).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn report(error: &XtaskError) {
    eprintln!("xtask: error: {error}");
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    for cause in causes {
        eprintln!("xtask: because: {cause}");
    }
}

/// Passes on how a step ended, so that whoever runs the tests sees their exit code.
fn exit_code(error: &XtaskError) -> ExitCode {
    match error {
        XtaskError::Step(StepError::Failed { status, .. }) => {
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            code.map_or(ExitCode::FAILURE, ExitCode::from)
        }
        XtaskError::Step(StepError::Start { .. }) | XtaskError::Install(_) | XtaskError::Bench(_) => ExitCode::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn arguments_of_tests_are_passed_on_as_they_are() {
        let args = ["xtask", "test", "--test", "it", "--", "--nocapture", "crash"];
        let Args::Test { args } = Args::try_parse_from(args).unwrap() else { panic!("another command") };
        assert_eq!(args, ["--test", "it", "--", "--nocapture", "crash"]);
    }

    #[test]
    fn a_failed_step_passes_on_its_exit_code() {
        let error = step(Command::new("sh").args(["-c", "exit 7"])).unwrap_err();
        assert_eq!(error.to_string(), "`sh -c exit 7` ended with exit status: 7");
        assert_eq!(exit_code(&error.into()), ExitCode::from(7));
        let missing = step(&mut Command::new("no-such-program-here")).unwrap_err();
        assert_eq!(missing.to_string(), "failed to run `no-such-program-here`");
        assert_eq!(exit_code(&missing.into()), ExitCode::FAILURE);
    }
}
