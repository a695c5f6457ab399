//! The one task that owns the store and the reporter while steps run.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use loam_provider::{OpToken, ProgressSender, Report};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{
    Applied, ApplyError, Basics, Stop, Tools,
    prepare::{Prepared, Preparing},
    record,
    work::{self, Returned},
};
use crate::{
    addr::Instance,
    diag::Diagnostics,
    event::{Action, Event, Remaining, Secrets, Summary, Trouble},
    graph::{Graph, Schedule},
    host::{Call, Clock},
    plan::{Change, Mode, Move, ObjectChange, Plan, ReplaceOrder, Work, moves::Relocation},
    state::{self, DeposedId, Entry, LoggedEvent, NewStep, Slot, StateError, StepId, Stored, Write},
};

pub(super) async fn dispatch<'p>(plan: &'p Plan, basics: Basics<'p>, tools: Tools<'_>) -> Result<Applied, ApplyError> {
    let mut graph = Graph::new(plan.steps.len());
    for (at, step) in plan.steps.iter().enumerate() {
        for need in &step.needs {
            graph.needs(at, need.0 as usize);
        }
    }
    let schedule = Schedule::new(&graph).map_err(|cycle| ApplyError::CircularPlan { steps: cycle.0 })?;
    let stop = basics.stop.clone();
    let (reports, inbox) = mpsc::unbounded_channel();
    let relocated;
    let objects = if plan.moves.is_empty() {
        basics.objects
    } else {
        relocated = Relocation::of(&plan.moves, basics.objects).objects(basics.objects);
        &relocated
    };
    let preparing = Preparing::new(plan, &basics, objects, tools.host, (tools.now)())?;
    let parallelism = basics.parallelism.max(1);
    let mut dispatcher = Dispatcher {
        plan,
        tools,
        schedule,
        preparing,
        parallelism,
        stop,
        stopped: Stop::No,
        cancel: CancellationToken::new(),
        reports,
        running: JoinSet::new(),
        active: BTreeMap::new(),
        tokens: Vec::new(),
        deposed: BTreeMap::new(),
        summary: Summary::default(),
        diagnostics: Diagnostics::default(),
        log: Vec::new(),
        objects: basics.objects,
    };
    dispatcher.run(inbox).await
}

/// How many events share one commit.
const LOG_BATCH: usize = 256;

/// A run in progress.
struct Dispatcher<'p, 't> {
    plan: &'p Plan,
    tools: Tools<'t>,
    schedule: Schedule,
    preparing: Preparing<'p>,
    parallelism: usize,
    stop: watch::Receiver<Stop>,
    stopped: Stop,
    cancel: CancellationToken,
    reports: mpsc::UnboundedSender<(usize, Report)>,
    running: JoinSet<(usize, Returned)>,
    active: BTreeMap<usize, Active>,
    tokens: Vec<OpToken>,
    /// Where a replacement that is made first put the old object, by change.
    deposed: BTreeMap<usize, DeposedId>,
    summary: Summary,
    diagnostics: Diagnostics,
    /// What was shown and is not yet in the run's log.
    log: Vec<LoggedEvent>,
    /// The objects in the state, as the plan was made from them.
    objects: &'p [Stored],
}

/// A step that runs.
struct Active {
    began: Instant,
    prepared: Prepared,
}

impl Dispatcher<'_, '_> {
    async fn run(&mut self, mut inbox: mpsc::UnboundedReceiver<(usize, Report)>) -> Result<Applied, ApplyError> {
        let began = Instant::now();
        self.journal_plan()?;
        let steps = self.plan.steps.iter().filter(|step| is_visible(&step.work)).count();
        self.tell(&Event::ApplyStarted { steps });
        self.relocate()?;
        let mut finished: VecDeque<(usize, Returned)> = VecDeque::new();
        loop {
            self.turn(&mut finished)?;
            if self.running.is_empty() {
                break;
            }
            tokio::select! {
                biased;
                Ok(()) = self.stop.changed(), if self.stopped < Stop::Cancel => {
                    let stop = *self.stop.borrow_and_update();
                    self.stopping(stop);
                }
                Some((step, report)) = inbox.recv() => self.report(step, report),
                Some(returned) = self.running.join_next() => {
                    finished.push_back(returned.expect("a worker neither panics nor is aborted"));
                    while let Some(returned) = self.running.try_join_next() {
                        finished.push_back(returned.expect("a worker neither panics nor is aborted"));
                    }
                    // What a step told before it ended is shown before its end.
                    while let Ok((step, report)) = inbox.try_recv() {
                        self.report(step, report);
                    }
                }
            }
        }
        self.skip_unreached();
        self.settle_outputs()?;
        if self.plan.mode == Mode::Apply && self.stopped == Stop::No {
            let clock = Clock((self.tools.now)().into());
            self.preparing.checks(&self.tools.state_id, clock, &mut self.diagnostics).await;
        }
        self.tell(&Event::ApplyFinished { summary: self.summary, elapsed: began.elapsed() });
        self.keep_log()?;
        Ok(Applied { summary: self.summary, stopped: self.stopped, diagnostics: std::mem::take(&mut self.diagnostics) })
    }

