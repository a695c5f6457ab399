//! `loam version`

use super::{
    Global,
    error::{Code, Failure},
    project,
    terminal::Terminal,
};
use crate::{plan, state, ui};

/// Show the version, and those of the formats it reads and writes
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(terminal: &mut Terminal, _global: &Global, _args: &Args) -> Result<Code, Failure> {
    let offers = project::offers();
    let version =
        ui::Version { loam: env!("CARGO_PKG_VERSION"), state_schema: state::SCHEMA_VERSION, plan_format: plan::FORMAT };
    let is_json = terminal.is_json();
    terminal.screen.result(|out, _| {
        if is_json { ui::version_json(out, version, &offers) } else { ui::version(out, version, &offers) }
    })?;
    Ok(Code::Done)
}
