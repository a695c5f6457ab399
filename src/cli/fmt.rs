//! `loam fmt`

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use super::{
    Global,
    error::{self, Code, Failure},
    project::Directory,
    terminal::Terminal,
};
use crate::{config, ui};

/// Lay out configuration files the usual way
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Prints the names of the files that it changes. Only the layout changes, never what a file means.

Examples:
  loam fmt --recursive
  loam fmt --check --diff           In a script: fails and shows what fmt would change
  loam fmt - < main.loam.hcl        For editors: reads standard input, writes standard output")]
pub(super) struct Args {
    /// Files or directories, or `-`; the working directory if left out
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Change nothing; exit with 1 if a file is laid out differently
    #[arg(long)]
    check: bool,
    /// Show what changes
    #[arg(long)]
    diff: bool,
    /// Also look into the directories below
    #[arg(long, short)]
    recursive: bool,
}

pub(super) fn run(terminal: &mut Terminal, global: &Global, args: &Args) -> Result<Code, Failure> {
    let directory = Directory::open(global)?;
    if args.paths == [PathBuf::from("-")] {
        return standard_input(terminal, args);
    }
    let given = if args.paths.is_empty() { vec![PathBuf::from(".")] } else { args.paths.clone() };
    let mut files = Vec::new();
    for path in &given {
        collect(&directory.base.join(path), path, args.recursive, Depth::Given, &mut files)?;
    }
    let mut code = Code::Done;
    for (path, shown) in files {
        match lay_out(terminal, args, &path, &shown) {
            Ok(Layout::Usual) => {}
            Ok(Layout::Other) if !args.check => {}
            Ok(Layout::Other) => code = Code::Failed,
            // One file that cannot be read keeps no other from being laid out.
            Err(failure) => {
                error::tell(terminal, &failure);
                code = Code::Failed;
            }
        }
    }
    Ok(code)
}

/// How a file was laid out before.
enum Layout {
    Usual,
    Other,
}

fn lay_out(terminal: &mut Terminal, args: &Args, path: &Path, shown: &Path) -> Result<Layout, Failure> {
    let name = shown.to_string_lossy();
    let text = fs::read_to_string(path).map_err(|error| Failure::new(format!("failed to read `{name}`: {error}")))?;
    let formatted = formatted(&text, &name)?;
    if formatted == text {
        return Ok(Layout::Usual);
    }
    terminal.screen.result(|out, style| {
        writeln!(out, "{name}")?;
        if args.diff { ui::text_diff(out, style, &name, &text, &formatted) } else { Ok(()) }
    })?;
    if !args.check {
        replace(path, &formatted).map_err(|error| Failure::new(format!("failed to write `{name}`: {error}")))?;
    }
    Ok(Layout::Other)
}

fn standard_input(terminal: &mut Terminal, args: &Args) -> Result<Code, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Failure::new(format!("failed to read standard input: {error}")))?;
    let formatted = formatted(&text, "standard input")?;
    let differs = formatted != text;
    terminal.screen.result(|out, style| match (args.diff, args.check) {
        (true, _) => ui::text_diff(out, style, "standard input", &text, &formatted),
        (false, true) => Ok(()),
        (false, false) => out.write_all(formatted.as_bytes()),
    })?;
    Ok(if args.check && differs { Code::Failed } else { Code::Done })
}

fn formatted(text: &str, name: &str) -> Result<String, Failure> {
    config::format(text).map_err(|error| {
        Failure::new(format!("failed to lay out `{name}`: {error}"))
            .hint("`loam validate` shows what is wrong with it.")
    })
}

/// How a path came to be looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// It was named.
    Given,
    /// It was found.
    Below,
}

fn collect(
    path: &Path,
    shown: &Path,
    is_recursive: bool,
    depth: Depth,
    files: &mut Vec<(PathBuf, PathBuf)>,
) -> Result<(), Failure> {
    let failed = |error| Failure::new(format!("failed to read `{}`: {error}", shown.display()));
    let metadata = fs::metadata(path).map_err(failed)?;
    if metadata.is_file() {
        if depth == Depth::Given || is_configuration(path) {
            files.push((path.to_owned(), shown.to_owned()));
        }
        return Ok(());
    }
    let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    if depth == Depth::Below && (!is_recursive || is_hidden) {
        return Ok(());
    }
    let mut entries: Vec<_> = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let shown =
            if shown == Path::new(".") { PathBuf::from(entry.file_name()) } else { shown.join(entry.file_name()) };
        collect(&entry.path(), &shown, is_recursive, Depth::Below, files)?;
    }
    Ok(())
}

fn is_configuration(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    name.ends_with(".loam.hcl") || name.ends_with(".vars.hcl")
}

/// Writes beside the file and renames, so that it is never half written.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let draft = path.with_extension(format!("hcl.{}.new", std::process::id()));
    fs::write(&draft, text)?;
    fs::set_permissions(&draft, fs::metadata(path)?.permissions())?;
    fs::rename(&draft, path)
}
