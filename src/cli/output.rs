//! `loam output`

use super::{
    Global,
    error::{Code, Failure},
    project::Directory,
    run,
    terminal::Terminal,
};
use crate::{diag::did_you_mean, state, ui};

/// Show the output values that the last apply recorded
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A secret is shown only when it is asked for by name, with --raw or --json.

Examples:
  loam output
  curl \"$(loam output --raw url)/health\"
  loam output --json endpoints | jq -r 'to_entries[] | .key + \" \" + .value'")]
pub(super) struct Args {
    /// The output; all of them if left out
    name: Option<String>,
    /// Write the bare text of a string, number or bool, for scripts
    #[arg(long, requires = "name", conflicts_with = "json")]
    raw: bool,
}

/// What is said where there are none.
const NONE: &str = "No outputs are recorded: `loam apply` records those of the `output` blocks.";

pub(super) fn run(terminal: &mut Terminal, global: &Global, args: &Args) -> Result<Code, Failure> {
    let directory = Directory::open(global)?;
    let store = state::open_read_only(&directory.loam, directory.seal()?, run::now())?;
    let outputs = store.outputs()?;
    let Some(name) = &args.name else {
        if outputs.is_empty() {
            terminal.tell(|out, style| ui::note(out, style, NONE));
        }
        terminal.show_outputs(&outputs)?;
        return Ok(Code::Done);
    };
    let Some(output) = outputs.iter().find(|output| *output.name == **name) else {
        let names = outputs.iter().map(|output| output.name.as_str());
        let list = "`loam output` lists those there are; `loam apply` records new ones.";
        let otherwise = if outputs.is_empty() { NONE } else { list };
        let hint = did_you_mean(name, names).unwrap_or_else(|| otherwise.to_owned());
        return Err(Failure::new(format!("there is no output `{name}` in the state")).hint(hint));
    };
    if args.raw {
        let text = ui::output_raw(output)?;
        terminal.screen.result(|out, _| out.write_all(text.as_bytes()))?;
    } else {
        let is_json = terminal.is_json();
        terminal.screen.result(
            |out, style| {
                if is_json { ui::output_json(out, output) } else { ui::output(out, style, output) }
            },
        )?;
    }
    Ok(Code::Done)
}
