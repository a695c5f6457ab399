//! The journal: what a run set out to do, and how far each step came.
//!
//! A step is `started`, durably, before its provider is called; its result, the object and the new serial are one
//! commit. What a dead run left `started` is known by its op token. [`Status::after`] is the only place where a
//! step's status changes.

use std::fmt;

use jiff::Timestamp;
use loam_provider::{OnDestroy, OpToken, Str};
use serde::{Deserialize, Serialize};

use super::{Planned, Process, ReplaceOrder, Slot, Write, words::words};
use crate::addr::Resource;

/// Names a run within its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunId(pub u64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A run that is about to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// The command it runs for: `apply`.
    pub command: Str,
    /// The process that runs it.
    pub process: Process,
}

words! {
    /// How a run ended.
    RunOutcome {
        /// Everything it set out to do is done.
        Succeeded = "succeeded",
        /// Something failed.
        Failed = "failed",
        /// The user stopped it.
        Interrupted = "interrupted",
        /// Its process died; a later run cleaned up after it.
        Died = "died",
    }
}

/// One run of a command that may change the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// The command it ran for.
    pub command: Str,
    /// The process that ran it.
    pub process: Process,
    /// When it began.
    pub started_at: Timestamp,
    /// How and when it ended, if it did.
    pub end: Option<RunEnd>,
}

/// The end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunEnd {
    /// When it ended.
    pub at: Timestamp,
    /// How it ended.
    pub outcome: RunOutcome,
}

/// Names a step: the run, and its place in the run's plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StepId {
    /// The run.
    pub run: RunId,
    /// The place in its plan.
    pub ordinal: u32,
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.run, self.ordinal)
    }
}

words! {
    /// What a step does.
    Action {
        /// Makes an object.
        Create = "create",
        /// Changes an object in place.
        Update = "update",
        /// Deletes an object.
        Delete = "delete",
        /// Drops an object from the state and leaves the real thing alone.
        Forget = "forget",
        /// Takes over a thing that exists.
        Import = "import",
    }
}

/// A step of a plan, before it is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStep {
    /// Its place in the plan, unique within the run.
    pub ordinal: u32,
    /// The slot it is about.
    pub slot: Slot,
    /// What it does.
    pub action: Action,
    /// The kind of its object.
    pub kind: Str,
    /// The configured provider that is called.
    pub provider: Str,
    /// What the call is known by, unique within the state.
    pub token: OpToken,
    /// What the state will say about its object, should only the journal be left to tell.
    pub terms: Terms,
}

/// What the state says about an object beside what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The blocks it needs.
    pub dependencies: Vec<Resource>,
    /// What happens to the real thing when the object leaves the state.
    pub on_destroy: OnDestroy,
    /// What its replacement does first.
    pub replace_order: ReplaceOrder,
}

words! {
    /// How far a step has come.
    Status {
        /// It stands in the journal; its provider has not been called.
        Planned = "planned",
        /// Its provider may have been called.
        Started = "started",
        /// Its result is known; more has to happen before it is done.
        Observed = "observed",
        /// Done: result and object are in the state.
        Committed = "committed",
        /// It failed, and what it left behind is known and recorded.
        Failed = "failed",
        /// It was never run, or was found to have had no effect.
        Abandoned = "abandoned",
        /// Nobody can tell what became of its call; asked again at each run.
        InDoubt = "in_doubt",
    }
}

words! {
    /// What happens to a step.
    Event {
        /// Its provider is about to be called.
        Start = "start",
        /// Its provider is about to be called once more, with the same token.
        Retry = "retry",
        /// Its result came in.
        Observe = "observe",
        /// Its result and its object are recorded.
        Commit = "commit",
        /// Its call failed, and what remains is known.
        Fail = "fail",
        /// It will not run, or had no effect.
        Abandon = "abandon",
        /// Its call ended without anyone knowing how.
        Doubt = "doubt",
    }
}

/// The event cannot happen to a step with this status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a step that is {status} cannot `{event}`")]
pub struct IllegalTransition {
    /// The status.
    pub status: Status,
    /// The event.
    pub event: Event,
}

impl Status {
    /// Returns the status after an event.
    ///
    /// # Errors
    /// [`IllegalTransition`] where the event cannot happen.
    pub fn after(self, event: Event) -> Result<Self, IllegalTransition> {
        match (self, event) {
            (Self::Planned, Event::Start) => Ok(Self::Started),
            (Self::Planned | Self::Started | Self::InDoubt, Event::Abandon) => Ok(Self::Abandoned),
            (Self::Started | Self::InDoubt, Event::Retry) => Ok(Self::Started),
            (Self::Started | Self::InDoubt, Event::Observe) => Ok(Self::Observed),
            (Self::Started | Self::Observed | Self::InDoubt, Event::Fail) => Ok(Self::Failed),
            (Self::Started | Self::InDoubt, Event::Doubt) => Ok(Self::InDoubt),
            (Self::Observed, Event::Commit) => Ok(Self::Committed),
            (Self::Planned, Event::Retry | Event::Observe | Event::Commit | Event::Fail | Event::Doubt)
            | (Self::Started | Self::InDoubt, Event::Start | Event::Commit)
            | (Self::Observed, Event::Start | Event::Retry | Event::Observe | Event::Abandon | Event::Doubt)
            | (Self::Committed | Self::Failed | Self::Abandoned, _) => Err(IllegalTransition { status: self, event }),
        }
    }

