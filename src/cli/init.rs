//! `loam init`

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::Path,
};

use super::{
    Global,
    error::{Code, Failure},
    get,
    inputs::Inputs,
    project::{self, Directory, Given},
    terminal::Terminal,
};
use crate::{plan, ui};

/// What an empty directory gets.
const STARTER: &str = include_str!("starter.loam.hcl");

/// The file that it gets it in.
const STARTER_FILE: &str = "main.loam.hcl";

/// Write a starter configuration, or check the one that is there and fetch its modules
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A directory that is missing is made. Files that exist are never changed. Providers are part of loam; only modules \
from Git repositories and archives are fetched, as `loam get` does.

Example:
  loam -C network init")]
pub(super) struct Args {}

pub(super) fn run(terminal: &mut Terminal, global: &Global, _args: &Args) -> Result<Code, Failure> {
    fs::create_dir_all(&global.directory)
        .map_err(|error| Failure::new(format!("failed to create `{}`: {error}", global.directory.display())))?;
    let directory = Directory::open(global)?;
    if !has_configuration(&directory.base)? {
        write_new(&directory.base.join(STARTER_FILE), STARTER)?;
        let ignore = directory.base.join(".gitignore");
        if !ignore.exists() {
            write_new(&ignore, "# What loam keeps on this machine: state, key, data of local networks.\n.loam/\n")?;
        }
        terminal.tell(|out, style| ui::note(out, style, &format!("Wrote {STARTER_FILE}: three demo nodes.")));
    }
    let (project, mut diagnostics) = get::bring(terminal, global, Given::Partly(&Inputs::default()), false)?;
    diagnostics.extend(plan::validate(&project.config, &project::offers(), &project.paths, &project.files));
    let project = project.refuse(terminal, diagnostics)?;
    if terminal.is_json() {
        terminal.screen.result(|out, _| ui::valid_json(out, project.config.root.resources.len()))?;
    }
    terminal.tell(|out, style| ui::note(out, style, "Ready. `loam plan` shows what `loam apply` will do."));
    Ok(Code::Done)
}

fn has_configuration(directory: &Path) -> Result<bool, Failure> {
    let failed = |error| Failure::new(format!("failed to read `{}`: {error}", directory.display()));
    for entry in fs::read_dir(directory).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let name = name.to_string_lossy();
        if name.ends_with(".loam.hcl") || name.ends_with(".loam.json") {
            return Ok(true);
        }
    }
    Ok(false)
}

fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| Failure::new(format!("failed to write `{}`: {error}", path.display())))
}
