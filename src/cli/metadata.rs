//! `loam metadata`

use super::{
    Global,
    error::{Code, Failure},
    terminal::Terminal,
};
use crate::{
    diag::did_you_mean,
    eval::functions::{self, Function},
    ui,
};

/// Show what the language has
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  loam metadata functions
  loam metadata functions cidrsubnet
  loam metadata functions --json | jq -r '.function_signatures | keys[]'")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show the functions of the language with their arguments; with --json as Terraform's command of this name does
    Functions {
        /// Only this one, with the types of its arguments
        name: Option<String>,
    },
}

pub(super) fn run(terminal: &mut Terminal, _global: &Global, args: &Args) -> Result<Code, Failure> {
    let Command::Functions { name } = &args.command;
    let mut shown: Vec<&Function> = functions::all().collect();
    shown.sort_by_key(|function| function.name);
    if let Some(name) = name {
        let plain = name.strip_prefix("core::").unwrap_or(name);
        let hint = did_you_mean(plain, shown.iter().map(|function| function.name));
        shown.retain(|function| function.name == plain);
        if shown.is_empty() {
            let hint = hint.unwrap_or_else(|| "`loam metadata functions` lists those there are.".into());
            return Err(Failure::new(format!("there is no function `{name}`")).hint(hint));
        }
    }
    let is_json = terminal.is_json();
    terminal.screen.result(|out, style| match (is_json, shown.as_slice()) {
        (true, functions) => ui::functions_json(out, functions),
        (false, [function]) if name.is_some() => ui::function(out, function),
        (false, functions) => ui::functions(out, style, functions),
    })?;
    Ok(Code::Done)
}
