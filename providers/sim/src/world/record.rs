//! One object's file.

use std::path::Path;

use loam_provider::{Known, OpToken, Str, Type};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{By, Object, WorldError, files};
use crate::Verb;

/// One thing that was done to the world: a line of `effects.log`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Effect {
    /// The operation.
    pub token: OpToken,
    /// What it did.
    pub verb: Verb,
    /// The address it did it for.
    pub address: Str,
    /// How many effects this operation has had with this one: more than one if it was done in parts, or twice.
    pub attempt: u32,
    /// Whether that was all of it.
    pub extent: Extent,
    /// The object.
    pub id: Str,
}

/// How much of an operation was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// All of it.
    Whole,
    /// Some of it.
    Part,
}

/// What an object's file holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) id: Str,
    kind: Str,
    address: Str,
    state_id: Str,
    /// The token of the last operation.
    token: OpToken,
    /// What the object is like; `None` when it is gone.
    pub(super) attributes: Option<Typed>,
    /// All that was ever done to it.
    pub(super) effects: Vec<Effect>,
}

/// Attributes with their type, so that a list comes back as a list and not as a tuple.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Typed {
    ty: Type,
    value: Json,
}

impl Record {
    pub(super) fn new(id: &Str, by: By<'_>) -> Self {
        Self {
            id: id.clone(),
            kind: by.kind.clone(),
            address: by.address.clone(),
            state_id: by.state_id.clone(),
            token: by.token.clone(),
            attributes: None,
            effects: Vec::new(),
        }
    }

    /// Reads a file, or returns `None` if there is none.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, WorldError> {
        let Some(text) = files::read(path)? else { return Ok(None) };
        let malformed = |source| WorldError::Malformed { path: path.to_owned(), source };
        serde_json::from_slice(&text).map(Some).map_err(malformed)
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("a record is JSON")
    }

    /// Returns the object, or `None` when it is gone; `dir` is for the error.
    pub(super) fn object(&self, dir: &Path) -> Result<Option<Object>, WorldError> {
        let Some(typed) = &self.attributes else { return Ok(None) };
        let attributes = Known::from_json(&typed.value, &typed.ty)
            .map_err(|source| WorldError::Attributes { path: dir.join("objects").join(&*self.id), source })?;
        let extent = self.effects.last().map_or(Extent::Whole, |effect| effect.extent);
        Ok(Some(Object {
            id: self.id.clone(),
            kind: self.kind.clone(),
            address: self.address.clone(),
            state_id: self.state_id.clone(),
            token: self.token.clone(),
            extent,
            attributes,
        }))
    }

    /// Refuses an operation of another state.
    pub(super) fn owned_by(&self, by: By<'_>) -> Result<(), WorldError> {
        if self.attributes.is_some() && self.state_id != *by.state_id {
            return Err(WorldError::Foreign { id: self.id.clone(), owner: self.state_id.clone() });
        }
        Ok(())
    }

    pub(super) fn last_effect_of(&self, token: &OpToken) -> Option<&Effect> {
        self.effects.iter().rev().find(|effect| effect.token == *token)
    }

    /// Returns whether the operation was done to its end.
    pub(super) fn is_done_by(&self, token: &OpToken) -> bool {
        self.last_effect_of(token).is_some_and(|effect| effect.extent == Extent::Whole)
    }

    pub(super) fn put(&mut self, by: By<'_>, verb: Verb, extent: Extent, attributes: &Known) {
        self.set(attributes);
        self.happened(by, verb, extent);
    }

    pub(super) fn bury(&mut self, by: By<'_>) {
        self.attributes = None;
        self.happened(by, Verb::Delete, Extent::Whole);
    }

    pub(super) fn set(&mut self, attributes: &Known) {
        self.attributes = Some(Typed { ty: attributes.ty(), value: attributes.to_json() });
    }

    fn happened(&mut self, by: By<'_>, verb: Verb, extent: Extent) {
        self.address = by.address.clone();
        self.state_id = by.state_id.clone();
        self.token = by.token.clone();
        let before = self.effects.iter().filter(|effect| effect.token == *by.token).count();
        self.effects.push(Effect {
            token: by.token.clone(),
            verb,
            address: by.address.clone(),
            attempt: u32::try_from(before + 1).unwrap_or(u32::MAX),
            extent,
            id: self.id.clone(),
        });
    }
}
