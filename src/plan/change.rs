//! What changes, and why: the part of a plan that users read.

use loam_provider::{Cause, Known, OnDestroy, Path, Str, Value};
use serde::{Deserialize, Serialize};

use super::encoding;
use crate::{
    addr::{Instance, Resource},
    host::ProviderRef,
    state::{DeposedId, ReplaceOrder},
};

/// What happens to one object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ObjectChange {
    /// The object's address.
    pub addr: Instance,
    /// Which of the address's deposed objects; none for its current one.
    pub deposed: Option<DeposedId>,
    /// The provider that realises it.
    pub provider: ProviderRef,
    /// What changes.
    pub change: Change,
    /// Where secrets stand in the values before and after.
    pub sensitive: Vec<Path>,
    /// Where secrets stand in the object to be, or in the one that stays.
    pub secret: Vec<Path>,
    /// What was recorded, where the world was found to differ from it.
    pub drift: Option<Drift>,
    /// What the provider has to say about it, in sentences.
    pub notes: Vec<String>,
    /// Attributes whose new value has no effect, because they are only used when the object is made.
    pub ineffective: Vec<Path>,
    /// What happens to the real thing when its object leaves the state.
    pub on_destroy: OnDestroy,
    /// What a replacement of it does first.
    pub replace_order: ReplaceOrder,
    /// The blocks it was made from.
    pub dependencies: Vec<Resource>,
    /// Where it comes from, if the state does not have it at its address.
    pub origin: Option<Origin>,
    /// Whether some of its block's preconditions can only be told once other objects are made.
    pub has_open_conditions: bool,
}

/// Where an object comes from that the state does not have at its address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "origin", rename_all = "snake_case")]
pub enum Origin {
    /// The state has it at another address.
    Moved {
        /// The address until now.
        from: Instance,
    },
    /// The world has it, and it is taken over.
    Imported {
        /// What its provider knows it by.
        id: Str,
    },
}

/// What happens to an object, with exactly what exists on each side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Change {
    /// It is as the configuration says; at most the record of it is brought up to date.
    Keep {
        /// The object as it was read.
        #[serde(with = "encoding::known")]
        current: Known,
    },
    /// It is a data source that is read while the plan is applied.
    Read {
        /// What will be read, as far as it is known.
        #[serde(with = "encoding::value")]
        after: Value,
        /// Why not sooner.
        because: Reason,
    },
    /// It is made.
    Create {
        /// The object to be.
        #[serde(with = "encoding::value")]
        after: Value,
        /// Why.
        because: Reason,
    },
    /// It is changed in place.
    Update {
        /// The object as it was read.
        #[serde(with = "encoding::known")]
        before: Known,
        /// The object to be.
        #[serde(with = "encoding::value")]
        after: Value,
    },
    /// It is deleted and made again.
    Replace {
        /// The object as it was read.
        #[serde(with = "encoding::known")]
        before: Known,
        /// The object to be.
        #[serde(with = "encoding::value")]
        after: Value,
        /// Which comes first.
        order: ReplaceOrder,
        /// Why; never empty.
        because: Vec<Reason>,
    },
    /// It is deleted.
    Delete {
        /// The object as it was read.
        #[serde(with = "encoding::known")]
        before: Known,
        /// Why.
        because: Reason,
    },
    /// It is forgotten, and the real thing stays.
    Forget {
        /// The object as it was read.
        #[serde(with = "encoding::known")]
        before: Known,
        /// Why.
        because: Reason,
    },
}