    /// Writes what the run is going to do.
    fn journal_plan(&mut self) -> Result<(), StateError> {
        let mut new_steps = Vec::new();
        let mut depositions: BTreeMap<usize, DeposedId> = BTreeMap::new();
        for (at, step) in self.plan.steps.iter().enumerate() {
            let token = (self.tools.token)();
            if let (Some(change_at), Some(action)) = (step.work.change(), record::journalled(&step.work)) {
                let change = &self.plan.changes[change_at];
                if is_made_first(&step.work, change) {
                    depositions.insert(change_at, DeposedId(token.0.clone()));
                }
                new_steps.push(NewStep {
                    ordinal: ordinal(at),
                    slot: match (action, depositions.get(&change_at)) {
                        (state::Action::Delete, Some(id)) => Slot::deposed(change.addr.clone(), id.clone()),
                        _ => slot_of(change),
                    },
                    action,
                    kind: change.addr.resource.kind.clone(),
                    provider: match action {
                        state::Action::Delete => change.former_provider(),
                        state::Action::Create | state::Action::Update => &change.provider,
                        state::Action::Forget | state::Action::Import => &change.provider,
                    }
                    .to_string()
                    .into(),
                    token: token.clone(),
                    terms: record::terms(change),
                });
            }
            self.tokens.push(token);
        }
        self.tools.store.plan_steps((self.tools.now)(), self.tools.run, &new_steps)
    }

    /// Gives what the plan moves its address, all of it in one commit, before anything else happens.
    fn relocate(&mut self) -> Result<(), StateError> {
        let moves = &self.plan.moves;
        if moves.is_empty() {
            return Ok(());
        }
        let writes = Relocation::of(moves, self.objects).writes(self.objects);
        self.tools.store.write((self.tools.now)(), Some(self.tools.run), &writes)?;
        self.summary.moved = moves.len();
        for Move { from, to } in moves {
            self.tell(&Event::Moved { address: to.clone(), from: from.clone() });
        }
        Ok(())
    }

    /// Records what ended, starts what can run, in as few commits as that takes, until nothing more can start.
    fn turn(&mut self, finished: &mut VecDeque<(usize, Returned)>) -> Result<(), StateError> {
        loop {
            let mut entries = Vec::new();
            let mut shown = Vec::new();
            for (at, returned) in finished.drain(..) {
                let (entry, events) = self.conclude(at, returned)?;
                entries.extend(entry);
                shown.extend(events);
            }
            let mut starts = Vec::new();
            let mut depositions = Vec::new();
            let mut writes = Vec::new();
            let mut gathered = false;
            while self.stopped == Stop::No && self.running.len() + starts.len() < self.parallelism {
                let Some(at) = self.schedule.take() else { break };
                match &self.plan.steps[at].work {
                    Work::Gather { .. } => {
                        self.schedule.done(at);
                        gathered = true;
                    }
                    Work::Check { change } => {
                        let change_at = *change;
                        match self.preparing.check(change_at, &mut self.diagnostics) {
                            Ok(()) => {
                                let (work, change) = (&self.plan.steps[at].work, &self.plan.changes[change_at]);
                                writes.extend(self.record_only(at, work, change, &mut shown));
                            }
                            Err(trouble) => shown.extend(self.unprepared(at, trouble)),
                        }
                        gathered = true;
                    }
                    Work::Record { change } | Work::Forget { change } | Work::Import { change } => {
                        let (work, change) = (&self.plan.steps[at].work, &self.plan.changes[*change]);
                        writes.extend(self.record_only(at, work, change, &mut shown));
                        gathered = true;
                    }
                    Work::Read { change }
                    | Work::Create { change }
                    | Work::Update { change }
                    | Work::Delete { change } => {
                        let change_at = *change;
                        match self.preparing.prepare(&self.plan.steps[at].work, &mut self.diagnostics) {
                            Ok(prepared) => {
                                depositions.extend(self.depose(at, change_at));
                                starts.push((at, prepared));
                            }
                            Err(trouble) => shown.extend(self.unprepared(at, trouble)),
                        }
                    }
                }
            }
            let now = (self.tools.now)();
            if !entries.is_empty() {
                self.tools.store.journal(now, &entries)?;
            }
            writes.extend(depositions);
            if !writes.is_empty() {
                self.tools.store.write(now, Some(self.tools.run), &writes)?;
            }
            // What only reads leaves nothing to be found again.
            let changing = starts.iter().filter(|(_, prepared)| prepared.action != Action::Read);
            let entries: Vec<Entry> = changing.map(|(at, prepared)| self.start_entry(*at, prepared)).collect();
            if !entries.is_empty() {
                self.tools.store.journal(now, &entries)?;
            }
            for event in shown {
                self.tell(&event);
            }
            let started = starts.len();
            for (at, prepared) in starts {
                self.spawn(at, prepared);
            }
            if !gathered && started == 0 {
                return if self.log.len() < LOG_BATCH { Ok(()) } else { self.keep_log() };
            }
        }
    }

