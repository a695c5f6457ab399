//! `loam completions`

use super::{
    error::{Code, Failure},
    terminal::Terminal,
};

/// Write a completion script for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Where the shells look for it:
  loam completions bash > ~/.local/share/bash-completion/completions/loam
  loam completions fish > ~/.config/fish/completions/loam.fish
  loam completions zsh > ~/.zfunc/_loam     With `fpath+=~/.zfunc` before `compinit` in ~/.zshrc")]
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
