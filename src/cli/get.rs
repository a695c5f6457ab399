//! `loam get`

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
};

use super::{
    Global,
    error::{Code, Failure},
    inputs::Inputs,
    project::{Given, Project},
    run,
    terminal::Terminal,
};
use crate::{
    diag::{Diagnostic, Diagnostics},
    modules::{self, Entry, Fetch, Fetched, Installed, Status},
    ui,
};

/// Fetch the modules that lie in Git repositories and archives
#[derive(Debug, clap::Args)]
#[command(after_help = "\
What was fetched is kept in `.loam/modules`. Which commit a branch or tag is, is kept in `.loam.lock.json`: check it in, \
and everybody gets the same. When all is there, nothing is asked of the network.

Examples:
  loam get
  loam get --upgrade                Look where the branches and tags are now")]
pub(super) struct Args {
    /// Look where branches and tags are now, and fetch what they are
    #[arg(long)]
    upgrade: bool,
    #[command(flatten)]
    inputs: Inputs,
}

pub(super) fn run(terminal: &mut Terminal, global: &Global, args: &Args) -> Result<Code, Failure> {
    let (project, diagnostics) = bring(terminal, global, Given::Partly(&args.inputs), args.upgrade)?;
    let is_all = project.used.is_empty();
    project.refuse(terminal, diagnostics)?;
    if is_all {
        terminal.tell(|out, style| ui::note(out, style, "Nothing to fetch: every module is a local directory."));
    }
    Ok(Code::Done)
}

/// Fetches what a configuration calls, tells what became of it, and returns the configuration with what is wrong.
pub(super) fn bring(
    terminal: &mut Terminal,
    global: &Global,
    given: Given<'_>,
    upgrade: bool,
) -> Result<(Project, Diagnostics), Failure> {
    let (project, diagnostics) = Project::read(global, given)?;
    if project.used.is_empty() {
        return Ok((project, diagnostics));
    }
    let base = project.directory.base.clone();
    let _lock = modules::lock(&Installed::read(&base)?, || {
        terminal.tell(|out, style| ui::note(out, style, "Waiting for another `loam get` in this directory…"));
    })?;
    // Whoever was waited for may have written it.
    let mut installed = Installed::read(&base)?;
    let options = Fetch { environment: env::vars_os().collect(), upgrade, now: jiff::Timestamp::now() };
    let runtime = run::runtime()?;
    let mut outcomes: BTreeMap<String, Result<Fetched, Diagnostic>> = BTreeMap::new();
    // What was fetched may call what is to be fetched.
    let (project, diagnostics) = loop {
        let (project, diagnostics) = Project::read(global, given)?;
        let mut seen = BTreeSet::new();
        let is_new = |package: &String| !outcomes.contains_key(package);
        let wanted = project.used.iter().map(|used| (used.package.to_string(), used));
        let wanted: Vec<_> = wanted.filter(|(name, _)| is_new(name) && seen.insert(name.clone())).collect();
        if wanted.is_empty() {
            break (project, diagnostics);
        }
        let packages = wanted.iter().map(|(_, used)| used.package.clone()).collect();
        let fetched = runtime.block_on(modules::fetch(&mut installed, packages, &options, |package| {
            terminal.tell(|out, style| ui::note(out, style, &format!("Fetching {package}…")));
        }));
        for ((name, used), (_, outcome)) in wanted.into_iter().zip(fetched) {
            outcomes.insert(name, outcome.map_err(|error| modules::not_fetched(used, &error)));
        }
        modules::remember(&installed)?;
    };
    let mut diagnostics: Diagnostics =
        diagnostics.into_iter().filter(|diagnostic| diagnostic.summary != modules::NOT_FETCHED).collect();
    let mut entries: Vec<(Entry, Status)> = Vec::new();
    for used in &project.used {
        match outcomes.get(&used.package.to_string()) {
            Some(Err(diagnostic)) => diagnostics.push(diagnostic.clone()),
            Some(Ok(fetched)) => {
                entries.extend(used.entry(&installed).map(|entry| (entry, fetched.status.clone())));
            }
            None => {}
        }
    }
    entries.sort_by(|(one, _), (other, _)| one.address.cmp(&other.address));
    modules::record(&mut installed, entries.iter().map(|(entry, _)| entry.clone()).collect(), upgrade)?;
    for (entry, status) in &entries {
        terminal.show_module(entry, status)?;
    }
    Ok((project, diagnostics))
}