    fn start_entry(&self, at: usize, prepared: &Prepared) -> Entry {
        Entry::Start(state::Start {
            step: self.step_id(at),
            attempt: state::Attempt::First,
            planned: state::Planned { value: prepared.planned.clone(), sensitive: prepared.sensitive.clone() },
        })
    }

    fn spawn(&mut self, at: usize, prepared: Prepared) {
        let reports = self.reports.clone();
        let secrets = prepared.secrets.clone();
        let call = Call {
            provider: prepared.provider.clone(),
            kind: prepared.addr.resource.kind.clone(),
            address: prepared.addr.to_string().into(),
            state_id: self.tools.state_id.clone(),
            token: self.tokens[at].clone(),
            cancel: self.cancel.child_token(),
            timeout: prepared.timeout,
            progress: ProgressSender::new(move |report| {
                // Nobody listens any more once the run is over.
                let _ = reports.send((at, redacted(report, &secrets)));
            }),
            clock: Clock((self.tools.now)().into()),
        };
        self.tell(&Event::StepStarted { address: prepared.addr.clone(), action: prepared.action });
        let host = Arc::clone(self.tools.host);
        let (work, before, planned) = (prepared.action, prepared.before.clone(), prepared.planned.clone());
        self.running.spawn(async move { (at, work::work(&host, &call, work, before, planned).await) });
        self.active.insert(at, Active { began: Instant::now(), prepared });
    }

    /// Takes in what a worker returned: what to record, and what to show once it is recorded.
    fn conclude(&mut self, at: usize, returned: Returned) -> Result<(Option<Entry>, Vec<Event>), StateError> {
        let Active { began, prepared } = self.active.remove(&at).expect("only what was started returns");
        let elapsed = began.elapsed();
        let change = prepared.change;
        let slot = self.slot_for(at, change);
        let mut events = Vec::new();
        let mut sensitive = prepared.sensitive.clone();
        let concluded = match returned {
            Returned::Made(known) => {
                sensitive = self.preparing.secrets_of(&prepared, &known);
                match self.preparing.made(&prepared, &known, &sensitive) {
                    Ok(()) => record::Concluded::Done { made: Some(known) },
                    Err(trouble) => record::Concluded::Failed { trouble, remains: record::Left::Whole(known) },
                }
            }
            Returned::Deleted => record::Concluded::Done { made: None },
            Returned::Failed { error, remains } => {
                let trouble = record::trouble(&error, &prepared.secrets);
                let remains = record::Left::from(remains);
                if let record::Left::Partial(known) = &remains {
                    sensitive = self.preparing.secrets_of(&prepared, known);
                    // Half of it may be as it was, with the secrets it had.
                    sensitive.extend(self.plan.changes[change].sensitive.iter().cloned());
                }
                record::Concluded::Failed { trouble, remains }
            }
        };
        match &concluded {
            record::Concluded::Done { .. } => {
                self.schedule.done(at);
                self.count(at, change);
                let (address, action) = (prepared.addr.clone(), prepared.action);
                events.push(Event::StepDone { address, action, elapsed });
            }
            record::Concluded::Failed { trouble, remains } => {
                let remains = remains.remaining();
                events.extend(self.failed(at, &prepared.addr, prepared.action, trouble.clone(), remains, elapsed));
            }
        }
        if prepared.action == Action::Read {
            return Ok((None, events));
        }
        let ended = record::Ended {
            step: self.step_id(at),
            before: match prepared.action {
                Action::Delete => self.tools.store.object(&slot)?,
                Action::Create | Action::Update | Action::Forget | Action::Record => None,
                Action::Import | Action::Read | Action::Check => None,
            },
            slot,
            change: &self.plan.changes[change],
            action: prepared.action,
            sensitive,
            deposed: self.deposed.get(&change).cloned(),
        };
        Ok((Some(Entry::End(ended.with(concluded))), events))
    }

