//! A state that is gone with the process: for tests, and for reading a state that is not there yet.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use loam_provider::OpToken;

use super::{
    Attempt, Entry, HistoryChange, HistoryEntry, LoggedEvent, Meta, NewRun, NewStep, Outcome, Output, Run, RunEnd,
    RunId, RunOutcome, Serial, Slot, Stamp, Start, StateError, Status, StepEvent, StepId, StepRecord, Store, Stored,
    Write, to_millisecond,
};
use crate::addr::Instance;

/// A [`Store`] in memory.
#[derive(Debug)]
pub struct Memory {
    meta: Meta,
    objects: BTreeMap<Slot, Stored>,
    outputs: Vec<Output>,
    runs: Vec<Run>,
    steps: BTreeMap<StepId, StepRecord>,
    tokens: BTreeSet<OpToken>,
    events: Vec<(RunId, LoggedEvent)>,
    history: Vec<HistoryEntry>,
}

/// A commit on its way: what it takes to undo it, should it fail.
struct Commit<'s> {
    store: &'s mut Memory,
    stamp: Stamp,
    run: Option<RunId>,
    undo: Vec<Undo>,
    history: BTreeMap<Slot, HistoryEntry>,
}

enum Undo {
    Object(Slot, Option<Stored>),
    Step(StepRecord),
}

impl Memory {
    /// Returns an empty state.
    #[must_use]
    pub fn new(state_id: &str, at: Timestamp) -> Self {
        Self {
            meta: Meta {
                state_id: state_id.into(),
                serial: Serial::default(),
                history_from: Serial::default(),
                schema_version: super::SCHEMA_VERSION,
                created_at: to_millisecond(at),
                created_by: env!("CARGO_PKG_VERSION").into(),
            },
            objects: BTreeMap::new(),
            outputs: Vec::new(),
            runs: Vec::new(),
            steps: BTreeMap::new(),
            tokens: BTreeSet::new(),
            events: Vec::new(),
            history: Vec::new(),
        }
    }

    fn run(&self, id: RunId) -> Result<&Run, StateError> {
        self.runs.iter().find(|run| run.id == id).ok_or(StateError::NoSuchRun { run: id })
    }

    fn open_run(&self, id: RunId) -> Result<&Run, StateError> {
        let run = self.run(id)?;
        if run.end.is_some() { Err(StateError::RunEnded { run: id }) } else { Ok(run) }
    }

    /// Runs a commit: all of it, or on an error none.
    fn commit(
        &mut self,
        at: Timestamp,
        work: impl FnOnce(&mut Commit<'_>) -> Result<(), StateError>,
    ) -> Result<Serial, StateError> {
        let stamp = Stamp { serial: Serial(self.meta.serial.0 + 1), at: to_millisecond(at) };
        let mut commit = Commit { store: self, stamp, run: None, undo: Vec::new(), history: BTreeMap::new() };
        let result = work(&mut commit);
        let Commit { undo, history, .. } = commit;
        match result {
            Ok(()) if history.is_empty() => {}
            Ok(()) => {
                self.meta.serial = stamp.serial;
                self.history.extend(history.into_values());
            }
            Err(error) => {
                for undo in undo.into_iter().rev() {
                    match undo {
                        Undo::Step(step) => drop(self.steps.insert(step.id, step)),
                        Undo::Object(slot, Some(stored)) => drop(self.objects.insert(slot, stored)),
                        Undo::Object(slot, None) => drop(self.objects.remove(&slot)),
                    }
                }
                return Err(error);
            }
        }
        Ok(self.meta.serial)
    }
}

impl Commit<'_> {
    fn start(&mut self, start: &Start) -> Result<(), StateError> {
        let at = self.stamp.at;
        let event = match start.attempt {
            Attempt::First => StepEvent::Start,
            Attempt::Again => StepEvent::Retry,
        };
        self.step(start.step, |step| {
            step.status = step.status.after(event)?;
            step.attempts += 1;
            step.planned = Some(start.planned.clone());
            step.started_at = Some(at);
            step.error = None;
            Ok(())
        })
    }

    fn end(&mut self, outcome: &Outcome) -> Result<(), StateError> {
        self.step(outcome.step, |step| {
            step.status = outcome.ended.after(step.status)?;
            step.error = outcome.ended.why().map(str::to_owned);
            Ok(())
        })?;
        self.run = Some(outcome.step.run);
        self.writes(&outcome.writes)
    }