    /// Returns whether a step with this status needs the next run's attention if its own run is dead.
    #[must_use]
    pub fn is_unfinished(self) -> bool {
        match self {
            Self::Started | Self::Observed | Self::InDoubt => true,
            Self::Planned | Self::Committed | Self::Failed | Self::Abandoned => false,
        }
    }
}

/// A step as it stands in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRecord {
    /// Its name.
    pub id: StepId,
    /// The slot it is about.
    pub slot: Slot,
    /// What it does.
    pub action: Action,
    /// The kind of its object.
    pub kind: Str,
    /// The configured provider that is called.
    pub provider: Str,
    /// What the call is known by.
    pub token: OpToken,
    /// What the state will say about its object.
    pub terms: Terms,
    /// How far it has come.
    pub status: Status,
    /// How often its provider was, or was about to be, called.
    pub attempts: u32,
    /// What the provider was asked for, once the step was started.
    pub planned: Option<Planned>,
    /// Why it failed, was abandoned or is in doubt.
    pub error: Option<String>,
    /// When it was last started.
    pub started_at: Option<Timestamp>,
    /// When its status last changed.
    pub changed_at: Timestamp,
}

/// One line of the journal. Many of them share one commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A provider is about to be called: durable before the call.
    Start(Start),
    /// A call has ended.
    End(Outcome),
}

/// A step whose provider is about to be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The step.
    pub step: StepId,
    /// Whether it is the first call.
    pub attempt: Attempt,
    /// What the provider is asked for; a second attempt asks for the same again.
    pub planned: Planned,
}

/// Whether a provider is called for the first time with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// For the first time.
    First,
    /// Once more: the call before failed in passing, or had no effect.
    Again,
}

/// What became of a step, and what the state holds because of it: one commit for both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The step.
    pub step: StepId,
    /// How it ended.
    pub ended: Ended,
    /// What changes in the state.
    pub writes: Vec<Write>,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Its result is known and recorded; the step goes on.
    Observed,
    /// It is done.
    Committed,
    /// It failed, and what remains is among the writes.
    Failed {
        /// Why, without secrets.
        error: String,
    },
    /// It was not run, or had no effect.
    Abandoned {
        /// Why, without secrets.
        reason: String,
    },
    /// Nobody can tell.
    InDoubt {
        /// Why, without secrets.
        error: String,
    },
}

impl Ended {
    /// Returns the status of a step that ended like this.
    ///
    /// # Errors
    /// [`IllegalTransition`] if a step with the status cannot end like this.
    pub fn after(&self, status: Status) -> Result<Status, IllegalTransition> {
        match self {
            Self::Observed => status.after(Event::Observe),
            Self::Committed if status == Status::Observed => status.after(Event::Commit),
            Self::Committed => status.after(Event::Observe)?.after(Event::Commit),
            Self::Failed { .. } => status.after(Event::Fail),
            Self::Abandoned { .. } => status.after(Event::Abandon),
            Self::InDoubt { .. } => status.after(Event::Doubt),
        }
    }

    /// Returns why it ended like this, where that is told.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Observed | Self::Committed => None,
            Self::Failed { error } | Self::InDoubt { error } => Some(error),
            Self::Abandoned { reason } => Some(reason),
        }
    }
}

/// Something that was shown during a run, kept for `loam history`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedEvent {
    /// When it was shown.
    pub at: Timestamp,
    /// The event as JSON, without secrets.
    pub body: serde_json::Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUSES: [Status; 7] = [
        Status::Planned,
        Status::Started,
        Status::Observed,
        Status::Committed,
        Status::Failed,
        Status::Abandoned,
        Status::InDoubt,
    ];
    const EVENTS: [Event; 7] =
        [Event::Start, Event::Retry, Event::Observe, Event::Commit, Event::Fail, Event::Abandon, Event::Doubt];

    #[test]
    fn the_whole_machine() {
        let mut lines = Vec::new();
        for status in STATUSES {
            for event in EVENTS {
                if let Ok(next) = status.after(event) {
                    lines.push(format!("{status} --{event}-> {next}"));
                }
            }
        }
        insta::assert_snapshot!(lines.join("\n"), @r"
        planned --start-> started
        planned --abandon-> abandoned
        started --retry-> started
        started --observe-> observed
        started --fail-> failed
        started --abandon-> abandoned
        started --doubt-> in_doubt
        observed --commit-> committed
        observed --fail-> failed
        in_doubt --retry-> started
        in_doubt --observe-> observed
        in_doubt --fail-> failed
        in_doubt --abandon-> abandoned
        in_doubt --doubt-> in_doubt
        ");
    }

    #[test]
    fn committing_observes_first_where_that_was_not_recorded() {
        assert_eq!(Ended::Committed.after(Status::Started), Ok(Status::Committed));
        assert_eq!(Ended::Committed.after(Status::Observed), Ok(Status::Committed));
        assert_eq!(
            Ended::Committed.after(Status::Planned),
            Err(IllegalTransition { status: Status::Planned, event: Event::Observe })
        );
    }

    #[test]
    fn words_are_read_back() {
        for status in STATUSES {
            assert_eq!(Status::of_word(status.word()), Some(status));
        }
        assert_eq!(Status::of_word("pending"), None);
    }
}
