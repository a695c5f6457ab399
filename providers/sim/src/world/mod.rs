//! The objects of a world, and what was done to them.
//!
//! Each object is one file, `objects/ID.json`, which is kept when the object is deleted. It holds the object's
//! whole history, so one rename is the instant at which an effect happens. `effects.log` tells the same for tests
//! to count; a line that a killed process did not get to write is written when the world is next opened.

mod files;
mod record;

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use loam_provider::{InvalidJson, Known, OpToken, Str};

pub(crate) use files::{Durability, Log};
use record::Record;
pub use record::{Effect, Extent};

use crate::Verb;

/// Why a world cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// A file could not be read.
    #[error("failed to read `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// A file could not be written.
    #[error("failed to write `{}`", path.display())]
    Write { path: PathBuf, source: io::Error },
    /// A file is not what the world wrote.
    #[error("`{}` is not a file of a scripted cloud", path.display())]
    Malformed { path: PathBuf, source: serde_json::Error },
    /// A file's attributes do not have the type beside them.
    #[error("`{}` holds attributes that do not fit their type", path.display())]
    Attributes { path: PathBuf, source: InvalidJson },
    /// The object is of another state.
    #[error("`{id}` belongs to state `{owner}`")]
    Foreign { id: Str, owner: Str },
    /// The object does not exist.
    #[error("`{id}` does not exist")]
    Gone { id: Str },
}

/// An object as it stands in a world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Identifies it in its world.
    pub id: Str,
    /// Its kind.
    pub kind: Str,
    /// Its address in the configuration.
    pub address: Str,
    /// The state that owns it.
    pub state_id: Str,
    /// The token of the last operation on it.
    pub token: OpToken,
    /// Whether all of that operation was done.
    pub extent: Extent,
    /// What it is like.
    pub attributes: Known,
}

/// Who changes an object, and by which operation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct By<'a> {
    pub(crate) kind: &'a Str,
    pub(crate) address: &'a Str,
    pub(crate) state_id: &'a Str,
    pub(crate) token: &'a OpToken,
}

/// What became of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It had no effect.
    Nothing,
    /// It had some of its effect, or all of it, and this stands now.
    Standing(Extent, Object),
    /// It deleted the object.
    Deleted,
}

/// A directory that plays a cloud.
#[derive(Debug)]
pub struct World {
    dir: PathBuf,
    log: Log,
    durability: Durability,
    /// The object that each operation was about.
    tokens: Mutex<BTreeMap<OpToken, Str>>,
}