    fn step(
        &mut self,
        id: StepId,
        change: impl FnOnce(&mut StepRecord) -> Result<(), super::IllegalTransition>,
    ) -> Result<(), StateError> {
        let step = self.store.steps.get_mut(&id).ok_or(StateError::NoSuchStep { step: id })?;
        let before = step.clone();
        self.undo.push(Undo::Step(before));
        step.changed_at = self.stamp.at;
        change(step).map_err(|source| StateError::Transition { step: id, source })
    }

    fn writes(&mut self, writes: &[Write]) -> Result<(), StateError> {
        writes.iter().try_for_each(|write| match write {
            Write::Put(object) => {
                let before = self.store.objects.get(&object.slot);
                if before.is_some_and(|stored| stored.object == **object) {
                    return Ok(());
                }
                let created = before.map_or(self.stamp, |stored| stored.created);
                let change = if before.is_some() { HistoryChange::Updated } else { HistoryChange::Created };
                let stored = Stored { object: (**object).clone(), created, updated: self.stamp };
                self.set(object.slot.clone(), Some(stored), change);
                Ok(())
            }
            Write::Drop(slot) => {
                self.occupied(slot)?;
                self.set(slot.clone(), None, HistoryChange::Dropped);
                Ok(())
            }
            Write::Rename { from, to } => {
                let mut stored = self.occupied(from)?.clone();
                if self.store.objects.contains_key(to) {
                    return Err(StateError::ObjectExists { slot: to.clone() });
                }
                stored.object.slot = to.clone();
                stored.updated = self.stamp;
                self.set(from.clone(), None, HistoryChange::Left);
                self.set(to.clone(), Some(stored), HistoryChange::Arrived);
                Ok(())
            }
        })
    }

    fn occupied(&self, slot: &Slot) -> Result<&Stored, StateError> {
        self.store.objects.get(slot).ok_or_else(|| StateError::NoSuchObject { slot: slot.clone() })
    }

    fn set(&mut self, slot: Slot, stored: Option<Stored>, change: HistoryChange) {
        let before = match stored {
            Some(stored) => self.store.objects.insert(slot.clone(), stored),
            None => self.store.objects.remove(&slot),
        };
        self.undo.push(Undo::Object(slot.clone(), before.clone()));
        let Stamp { serial, at } = self.stamp;
        let entry = HistoryEntry { serial, at, run: self.run, slot: slot.clone(), change, before };
        self.history.entry(slot).or_insert(entry);
    }
}

impl Store for Memory {
    fn meta(&self) -> Result<Meta, StateError> {
        Ok(self.meta.clone())
    }

    fn each_object(&self, visit: &mut dyn FnMut(Stored)) -> Result<(), StateError> {
        self.objects.values().cloned().for_each(visit);
        Ok(())
    }

    fn objects_of(&self, addr: &Instance) -> Result<Vec<Stored>, StateError> {
        let first = Slot::current(addr.clone());
        Ok(self.objects.range(first..).take_while(|(slot, _)| slot.addr == *addr).map(|(_, it)| it.clone()).collect())
    }

    fn outputs(&self) -> Result<Vec<Output>, StateError> {
        Ok(self.outputs.clone())
    }

    fn begin_run(&mut self, at: Timestamp, run: &NewRun) -> Result<RunId, StateError> {
        let id = RunId(self.runs.len() as u64 + 1);
        let NewRun { command, process } = run.clone();
        self.runs.push(Run { id, command, process, started_at: to_millisecond(at), end: None });
        Ok(id)
    }

    fn plan_steps(&mut self, at: Timestamp, run: RunId, steps: &[NewStep]) -> Result<(), StateError> {
        self.open_run(run)?;
        let (mut ordinals, mut tokens) = (BTreeSet::new(), BTreeSet::new());
        for step in steps {
            let id = StepId { run, ordinal: step.ordinal };
            let is_new = ordinals.insert(step.ordinal) && tokens.insert(&step.token);
            if !is_new || self.steps.contains_key(&id) || self.tokens.contains(&step.token) {
                return Err(StateError::StepExists { step: id });
            }
        }
        for NewStep { ordinal, slot, action, kind, provider, token, terms } in steps.iter().cloned() {
            let id = StepId { run, ordinal };
            self.tokens.insert(token.clone());
            let record = StepRecord {
                id,
                slot,
                action,
                kind,
                provider,
                token,
                terms,
                status: Status::Planned,
                attempts: 0,
                planned: None,
                error: None,
                started_at: None,
                changed_at: to_millisecond(at),
            };
            self.steps.insert(id, record);
        }
        Ok(())
    }

