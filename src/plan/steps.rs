//! What runs, and what each step needs.

use loam_provider::Str;
use serde::{Deserialize, Serialize};

/// The position of a step in [`super::Plan::steps`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StepId(pub u32);

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What is done.
    pub work: Work,
    /// The steps that must be done before.
    pub needs: Vec<StepId>,
}

/// What a step does; `change` is a position in [`super::Plan::changes`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "work", rename_all = "snake_case")]
pub enum Work {
    /// Makes the object.
    Create { change: usize },
    /// Changes the object in place.
    Update { change: usize },
    /// Deletes the object, or the old one of a replacement.
    Delete { change: usize },
    /// Forgets the object; the real thing stays.
    Forget { change: usize },
    /// Brings the record of the object up to date.
    Record { change: usize },
    /// Does nothing: many that need the same many need this one instead, so that edges stay linear.
    Gather {
        /// The block that it stands for.
        of: Str,
    },
}
