//! `loam providers`

use super::{
    Global,
    error::{Code, Failure},
    project,
    terminal::Terminal,
};
use crate::ui;

/// Show the providers and the kinds they realise
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(terminal: &mut Terminal, _global: &Global, _args: &Args) -> Result<Code, Failure> {
    let offers = project::offers();
    let is_json = terminal.is_json();
    terminal.screen.result(
        |out, _| {
            if is_json { ui::providers_json(out, &offers) } else { ui::providers(out, &offers) }
        },
    )?;
    Ok(Code::Done)
}
