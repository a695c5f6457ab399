//! Diagnostics: what is wrong with what the user wrote, where, and the way out.
//!
//! A [`Diagnostic`] is plain data; `ui` draws it. [`plain`] is the one layout without colour, which `ui` colours
//! and tests compare. Errors about what the world did are not diagnostics.

mod json;
mod text;

use std::fmt;

use crate::source::Span;

pub use json::{JsonDiagnostic, JsonPlace, JsonRange, JsonRelated, JsonSnippet};
pub use loam_provider::{did_you_mean, suggest};
pub use text::plain;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing can be planned with it.
    Error,
    /// It works, but probably not as meant.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One thing to tell the user about the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Fixed words that name the kind of mistake: `Unknown attribute`.
    pub summary: &'static str,
    /// Full sentences: what, why, how to fix it.
    pub detail: String,
    /// Ways out, each a line of its own.
    pub hints: Vec<String>,
    /// Where it is.
    pub span: Option<Span>,
    /// A few words beside the caret.
    pub label: Option<String>,
    /// The resource or module it is about, as an address.
    pub address: Option<String>,
    /// Other places that belong to it.
    pub related: Vec<Related>,
    /// The values that took part: `var.size is 5`; secrets are masked.
    pub values: Vec<String>,
}

/// Another place that belongs to a diagnostic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// Where.
    pub span: Span,
    /// What is there.
    pub label: String,
}

impl Diagnostic {
    /// Returns an error about a place.
    #[must_use]
    pub fn error(summary: &'static str, span: Span, detail: impl Into<String>) -> Self {
        Self::new(Severity::Error, summary, Some(span), detail.into())
    }

    /// Returns an error about no place in a text: a missing file, a variable of the command line.
    #[must_use]
    pub fn error_nowhere(summary: &'static str, detail: impl Into<String>) -> Self {
        Self::new(Severity::Error, summary, None, detail.into())
    }

    /// Returns a warning about a place.
    #[must_use]
    pub fn warning(summary: &'static str, span: Span, detail: impl Into<String>) -> Self {
        Self::new(Severity::Warning, summary, Some(span), detail.into())
    }

    fn new(severity: Severity, summary: &'static str, span: Option<Span>, detail: String) -> Self {
        let (hints, related, values) = (Vec::new(), Vec::new(), Vec::new());
        Self { severity, summary, detail, hints, span, label: None, address: None, related, values }
    }

    /// Replaces every text that was made for this diagnostic; places and addresses stay.
    pub fn rewrite(&mut self, rewrite: impl Fn(&str) -> String) {
        let related = self.related.iter_mut().map(|related| &mut related.label);
        let one = std::iter::once(&mut self.detail).chain(&mut self.label);
        for text in one.chain(&mut self.hints).chain(&mut self.values).chain(related) {
            *text = rewrite(text);
        }
    }

    /// Adds a way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds a way out, if there is one.
    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hints.extend(hint);
        self
    }

    /// Sets the words beside the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Names what it is about.
    #[must_use]
    pub fn address(mut self, address: impl fmt::Display) -> Self {
        self.address = Some(address.to_string());
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push(Related { span, label: label.into() });
        self
    }

    /// Sets the values that took part.
    #[must_use]
    pub fn values(mut self, values: Vec<String>) -> Self {
        self.values = values;
        self
    }
}

/// Everything there is to tell, in one report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds all of another collection.
    pub fn extend(&mut self, others: Diagnostics) {
        self.0.extend(others.0);
    }

    /// Returns whether one of them is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns how many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns them in the order they were added.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// Names what those are about that do not say.
    pub fn set_address(&mut self, address: &dyn fmt::Display) {
        for diagnostic in &mut self.0 {
            diagnostic.address.get_or_insert_with(|| address.to_string());
        }
    }

    /// Returns them by place, those without one first, each once.
    #[must_use]
    pub fn sorted(mut self) -> Vec<Diagnostic> {
        self.0.sort_by_key(|diagnostic| diagnostic.span.map(|span| (span.source, span.start)));
        let mut kept: Vec<Diagnostic> = Vec::with_capacity(self.0.len());
        for diagnostic in self.0 {
            let same_place = |other: &&Diagnostic| other.span == diagnostic.span;
            if !kept.iter().rev().take_while(same_place).any(|other| *other == diagnostic) {
                kept.push(diagnostic);
            }
        }
        kept
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(diagnostics: I) -> Self {
        Self(diagnostics.into_iter().collect())
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sources;

    #[test]
    fn they_are_sorted_by_place_and_said_once() {
        let mut sources = Sources::default();
        let source = sources.add("a", "one two");
        let at = |start, end| Span { source, start, end };
        let mut diagnostics = Diagnostics::default();
        diagnostics.push(Diagnostic::error("Second", at(4, 7), "b"));
        diagnostics.push(Diagnostic::error("First", at(0, 3), "a"));
        diagnostics.push(Diagnostic::error_nowhere("Nowhere", "c"));
        diagnostics.push(Diagnostic::error("First", at(0, 3), "a"));
        let order: Vec<&str> = diagnostics.sorted().iter().map(|diagnostic| diagnostic.summary).collect();
        assert_eq!(order, ["Nowhere", "First", "Second"]);
    }
}
