//! Lays out configuration as `terraform fmt` does.
//!
//! A text is cut into tokens (`lexer`), a few of them are put in today's spelling (`rewrite`), and the white space
//! between them is made anew: `spacing` decides between neighbours on a line, `layout` indents lines and aligns what
//! stands in columns. Comments, strings and heredocs are kept as they are, as are line breaks.
//!
//! It differs from `terraform fmt` where that would lose a comment or break the text: comments between the labels of
//! a block stay, labels keep their escapes, and what is unwrapped gets parentheses wherever it needs them.

mod layout;
mod lexer;
mod rewrite;
mod spacing;
#[cfg(test)]
mod tests;

use super::syntax;
use crate::{
    diag::Severity,
    source::{Location, Sources},
};

/// Why a text cannot be laid out: it is not HCL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault} at line {}, column {}", location.line, location.column)]
pub struct FormatError {
    /// Where.
    pub location: Location,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong with a text that is not HCL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A string or template without its end.
    #[error("unterminated string")]
    String,
    /// A heredoc without its closing line.
    #[error("unterminated heredoc `{marker}`")]
    Heredoc { marker: String },
    /// A `/*` without its `*/`.
    #[error("unterminated comment")]
    Comment,
    /// A character that means nothing here.
    #[error("unexpected character {char:?}")]
    Character { char: char },
    /// A token that means nothing here.
    #[error("unexpected `{token}`")]
    Token { token: String },
    /// The end of a line, where there should be more.
    #[error("unexpected end of the line")]
    LineEnd,
    /// The end of the text, where there should be more.
    #[error("unexpected end of the file")]
    End,
    /// The parser's words.
    #[error("syntax error: {message}")]
    Syntax { message: String },
}

/// A fault, and the byte where it is.
#[derive(Debug, PartialEq, Eq)]
struct Misplaced {
    at: usize,
    fault: Fault,
}

/// Returns the text laid out; the result laid out again is the same.
///
/// # Errors
/// [`FormatError`] if the text is not HCL.
pub fn format(text: &str) -> Result<String, FormatError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let parsed = lexer::tokens(text).and_then(|tokens| rewrite::rewrite(tokens, text.len()));
    let tokens = parsed.map_err(|misplaced| {
        let mut sources = Sources::default();
        let id = sources.add("", text);
        let at = u32::try_from(misplaced.at).unwrap_or(u32::MAX);
        FormatError { location: sources.location(id, at), fault: misplaced.fault }
    })?;
    let mut sources = Sources::default();
    let source = sources.add("", text);
    let (_, problems) = syntax::body(text, source, |_| false);
    if let Some(problem) = problems.sorted().into_iter().find(|problem| problem.severity == Severity::Error) {
        let location = problem.span.map_or(Location { line: 1, column: 1 }, |span| sources.start(span));
        return Err(FormatError { location, fault: Fault::Syntax { message: problem.detail } });
    }
    let blank_end = text.len() - text.trim_end_matches([' ', '\t']).len();
    Ok(layout::lay_out(tokens, blank_end))
}