    /// Does the steps that call no provider.
    fn record_only(&mut self, at: usize, work: &Work, change: &ObjectChange, shown: &mut Vec<Event>) -> Vec<Write> {
        let at_change = work.change().unwrap_or_default();
        let slot = self.slot_for(at, at_change);
        self.schedule.done(at);
        match work {
            Work::Forget { .. } => {
                self.count(at, at_change);
                let (address, action) = (change.addr.clone(), Action::Forget);
                shown.push(Event::StepDone { address, action, elapsed: Duration::ZERO });
                vec![Write::Drop(slot)]
            }
            Work::Import { .. } => {
                self.summary.imported += 1;
                let (address, action) = (change.addr.clone(), Action::Import);
                shown.push(Event::StepDone { address, action, elapsed: Duration::ZERO });
                record::taken_over(change).map(|object| Write::Put(Box::new(object))).into_iter().collect()
            }
            Work::Record { .. } | Work::Check { .. } => record::brought_up_to_date(slot, change).into_iter().collect(),
            Work::Read { .. } | Work::Gather { .. } => Vec::new(),
            Work::Create { .. } | Work::Update { .. } | Work::Delete { .. } => Vec::new(),
        }
    }

    /// Moves the old object of a replacement that is made first out of the way.
    fn depose(&mut self, at: usize, change_at: usize) -> Option<Write> {
        let change = &self.plan.changes[change_at];
        if !is_made_first(&self.plan.steps[at].work, change) {
            return None;
        }
        let id = DeposedId(self.tokens[at].0.clone());
        self.deposed.insert(change_at, id.clone());
        Some(Write::Rename { from: Slot::current(change.addr.clone()), to: Slot::deposed(change.addr.clone(), id) })
    }

    /// Returns where the object of a step stands.
    fn slot_for(&self, at: usize, change_at: usize) -> Slot {
        let change = &self.plan.changes[change_at];
        match (&self.plan.steps[at].work, self.deposed.get(&change_at)) {
            (Work::Delete { .. } | Work::Forget { .. }, Some(id)) => Slot::deposed(change.addr.clone(), id.clone()),
            _ => slot_of(change),
        }
    }

    fn unprepared(&mut self, at: usize, trouble: Trouble) -> Vec<Event> {
        let work = &self.plan.steps[at].work;
        let addr = self.address(at).cloned();
        let (Some(addr), Some(action)) = (addr, record::action(work)) else { return Vec::new() };
        self.failed(at, &addr, action, trouble, Remaining::Nothing, Duration::ZERO)
    }

    fn failed(
        &mut self,
        at: usize,
        addr: &Instance,
        action: Action,
        trouble: Trouble,
        remains: Remaining,
        elapsed: Duration,
    ) -> Vec<Event> {
        self.summary.failed += 1;
        let mut events = vec![Event::StepFailed { address: addr.clone(), action, trouble, remains, elapsed }];
        for skipped in self.schedule.failed(at) {
            events.extend(self.skipped(skipped, Some(addr)));
        }
        events
    }

    fn skipped(&mut self, at: usize, because: Option<&Instance>) -> Option<Event> {
        let action = record::action(&self.plan.steps[at].work)?;
        let address = self.address(at)?.clone();
        self.summary.skipped += 1;
        Some(Event::StepSkipped { address, action, because: because.cloned() })
    }

    /// Tells what a stopped run did not come to.
    fn skip_unreached(&mut self) {
        if self.stopped == Stop::No {
            return;
        }
        for at in self.schedule.untaken() {
            if let Some(event) = self.skipped(at, None) {
                self.tell(&event);
            }
        }
    }

