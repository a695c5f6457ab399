//! Text to a syntax tree: HCL's native syntax to the letter, in one pass, with every mistake told at its place.
//!
//! `lexer` cuts a text into tokens that nest as they should, closing what was left open; `parser` reads attributes and
//! blocks, `expr` expressions, `template` what stands in quotes and heredocs; `explain` words what was expected. A
//! statement with a mistake in it is reported and left out, and the next one is read as if nothing had happened.
//!
//! The JSON syntax (`json`) gives the same tree.
//!
//! Nothing here knows what names mean. Start in `explain` if a message reads badly, in `recover` if it is misplaced.

mod explain;
mod expr;
mod habits;
pub(super) mod json;
mod lexer;
mod parser;
mod recover;
mod template;
#[cfg(test)]
mod tests;
pub(super) mod token;
pub(super) mod tree;

use self::{
    lexer::{Whole, lex},
    parser::Parser,
    token::Kind,
    tree::{Body, Expression, Template},
};
use crate::{
    diag::Diagnostics,
    source::{SourceId, Span},
};

/// So much may stand inside each other: brackets, blocks, signs, conditionals.
pub(super) const MAX_NESTING: usize = 250;

/// Returns whether a text is an identifier.
pub(super) fn is_identifier(text: &str) -> bool {
    !text.is_empty() && token::identifier(text) == text.len()
}

/// Reads attributes and blocks. `is_head` tells the words with which a block of the top level starts.
pub(super) fn body(text: &str, source: SourceId, is_head: fn(&str) -> bool) -> (Body, Diagnostics) {
    let mut parser = Parser::new(text, Place::Exact { source }, lex(text, Whole::Body, is_head));
    parser.report_problems();
    let body = parser.body(Kind::End);
    (body, parser.diagnostics)
}

/// Reads an expression that stands alone; line ends mean nothing in it.
pub(super) fn expression(text: &str, place: Place, diagnostics: &mut Diagnostics) -> Option<Expression> {
    let mut parser = Parser::new(text, place, lex(text, Whole::Expression, |_| false));
    let found = if parser.report_first_problem() { None } else { parser.whole_expression() };
    diagnostics.extend(parser.diagnostics);
    found
}

/// Reads a template that stands alone, as in a template file.
pub(super) fn template(text: &str, place: Place, diagnostics: &mut Diagnostics) -> Option<Template> {
    let mut parser = Parser::new(text, place, lex(text, Whole::Template, |_| false));
    let found = if parser.report_first_problem() { None } else { parser.whole_template() };
    diagnostics.extend(parser.diagnostics);
    found
}

/// Where a text stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// It is a whole source.
    Exact { source: SourceId },
    /// It starts at a byte of a source.
    From { source: SourceId, start: u32 },
    /// It is written there in another way, so that places within it cannot be told apart.
    Within(Span),
}

impl Place {
    /// Returns the place of a range of bytes.
    fn span(self, start: u32, end: u32) -> Span {
        let end = end.max(start);
        match self {
            Self::Exact { source } => Span { source, start, end },
            Self::From { source, start: first } => {
                Span { source, start: first.saturating_add(start), end: first.saturating_add(end) }
            }
            Self::Within(span) => span,
        }
    }
}
