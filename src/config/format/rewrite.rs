//! Old spellings to today's: `"${x}"` to `x`, `type = "list"` to `list(string)`, bare labels to quoted ones.

use super::{
    Fault, Misplaced,
    lexer::{Kind, Token},
};
use crate::config::syntax::MAX_NESTING;

/// Rewrites the attributes and labels of a whole file of this many bytes.
pub(super) fn rewrite(tokens: Vec<Token<'_>>, length: usize) -> Result<Vec<Token<'_>>, Misplaced> {
    let mut file = File { tokens: &tokens, length, next: 0, written: Vec::with_capacity(tokens.len()) };
    file.body()?;
    match tokens.get(file.next) {
        Some(token) => Err(unexpected(token)),
        None => Ok(file.written),
    }
}

/// What a body is the body of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Variable,
    Block,
}

struct File<'a, 't> {
    tokens: &'a [Token<'t>],
    length: usize,
    next: usize,
    written: Vec<Token<'t>>,
}

fn unexpected(token: &Token<'_>) -> Misplaced {
    let fault = match token.kind {
        Kind::Newline | Kind::LineComment => Fault::LineEnd,
        _ => Fault::Token { token: token.text.to_owned() },
    };
    Misplaced { at: token.at, fault }
}

fn is_comment(kind: Kind) -> bool {
    matches!(kind, Kind::LineComment | Kind::InlineComment)
}

impl<'t> File<'_, 't> {
    fn peek(&self) -> Option<Kind> {
        self.tokens.get(self.next).map(|token| token.kind)
    }

    fn keep(&mut self) {
        self.written.extend(self.tokens.get(self.next).cloned());
        self.next += 1;
    }

    fn wrong<T>(&self) -> Result<T, Misplaced> {
        let end = Misplaced { at: self.length, fault: Fault::End };
        Err(self.tokens.get(self.next).map_or(end, unexpected))
    }

    /// Goes through attributes and blocks to the end of the text.
    fn body(&mut self) -> Result<(), Misplaced> {
        // Blocks may be nested deeper than calls may.
        let mut places = vec![Place::Root];
        while let Some(place) = places.last().copied() {
            match self.peek() {
                Some(Kind::Newline | Kind::LineComment | Kind::InlineComment) => self.keep(),
                Some(Kind::Identifier) => places.extend(self.item(place)?),
                Some(Kind::CloseBrace) if place != Place::Root => {
                    self.keep();
                    places.pop();
                }
                None if place == Place::Root => return Ok(()),
                Some(_) | None => return self.wrong(),
            }
        }
        Ok(())
    }

    /// Goes through an attribute, or a block's head; returns what place its body is.
    fn item(&mut self, place: Place) -> Result<Option<Place>, Misplaced> {
        let name = self.tokens[self.next].text;
        self.keep();
        while self.peek() == Some(Kind::InlineComment) {
            self.keep();
        }
        if self.peek() == Some(Kind::Equal) {
            self.keep();
            self.attribute(place == Place::Variable && name == "type")?;
            return Ok(None);
        }
        self.labels()?;
        self.keep();
        Ok(Some(if place == Place::Root && name == "variable" { Place::Variable } else { Place::Block }))
    }

    /// Goes through a block's labels to its brace.
    fn labels(&mut self) -> Result<(), Misplaced> {
        loop {
            match self.peek() {
                Some(Kind::OpenBrace) => return Ok(()),
                Some(Kind::Identifier) => {
                    let token = self.tokens[self.next].clone();
                    let quote = |kind| Token { kind, text: "\"", at: token.at };
                    let text = Token { kind: Kind::Text, ..token.clone() };
                    self.written.extend([quote(Kind::OpenQuote), text, quote(Kind::CloseQuote)]);
                    self.next += 1;
                }
                Some(Kind::OpenQuote | Kind::Text | Kind::CloseQuote | Kind::InlineComment) => self.keep(),
                Some(_) | None => return self.wrong(),
            }
        }
    }

    /// Goes through an attribute's value to the end of its line, or of the block around it.
    fn attribute(&mut self, is_type: bool) -> Result<(), Misplaced> {
        while self.peek() == Some(Kind::InlineComment) {
            self.keep();
        }
        let start = self.next;
        let end = self.expression()?;
        if start == end {
            return self.wrong();
        }
        let value = &self.tokens[start..end];
        if is_type {
            self.written.extend(constraint(value));
        } else {
            self.written.extend(unwrapped(value.to_vec()));
        }
        self.next = end;
        Ok(())
    }

    /// Returns where the expression ends that starts here: before comments that follow it.
    fn expression(&self) -> Result<usize, Misplaced> {
        let mut open = Vec::new();
        let mut end = self.next;
        for (at, token) in self.tokens.iter().enumerate().skip(self.next) {
            match token.kind {
                Kind::Newline | Kind::LineComment | Kind::CloseBrace if open.is_empty() => return Ok(end),
                kind if kind.depth() > 0 => open.push(kind),
                kind if kind.depth() < 0 && open.pop().is_none_or(|open| !closes(open, kind)) => {
                    return Err(unexpected(token));
                }
                _ => {}
            }
            if !is_comment(token.kind) {
                end = at + 1;
            }
        }
        if open.is_empty() { Ok(end) } else { Err(Misplaced { at: self.length, fault: Fault::End }) }
    }
}

