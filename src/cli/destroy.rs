//! `loam destroy`

use super::{
    Global,
    apply::{self, Applying, Wish},
    error::{Code, Failure},
    inputs::Inputs,
    run::{Planning, Working},
    terminal::Terminal,
};
use crate::plan::Mode;

/// Destroy everything in the state, except what is retained
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Shows the plan and asks. What has `on_destroy = \"retain\"`, as archives and snapshots have by themselves, stays in \
the world and leaves the state; the plan lists it as kept, with where it is.

Examples:
  loam plan --destroy
  loam destroy")]
pub(super) struct Args {
    #[command(flatten)]
    applying: Applying,
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    working: Working,
}

pub(super) fn run(terminal: &mut Terminal, global: &Global, args: &Args) -> Result<Code, Failure> {
    let Args { applying, inputs, working } = args;
    let planning = &Planning { replace: Vec::new(), working: working.clone() };
    let wish = Wish { command: "destroy", mode: Mode::Destroy, saved: None, applying, planning, inputs };
    apply::work(terminal, global, &wish)
}