    fn journal(&mut self, at: Timestamp, entries: &[Entry]) -> Result<Serial, StateError> {
        self.commit(at, |commit| {
            entries.iter().try_for_each(|entry| match entry {
                Entry::Start(start) => commit.start(start),
                Entry::End(outcome) => commit.end(outcome),
            })
        })
    }

    fn write(&mut self, at: Timestamp, run: Option<RunId>, writes: &[Write]) -> Result<Serial, StateError> {
        if let Some(run) = run {
            self.open_run(run)?;
        }
        self.commit(at, |commit| {
            commit.run = run;
            commit.writes(writes)
        })
    }

    fn set_outputs(&mut self, _at: Timestamp, outputs: &[Output]) -> Result<Serial, StateError> {
        let mut outputs = outputs.to_vec();
        outputs.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some(twice) = outputs.windows(2).find(|pair| pair[0].name == pair[1].name) {
            return Err(StateError::OutputTwice { name: twice[0].name.to_string() });
        }
        if outputs != self.outputs {
            self.outputs = outputs;
            self.meta.serial.0 += 1;
        }
        Ok(self.meta.serial)
    }

    fn append_events(&mut self, run: RunId, events: &[LoggedEvent]) -> Result<(), StateError> {
        self.run(run)?;
        let events = events.iter().cloned();
        self.events.extend(events.map(|event| (run, LoggedEvent { at: to_millisecond(event.at), ..event })));
        Ok(())
    }

    fn finish_run(&mut self, at: Timestamp, run: RunId, outcome: RunOutcome) -> Result<(), StateError> {
        self.open_run(run)?;
        let at = to_millisecond(at);
        let own = StepId { run, ordinal: 0 }..=StepId { run, ordinal: u32::MAX };
        let is_open = |step: &&StepRecord| matches!(step.status, Status::Started | Status::Observed);
        let count = self.steps.range(own.clone()).map(|(_, step)| step).filter(is_open).count() as u64;
        if count > 0 {
            return Err(StateError::OpenSteps { run, count });
        }
        for (id, step) in self.steps.range_mut(own) {
            if step.status == Status::Planned {
                let after = step.status.after(StepEvent::Abandon);
                step.status = after.map_err(|source| StateError::Transition { step: *id, source })?;
                step.changed_at = at;
            }
        }
        if let Some(run) = self.runs.iter_mut().find(|known| known.id == run) {
            run.end = Some(RunEnd { at, outcome });
        }
        Ok(())
    }

    fn unfinished_steps(&self) -> Result<Vec<StepRecord>, StateError> {
        Ok(self.steps.values().filter(|step| step.status.is_unfinished()).cloned().collect())
    }

    fn steps(&self, run: RunId) -> Result<Vec<StepRecord>, StateError> {
        self.run(run)?;
        Ok(self.steps.values().filter(|step| step.id.run == run).cloned().collect())
    }

    fn runs(&self) -> Result<Vec<Run>, StateError> {
        Ok(self.runs.clone())
    }

    fn events(&self, run: RunId) -> Result<Vec<LoggedEvent>, StateError> {
        self.run(run)?;
        Ok(self.events.iter().filter(|(of, _)| *of == run).map(|(_, event)| event.clone()).collect())
    }

    fn history(&self, since: Serial) -> Result<Vec<HistoryEntry>, StateError> {
        Ok(self.history.iter().filter(|entry| entry.serial > since).cloned().collect())
    }

    fn objects_at(&self, serial: Serial) -> Result<Vec<Stored>, StateError> {
        let (oldest, newest) = (self.meta.history_from, self.meta.serial);
        if serial < oldest || serial > newest {
            return Err(StateError::NoSuchSerial { serial, oldest, newest });
        }
        let mut objects = self.objects.clone();
        for entry in self.history.iter().rev().take_while(|entry| entry.serial > serial) {
            match &entry.before {
                Some(stored) => objects.insert(entry.slot.clone(), stored.clone()),
                None => objects.remove(&entry.slot),
            };
        }
        Ok(objects.into_values().collect())
    }

    fn verify(&self) -> Result<(), StateError> {
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<(), StateError> {
        Ok(())
    }
}
