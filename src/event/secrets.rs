//! Secrets of a run, and text without them.

use std::{collections::BTreeSet, sync::Arc};

use loam_provider::{Path, Value};

/// What stands where a secret stood.
pub const MASK: &str = "(sensitive)";

/// Shorter secrets are not searched for in text: masking every `1` or `on` would hide everything and protect nothing.
const SHORTEST: usize = 4;

/// The secret strings that a call may see, so that they can be taken out of what it says.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(Arc<BTreeSet<String>>);

impl Secrets {
    /// Returns the strings and numbers that stand at or below the sensitive paths of a value.
    #[must_use]
    pub fn of<'p>(value: &Value, sensitive: impl IntoIterator<Item = &'p Path>) -> Self {
        let mut found = BTreeSet::new();
        for path in sensitive {
            if let Some(secret) = value.at(path) {
                collect(secret, &mut found);
            }
        }
        Self(Arc::new(found))
    }

    /// Returns both sets of secrets together.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        if other.0.is_empty() {
            return self.clone();
        }
        Self(Arc::new(self.0.union(&other.0).cloned().collect()))
    }

    /// Adds other secrets to these.
    pub fn add(&mut self, other: &Self) {
        if !other.0.is_subset(&self.0) {
            Arc::make_mut(&mut self.0).extend(other.0.iter().cloned());
        }
    }

    /// Returns whether a secret stands in the text.
    #[must_use]
    pub fn are_in(&self, text: &str) -> bool {
        self.0.iter().any(|secret| text.contains(secret.as_str()))
    }

    /// Returns the text with every secret masked, longest first.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let mut secrets: Vec<&String> = self.0.iter().filter(|secret| text.contains(secret.as_str())).collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.into_iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), MASK))
    }
}

impl FromIterator<Secrets> for Secrets {
    fn from_iter<I: IntoIterator<Item = Self>>(all: I) -> Self {
        let mut together = BTreeSet::new();
        for Self(secrets) in all {
            together.extend(Arc::unwrap_or_clone(secrets));
        }
        Self(Arc::new(together))
    }
}

/// Says only how many there are.
impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    if let Some(items) = value.items() {
        items.iter().for_each(|item| collect(item, found));
    } else if let Some(entries) = value.entries() {
        entries.values().for_each(|item| collect(item, found));
    } else if let Some(text) = value.as_str() {
        // A secret of several lines leaks line by line, as in a log.
        for part in std::iter::once(text).chain(text.lines()) {
            if part.len() >= SHORTEST {
                found.insert(part.to_owned());
            }
        }
    } else if let Some(number) = value.as_number() {
        let text = number.to_string();
        if text.len() >= SHORTEST {
            found.insert(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_a_secret_is_masked_and_nothing_else() {
        let value = Value::object([("key", Value::from("BEGIN\nabcdef\nEND1")), ("user", Value::from("ada"))]);
        let secrets = Secrets::of(&value, [&Path::attribute("key")]);
        assert_eq!(secrets.redact("ada used abcdef twice: abcdef"), "ada used (sensitive) twice: (sensitive)");
        assert_eq!(format!("{secrets:?}"), "Secrets(4)");
    }
}
