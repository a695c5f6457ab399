//! How the workspace is checked and tested.

use std::{env, path::PathBuf, process::Command};

use crate::{StepError, step};

/// The scripted provider is part of what is checked and tested.
const WORKSPACE: [&str; 3] = ["--workspace", "--features", "loam/sim"];

/// Runs all tests; `args` go to `cargo test`.
pub(crate) fn test(args: &[String]) -> Result<(), StepError> {
    step(cargo().arg("test").args(WORKSPACE).args(args))
}

/// Tries texts that nobody would write.
pub(crate) fn fuzz(args: &[String]) -> Result<(), StepError> {
    step(cargo().args(["run", "--quiet", "--package", "loam-fuzz", "--"]).args(args))
}

/// Builds a program with optimisation and returns where it is.
pub(crate) fn release(program: &str) -> Result<PathBuf, StepError> {
    step(cargo().args(["build", "--release", "--package", program, "--bin", program]))?;
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    Ok(target.join("release").join(program))
}

/// Returns the top of the repository.
fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Checks formatting, lints and documentation.
pub(crate) fn lint() -> Result<(), StepError> {
    step(cargo().args(["fmt", "--all", "--check"]))?;
    step(cargo().arg("clippy").args(WORKSPACE).args(["--all-targets", "--", "-D", "warnings"]))?;
    step(cargo().arg("doc").args(WORKSPACE).arg("--no-deps").env("RUSTDOCFLAGS", "-D warnings"))
}

/// Returns the cargo that runs this program.
fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
