//! A project without files: a configuration as text, a scripted cloud, a state, and the engine between them.

use std::{cell::Cell, collections::BTreeMap, path::Path, sync::Arc};

use jiff::Timestamp;
use loam::{
    apply::{self, Applied, ApplyError, Stop},
    config::{self, Config, Subject},
    diag::{self, Diagnostics},
    eval::{self, Evaluated, Files, ModuleValues},
    event::{Event, Recovered, Reporter},
    host::{Clock, Host, Offers},
    plan::{self, Mode, Plan},
    refresh::{self, Observed},
    source::Sources,
    state::{
        Holder, Key, Lock, Memory, NewRun, Object, Process, RunOutcome, Seal, Sqlite, StepRecord, Store, Stored, Wait,
    },
    ui,
};
use loam_provider::{ConfigureCx, OpToken, Str};
use loam_sim::{SimFactory, SimWorld};
use tempfile::TempDir;
use tokio::{
    runtime::Runtime,
    sync::{Notify, watch},
};

pub(crate) const STATE: &str = "props";

/// Everything that a run needs, and all that it ever showed.
pub(crate) struct Project {
    pub(crate) dir: TempDir,
    pub(crate) world: SimWorld,
    store: Option<Box<dyn Store>>,
    /// What users and programs were shown, in any form.
    pub(crate) shown: String,
}

/// What a run is asked to do.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) mode: Mode,
    pub(crate) replace: Vec<&'static str>,
    pub(crate) refresh: bool,
    pub(crate) parallelism: usize,
    /// Whether the user wants to stop while the plan is made.
    pub(crate) cancelled: bool,
    /// Stop like this once so many events whose JSON holds the text were shown.
    pub(crate) stop: Vec<(String, usize, Stop)>,
    /// Cancel what runs once there were so many effects in the world.
    pub(crate) cancel_after_effects: Option<usize>,
    /// Drop the run once so many events were shown.
    pub(crate) abort_after: Option<usize>,
}

impl Default for Ask {
    fn default() -> Self {
        let (mode, replace, stop) = (Mode::Apply, Vec::new(), Vec::new());
        Self {
            mode,
            replace,
            refresh: true,
            parallelism: 4,
            cancelled: false,
            stop,
            cancel_after_effects: None,
            abort_after: None,
        }
    }
}

/// How a run went.
pub(crate) struct Run {
    pub(crate) plan: Plan,
    /// None where the plan was refused, or what a dead run left could not be settled.
    pub(crate) applied: Option<Applied>,
    /// The diagnostics of plan and apply, as they are shown.
    pub(crate) problems: String,
    pub(crate) events: Vec<serde_json::Value>,
    pub(crate) recovered: Recovered,
}

impl Run {
    /// Returns whether everything was done.
    pub(crate) fn is_complete(&self) -> bool {
        self.applied.as_ref().is_some_and(Applied::is_complete)
    }

    /// Returns the run, which must have done everything.
    #[track_caller]
    pub(crate) fn complete(self) -> Self {
        assert!(self.is_complete(), "{}\n{}", self.problems, self.told());
        self
    }

    /// Returns what happened, a line for each event.
    pub(crate) fn told(&self) -> String {
        self.events.iter().map(|event| format!("{event}\n")).collect()
    }

    /// Returns the steps that ended, as `action address`, in order.
    pub(crate) fn done(&self) -> Vec<String> {
        let done = self.events.iter().filter(|event| event["type"] == "step_done");
        done.map(|event| format!("{} {}", text(&event["action"]), text(&event["address"]))).collect()
    }
}

fn text(json: &serde_json::Value) -> &str {
    json.as_str().unwrap_or_default()
}

/// A configuration, ready to be planned.
struct Loaded {
    config: Config,
    sources: Sources,
    variables: BTreeMap<Str, Evaluated>,
    files: Files,
    paths: ModuleValues,
}

/// Collects events, and stops or drops the run at the ones it was told.
struct Watcher {
    events: Vec<serde_json::Value>,
    stop: Vec<(String, usize, Stop)>,
    sender: watch::Sender<Stop>,
    abort_after: Option<usize>,
    abort: Arc<Notify>,
}

