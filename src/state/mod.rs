//! What loam knows about the world, and what it is doing to it.
//!
//! A [`Store`] holds objects, the journal of the steps that change them, outputs, events, and the history by which
//! the objects at any serial can be shown again. [`Sqlite`] keeps it in `.loam/state.db`, [`Memory`] nowhere; one
//! suite of tests holds for both. Secrets are sealed under a key that is kept outside the database ([`Seal`]), and
//! one run at a time works on a state ([`Lock`]).
//!
//! This is the only module that names rusqlite, and it never asks a provider anything. Start in [`Status::after`] for
//! the journal, in `sqlite/commit.rs` for what one commit does.

mod directory;
mod error;
mod journal;
mod key;
mod lock;
mod memory;
mod object;
mod seal;
mod sealed;
mod sqlite;
#[cfg(test)]
mod suite;
mod words;

use jiff::Timestamp;

pub use error::StateError;
pub use journal::{
    Action, Attempt, Ended, Entry, Event as StepEvent, IllegalTransition, LoggedEvent, NewRun, NewStep, Outcome, Run,
    RunEnd, RunId, RunOutcome, Start, Status, StepId, StepRecord, Terms,
};
pub use key::{KEY_VARIABLE, Key, KeyId};
pub use lock::{Holder, Lock, Process, Wait};
pub use memory::Memory;
pub use object::{
    Condition, DeposedId, HistoryChange, HistoryEntry, Meta, Object, Output, Planned, ReplaceOrder, Serial, Slot,
    Stamp, Stored, Write,
};
pub use seal::{Context, Seal};
pub use sealed::SealedValue;
pub use sqlite::{DATABASE, SCHEMA_VERSION, Sqlite, open_read_only};

use crate::addr::Instance;

/// Keeps the state. Whoever writes holds the state's [`Lock`]; readers need none.
///
/// Every method that takes `&mut self` is one commit: all of it is durable when it returns, or none of it happened.
/// Times come from the caller and are kept to the millisecond.
pub trait Store: Send {
    /// Returns what is said about the state as a whole.
    fn meta(&self) -> Result<Meta, StateError>;

    /// Shows every object, current and deposed, once and in no order; holds one of them at a time.
    fn each_object(&self, visit: &mut dyn FnMut(Stored)) -> Result<(), StateError>;

    /// Returns the objects of one address: the current one first, then the deposed ones.
    fn objects_of(&self, addr: &Instance) -> Result<Vec<Stored>, StateError>;

    /// Returns the outputs, by name.
    fn outputs(&self) -> Result<Vec<Output>, StateError>;

    /// Records that a run begins.
    fn begin_run(&mut self, at: Timestamp, run: &NewRun) -> Result<RunId, StateError>;

    /// Records what a run is going to do.
    fn plan_steps(&mut self, at: Timestamp, run: RunId, steps: &[NewStep]) -> Result<(), StateError>;

    /// Records steps that start and steps that ended, in this order and in one commit; returns the serial after it.
    ///
    /// A provider may be called for a step only after the commit with its [`Entry::Start`].
    fn journal(&mut self, at: Timestamp, entries: &[Entry]) -> Result<Serial, StateError>;

    /// Changes objects outside of any step: `state mv`, `state rm`, what a refresh found.
    fn write(&mut self, at: Timestamp, run: Option<RunId>, writes: &[Write]) -> Result<Serial, StateError>;

    /// Replaces all outputs.
    fn set_outputs(&mut self, at: Timestamp, outputs: &[Output]) -> Result<Serial, StateError>;

    /// Appends to what was shown during a run.
    fn append_events(&mut self, run: RunId, events: &[LoggedEvent]) -> Result<(), StateError>;

    /// Records that a run is over: what it had only planned is abandoned. Refused while steps are started.
    fn finish_run(&mut self, at: Timestamp, run: RunId, outcome: RunOutcome) -> Result<(), StateError>;

    /// Returns the steps whose fate has to be settled, oldest first: started, observed, or in doubt.
    fn unfinished_steps(&self) -> Result<Vec<StepRecord>, StateError>;

    /// Returns the steps of a run, in its plan's order.
    fn steps(&self, run: RunId) -> Result<Vec<StepRecord>, StateError>;

    /// Returns every run, oldest first. With the lock held, one without an end belongs to a dead process.
    fn runs(&self) -> Result<Vec<Run>, StateError>;

    /// Returns what was shown during a run, in order.
    fn events(&self, run: RunId) -> Result<Vec<LoggedEvent>, StateError>;

    /// Returns what every commit after a serial did to objects, oldest first.
    fn history(&self, since: Serial) -> Result<Vec<HistoryEntry>, StateError>;

    /// Returns the objects as they were right after a commit, by slot.
    fn objects_at(&self, serial: Serial) -> Result<Vec<Stored>, StateError>;

    /// Checks that everything in the state can be read and fits together.
    fn verify(&self) -> Result<(), StateError>;

    /// Ends the work with the state, and gives back its lock if it was held.
    fn close(self: Box<Self>) -> Result<(), StateError>;

    /// Returns every object, current and deposed, by slot.
    fn objects(&self) -> Result<Vec<Stored>, StateError> {
        let mut objects = Vec::new();
        self.each_object(&mut |stored| objects.push(stored))?;
        objects.sort_unstable_by(|a, b| a.object.slot.cmp(&b.object.slot));
        Ok(objects)
    }

    /// Returns the object in a slot.
    fn object(&self, slot: &Slot) -> Result<Option<Stored>, StateError> {
        Ok(self.objects_of(&slot.addr)?.into_iter().find(|stored| stored.object.slot == *slot))
    }

    /// Records, durably before it returns, that providers are about to be called.
    fn start_steps(&mut self, at: Timestamp, starts: &[Start]) -> Result<Serial, StateError> {
        let entries: Vec<Entry> = starts.iter().cloned().map(Entry::Start).collect();
        self.journal(at, &entries)
    }

    /// Records what became of steps, with the objects, in one commit.
    fn finish_steps(&mut self, at: Timestamp, outcomes: &[Outcome]) -> Result<Serial, StateError> {
        let entries: Vec<Entry> = outcomes.iter().cloned().map(Entry::End).collect();
        self.journal(at, &entries)
    }

    /// Gives the objects of an address, current and deposed, another address.
    fn move_object(&mut self, at: Timestamp, from: &Instance, to: &Instance) -> Result<Serial, StateError> {
        let objects = self.objects_of(from)?;
        if objects.is_empty() {
            return Err(StateError::NoSuchObject { slot: Slot::current(from.clone()) });
        }
        let writes: Vec<Write> = objects
            .into_iter()
            .map(|Stored { object, .. }| Write::Rename {
                to: Slot { addr: to.clone(), deposed: object.slot.deposed.clone() },
                from: object.slot,
            })
            .collect();
        self.write(at, None, &writes)
    }

    /// Drops the objects of an address, current and deposed, and leaves the real things alone.
    fn forget_object(&mut self, at: Timestamp, addr: &Instance) -> Result<Serial, StateError> {
        let objects = self.objects_of(addr)?;
        if objects.is_empty() {
            return Err(StateError::NoSuchObject { slot: Slot::current(addr.clone()) });
        }
        let writes: Vec<Write> = objects.into_iter().map(|stored| Write::Drop(stored.object.slot)).collect();
        self.write(at, None, &writes)
    }
}

/// Returns a time as the state keeps it.
fn to_millisecond(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).expect("it was in range with more digits")
}