/// Why something changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// It is in the configuration and not in the state.
    New,
    /// It is in the state and no longer in the world.
    Gone,
    /// Its block is no longer in the configuration.
    BlockRemoved,
    /// Its block no longer has this instance.
    InstanceRemoved,
    /// A `removed` block says what becomes of it.
    RemovedBlock,
    /// `loam destroy` was asked for.
    Destroy,
    /// The provider cannot change this in place.
    CannotUpdate {
        /// What, and what about it.
        cause: Cause,
    },
    /// An earlier run failed to finish it.
    Tainted,
    /// `--replace` named it.
    Requested,
    /// Something in its `replace_triggered_by` changed.
    Triggered {
        /// What the block refers to.
        by: Str,
    },
    /// Another provider now realises it.
    ProviderChanged {
        /// The provider until now.
        from: ProviderRef,
    },
    /// A replacement made before its deletion left it behind.
    Deposed,
    /// Something that the data source is read with is not known yet.
    NotKnown {
        /// The first such attribute.
        path: Path,
    },
    /// Something that the data source depends on will change.
    Pending {
        /// The block.
        on: Str,
    },
}

/// What was recorded, where the world was found to differ from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// The object as it was recorded.
    #[serde(with = "encoding::known")]
    pub recorded: Known,
}

/// What happens to one output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutputChange {
    /// The value in the state; none for a new output.
    #[serde(with = "encoding::optional_known")]
    pub before: Option<Known>,
    /// The value to be; none for an output that goes.
    #[serde(with = "encoding::optional_value")]
    pub after: Option<Value>,
    /// Where secrets stand in either value.
    pub sensitive: Vec<Path>,
}

impl ObjectChange {
    /// Returns whether the world, the set of objects or an address will differ afterwards.
    #[must_use]
    pub fn is_effective(&self) -> bool {
        self.change.is_effective() || self.origin.is_some()
    }

    /// Returns what happens to the real thing that a replacement is for: one that an earlier run did not finish holds
    /// nothing to be kept.
    #[must_use]
    pub fn on_replace(&self) -> OnDestroy {
        match &self.change {
            Change::Replace { because, .. } if because.contains(&Reason::Tainted) => OnDestroy::Delete,
            Change::Replace { .. } | Change::Keep { .. } | Change::Create { .. } => self.on_destroy,
            Change::Read { .. } | Change::Update { .. } | Change::Delete { .. } | Change::Forget { .. } => {
                self.on_destroy
            }
        }
    }

    /// Returns the provider that has the object until now.
    #[must_use]
    pub fn former_provider(&self) -> &ProviderRef {
        let Change::Replace { because, .. } = &self.change else { return &self.provider };
        let former = because.iter().find_map(|reason| match reason {
            Reason::ProviderChanged { from } => Some(from),
            Reason::New | Reason::Gone | Reason::BlockRemoved | Reason::InstanceRemoved | Reason::Destroy => None,
            Reason::CannotUpdate { .. } | Reason::Tainted | Reason::Requested => None,
            Reason::Triggered { .. } | Reason::Deposed | Reason::RemovedBlock => None,
            Reason::NotKnown { .. } | Reason::Pending { .. } => None,
        });
        former.unwrap_or(&self.provider)
    }
}

impl Change {
    /// Returns the object as it was read, where there is one.
    #[must_use]
    pub fn before(&self) -> Option<&Known> {
        match self {
            Self::Create { .. } | Self::Read { .. } => None,
            Self::Keep { current } => Some(current),
            Self::Update { before, .. }
            | Self::Replace { before, .. }
            | Self::Delete { before, .. }
            | Self::Forget { before, .. } => Some(before),
        }
    }

    /// Returns the object to be, where there will be one.
    #[must_use]
    pub fn after(&self) -> Option<&Value> {
        match self {
            Self::Keep { current } => Some(current.value()),
            Self::Create { after, .. } | Self::Update { after, .. } => Some(after),
            Self::Replace { after, .. } | Self::Read { after, .. } => Some(after),
            Self::Delete { .. } | Self::Forget { .. } => None,
        }
    }

    /// Returns whether the world or the set of objects will differ afterwards.
    #[must_use]
    pub fn is_effective(&self) -> bool {
        !matches!(self, Self::Keep { .. } | Self::Read { .. })
    }
}

impl OutputChange {
    /// Returns whether the output's value will differ, or may.
    #[must_use]
    pub fn is_effective(&self) -> bool {
        self.before.as_ref().map(Known::value) != self.after.as_ref()
    }
}
