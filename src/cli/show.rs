//! `loam show`

use std::path::PathBuf;

use super::{
    Global,
    error::{Code, Failure},
    project::{self, Directory},
    run,
    state::EMPTY,
    terminal::Terminal,
};
use crate::{plan, state, ui};

/// Show the objects in the state, or a saved plan
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  loam show
  loam show next.plan
  loam show --json | jq -r 'select(.type == \"object\").address'")]
pub(super) struct Args {
    /// A plan saved with `loam plan --out`
    #[arg(value_name = "PLAN")]
    saved: Option<PathBuf>,
}

pub(super) fn run(terminal: &mut Terminal, global: &Global, args: &Args) -> Result<Code, Failure> {
    let directory = Directory::open(global)?;
    let seal = directory.seal()?;
    if let Some(saved) = &args.saved {
        let plan = plan::load(&project::given_path(saved), &seal)?;
        terminal.show_plan(&plan, &project::offers())?;
        return Ok(Code::Done);
    }
    let store = state::open_read_only(&directory.loam, seal, run::now())?;
    let (objects, outputs) = (store.objects()?, store.outputs()?);
    if objects.is_empty() && outputs.is_empty() {
        terminal.tell(|out, style| ui::note(out, style, EMPTY));
    }
    terminal.show_objects(&objects, &project::offers())?;
    if !terminal.is_json() && !outputs.is_empty() {
        terminal.screen.result(|out, style| ui::heading(out, style, "Outputs"))?;
    }
    terminal.show_outputs(&outputs)?;
    Ok(Code::Done)
}