impl Reporter for Watcher {
    fn event(&mut self, event: &Event) {
        let json = serde_json::to_value(event).unwrap();
        let line = json.to_string();
        self.events.push(json);
        for (pattern, left, stop) in &mut self.stop {
            if *left > 0 && line.contains(pattern.as_str()) {
                *left -= 1;
                if *left == 0 {
                    let stop = *stop;
                    self.sender.send_modify(|current| *current = (*current).max(stop));
                }
            }
        }
        if self.abort_after.is_some_and(|count| self.events.len() >= count) {
            self.abort.notify_one();
        }
    }
}

thread_local! {
    static DRAWN: Cell<u64> = const { Cell::new(0) };
}

fn draw() -> u64 {
    DRAWN.with(|drawn| {
        drawn.set(drawn.get() + 1);
        drawn.get()
    })
}

fn token() -> OpToken {
    OpToken(format!("op{:06}x", draw()).into())
}

fn now() -> Timestamp {
    Timestamp::from_second(1_700_000_000 + i64::try_from(draw()).unwrap()).unwrap()
}

fn process() -> Process {
    Process { pid: 1, started: None, boot_id: None, host: "here".into(), user: "ada".into() }
}

fn open(dir: &Path) -> Box<dyn Store> {
    let holder = Holder { process: process(), command: "apply".into(), since: now(), run: None };
    let lock = Lock::acquire(dir, holder, Wait::No).unwrap();
    Box::new(Sqlite::open(lock, Seal::with_key(Key::new([7; 32]), "the test"), now()).unwrap())
}

impl Project {
    /// Returns a project whose state is in memory.
    pub(crate) fn new() -> Self {
        Self::with(|_| Box::new(Memory::new(STATE, now())))
    }

    /// Returns a project whose state is a file.
    pub(crate) fn on_disk() -> Self {
        Self::with(|dir| open(&dir.join("loam")))
    }

    fn with(store: impl FnOnce(&Path) -> Box<dyn Store>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let world = SimWorld::open(dir.path().join("world")).unwrap();
        let store = store(dir.path());
        Self { world, store: Some(store), dir, shown: String::new() }
    }

    /// Closes the state's file and opens it again, as the next process would.
    pub(crate) fn reopen(&mut self) {
        self.store = None;
        self.store = Some(open(&self.dir.path().join("loam")));
    }

    /// Puts another store around the state.
    pub(crate) fn wrap(&mut self, around: impl FnOnce(Box<dyn Store>) -> Box<dyn Store>) {
        self.store = self.store.take().map(around);
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &**self.store.as_ref().unwrap()
    }

    pub(crate) fn objects(&self) -> Vec<Object> {
        self.store().objects().unwrap().into_iter().map(|stored| stored.object).collect()
    }

    /// Returns the current object at an address.
    #[track_caller]
    pub(crate) fn object(&self, address: &str) -> Object {
        let found = self.objects().into_iter().find(|object| object.slot.to_string() == address);
        found.unwrap_or_else(|| panic!("there is no {address} among {:?}", self.addresses()))
    }

    pub(crate) fn addresses(&self) -> Vec<String> {
        self.objects().iter().map(|object| object.slot.to_string()).collect()
    }

    /// Returns an output as JSON.
    pub(crate) fn output(&self, name: &str) -> Option<serde_json::Value> {
        let outputs = self.store().outputs().unwrap();
        outputs.iter().find(|output| *output.name == *name).map(|output| output.value.to_json())
    }

    pub(crate) fn unfinished(&self) -> Vec<StepRecord> {
        self.store().unfinished_steps().unwrap()
    }

    /// Applies a configuration.
    #[track_caller]
    pub(crate) fn apply(&mut self, text: &str) -> Run {
        self.run(text, &Ask::default()).unwrap()
    }

    /// Destroys everything.
    pub(crate) fn destroy(&mut self, text: &str) -> Run {
        self.run(text, &Ask { mode: Mode::Destroy, ..Ask::default() }).unwrap()
    }

    /// Plans without applying.
    #[track_caller]
    pub(crate) fn plan(&mut self, text: &str) -> Plan {
        let (plan, problems) = self.attempt(text, &Ask::default());
        assert!(problems.is_empty(), "{problems}");
        plan
    }

