//! What the state knows about things in the world.

use std::fmt;

use jiff::Timestamp;
use loam_provider::{Known, OnDestroy, Path, Str, Value};
use serde::{Deserialize, Serialize};

use super::{RunId, words::words};
use crate::addr::{Instance, Resource};

/// Counts the commits that changed objects or outputs; a new state is at zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Serial(pub u64);

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is said about a state as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// The name of this state among all states; written onto whatever it owns.
    pub state_id: Str,
    /// The last commit.
    pub serial: Serial,
    /// The first serial whose objects can still be shown.
    pub history_from: Serial,
    /// The version of the tables.
    pub schema_version: u32,
    /// When the state was made.
    pub created_at: Timestamp,
    /// The version of loam that made it.
    pub created_by: Str,
}

/// Tells deposed objects of one address apart; the caller draws it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeposedId(pub Str);

/// Where an object stands in the state: at an address, as the current object or as a deposed one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slot {
    /// The address.
    pub addr: Instance,
    /// Which deposed object of the address; `None` is its current object.
    pub deposed: Option<DeposedId>,
}

impl Slot {
    /// Returns the place of an address's current object.
    #[must_use]
    pub fn current(addr: Instance) -> Self {
        Self { addr, deposed: None }
    }

    /// Returns the place of one of an address's deposed objects.
    #[must_use]
    pub fn deposed(addr: Instance, id: DeposedId) -> Self {
        Self { addr, deposed: Some(id) }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.deposed {
            None => self.addr.fmt(f),
            Some(DeposedId(id)) => write!(f, "{} (deposed {id})", self.addr),
        }
    }
}

words! {
    /// How an object is doing.
    Condition {
        /// It is what it was meant to be.
        Ready = "ready",
        /// It has to be replaced at the next apply.
        Tainted = "tainted",
        /// A call failed half-way; this much of it stands.
        Partial = "partial",
    }
}

words! {
    /// What a replacement does first.
    ReplaceOrder {
        /// The old object goes before the new one is made.
        DeleteFirst = "delete_first",
        /// The new object is made before the old one goes: `create_before_destroy`.
        CreateFirst = "create_first",
    }
}

/// One thing in the world that loam answers for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Where it stands.
    pub slot: Slot,
    /// Its kind: `network`.
    pub kind: Str,
    /// The version of the kind's schema that its attributes follow.
    pub kind_version: u32,
    /// The configured provider that realises it: `local`, `kube.ci`.
    pub provider: Str,
    /// Its attributes as its provider last reported them.
    pub attributes: Known,
    /// What in the attributes is secret. In order, without duplicates.
    pub sensitive: Vec<Path>,
    /// How it is doing.
    pub condition: Condition,
    /// The blocks it needs, so that deletes know their order after the blocks are gone.
    pub dependencies: Vec<Resource>,
    /// What happens to the real thing when the object leaves the state.
    pub on_destroy: OnDestroy,
    /// What its replacement does first.
    pub replace_order: ReplaceOrder,
}

/// A commit and its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The commit.
    pub serial: Serial,
    /// Its time, to the millisecond.
    pub at: Timestamp,
}

/// An object as it stands in the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The object.
    pub object: Object,
    /// The commit that brought it in. A move or a deposal keeps it.
    pub created: Stamp,
    /// The commit that last changed it.
    pub updated: Stamp,
}

/// A change of what the state holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Records an object in its slot, in place of what stood there. An equal object changes nothing.
    Put(Box<Object>),
    /// Drops the object in a slot; an empty slot is an error.
    Drop(Slot),
    /// Takes an object from one slot to another, empty one: deposes it, makes it current again, or gives it a new
    /// address.
    Rename {
        /// Where it stands.
        from: Slot,
        /// Where it shall stand.
        to: Slot,
    },
}

/// What a provider was asked for: a value that may hold unknowns, and what in it is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The object as it was to become; null for a delete.
    pub value: Value,
    /// What in it is secret.
    pub sensitive: Vec<Path>,
}

/// One output of the root module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its name.
    pub name: Str,
    /// Its value.
    pub value: Known,
    /// What in it is secret; the root path makes all of it a secret.
    pub sensitive: Vec<Path>,
}

words! {
    /// What a commit did to a slot.
    HistoryChange {
        /// The slot was empty before.
        Created = "created",
        /// Another object, or another version of it, stood there before.
        Updated = "updated",
        /// The object left the state.
        Dropped = "dropped",
        /// The object went to another slot.
        Left = "left",
        /// The object came from another slot.
        Arrived = "arrived",
    }
}

/// What one commit did to one slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The commit.
    pub serial: Serial,
    /// Its time.
    pub at: Timestamp,
    /// The run it was part of, if it was part of one.
    pub run: Option<RunId>,
    /// The slot.
    pub slot: Slot,
    /// What happened to it.
    pub change: HistoryChange,
    /// What stood there before.
    pub before: Option<Stored>,
}
