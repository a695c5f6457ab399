//! What happens during a run, as data.
//!
//! The engine emits [`Event`]s to a [`Reporter`]; `ui` turns them into text or JSON lines. Nothing
//! comes back: the screen does not steer the engine. Text that came from outside has passed
//! [`Secrets::redact`] before it stands in an event.

mod reflected;
mod secrets;

use std::{io, time::Duration};

use loam_provider::Progress;
use serde::Serialize;

use crate::addr::Instance;

pub use reflected::reflected;
pub use secrets::{MASK, Secrets};

/// Receives every event of a run, in one order, from one task.
pub trait Reporter {
    /// Takes note of an event.
    fn event(&mut self, event: &Event);
}

/// One thing that happened.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// The state was taken over from a run that died; this is what became of its open steps.
    Recovered(Recovered),
    /// Reading the world has begun.
    RefreshStarted {
        /// How many objects will be read.
        objects: usize,
    },
    /// One object was read.
    Refreshed {
        /// The object.
        address: Instance,
        /// What was found.
        found: Found,
    },
    /// Reading the world is over.
    RefreshFinished {
        /// How long it took.
        #[serde(rename = "elapsed_ms", serialize_with = "milliseconds")]
        elapsed: Duration,
    },
    /// Applying has begun.
    ApplyStarted {
        /// How many steps there are.
        steps: usize,
    },
    /// A step has begun.
    StepStarted {
        /// The object.
        address: Instance,
        /// What is done to it.
        action: Action,
    },
    /// A step tells how far it has come.
    StepProgress {
        /// The object.
        address: Instance,
        /// What is done to it.
        action: Action,
        /// How far.
        progress: Progress,
    },
    /// A step tells something worth a line.
    StepNote {
        /// The object.
        address: Instance,
        /// The line.
        note: String,
    },
    /// A step succeeded and is recorded.
    StepDone {
        /// The object.
        address: Instance,
        /// What was done to it.
        action: Action,
        /// How long it took.
        #[serde(rename = "elapsed_ms", serialize_with = "milliseconds")]
        elapsed: Duration,
    },
    /// A step failed; what is left is recorded.
    StepFailed {
        /// The object.
        address: Instance,
        /// What was tried.
        action: Action,
        /// Why it failed.
        trouble: Trouble,
        /// What stands now.
        remains: Remaining,
        /// How long it took.
        #[serde(rename = "elapsed_ms", serialize_with = "milliseconds")]
        elapsed: Duration,
    },
    /// A step will not run, because one it needs failed or the run was stopped.
    StepSkipped {
        /// The object.
        address: Instance,
        /// What would have been done to it.
        action: Action,
        /// The object whose step failed; none where the user stopped the run.
        because: Option<Instance>,
    },
    /// The objects of an address have another one now.
    Moved {
        /// The address from now on.
        address: Instance,
        /// The address until now.
        from: Instance,
    },
    /// The user asked to stop: nothing more starts, what runs may finish.
    Stopping {
        /// How many calls still run.
        running: usize,
    },
    /// The user asked again: running calls are cancelled.
    Cancelling {
        /// How many calls still run.
        running: usize,
    },
    /// Applying is over.
    ApplyFinished {
        /// What was done.
        summary: Summary,
        /// How long it took.
        #[serde(rename = "elapsed_ms", serialize_with = "milliseconds")]
        elapsed: Duration,
    },
}

/// What reading an object found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// As it was recorded.
    Same,
    /// Something else than was recorded.
    Changed,
    /// Nothing: it is gone.
    Gone,
    /// Reading it failed.
    Failed,
}

/// What a step does to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Make it.
    Create,
    /// Change it in place.
    Update,
    /// Delete it.
    Delete,
    /// Keep the real thing and forget it.
    Forget,
    /// Record what was read.
    Record,
    /// Take over a thing that exists.
    Import,
    /// Read a data source.
    Read,
    /// Look at its conditions.
    Check,
}

/// What a failed step left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Remaining {
    /// The world is as before.
    Nothing,
    /// Part of the object exists and is recorded.
    Partial,
    /// Nobody can tell yet; the next run asks the provider.
    InDoubt,
}

