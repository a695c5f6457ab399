//! What plan, apply and destroy have in common: from a project to a plan, and from a plan to the world.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use loam_provider::{OpToken, Str};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::{error::Failure, interrupt::Interrupt, nearest::nearest, project::Project, terminal::Terminal};
use crate::{
    addr::Instance,
    apply::{self, Applied, Stop},
    diag::{Diagnostic, Diagnostics},
    eval::Evaluated,
    event::Reporter,
    host::{Clock, Host},
    plan::{self, Mode, Plan},
    refresh::{self, Observed},
    state::{Meta, NewRun, Output, RunId, RunOutcome, StateError, Store, Stored},
};

/// What a plan is made with, as the command line says it.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Planning {
    /// Replace this object whatever the provider says; may be given several times
    #[arg(long, value_name = "ADDRESS")]
    pub(super) replace: Vec<Instance>,
    #[command(flatten)]
    pub(super) working: Working,
}

/// How a run works, as the command line says it.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Working {
    /// Read the world before planning; `--refresh=false` plans from what was recorded
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true, hide_default_value = true, hide_possible_values = true)]
    pub(super) refresh: bool,
    /// At most how many objects are worked on at once
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = parallelism, display_order = 100)]
    pub(super) parallelism: u16,
}

/// The state as it is at one moment.
pub(super) struct Snapshot {
    pub(super) meta: Meta,
    pub(super) objects: Vec<Stored>,
    pub(super) outputs: Vec<Output>,
}

impl Snapshot {
    pub(super) fn of(store: &dyn Store) -> Result<Self, StateError> {
        Ok(Self { meta: store.meta()?, objects: store.objects()?, outputs: store.outputs()? })
    }
}

/// Returns the runtime in which the world is waited for.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// A plan with what it was made from.
pub(super) struct Planned {
    pub(super) plan: Plan,
    pub(super) snapshot: Snapshot,
}

/// What a run is about.
#[derive(Clone, Copy)]
pub(super) struct Site<'r> {
    pub(super) project: &'r Project,
    pub(super) host: &'r Arc<Host>,
    pub(super) variables: &'r BTreeMap<Str, Evaluated>,
    pub(super) interrupt: &'r Interrupt,
}

/// Reads the world and decides what has to change.
pub(super) async fn plan(
    site: Site<'_>,
    reporter: &mut dyn Reporter,
    snapshot: Snapshot,
    mode: Mode,
    planning: &Planning,
) -> Result<Attempt, Failure> {
    let Site { project, host, variables, interrupt } = site;
    let cancel = interrupt.cancel_on_first();
    let observed = if planning.working.refresh {
        let options = refresh::Options {
            state_id: snapshot.meta.state_id.clone(),
            parallelism: usize::from(planning.working.parallelism),
            cancel: cancel.clone(),
            clock: Clock(Timestamp::now().into()),
        };
        unless_cancelled(&cancel, refresh::refresh(host, &snapshot.objects, &options, reporter)).await?
    } else {
        Observed::as_recorded(&snapshot.objects)
    };
    let options = Project::options(mode, &planning.replace, &cancel);
    let basics = plan::Basics {
        config: &project.config,
        variables,
        paths: project.paths.clone(),
        files: &project.files,
        host,
        meta: &snapshot.meta,
        objects: &snapshot.objects,
        outputs: &snapshot.outputs,
        observed: &observed,
        options: &options,
    };
    let (plan, mut diagnostics) = unless_cancelled(&cancel, plan::plan(basics)).await?;
    diagnostics.extend(unknown_replacements(&plan, &snapshot, planning));
    tracing::debug!(serial = %snapshot.meta.serial, objects = snapshot.objects.len(), changes = plan.changes.len(), "planned");
    Ok(Attempt { planned: Planned { plan, snapshot }, diagnostics })
}

/// A plan, and what is wrong with the configuration it was made from.
pub(super) struct Attempt {
    planned: Planned,
    diagnostics: Diagnostics,
}

