//! A diagnostic as JSON, for `--json` and for editors.

use serde::{Deserialize, Serialize};

use super::{Diagnostic, Severity};
use crate::source::{Sources, Span};

/// A diagnostic with its places spelled out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JsonDiagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Fixed words.
    pub summary: String,
    /// Full sentences.
    pub detail: String,
    /// Ways out.
    pub hints: Vec<String>,
    /// Where it is.
    pub range: Option<JsonRange>,
    /// The line it is on.
    pub snippet: Option<JsonSnippet>,
    /// What it is about.
    pub address: Option<String>,
    /// Other places that belong to it.
    pub related: Vec<JsonRelated>,
    /// The values that took part.
    pub values: Vec<String>,
}

/// A range in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JsonRange {
    /// The file, as it was named.
    pub file: String,
    /// The first character.
    pub start: JsonPlace,
    /// The place after the last character.
    pub end: JsonPlace,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JsonPlace {
    /// From one.
    pub line: u32,
    /// From one, in characters.
    pub column: u32,
    /// From zero.
    pub byte: u32,
}

/// The source line of a diagnostic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JsonSnippet {
    /// The whole line.
    pub line: String,
    /// The words beside the caret.
    pub label: Option<String>,
}

/// Another place that belongs to a diagnostic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JsonRelated {
    /// Where.
    pub range: JsonRange,
    /// What is there.
    pub label: String,
}

impl Diagnostic {
    /// Returns the diagnostic with its places spelled out.
    #[must_use]
    pub fn to_json(&self, sources: &Sources) -> JsonDiagnostic {
        JsonDiagnostic {
            severity: self.severity,
            summary: self.summary.to_owned(),
            detail: self.detail.clone(),
            hints: self.hints.clone(),
            range: self.span.map(|span| range(span, sources)),
            snippet: self.span.filter(|span| sources.is_shown(span.source)).map(|span| JsonSnippet {
                line: sources.line(span.source, sources.start(span).line).to_owned(),
                label: self.label.clone(),
            }),
            address: self.address.clone(),
            related: self
                .related
                .iter()
                .map(|related| JsonRelated { range: range(related.span, sources), label: related.label.clone() })
                .collect(),
            values: self.values.clone(),
        }
    }
}

fn range(span: Span, sources: &Sources) -> JsonRange {
    let place = |byte| {
        let location = sources.location(span.source, byte);
        JsonPlace { line: location.line, column: location.column, byte }
    };
    JsonRange { file: sources.name(span.source).to_owned(), start: place(span.start), end: place(span.end) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_spelled_out() {
        let mut sources = Sources::default();
        let source = sources.add("main.loam.hcl", "é = 1\n");
        let json = Diagnostic::error("Bad", Span { source, start: 3, end: 4 }, "It is.").to_json(&sources);
        assert_eq!(
            serde_json::to_value(&json.range).expect("it is JSON"),
            serde_json::json!({"file": "main.loam.hcl", "start": {"line": 1, "column": 3, "byte": 3},
                               "end": {"line": 1, "column": 4, "byte": 4}})
        );
        assert_eq!(json.snippet.map(|snippet| snippet.line).as_deref(), Some("é = 1"));
    }
}