impl World {
    /// Opens the world in a directory, and makes an empty one if there is none.
    ///
    /// # Errors
    /// When the directory cannot be made or holds something else.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, WorldError> {
        Self::open_with(dir.into(), Durability::Process)
    }

    /// Opens a world whose effects are on the disk before a call returns.
    ///
    /// # Errors
    /// As [`World::open`].
    pub fn open_durable(dir: impl Into<PathBuf>) -> Result<Self, WorldError> {
        Self::open_with(dir.into(), Durability::Machine)
    }

    fn open_with(dir: PathBuf, durability: Durability) -> Result<Self, WorldError> {
        files::make_dir(&dir.join("objects"))?;
        let log = Log::open(dir.join("effects.log"))?;
        let world = Self { dir, log, durability, tokens: Mutex::default() };
        let records = world.records()?;
        world.log.complete(records.iter().flat_map(|record| &record.effects))?;
        let about = |record: &Record| {
            let id = record.id.clone();
            record.effects.iter().map(move |effect| (effect.token.clone(), id.clone())).collect::<Vec<_>>()
        };
        *world.tokens.lock().unwrap_or_else(PoisonError::into_inner) = records.iter().flat_map(about).collect();
        Ok(world)
    }

    /// Returns the directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns every object that exists, by id.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn objects(&self) -> Result<Vec<Object>, WorldError> {
        let records = self.records()?;
        records.into_iter().filter_map(|record| record.object(&self.dir).transpose()).collect()
    }

    /// Returns every effect there was, in the order in which the log has them.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn effects(&self) -> Result<Vec<Effect>, WorldError> {
        self.log.lines()
    }

    /// Returns an object, or `None` if it is gone.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub fn get(&self, id: &str) -> Result<Option<Object>, WorldError> {
        match self.record(id)? {
            Some(record) => record.object(&self.dir),
            None => Ok(None),
        }
    }

    /// Returns the id of what an operation makes.
    pub(crate) fn id_made_by(token: &OpToken) -> Str {
        format!("sim-{}", files::file_name(&token.0)).into()
    }

    /// Makes or changes an object, or completes what the same operation began; doing it again has no effect.
    pub(crate) fn put(
        &self,
        by: By<'_>,
        verb: Verb,
        id: &Str,
        extent: Extent,
        attributes: &Known,
    ) -> Result<Object, WorldError> {
        let mut record = match (self.record(id)?, verb) {
            (Some(record), _) => record,
            (None, Verb::Create) => Record::new(id, by),
            (None, _) => return Err(WorldError::Gone { id: id.clone() }),
        };
        record.owned_by(by)?;
        if let Some(standing) = record.object(&self.dir)?
            && record.is_done_by(by.token)
        {
            return Ok(standing);
        }
        record.put(by, verb, extent, attributes);
        self.commit(&record)?;
        Ok(record.object(&self.dir)?.expect("it was just put there"))
    }

    /// Deletes an object, or with [`Extent::Part`] begins to; one that is already gone stays so without an effect.
    pub(crate) fn delete(&self, by: By<'_>, id: &Str, extent: Extent) -> Result<Option<Object>, WorldError> {
        let Some(mut record) = self.record(id)? else { return Ok(None) };
        record.owned_by(by)?;
        let Some(standing) = record.object(&self.dir)? else { return Ok(None) };
        match extent {
            Extent::Part => record.put(by, Verb::Delete, extent, &standing.attributes),
            Extent::Whole => record.bury(by),
        }
        self.commit(&record)?;
        record.object(&self.dir)
    }

    /// Returns what became of an operation.
    pub(crate) fn fate(&self, token: &OpToken) -> Result<Fate, WorldError> {
        let known = self.tokens.lock().unwrap_or_else(PoisonError::into_inner).get(token).cloned();
        let Some(record) = known.map(|id| self.record(&id)).transpose()?.flatten() else { return Ok(Fate::Nothing) };
        let Some(effect) = record.last_effect_of(token) else { return Ok(Fate::Nothing) };
        Ok(match record.object(&self.dir)? {
            Some(object) => Fate::Standing(effect.extent, object),
            None if effect.verb == Verb::Delete => Fate::Deleted,
            None => Fate::Nothing,
        })
    }

    /// Changes an object behind loam's back.
    pub(crate) fn edit(&self, id: &Str, change: impl FnOnce(&Known) -> Known) -> Result<(), WorldError> {
        let Some(mut record) = self.record(id)? else { return Err(WorldError::Gone { id: id.clone() }) };
        let object = record.object(&self.dir)?.ok_or_else(|| WorldError::Gone { id: id.clone() })?;
        record.set(&change(&object.attributes));
        self.write(&record)
    }

    /// Removes an object behind loam's back.
    pub(crate) fn remove(&self, id: &Str) -> Result<(), WorldError> {
        let Some(mut record) = self.record(id)? else { return Err(WorldError::Gone { id: id.clone() }) };
        record.attributes = None;
        self.write(&record)
    }

    /// Makes an effect happen, then logs it. Nothing here waits, so a cancelled call cannot stop between the two.
    fn commit(&self, record: &Record) -> Result<(), WorldError> {
        let effect = record.effects.last().expect("a record is committed for an effect");
        self.write(record)?;
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.insert(effect.token.clone(), record.id.clone());
        drop(tokens);
        self.log.append(effect, self.durability)
    }

    fn write(&self, record: &Record) -> Result<(), WorldError> {
        files::replace(&self.file_of(&record.id), &record.to_json(), self.durability)
    }

    fn record(&self, id: &str) -> Result<Option<Record>, WorldError> {
        Record::read(&self.file_of(id))
    }

    fn records(&self) -> Result<Vec<Record>, WorldError> {
        let paths = files::list(&self.dir.join("objects"))?;
        paths.iter().filter_map(|path| Record::read(path).transpose()).collect()
    }

    fn file_of(&self, id: &str) -> PathBuf {
        self.dir.join("objects").join(format!("{}.json", files::file_name(id)))
    }
}
