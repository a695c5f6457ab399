//! Decides what has to change.
//!
//! [`plan()`] visits every block in dependency order, predicts each object with its
//! provider, and compares the prediction with what `refresh` found. The result is
//! plain data: saved, shown, and applied without deciding anything again.
//!
//! Nothing here writes. Start in `steps` if something happens too early.

pub(crate) mod assertions;
mod change;
pub(crate) mod check;
pub(crate) mod choice;
mod data;
pub(crate) mod decide;
mod encoding;
pub(crate) mod expand;
mod file;
mod imports;
mod leftovers;
mod meta;
pub(crate) mod moves;
pub(crate) mod order;
pub(crate) mod propose;
mod providers;
mod removed;
pub(crate) mod secret;
mod steps;
mod told;
mod trigger;
mod validate;
pub(crate) mod visit;
pub(crate) mod world;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use loam_provider::{Known, Str, Value};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::{
    addr::{Instance, ModulePath},
    config::Config,
    diag::Diagnostics,
    eval::{Evaluated, Files, ModuleValues},
    host::{Clock, Host},
    refresh::Observed,
    state::{Meta, Output, Stored},
};

pub use crate::state::ReplaceOrder;
pub use change::{Change, Drift, ObjectChange, Origin, OutputChange, Reason};
pub use file::{FileError, load, save};
pub use moves::Move;
pub use providers::providers;
pub use steps::{Step, StepId, Work};
pub use validate::validate;

/// The version of the plan file's format.
pub const FORMAT: u32 = 2;

/// All that will change, and in which order; plain data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What the plan was made from; applying it to anything else is refused.
    pub basis: Basis,
    /// Whether everything is destroyed.
    pub mode: Mode,
    /// What happens to each object that does not simply stay, by address.
    pub changes: Vec<ObjectChange>,
    /// How many objects stay as they are.
    pub unchanged: usize,
    /// What happens to each output that is new, changes or goes.
    pub outputs: BTreeMap<Str, OutputChange>,
    /// What runs, with what each step needs.
    pub steps: Vec<Step>,
    /// The values of the input variables.
    pub variables: BTreeMap<Str, Input>,
    /// The ephemeral input variables that were given a value, which is not kept: it must be given again.
    pub ephemeral: BTreeSet<Str>,
    /// Addresses of the state that get another one before anything else happens.
    pub moves: Vec<Move>,
    /// What data sources had to tell when the plan was made, by address.
    pub data: Vec<Fetched>,
    /// What became of the `check` blocks when the plan was made.
    pub checks: Vec<CheckResult>,
}

/// What a data source told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fetched {
    /// Its address.
    pub addr: Instance,
    /// What it told, with what it was asked.
    #[serde(with = "encoding::known")]
    pub value: Known,
    /// Where secrets stand in it.
    pub sensitive: Vec<loam_provider::Path>,
}

/// What became of a `check` block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The module instance it stands in.
    pub module: ModulePath,
    /// Its name.
    pub name: Str,
    /// How it ended.
    pub status: CheckStatus,
    /// What does not hold, or went wrong, in sentences.
    pub problems: Vec<String>,
}

/// How a `check` block ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// Everything in it holds.
    Pass,
    /// Something in it can only be told after apply, and nothing fails.
    Unknown,
    /// Something in it does not hold.
    Fail,
    /// It could not be evaluated.
    Error,
}

/// What a plan was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// [`FORMAT`].
    pub format: u32,
    /// The version of loam.
    pub loam: String,
    /// The state's identity.
    pub state_id: Str,
    /// The state's serial.
    pub serial: u64,
    /// The digest of the configuration's files.
    pub config: String,
    /// When it was made: `plantimestamp()` is still this when it is applied.
    pub planned: Timestamp,
}

/// What kind of run a plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The world becomes what the configuration says.
    Apply,
    /// Everything is destroyed.
    Destroy,
}

/// The value of an input variable, as it was when the plan was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// The value, converted to the variable's type.
    #[serde(with = "encoding::value")]
    pub value: Value,
    /// Where secrets stand in it.
    pub sensitive: Vec<loam_provider::Path>,
}

/// All that a plan is made from.
pub struct Basics<'p> {
    /// The configuration.
    pub config: &'p Config,
    /// The values of its variables.
    pub variables: &'p BTreeMap<Str, Evaluated>,
    /// The paths that expressions see.
    pub paths: ModuleValues,
    /// The files that functions may read.
    pub files: &'p Files,
    /// The providers.
    pub host: &'p Host,
    /// What is said about the state as a whole.
    pub meta: &'p Meta,
    /// The objects in the state.
    pub objects: &'p [Stored],
    /// The outputs in the state.
    pub outputs: &'p [Output],
    /// What the world looks like.
    pub observed: &'p Observed,
    /// What was asked for.
    pub options: &'p Options,
}

/// What a plan was asked to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether everything is destroyed.
    pub mode: Mode,
    /// Objects to replace whatever the provider says.
    pub replace: BTreeSet<Instance>,
    /// Things to take over, beside those of `import` blocks.
    pub imports: Vec<(Instance, Str)>,
    /// Cancelled when the user wants to stop.
    pub cancel: CancellationToken,
    /// The run's clock.
    pub clock: Clock,
    /// The running version of loam.
    pub version: String,
}

/// Decides what has to change. After an error there is a plan of what could be decided, which must not be applied.
pub async fn plan(basics: Basics<'_>) -> (Plan, Diagnostics) {
    let (moves, found) = moves::moves(&basics.config.root, basics.objects);
    let (plan, mut diagnostics) = if moves.is_empty() {
        visit::visit(basics, moves).await
    } else {
        let relocation = moves::Relocation::of(&moves, basics.objects);
        let (objects, observed) = (relocation.objects(basics.objects), relocation.observed(basics.observed));
        visit::visit(Basics { objects: &objects, observed: &observed, ..basics }, moves.clone()).await
    };
    diagnostics.extend(found);
    (plan, diagnostics)
}

/// How many changes of each sort a plan has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Objects to be made.
    pub create: usize,
    /// Objects to be changed in place.
    pub update: usize,
    /// Objects to be deleted and made again.
    pub replace: usize,
    /// Objects to be deleted.
    pub delete: usize,
    /// Objects to be forgotten whose real things stay.
    pub retain: usize,
    /// Objects whose address changes.
    pub moved: usize,
    /// Things that are taken over.
    pub imported: usize,
    /// Data sources to be read while the plan is applied.
    pub read: usize,
}

impl Plan {
    /// Returns whether applying the plan would change the world, the set of objects or an output.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        !self.moves.is_empty()
            || self.changes.iter().any(ObjectChange::is_effective)
            || self.outputs.values().any(OutputChange::is_effective)
    }

    /// Returns how many changes of each sort there are.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts { moved: self.moves.len(), ..Counts::default() };
        for change in &self.changes {
            match change.change {
                Change::Keep { .. } => {}
                Change::Read { .. } => counts.read += 1,
                Change::Create { .. } => counts.create += 1,
                Change::Update { .. } => counts.update += 1,
                Change::Replace { .. } => counts.replace += 1,
                Change::Delete { .. } => counts.delete += 1,
                Change::Forget { .. } => counts.retain += 1,
            }
            match change.origin {
                Some(Origin::Imported { .. }) => counts.imported += 1,
                Some(Origin::Moved { .. }) | None => {}
            }
        }
        counts
    }
}