impl Attempt {
    /// Tells warnings and returns the plan, or gives it up for errors.
    pub(super) fn accepted(self, project: &Project, terminal: &mut Terminal) -> Result<Planned, Failure> {
        project.accept(terminal, self.diagnostics)?;
        Ok(self.planned)
    }
}

/// Reports what `--replace` names and nobody knows.
fn unknown_replacements(plan: &Plan, snapshot: &Snapshot, planning: &Planning) -> Diagnostics {
    let planned = plan.changes.iter().map(|change| &change.addr);
    let known: BTreeSet<&Instance> =
        planned.chain(snapshot.objects.iter().map(|stored| &stored.object.slot.addr)).collect();
    let unknown = planning.replace.iter().filter(|addr| !known.contains(addr));
    unknown
        .map(|addr| {
            let detail = format!("`--replace` names `{addr}`, which is neither in the configuration nor in the state.");
            let diagnostic = Diagnostic::error_nowhere("Unknown address", detail);
            match nearest(addr, known.iter().copied()) {
                Some(hint) => diagnostic.hint(hint),
                None => diagnostic.hint("`loam plan` without `--replace` shows the addresses there are."),
            }
        })
        .collect()
}

async fn unless_cancelled<T>(cancel: &CancellationToken, work: impl Future<Output = T>) -> Result<T, Failure> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Failure::new("interrupted; nothing was changed")),
        done = work => Ok(done),
    }
}

/// Begins a run in the journal and settles what dead runs left open.
pub(super) async fn begin(
    store: &mut dyn Store,
    host: &Arc<Host>,
    reporter: &mut dyn Reporter,
    command: &str,
) -> Result<RunId, Failure> {
    let state_id = store.meta()?.state_id;
    let run = store.begin_run(now(), &NewRun { command: command.into(), process: super::project::process() })?;
    let mut tools = apply::Tools { host, store, reporter, state_id, run, now, token };
    apply::recover(&mut tools).await?;
    Ok(run)
}

/// Applies a plan and closes its run.
pub(super) async fn apply(
    site: Site<'_>,
    store: &mut dyn Store,
    reporter: &mut dyn Reporter,
    run: RunId,
    planned: &Planned,
    working: &Working,
) -> Result<Applied, Failure> {
    let Site { project, host, variables, interrupt } = site;
    let basics = apply::Basics {
        config: &project.config,
        variables,
        paths: project.paths.clone(),
        files: &project.files,
        objects: &planned.snapshot.objects,
        parallelism: usize::from(working.parallelism),
        stop: interrupt.stop(),
    };
    let state_id = planned.snapshot.meta.state_id.clone();
    let tools = apply::Tools { host, store: &mut *store, reporter, state_id, run, now, token };
    let applied = apply::apply(&planned.plan, basics, tools).await?;
    let outcome = match applied.stopped {
        Stop::No if applied.is_complete() => RunOutcome::Succeeded,
        Stop::No => RunOutcome::Failed,
        Stop::Finish | Stop::Cancel => RunOutcome::Interrupted,
    };
    // Steps in doubt keep their run open; the next run asks about them.
    if store.unfinished_steps()?.is_empty() {
        store.finish_run(now(), run, outcome)?;
    }
    Ok(applied)
}

/// Returns the time.
pub(super) fn now() -> Timestamp {
    Timestamp::now()
}

/// Draws an op token: 128 random bits in hexadecimal.
pub(super) fn token() -> OpToken {
    let mut bytes = [0u8; 16];
    // Without randomness no token is unique, and everything that crash safety rests on would be void.
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    OpToken(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into())
}

/// Parses how many objects are worked on at once.
fn parallelism(text: &str) -> Result<u16, String> {
    let number = text.parse().ok().filter(|number| (1..=1024).contains(number));
    number.ok_or_else(|| "it takes a whole number from 1 to 1024".to_owned())
}

/// Parses a duration of the command line.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<loam_provider::Period>().map(|period| period.0).map_err(|error| error.to_string())
}