    /// Plans without applying, and returns what is wrong as it is shown.
    pub(crate) fn attempt(&mut self, text: &str, ask: &Ask) -> (Plan, String) {
        let loaded = load(text);
        let (mut watcher, _) = watcher(ask);
        let mut said = Said::default();
        let planned = runtime().block_on(async {
            let host = host(&loaded, &self.world).await;
            planned(self.store(), &loaded, &host, ask, &mut watcher, &mut said).await
        });
        self.note(&watcher, &said);
        (planned.plan, said.problems)
    }

    /// Plans with the wish to stop at once.
    pub(crate) fn attempt_cancelled(&mut self, text: &str) -> (Plan, String) {
        self.attempt(text, &Ask { cancelled: true, ..Ask::default() })
    }

    /// Runs `apply` or `destroy` as the command line does.
    pub(crate) fn run(&mut self, text: &str, ask: &Ask) -> Result<Run, Died> {
        let loaded = load(text);
        let (mut watcher, stop) = watcher(ask);
        let mut store = self.store.take().unwrap();
        let (abort, sender) = (Arc::clone(&watcher.abort), watcher.sender.clone());
        let mut said = Said::default();
        // What an aborted run still does on threads of its own is over when its runtime is gone.
        let worked = runtime().block_on(async {
            tokio::select! {
                biased;
                () = abort.notified() => Err(Died::Aborted),
                () = cancelling(&self.world, ask.cancel_after_effects, &sender) => Err(Died::Aborted),
                worked = work(&mut *store, &self.world, &loaded, ask, &mut watcher, &mut said, stop) => {
                    worked.map_err(Died::from)
                }
            }
        });
        self.store = Some(store);
        self.note(&watcher, &said);
        let (plan, applied, recovered) = worked.inspect_err(|error| self.shown += &error.to_string())?;
        Ok(Run { plan, applied, problems: said.problems, events: watcher.events, recovered })
    }

    fn note(&mut self, watcher: &Watcher, said: &Said) {
        for event in &watcher.events {
            self.shown += &format!("{event}\n");
        }
        self.shown += &said.shown;
        self.shown += &said.problems;
    }
}

/// Why a run did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Died {
    /// It was dropped.
    #[error("dropped")]
    Aborted,
    /// The state could not be written.
    #[error("{0}")]
    Failed(#[from] ApplyError),
}

/// What a run shows beside its events.
#[derive(Default)]
struct Said {
    shown: String,
    problems: String,
}

impl Said {
    fn problems(&mut self, loaded: &Loaded, diagnostics: &Diagnostics) {
        for diagnostic in diagnostics.iter() {
            self.problems += &diag::plain(diagnostic, &loaded.sources);
            self.problems.push('\n');
        }
    }
}

/// A plan, and the objects it was made from.
struct Planned {
    plan: Plan,
    objects: Vec<Stored>,
    has_errors: bool,
}

async fn work(
    store: &mut dyn Store,
    world: &SimWorld,
    loaded: &Loaded,
    ask: &Ask,
    watcher: &mut Watcher,
    said: &mut Said,
    stop: watch::Receiver<Stop>,
) -> Result<(Plan, Option<Applied>, Recovered), ApplyError> {
    let host = host(loaded, world).await;
    let run = store.begin_run(now(), &NewRun { command: "apply".into(), process: process() })?;
    let state_id = store.meta()?.state_id;
    let mut tools = apply::Tools {
        host: &host,
        store: &mut *store,
        reporter: watcher,
        state_id: state_id.clone(),
        run,
        now,
        token,
    };
    let recovered = apply::recover(&mut tools).await?;
    let Planned { plan, objects, has_errors } = planned(store, loaded, &host, ask, watcher, said).await;
    if has_errors || recovered.unknown > 0 {
        store.finish_run(now(), run, RunOutcome::Interrupted)?;
        return Ok((plan, None, recovered));
    }
    let basics = apply::Basics {
        config: &loaded.config,
        variables: &loaded.variables,
        paths: loaded.paths.clone(),
        files: &loaded.files,
        objects: &objects,
        parallelism: ask.parallelism,
        stop,
    };
    let tools = apply::Tools { host: &host, store: &mut *store, reporter: watcher, state_id, run, now, token };
    let applied = apply::apply(&plan, basics, tools).await?;
    let outcome = if applied.is_complete() { RunOutcome::Succeeded } else { RunOutcome::Failed };
    store.finish_run(now(), run, outcome)?;
    said.problems(loaded, &applied.diagnostics);
    Ok((plan, Some(applied), recovered))
}

