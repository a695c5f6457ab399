//! `loam validate`

use super::{
    Global,
    error::{Code, Failure},
    inputs::Inputs,
    project::{self, Given, Project},
    terminal::Terminal,
};
use crate::{plan, ui};

/// Check the configuration without looking at state or world
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Every mistake is told in one run, with its file, line and column. Variables need no values.

Example:
  loam validate --json | jq -r 'select(.severity == \"error\").summary'")]
pub(super) struct Args {}

pub(super) fn run(terminal: &mut Terminal, global: &Global, _args: &Args) -> Result<Code, Failure> {
    let (project, mut diagnostics) = Project::read(global, Given::Partly(&Inputs::default()))?;
    diagnostics.extend(plan::validate(&project.config, &project::offers(), &project.paths, &project.files));
    let project = project.refuse(terminal, diagnostics)?;
    let blocks = project.config.root.resources.len();
    if terminal.is_json() {
        terminal.screen.result(|out, _| ui::valid_json(out, blocks))?;
    }
    let blocks = if blocks == 1 { "1 resource block".to_owned() } else { format!("{blocks} resource blocks") };
    terminal.tell(|out, style| ui::note(out, style, &format!("The configuration is valid ({blocks}).")));
    Ok(Code::Done)
}