    fn stopping(&mut self, stop: Stop) {
        if stop <= self.stopped {
            return;
        }
        self.stopped = stop;
        let running = self.running.len();
        match stop {
            Stop::No => {}
            Stop::Finish => self.tell(&Event::Stopping { running }),
            Stop::Cancel => {
                self.cancel.cancel();
                self.tell(&Event::Cancelling { running });
            }
        }
    }

    fn report(&mut self, at: usize, report: Report) {
        let Some(active) = self.active.get(&at) else { return };
        let (address, action) = (active.prepared.addr.clone(), active.prepared.action);
        match report {
            // How far a step has come is of no interest afterwards.
            Report::Progress(progress) => {
                self.tools.reporter.event(&Event::StepProgress { address, action, progress });
            }
            Report::Note(note) => self.tell(&Event::StepNote { address, note }),
        }
    }

    /// Shows an event and remembers it for the run's log.
    fn tell(&mut self, event: &Event) {
        self.tools.reporter.event(event);
        if let Ok(body) = serde_json::to_value(event) {
            self.log.push(LoggedEvent { at: (self.tools.now)(), body });
        }
    }

    /// Writes what was shown since the last time into the run's log.
    fn keep_log(&mut self) -> Result<(), StateError> {
        if self.log.is_empty() {
            return Ok(());
        }
        self.tools.store.append_events(self.tools.run, &std::mem::take(&mut self.log))
    }

    fn count(&mut self, at: usize, change_at: usize) {
        let summary = &mut self.summary;
        match (&self.plan.steps[at].work, &self.plan.changes[change_at].change) {
            (Work::Create { .. }, Change::Replace { .. }) => summary.replaced += 1,
            (Work::Delete { .. } | Work::Forget { .. }, Change::Replace { .. }) => {}
            (Work::Create { .. }, _) => summary.created += 1,
            (Work::Update { .. }, _) => summary.updated += 1,
            (Work::Delete { .. }, _) => summary.deleted += 1,
            (Work::Forget { .. }, _) => summary.retained += 1,
            (Work::Record { .. } | Work::Gather { .. }, _) => {}
            (Work::Import { .. } | Work::Read { .. } | Work::Check { .. }, _) => {}
        }
    }

    /// Evaluates the outputs with what is known now; those that cannot be told keep the value they had.
    fn settle_outputs(&mut self) -> Result<(), StateError> {
        let recorded = self.tools.store.outputs()?;
        let is_complete = self.summary.failed == 0 && self.summary.skipped == 0;
        let outputs = match self.plan.mode {
            Mode::Apply => self.preparing.outputs(&recorded, &mut self.diagnostics),
            Mode::Destroy if is_complete => Vec::new(),
            // They tell of what may still be there.
            Mode::Destroy => recorded.clone(),
        };
        if outputs != recorded {
            self.tools.store.set_outputs((self.tools.now)(), &outputs)?;
        }
        Ok(())
    }

    fn address(&self, at: usize) -> Option<&Instance> {
        self.plan.steps[at].work.change().map(|change| &self.plan.changes[change].addr)
    }

    fn step_id(&self, at: usize) -> StepId {
        StepId { run: self.tools.run, ordinal: ordinal(at) }
    }
}

fn ordinal(at: usize) -> u32 {
    u32::try_from(at).expect("a plan's steps are numbered with 32 bits")
}

fn slot_of(change: &ObjectChange) -> Slot {
    Slot { addr: change.addr.clone(), deposed: change.deposed.clone() }
}

/// Returns whether work makes an object while the one that it replaces still stands.
fn is_made_first(work: &Work, change: &ObjectChange) -> bool {
    matches!(work, Work::Create { .. })
        && matches!(change.change, Change::Replace { order: ReplaceOrder::CreateFirst, .. })
}

/// Returns whether users see a step.
fn is_visible(work: &Work) -> bool {
    match work {
        Work::Create { .. } | Work::Update { .. } | Work::Delete { .. } | Work::Forget { .. } => true,
        Work::Import { .. } | Work::Read { .. } => true,
        Work::Record { .. } | Work::Gather { .. } | Work::Check { .. } => false,
    }
}

fn redacted(report: Report, secrets: &Secrets) -> Report {
    match report {
        Report::Progress(progress) => {
            Report::Progress(loam_provider::Progress { phase: secrets.redact(&progress.phase), ..progress })
        }
        Report::Note(note) => Report::Note(secrets.redact(&note)),
    }
}
