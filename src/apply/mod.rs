//! Does what the plan says.
//!
//! [`apply()`] runs the steps of a plan as their needs are met. One task, the dispatcher, owns the
//! store and the reporter; workers take a step and return a `work::Returned`. A step is in the
//! journal before its provider is called, and its result is in the state before anything that
//! needs it starts. Nothing is decided here. [`recover()`] settles what a dead run left open.
//! Start in `dispatch`.

mod dispatch;
mod prepare;
mod record;
mod recover;
mod settle;
mod work;

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use loam_provider::{OpToken, Str};
use tokio::sync::watch;

use crate::{
    config::Config,
    diag::Diagnostics,
    eval::{Evaluated, Files, ModuleValues},
    event::{Reporter, Summary},
    host::Host,
    plan::Plan,
    state::{RunId, StateError, Store, Stored},
};

pub use record::taken_over;
pub use recover::recover;

/// How the user wants a run to go on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Work on.
    #[default]
    No,
    /// Start nothing more, and let what runs finish.
    Finish,
    /// Cancel what runs.
    Cancel,
}

/// What a run works with.
pub struct Tools<'r> {
    /// The providers.
    pub host: &'r Arc<Host>,
    /// The state; its lock is held.
    pub store: &'r mut dyn Store,
    /// Who is told.
    pub reporter: &'r mut dyn Reporter,
    /// The state's identity.
    pub state_id: Str,
    /// The run in the journal.
    pub run: RunId,
    /// Tells the time.
    pub now: fn() -> Timestamp,
    /// Draws op tokens, each one never drawn before.
    pub token: fn() -> OpToken,
}

/// What a plan is applied with.
pub struct Basics<'r> {
    /// The configuration that the plan was made from.
    pub config: &'r Config,
    /// The values of its variables, as the plan has them.
    pub variables: &'r BTreeMap<Str, Evaluated>,
    /// The paths that expressions see.
    pub paths: ModuleValues,
    /// The files that functions may read.
    pub files: &'r Files,
    /// The objects in the state, as the plan was made from them.
    pub objects: &'r [Stored],
    /// At most how many steps run at once.
    pub parallelism: usize,
    /// How the user wants the run to go on.
    pub stop: watch::Receiver<Stop>,
}

/// How a run ended.
#[derive(Debug)]
pub struct Applied {
    /// What was done.
    pub summary: Summary,
    /// Whether the user stopped it.
    pub stopped: Stop,
    /// What the configuration turned out to say wrongly once everything was known.
    pub diagnostics: Diagnostics,
}

impl Applied {
    /// Returns whether everything that the plan says is done.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.summary.failed == 0 && self.summary.skipped == 0 && !self.diagnostics.has_errors()
    }
}

/// Why a run could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The state cannot be read or written.
    #[error(transparent)]
    State(#[from] StateError),
    /// The steps of the plan need each other in a circle.
    #[error("the plan's steps {steps:?} wait for each other")]
    CircularPlan { steps: Vec<usize> },
    /// The configuration needs itself; no plan can have been made from it.
    #[error("parts of the configuration need each other in a circle")]
    CircularConfiguration,
}

/// Runs the steps of a plan.
///
/// # Errors
/// Only when the state cannot be written or the plan makes no sense; what fails in the world is in the [`Applied`].
pub async fn apply<'p>(plan: &'p Plan, basics: Basics<'p>, tools: Tools<'_>) -> Result<Applied, ApplyError> {
    dispatch::dispatch(plan, basics, tools).await
}
