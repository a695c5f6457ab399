//! The faults of the calls on one world.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use crate::{
    Fault, Rule, Script, WorldError,
    script::{CallSite, Counted, Counts},
    world::{Durability, Log},
};

/// A script, and how often each of its rules has counted.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    script: Mutex<(Script, Counts)>,
    /// Where counting is kept, so that a loam that was killed does not meet the first fault again.
    log: Option<Log>,
}

impl Faults {
    /// Returns the faults of a script; calls are counted over the life of the world.
    pub(crate) fn kept_in(dir: &Path, script: Script) -> Result<Self, WorldError> {
        let log = Log::open(dir.join("calls.log"))?;
        let counts = Counts::default();
        for counted in log.lines::<Counted>()? {
            counts.count(counted);
        }
        Ok(Self { script: Mutex::new((script, counts)), log: Some(log) })
    }

    /// Puts other rules in place; counting starts again.
    pub(crate) fn set(&self, rules: Vec<Rule>) {
        *self.script.lock().unwrap_or_else(PoisonError::into_inner) = (Script { seed: 0, rules }, Counts::default());
    }

    /// Returns the faults of a call, and counts it.
    pub(crate) fn of(&self, site: CallSite<'_>) -> Result<Vec<Fault>, WorldError> {
        let script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        let (faults, counted) = script.0.faults(site, &script.1);
        if let Some(log) = &self.log {
            for counted in counted {
                log.append(&counted, Durability::Process)?;
            }
        }
        Ok(faults)
    }
}
