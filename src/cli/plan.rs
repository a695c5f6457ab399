//! `loam plan`

use std::path::PathBuf;

use super::{
    Global,
    error::{Code, Failure},
    inputs::Inputs,
    interrupt::Interrupt,
    project::{self, Given, Project},
    run::{self, Planning, Site, Snapshot},
    terminal::Terminal,
};
use crate::{
    plan::{self, Mode},
    state::{self, Holder, Sqlite},
    ui,
};

/// Show what apply would change, and why
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Nothing is changed, in the world or in the recorded state. A saved plan holds what it will do, secrets sealed; \
apply refuses it when state or configuration have changed since.

Examples:
  loam plan --out next.plan && loam show next.plan && loam apply next.plan
  loam plan --detailed-exitcode     In a script: 0 when nothing changes, 2 when something does
  loam plan --destroy               What destroy would take down, and what it would keep
  loam plan --replace 'network.bench'")]
pub(super) struct Args {
    /// Save the plan to this file, for `loam apply FILE`
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Exit with 2 when there are changes
    #[arg(long)]
    detailed_exitcode: bool,
    /// Plan to destroy everything
    #[arg(long, conflicts_with = "replace")]
    destroy: bool,
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    planning: Planning,
}

pub(super) fn run(terminal: &mut Terminal, global: &Global, args: &Args) -> Result<Code, Failure> {
    let project = Project::open(terminal, global, Given::Wholly(&args.inputs))?;
    let variables = project.variables.clone();
    let seal = project.directory.seal()?;
    if args.out.is_some() && !project.directory.state_file().exists() {
        // A saved plan belongs to one state, so there has to be one.
        let lock = project.directory.lock("plan", None)?;
        Sqlite::open(lock, seal.clone(), run::now())?;
    }
    let store = state::open_read_only(&project.directory.loam, seal.clone(), run::now())?;
    let snapshot = Snapshot::of(&*store)?;
    let unsettled = store.unfinished_steps()?;
    let at_work = Holder::at_work(&project.directory.loam);
    let mode = if args.destroy { Mode::Destroy } else { Mode::Apply };
    let runtime = run::runtime()?;
    let planned = runtime.block_on(async {
        let interrupt = Interrupt::listen()?;
        let host = project.host(terminal, &variables).await?;
        let site = Site { project: &project, host: &host, variables: &variables, interrupt: &interrupt };
        let mut reporter = terminal.reporter()?;
        let planned = run::plan(site, &mut reporter, snapshot, mode, &args.planning).await;
        reporter.finish()?;
        planned?.accepted(&project, terminal)
    })?;
    let offers = project::offers();
    terminal.show_plan(&planned.plan, &offers)?;
    match at_work {
        // Its open steps are not those of a dead run.
        Some(holder) => terminal.tell(|out, style| {
            ui::note(out, style, &format!("{holder}, is at work: this plan starts from what it had recorded so far."))
        }),
        None => terminal.show_unsettled(&unsettled),
    }
    if let Some(out) = &args.out {
        let (path, shown) = (project::given_path(out), out.display());
        let chdir = global.directory.display();
        let chdir = if *global.directory == *"." { String::new() } else { format!(" -C {chdir}") };
        plan::save(&planned.plan, &path, &seal)?;
        terminal.tell(|out, style| {
            writeln!(out)?;
            ui::note(out, style, &format!("Saved the plan; apply it with `loam{chdir} apply {shown}`."))
        });
    }
    Ok(if args.detailed_exitcode && planned.plan.has_changes() { Code::Changes } else { Code::Done })
}
