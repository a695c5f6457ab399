//! `loam version`

use super::{
    Global,
    error::{Code, Failure},
    project,
    terminal::Terminal,
};
use crate::{plan, state};

/// Show the version, and those of the formats it reads and writes
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(terminal: &mut Terminal, _global: &Global, _args: &Args) -> Result<Code, Failure> {
    let version = env!("CARGO_PKG_VERSION");
    let offers = project::offers();
    let providers: Vec<&str> = offers.factories().iter().map(|factory| factory.name()).collect();
    let is_json = terminal.is_json();
    terminal.screen.result(|out, _| {
        if is_json {
            let line = serde_json::json!({
                "type": "version",
                "loam": version,
                "state_schema": state::SCHEMA_VERSION,
                "plan_format": plan::FORMAT,
                "providers": providers,
            });
            return writeln!(out, "{line}");
        }
        writeln!(out, "loam {version}")?;
        writeln!(out, "state schema {}, plan format {}", state::SCHEMA_VERSION, plan::FORMAT)?;
        writeln!(out, "providers: {}", providers.join(", "))
    })?;
    Ok(Code::Done)
}
