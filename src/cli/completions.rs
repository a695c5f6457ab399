//! `loam completions`

use super::{
    error::{Code, Failure},
    terminal::Terminal,
};

/// Write a completion script for a shell: `loam completions bash > ~/.local/share/bash-completion/completions/loam`
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell
    shell: clap_complete::Shell,
}

pub(super) fn run(terminal: &mut Terminal, args: &Args) -> Result<Code, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "loam", &mut script);
    terminal.screen.result(|out, _| out.write_all(&script))?;
    Ok(Code::Done)
}
