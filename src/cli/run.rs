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
    event::{Reporter, Trouble},
    host::{Clock, Host},
    plan::{self, Mode, Plan},
    refresh::{self, Observed},
    state::{Meta, NewRun, Output, RunId, RunOutcome, StateError, StepRecord, Store, Stored},
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
    #[arg(long, value_name = "N", default_value_t = Working::PARALLELISM, value_parser = parallelism, display_order = 100)]
    pub(super) parallelism: u16,
}

impl Working {
    /// How many objects are worked on at once where nothing else is said.
    pub(super) const PARALLELISM: u16 = 16;
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
    plan_with(site, reporter, snapshot, mode, planning, Vec::new()).await
}

/// Does the same with things to be taken over beside those of `import` blocks.
pub(super) async fn plan_with(
    site: Site<'_>,
    reporter: &mut dyn Reporter,
    snapshot: Snapshot,
    mode: Mode,
    planning: &Planning,
    imports: Vec<(Instance, Str)>,
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
    let options = plan::Options { imports, ..Project::options(mode, &planning.replace, &cancel) };
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
    let mut tools = apply::Tools { host, store: &mut *store, reporter, state_id, run, now, token };
    if apply::recover(&mut tools).await?.unknown == 0 {
        return Ok(run);
    }
    // Whatever was planned now could be done twice.
    let unsettled = store.unfinished_steps()?;
    store.finish_run(now(), run, RunOutcome::Interrupted)?;
    Err(in_doubt(&unsettled))
}

/// Says what nobody can tell, and how to go on.
fn in_doubt(steps: &[StepRecord]) -> Failure {
    let name = |step: &StepRecord| format!("the {} of `{}`", step.action, step.slot);
    let names: Vec<String> = steps.iter().map(name).collect();
    let message = format!("nothing was done, because nobody can tell what became of {}", names.join(" and of "));
    let causes = steps.iter().filter_map(|step| step.error.clone()).collect();
    let address = steps.first().map(|step| step.slot.addr.to_string()).unwrap_or_default();
    let hint = format!("Every apply asks the provider again. `loam state rm '{address}'` forgets it.");
    Failure::Other(Trouble { message, causes, attribute: None, hint: Some(hint), evidence: Vec::new() })
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
    // Steps in doubt do not keep it open: the next run asks about them all the same.
    store.finish_run(now(), run, outcome)?;
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use loam_provider::{ConfigureCx, OnDestroy, Value};

    use super::*;
    use crate::{
        event::Event,
        host::Offers,
        state::{
            Action, Attempt, Ended, Entry, Memory, NewStep, Outcome, Planned, ReplaceOrder, Slot, Start, StepId, Terms,
        },
    };

    struct Silent;

    impl Reporter for Silent {
        fn event(&mut self, _: &Event) {}
    }

    /// Returns a state with a step about which nobody can tell, as its provider is not configured any more.
    fn doubtful() -> Memory {
        let mut store = Memory::new("s", now());
        let run = store
            .begin_run(now(), &NewRun { command: "apply".into(), process: super::super::project::process() })
            .unwrap();
        let step = NewStep {
            ordinal: 0,
            slot: Slot::current("bucket.a".parse().unwrap()),
            action: Action::Create,
            kind: "bucket".into(),
            provider: "gone".into(),
            token: token(),
            terms: Terms {
                dependencies: Vec::new(),
                on_destroy: OnDestroy::Delete,
                replace_order: ReplaceOrder::DeleteFirst,
            },
        };
        store.plan_steps(now(), run, &[step]).unwrap();
        let step = StepId { run, ordinal: 0 };
        let planned = Planned { value: Value::from("x"), sensitive: Vec::new() };
        store.start_steps(now(), &[Start { step, attempt: Attempt::First, planned }]).unwrap();
        let ended = Ended::InDoubt { error: "the reply was lost".into() };
        store.journal(now(), &[Entry::End(Outcome { step, ended, writes: Vec::new() })]).unwrap();
        store
    }

    #[test]
    fn nothing_is_begun_while_an_operation_is_in_doubt() {
        let mut store = doubtful();
        let failure = runtime().unwrap().block_on(async {
            let cx = ConfigureCx { base_dir: "/".into(), loam_dir: "/".into(), executable: "/".into() };
            let host = Arc::new(Host::configure(Offers::new(Vec::new()), &BTreeMap::new(), &cx).await.unwrap());
            begin(&mut store, &host, &mut Silent, "apply").await.unwrap_err()
        });
        let Failure::Other(trouble) = failure else { panic!("another failure") };
        assert_eq!(
            trouble.message,
            "nothing was done, because nobody can tell what became of the create of `bucket.a`"
        );
        assert_eq!(trouble.causes, ["provider `gone` is not configured"]);
        assert_eq!(
            trouble.hint.unwrap(),
            "Every apply asks the provider again. `loam state rm 'bucket.a'` forgets it."
        );
        assert_eq!(store.unfinished_steps().unwrap().len(), 1);
        assert!(store.runs().unwrap().iter().all(|run| run.end.is_some()));
        super::super::state::forget(&mut store, &"bucket.a".parse().unwrap()).unwrap();
        assert_eq!(store.unfinished_steps().unwrap(), []);
    }
}
