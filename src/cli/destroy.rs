//! `loam destroy`

use super::{
    Global,
    apply::{self, Applying, Wish},
    error::{Code, Failure},
    inputs::Inputs,
    run::Planning,
    terminal::Terminal,
};
use crate::plan::Mode;

/// Destroy everything in the state. What is to be retained is forgotten and stays; the plan lists it as kept.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    applying: Applying,
    #[command(flatten)]
    planning: Planning,
    #[command(flatten)]
    inputs: Inputs,
}

pub(super) fn run(terminal: &mut Terminal, global: &Global, args: &Args) -> Result<Code, Failure> {
    let Args { applying, planning, inputs } = args;
    let wish = Wish { command: "destroy", mode: Mode::Destroy, saved: None, applying, planning, inputs };
    apply::work(terminal, global, &wish)
}
