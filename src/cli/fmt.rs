//! `loam fmt`

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use clap::ArgAction;

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
Lays out `*.loam.hcl` and `*.vars.hcl` and prints the names of the files that it changes. Only the layout changes, never
what a file means. JSON stays as it is.

Examples:
  loam fmt --recursive
  loam fmt --check --diff           In a script: fails and shows what fmt would change
  loam fmt - < main.loam.hcl        For editors: reads standard input, writes standard output")]
pub(super) struct Args {
    /// Files or directories, or `-`; the working directory if left out
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Change nothing; exit with 3 if a file is laid out differently
    #[arg(long)]
    check: bool,
    /// Show what changes
    #[arg(long)]
    diff: bool,
    /// Also look into the directories below
    #[arg(long, short)]
    recursive: bool,
    /// Whether the names of the files that change are printed
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, default_value_t = true, default_missing_value = "true", num_args = 0..=1, require_equals = true)]
    list: bool,
    /// Whether the files are changed
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, default_value_t = true, default_missing_value = "true", num_args = 0..=1, require_equals = true)]
    write: bool,
}

pub(super) fn run(terminal: &mut Terminal, global: &Global, args: &Args) -> Result<Code, Failure> {
    let directory = Directory::open(global)?;
    if args.paths == [PathBuf::from("-")] {
        return standard_input(terminal, args);
    }
    let given = if args.paths.is_empty() { vec![PathBuf::from(".")] } else { args.paths.clone() };
    let (mut files, mut code) = (Vec::new(), Code::Done);
    // One path or file that cannot be read keeps no other from being laid out.
    let failed = |terminal: &mut Terminal, failure: &Failure| {
        error::tell(terminal, failure);
        Code::Failed
    };
    for path in &given {
        if let Err(failure) = collect(&directory.base.join(path), path, args.recursive, &mut files) {
            code = failed(terminal, &failure);
        }
    }
    for (path, shown) in files {
        match lay_out(terminal, args, &path, &shown) {
            Ok(Layout::Usual) => {}
            Ok(Layout::Other) if args.check && code == Code::Done => code = Code::Differs,
            Ok(Layout::Other) => {}
            Err(failure) => code = failed(terminal, &failure),
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
    let is_filter = !args.check && !args.diff && !args.list && !args.write;
    if is_filter {
        terminal.screen.result(|out, _| out.write_all(formatted.as_bytes()))?;
    }
    if formatted == text {
        return Ok(Layout::Usual);
    }
    terminal.screen.result(|out, style| {
        if args.list {
            writeln!(out, "{name}")?;
        }
        if args.diff { ui::text_diff(out, style, &name, &text, &formatted) } else { Ok(()) }
    })?;
    if args.write && !args.check {
        replace(path, &formatted).map_err(|error| Failure::new(format!("failed to write `{name}`: {error}")))?;
    }
    Ok(Layout::Other)
}

fn standard_input(terminal: &mut Terminal, args: &Args) -> Result<Code, Failure> {
    let mut text = String::new();
    io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Failure::new(format!("failed to read standard input: {error}")))?;
    let formatted = formatted(&text, "standard input")?;
    let differs = formatted != text;
    terminal.screen.result(|out, style| match (args.diff, args.check) {
        (true, _) => ui::text_diff(out, style, "standard input", &text, &formatted),
        (false, true) => Ok(()),
        (false, false) => out.write_all(formatted.as_bytes()),
    })?;
    Ok(if args.check && differs { Code::Differs } else { Code::Done })
}

fn formatted(text: &str, name: &str) -> Result<String, Failure> {
    config::format(text).map_err(|error| {
        Failure::new(format!("failed to lay out `{name}`: {error}"))
            .hint("`loam validate` shows what is wrong with it.")
    })
}

/// Adds the files that a path of the command line means.
fn collect(path: &Path, shown: &Path, is_recursive: bool, files: &mut Vec<(PathBuf, PathBuf)>) -> Result<(), Failure> {
    let failed = |error| Failure::new(format!("failed to read `{}`: {error}", shown.display()));
    if fs::metadata(path).map_err(failed)?.is_dir() {
        return below(path, shown, is_recursive, files);
    }
    if shown.extension().is_some_and(|extension| extension == "json") {
        return Err(Failure::new(format!("`{}` is JSON", shown.display())).hint("Only HCL is laid out by loam."));
    }
    files.push((path.to_owned(), shown.to_owned()));
    Ok(())
}

/// Adds the configuration in a directory; links to other directories are not followed.
fn below(path: &Path, shown: &Path, is_recursive: bool, files: &mut Vec<(PathBuf, PathBuf)>) -> Result<(), Failure> {
    let failed = |error| Failure::new(format!("failed to read `{}`: {error}", shown.display()));
    let mut entries: Vec<_> = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let (path, shown) =
            (entry.path(), if shown == Path::new(".") { name.clone().into() } else { shown.join(&name) });
        let is_hidden = name.to_string_lossy().starts_with('.');
        if entry.file_type().map_err(failed)?.is_dir() {
            if is_recursive && !is_hidden {
                below(&path, &shown, is_recursive, files)?;
            }
        } else if !is_hidden && is_configuration(&name.to_string_lossy()) && path.is_file() {
            files.push((path, shown));
        }
    }
    Ok(())
}

fn is_configuration(name: &str) -> bool {
    name.ends_with(".loam.hcl") || name.ends_with(".vars.hcl")
}

/// Writes beside the file and renames, so that it is never half written; a link to it stays one.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let mode = fs::metadata(&path)?.permissions().mode() & 0o7777;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = path.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let write = || {
        // Nobody may read the draft who may not read the file.
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&draft)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, &path)
    };
    let written = write();
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written
}
