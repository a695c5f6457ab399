//! `loam apply`

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use loam_provider::Str;

use super::{
    Global,
    error::{Code, Failure},
    inputs::Inputs,
    interrupt::Interrupt,
    project::{self, Directory, Given, Project},
    run::{self, Planned, Planning, Site, Snapshot},
    terminal::Terminal,
};
use crate::{
    eval::{Evaluated, Marks},
    plan::{self, Counts, Mode, Plan},
    state::{RunOutcome, Sqlite, Store},
    ui,
};

/// Make the world what the configuration says
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Shows the plan and asks; only `yes` is a yes. A step that fails stops only what needs it, and what was done is \
recorded: apply again to go on. Ctrl-C lets running steps finish; a second one cancels them.

Examples:
  loam apply
  loam apply --auto-approve --var nodes=5
  loam apply next.plan              What `loam plan --out next.plan` saved, without asking")]
pub(super) struct Args {
    /// Apply this saved plan, without asking
    #[arg(value_name = "PLAN", conflicts_with_all = ["replace", "refresh"])]
    saved: Option<PathBuf>,
    #[command(flatten)]
    applying: Applying,
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    planning: Planning,
}

/// What apply and destroy take.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Applying {
    /// Do not ask
    #[arg(long)]
    auto_approve: bool,
    /// Wait this long for another loam to finish, as in 90s
    #[arg(long, value_name = "DURATION", value_parser = run::duration, display_order = 101)]
    lock_timeout: Option<Duration>,
}

pub(super) fn run(terminal: &mut Terminal, global: &Global, args: &Args) -> Result<Code, Failure> {
    let Args { saved, applying, planning, inputs } = args;
    let wish = Wish { command: "apply", mode: Mode::Apply, saved: saved.as_deref(), applying, planning, inputs };
    work(terminal, global, &wish)
}

/// What apply and destroy are asked to do.
pub(super) struct Wish<'a> {
    pub(super) command: &'a str,
    pub(super) mode: Mode,
    pub(super) saved: Option<&'a Path>,
    pub(super) applying: &'a Applying,
    pub(super) planning: &'a Planning,
    pub(super) inputs: &'a Inputs,
}

/// Does what apply and destroy do.
pub(super) fn work(terminal: &mut Terminal, global: &Global, wish: &Wish<'_>) -> Result<Code, Failure> {
    let Wish { command, mode, saved, applying, planning, inputs } = wish;
    let seal = Directory::open(global)?.seal()?;
    let saved = saved.map(|path| plan::load(&project::given_path(path), &seal)).transpose()?;
    let known = saved.as_ref().map(|plan| (inputs_of(plan), &plan.ephemeral));
    let given = match &known {
        Some((values, ephemeral)) => Given::Saved { values, ephemeral, inputs },
        None => Given::Wholly(inputs),
    };
    let project = Project::open(terminal, global, given)?;
    let variables = project.variables.clone();
    let lock = project.directory.lock(command, applying.lock_timeout)?;
    let mut store = Sqlite::open(lock, seal, run::now())?;
    let runtime = run::runtime()?;
    runtime.block_on(async {
        let interrupt = Interrupt::listen()?;
        let host = project.host(terminal, &variables).await?;
        let site = Site { project: &project, host: &host, variables: &variables, interrupt: &interrupt };
        let mut reporter = terminal.reporter()?;
        let run = run::begin(&mut store, &host, &mut reporter, command).await?;
        let snapshot = Snapshot::of(&store)?;
        let planned = match saved {
            Some(plan) => refuse_stale(&plan, &project, &snapshot).map(|()| Planned { plan, snapshot }),
            None => {
                let attempt = run::plan(site, &mut reporter, snapshot, *mode, planning).await;
                // Nothing may be drawn between the plan and the answer.
                reporter.finish()?;
                let approved = attempt.and_then(|attempt| {
                    approved(attempt.accepted(&project, terminal)?, terminal, applying, &interrupt)
                });
                reporter = terminal.reporter()?;
                approved
            }
        };
        let planned = match planned {
            Ok(planned) => planned,
            Err(failure) => {
                store.finish_run(run::now(), run, RunOutcome::Interrupted)?;
                return Err(failure);
            }
        };
        let applied = run::apply(site, &mut store, &mut reporter, run, &planned, &planning.working).await?;
        reporter.finish()?;
        terminal.diagnostics(&applied.diagnostics, &project.sources);
        if planned.plan.has_changes() && planned.plan.counts() == Counts::default() && applied.is_complete() {
            terminal.tell(|out, style| ui::note(out, style, "Applied: only outputs changed."));
        }
        let outputs = store.outputs()?;
        if *mode == Mode::Apply && !outputs.is_empty() {
            terminal.tell(|out, style| ui::heading(out, style, "Outputs"));
            terminal.show_outputs(&outputs)?;
        }
        Box::new(store).close()?;
        Ok(if applied.is_complete() { Code::Done } else { Code::Failed })
    })
}

/// Shows a plan and asks whether it may be applied.
fn approved(
    planned: Planned,
    terminal: &mut Terminal,
    applying: &Applying,
    interrupt: &Interrupt,
) -> Result<Planned, Failure> {
    terminal.show_plan(&planned.plan, &project::offers())?;
    if planned.plan.has_changes() && !applying.auto_approve {
        terminal.confirm(question(planned.plan.mode), interrupt)?;
    }
    Ok(planned)
}

fn question(mode: Mode) -> &'static str {
    match mode {
        Mode::Apply => "Do you want to make these changes?",
        Mode::Destroy => "Do you really want to destroy all of this? There is no undo.",
    }
}

/// Returns the values of the variables as a saved plan has them.
fn inputs_of(plan: &Plan) -> BTreeMap<Str, Evaluated> {
    let input =
        |input: &plan::Input| Evaluated::new(input.value.clone(), Marks::at_paths(input.sensitive.iter().cloned()));
    plan.variables.iter().map(|(name, value)| (name.clone(), input(value))).collect()
}

/// Refuses a saved plan whose basis has moved on.
fn refuse_stale(plan: &Plan, project: &Project, snapshot: &Snapshot) -> Result<(), Failure> {
    let what = if plan.basis.state_id != snapshot.meta.state_id {
        "it was made for another state".to_owned()
    } else if plan.basis.serial != snapshot.meta.serial.0 {
        format!(
            "the state has changed since (it is at serial {}, and the plan was made at {})",
            snapshot.meta.serial, plan.basis.serial
        )
    } else if plan.basis.config != project.config.digest {
        "the configuration has changed since".to_owned()
    } else {
        return Ok(());
    };
    Err(Failure::new(format!("the saved plan is stale: {what}")).hint("Make a new one with `loam plan --out FILE`."))
}