fn closes(open: Kind, close: Kind) -> bool {
    match close {
        Kind::CloseBrace => open == Kind::OpenBrace,
        Kind::CloseBracket => open == Kind::OpenBracket,
        Kind::CloseParen => open == Kind::OpenParen,
        Kind::TemplateEnd => matches!(open, Kind::Interpolation | Kind::Directive),
        _ => false,
    }
}

/// Returns the value of a string that is one interpolation and nothing else; in parentheses if it has several lines.
fn unwrapped(mut value: Vec<Token<'_>>) -> Vec<Token<'_>> {
    let is_wrapped = |pair: &&[Token<'_>]| [pair[0].kind, pair[1].kind] == [Kind::OpenQuote, Kind::Interpolation];
    if value.chunks_exact(2).take_while(is_wrapped).count() > MAX_NESTING {
        // It will be refused.
        return value;
    }
    // What is nested deeper will be refused.
    for _ in 0..MAX_NESTING {
        // Comments beside a value are not part of it.
        let lead = value.iter().take_while(|token| token.kind == Kind::InlineComment).count();
        let trail = value[lead..].iter().rev().take_while(|token| token.kind == Kind::InlineComment).count();
        let core = lead..value.len() - trail;
        let Some(inside) = only_interpolation(&value[core.clone()]) else { break };
        let is_blank = |token: &&Token<'_>| token.kind == Kind::Newline;
        let before = inside.iter().take_while(is_blank).count();
        let after = inside.iter().rev().take_while(is_blank).count();
        let inside = &inside[before..inside.len() - after];
        let alone = if needs_parentheses(inside) {
            let paren = |kind, text, at| Token { kind, text, at };
            let (start, end) = (value[core.start].at, value[core.end - 1].at);
            let mut wrapped = vec![paren(Kind::OpenParen, "(", start)];
            wrapped.extend_from_slice(inside);
            wrapped.push(paren(Kind::CloseParen, ")", end));
            wrapped
        } else {
            inside.to_vec()
        };
        value.splice(core, alone);
    }
    value
}

/// Returns what stands inside the one interpolation of a string, if it can stand alone.
fn only_interpolation<'a, 't>(value: &'a [Token<'t>]) -> Option<&'a [Token<'t>]> {
    let [open, start, inside @ .., end, close] = value else { return None };
    let kinds = [open.kind, start.kind, end.kind, close.kind];
    if kinds != [Kind::OpenQuote, Kind::Interpolation, Kind::TemplateEnd, Kind::CloseQuote] {
        return None;
    }
    let mut strings = 0usize;
    for token in inside {
        match token.kind {
            Kind::OpenQuote => strings += 1,
            Kind::CloseQuote => strings = strings.saturating_sub(1),
            Kind::Interpolation | Kind::TemplateEnd if strings == 0 => return None,
            _ => {}
        }
    }
    inside.iter().any(|token| token.kind != Kind::Newline && !is_comment(token.kind)).then_some(inside)
}

/// Returns whether an expression is put in parentheses when its string goes: always when it has several lines and no
/// parentheses around it, and whatever it looks like when a line ends outside all brackets.
fn needs_parentheses(tokens: &[Token<'_>]) -> bool {
    let ends = [tokens.first(), tokens.last()].map(|token| token.map(|token| token.kind));
    let has_lines = tokens.iter().any(|token| token.kind == Kind::Newline);
    let mut depth = 0;
    let is_broken = tokens.iter().any(|token| {
        depth += token.kind.depth();
        depth == 0 && matches!(token.kind, Kind::Newline | Kind::LineComment)
    });
    is_broken || (has_lines && ends != [Some(Kind::OpenParen), Some(Kind::CloseParen)])
}

/// Returns a variable's type without the quotes, and with the element type, that old versions wanted.
fn constraint<'t>(value: &[Token<'t>]) -> Vec<Token<'t>> {
    let token = |kind, text| Token { kind, text, at: value[0].at };
    let of = |collection: &'t str, element| {
        vec![
            token(Kind::Identifier, collection),
            token(Kind::OpenParen, "("),
            token(Kind::Identifier, element),
            token(Kind::CloseParen, ")"),
        ]
    };
    match value {
        [Token { kind: Kind::Identifier, text: text @ ("list" | "map" | "set"), .. }] => of(text, "any"),
        [Token { kind: Kind::OpenQuote, .. }, Token { text, .. }, Token { kind: Kind::CloseQuote, .. }] => {
            match *text {
                "string" => vec![token(Kind::Identifier, text)],
                "list" | "map" => of(text, "string"),
                _ => value.to_vec(),
            }
        }
        _ => value.to_vec(),
    }
}
