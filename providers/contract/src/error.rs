//! What a provider says when the world, or the configuration, will not do.

use std::fmt;

use crate::Path;

/// Why a call on a provider failed: facts for the user, in parts.
///
/// The message is a fragment (`failed to bind port 8080`); the causes follow in `source`.
#[derive(Debug)]
pub struct ProviderError {
    /// What sort of trouble it is; the engine acts on this alone.
    pub trouble: Trouble,
    /// What failed: a lowercase fragment without a full stop, names in backticks.
    pub message: String,
    /// The attribute it is about, if it is about one.
    pub path: Option<Path>,
    /// The likely way out: a full sentence.
    pub hint: Option<String>,
    /// What shows it: the last lines of a log, a status; shown as it is, below the message.
    pub evidence: Vec<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What sort of trouble a [`ProviderError`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The configuration asks for what cannot be.
    Invalid,
    /// The world refused or broke.
    Failed,
    /// The call was cancelled.
    Cancelled,
    /// A wait ran out of time.
    TimedOut,
    /// It may work later: a quota, a throttle, a lost connection.
    Transient,
}

impl ProviderError {
    /// Returns an error of a sort.
    pub fn new(trouble: Trouble, message: impl Into<String>) -> Self {
        Self { trouble, message: message.into(), path: None, hint: None, evidence: Vec::new(), source: None }
    }

    /// Returns an error about what the configuration says at a path.
    pub fn invalid(path: Path, message: impl Into<String>) -> Self {
        Self { path: Some(path), ..Self::new(Trouble::Invalid, message) }
    }

    /// Returns an error of the world.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Trouble::Failed, message)
    }

    /// Returns an error of the world with its cause.
    pub fn because(message: impl Into<String>, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..Self::failed(message) }
    }

    /// Returns the error of something that this provider cannot do at all.
    #[must_use]
    pub fn unsupported(what: impl fmt::Display) -> Self {
        Self::new(Trouble::Invalid, format!("this provider does not support {what}"))
    }

    /// Returns the error of a call that was cancelled.
    #[must_use]
    pub fn cancelled() -> Self {
        Self::new(Trouble::Cancelled, "cancelled")
    }

    /// Returns the error as another sort of trouble.
    #[must_use]
    pub fn trouble(self, trouble: Trouble) -> Self {
        Self { trouble, ..self }
    }

    /// Returns the error with a way out.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Returns the error with what shows it.
    #[must_use]
    pub fn evidence(self, lines: impl IntoIterator<Item = String>) -> Self {
        Self { evidence: lines.into_iter().collect(), ..self }
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ProviderError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
