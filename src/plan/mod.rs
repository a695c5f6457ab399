//! Decides what has to change.
//!
//! `plan` visits every block in dependency order, predicts each object with its
//! provider, and compares the prediction with what `refresh` found. The result is
//! plain data: saved, shown, and applied without deciding anything again.
//!
//! Nothing here writes. Start in [`steps`] if something happens too early.

mod change;
mod encoding;
mod steps;

use std::collections::BTreeMap;

use loam_provider::{Str, Value};
use serde::{Deserialize, Serialize};

pub use change::{Change, Drift, ObjectChange, OutputChange, Reason, ReplaceOrder};
pub use steps::{Step, StepId, Work};

/// The version of the plan file's format.
pub const FORMAT: u32 = 1;

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
}

impl Plan {
    /// Returns whether applying the plan would change the world, the set of objects or an output.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.changes.iter().any(|change| change.change.is_effective())
            || self.outputs.values().any(OutputChange::is_effective)
    }

    /// Returns how many changes of each sort there are.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for change in &self.changes {
            match change.change {
                Change::Keep { .. } => {}
                Change::Create { .. } => counts.create += 1,
                Change::Update { .. } => counts.update += 1,
                Change::Replace { .. } => counts.replace += 1,
                Change::Delete { .. } => counts.delete += 1,
                Change::Forget { .. } => counts.retain += 1,
            }
        }
        counts
    }
}