async fn planned(
    store: &dyn Store,
    loaded: &Loaded,
    host: &Arc<Host>,
    ask: &Ask,
    watcher: &mut Watcher,
    said: &mut Said,
) -> Planned {
    let (meta, objects, outputs) = (store.meta().unwrap(), store.objects().unwrap(), store.outputs().unwrap());
    let clock = Clock(std::time::SystemTime::UNIX_EPOCH);
    let cancel = tokio_util::sync::CancellationToken::new();
    let observed = if ask.refresh {
        let options = refresh::Options {
            state_id: meta.state_id.clone(),
            parallelism: ask.parallelism,
            cancel: cancel.clone(),
            clock,
        };
        refresh::refresh(host, &objects, &options, watcher).await
    } else {
        Observed::as_recorded(&objects)
    };
    if ask.cancelled {
        cancel.cancel();
    }
    let options = plan::Options {
        mode: ask.mode,
        imports: Vec::new(),
        replace: ask.replace.iter().map(|address| address.parse().unwrap()).collect(),
        cancel,
        clock,
        version: "props".into(),
    };
    let basics = plan::Basics {
        config: &loaded.config,
        variables: &loaded.variables,
        paths: loaded.paths.clone(),
        files: &loaded.files,
        host,
        meta: &meta,
        objects: &objects,
        outputs: &outputs,
        observed: &observed,
        options: &options,
    };
    let (plan, diagnostics) = plan::plan(basics).await;
    said.problems(loaded, &diagnostics);
    let (mut text, mut json) = (Vec::new(), Vec::new());
    ui::plan(&mut text, ui::Style::plain(), &plan, host.offers()).unwrap();
    ui::plan_json(&mut json, &plan).unwrap();
    said.shown += &String::from_utf8(text).unwrap();
    said.shown += &String::from_utf8(json).unwrap();
    Planned { plan, objects, has_errors: diagnostics.has_errors() }
}

/// Cancels once there were so many effects; never returns.
async fn cancelling(world: &SimWorld, effects: Option<usize>, sender: &watch::Sender<Stop>) {
    let Some(effects) = effects else { return std::future::pending().await };
    while world.effects().unwrap().len() < effects {
        tokio::task::yield_now().await;
    }
    sender.send_replace(Stop::Cancel);
    std::future::pending().await
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn watcher(ask: &Ask) -> (Watcher, watch::Receiver<Stop>) {
    let (sender, receiver) = watch::channel(Stop::No);
    let (stop, abort_after) = (ask.stop.clone(), ask.abort_after);
    (Watcher { events: Vec::new(), stop, sender, abort_after, abort: Arc::default() }, receiver)
}

fn load(text: &str) -> Loaded {
    let mut sources = Sources::default();
    let file = config::File { name: "main.loam.hcl".into(), bytes: text.as_bytes().to_vec() };
    let (config, mut diagnostics) = config::parse(Path::new("."), vec![file], &mut sources);
    let files = Files::new("/", "/");
    let paths = ModuleValues::new(".".into(), ".".into(), "/".into());
    let mut values = paths.clone();
    let inputs = eval::Inputs::default();
    eval::variables(&config.root, &inputs, &mut values, &files, &mut sources, &mut diagnostics);
    let plain = |diagnostic| diag::plain(diagnostic, &sources);
    assert!(diagnostics.is_empty(), "{}\n{text}", diagnostics.iter().map(plain).collect::<String>());
    let value = |name: &Str| values.get(&Subject::Variable(name.clone())).cloned();
    let variables = config.root.variables.keys().filter_map(|name| Some((name.clone(), value(name)?))).collect();
    Loaded { config, sources, variables, files, paths }
}

async fn host(loaded: &Loaded, world: &SimWorld) -> Arc<Host> {
    let offers = Offers::new(vec![Box::new(SimFactory::within(world))]);
    let Loaded { config, variables, paths, files, .. } = loaded;
    let (configurations, diagnostics) = plan::providers(config, variables, &offers, paths, files);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let cx = ConfigureCx { base_dir: "/".into(), loam_dir: "/".into(), executable: "/".into() };
    Arc::new(Host::configure(offers, &configurations, &cx).await.unwrap())
}