/// Why something failed, ready to be shown: every text is free of secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// What failed, as a fragment.
    pub message: String,
    /// Why, outermost cause first.
    pub causes: Vec<String>,
    /// The attribute it is about.
    pub attribute: Option<String>,
    /// The likely way out, as a sentence.
    pub hint: Option<String>,
    /// What shows it, such as the last lines of a log.
    pub evidence: Vec<String>,
}

/// What was done, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Objects made, replacements not counted.
    pub created: usize,
    /// Objects changed in place.
    pub updated: usize,
    /// Objects deleted and made again.
    pub replaced: usize,
    /// Objects deleted, replacements not counted.
    pub deleted: usize,
    /// Objects forgotten whose real things stay.
    pub retained: usize,
    /// Addresses that got another one.
    pub moved: usize,
    /// Things that were taken over.
    pub imported: usize,
    /// Steps that failed.
    pub failed: usize,
    /// Steps that did not run.
    pub skipped: usize,
}

/// What became of the steps that a dead run had left open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Recovered {
    /// Had taken effect and were recorded.
    pub resolved: usize,
    /// Had taken no effect and will be planned again.
    pub retried: usize,
    /// Had taken part of their effect, which is recorded and will be finished or replaced.
    pub partial: usize,
    /// Nobody can tell.
    pub unknown: usize,
}

fn milliseconds<S: serde::Serializer>(elapsed: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

impl Trouble {
    /// Returns it with secrets taken out.
    #[must_use]
    pub fn redacted(&self, secrets: &Secrets) -> Self {
        let redact = |text: &String| secrets.redact(text);
        Self {
            message: redact(&self.message),
            causes: self.causes.iter().map(redact).collect(),
            attribute: self.attribute.clone(),
            hint: self.hint.as_ref().map(redact),
            evidence: self.evidence.iter().map(redact).collect(),
        }
    }

    /// Returns an error and its causes, with secrets taken out.
    #[must_use]
    pub fn of(error: &(dyn std::error::Error + 'static), secrets: &Secrets) -> Self {
        let causes = std::iter::successors(error.source(), |cause| cause.source());
        Self {
            message: secrets.redact(&error.to_string()),
            causes: causes.map(|cause| secrets.redact(&cause.to_string())).collect(),
            attribute: None,
            hint: None,
            evidence: Vec::new(),
        }
    }

    /// Returns a provider's error with all it says, with secrets taken out.
    #[must_use]
    pub fn of_provider(error: &loam_provider::ProviderError, secrets: &Secrets) -> Self {
        Self {
            attribute: error.path.as_ref().map(ToString::to_string),
            hint: error.hint.as_deref().map(|hint| secrets.redact(hint)).or_else(|| way_out(error).map(str::to_owned)),
            evidence: error.evidence.iter().map(|line| secrets.redact(line)).collect(),
            ..Self::of(error, secrets)
        }
    }
}

/// Returns the way out of what a file system refused, whichever provider met it.
fn way_out(error: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    let kinds = std::iter::successors(Some(error), |error| error.source())
        .filter_map(|cause| cause.downcast_ref::<io::Error>().map(io::Error::kind));
    kinds.into_iter().find_map(|kind| match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Some("Free some space on that disk, or choose a place on another one, and apply again.")
        }
        io::ErrorKind::ReadOnlyFilesystem => Some("Make that disk writable, or choose a place on another one."),
        io::ErrorKind::PermissionDenied => Some("Give the user who runs loam access to it, or choose another place."),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use loam_provider::ProviderError;

    use super::*;

    #[test]
    fn what_a_disk_refuses_has_a_way_out() {
        let hint = |kind: io::ErrorKind| {
            let error = ProviderError::because("failed to extract", io::Error::from(kind));
            Trouble::of_provider(&error, &Secrets::default()).hint.unwrap_or_default()
        };
        assert!(hint(io::ErrorKind::StorageFull).starts_with("Free some space"));
        assert!(hint(io::ErrorKind::ReadOnlyFilesystem).starts_with("Make that disk writable"));
        assert_eq!(hint(io::ErrorKind::BrokenPipe), "");
        let error = ProviderError::because("failed", io::Error::from(io::ErrorKind::StorageFull)).hint("Its own.");
        assert_eq!(Trouble::of_provider(&error, &Secrets::default()).hint.as_deref(), Some("Its own."));
    }
}
