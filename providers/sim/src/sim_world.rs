//! A test's own hand in a world.

use std::{path::PathBuf, sync::Arc};

use loam_provider::{Known, Str};

use crate::{Effect, Object, Rule, World, WorldError, provider::Faults};

/// A world that a test looks into and meddles with, while providers made by [`crate::SimFactory::within`] work in it.
#[derive(Debug, Clone)]
pub struct SimWorld {
    world: Arc<World>,
    faults: Arc<Faults>,
}

impl SimWorld {
    /// Opens the world in a directory.
    ///
    /// # Errors
    /// As [`World::open`].
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, WorldError> {
        Ok(Self { world: Arc::new(World::open(dir)?), faults: Arc::default() })
    }

    /// Makes calls fail from now on, in place of those that failed so far; counting starts again.
    pub fn set_faults(&self, rules: impl IntoIterator<Item = Rule>) {
        self.faults.set(rules.into_iter().collect());
    }

    /// Returns every effect there was.
    ///
    /// # Errors
    /// As [`World::effects`].
    pub fn effects(&self) -> Result<Vec<Effect>, WorldError> {
        self.world.effects()
    }

    /// Returns every object that exists.
    ///
    /// # Errors
    /// As [`World::objects`].
    pub fn objects(&self) -> Result<Vec<Object>, WorldError> {
        self.world.objects()
    }

    /// Returns the objects that bear an address: more than one while a replacement is made before its old one goes.
    ///
    /// # Errors
    /// As [`World::objects`].
    pub fn objects_at(&self, address: &str) -> Result<Vec<Object>, WorldError> {
        let mut objects = self.world.objects()?;
        objects.retain(|object| &*object.address == address);
        Ok(objects)
    }

    /// Changes an object behind loam's back.
    ///
    /// # Errors
    /// [`WorldError::Gone`], or when its file cannot be changed.
    pub fn edit(&self, id: &Str, change: impl FnOnce(&Known) -> Known) -> Result<(), WorldError> {
        self.world.edit(id, change)
    }

    /// Removes an object behind loam's back.
    ///
    /// # Errors
    /// [`WorldError::Gone`], or when its file cannot be changed.
    pub fn remove(&self, id: &Str) -> Result<(), WorldError> {
        self.world.remove(id)
    }

    pub(crate) fn world(&self) -> Arc<World> {
        Arc::clone(&self.world)
    }

    pub(crate) fn faults(&self) -> Arc<Faults> {
        Arc::clone(&self.faults)
    }
}
