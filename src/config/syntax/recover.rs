//! What is done where brackets and quotes do not nest: the mistake is placed where it was made, what was left open is
//! closed, and the text goes on.

use super::{
    lexer::{Lexer, offset},
    token::{Kind, Token, continues_identifier},
};

/// Something that has to be closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Open {
    /// `{`
    Brace,
    /// `[`
    Bracket,
    /// `(`
    Paren,
    /// `"`
    Quote,
    /// `${`
    Interpolation,
    /// `%{`
    Directive,
    /// `<<NAME`
    Heredoc { marker: String },
}

/// Something that is open.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) open: Open,
    pub(super) at: u32,
    /// The token that opened it.
    pub(super) token: u32,
    /// The indentation of the line it is on.
    pub(super) indent: u32,
}

/// A mistake in how brackets and quotes nest; bytes count from the start of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Problem {
    /// Opened and never closed.
    Unclosed {
        open: Open,
        at: u32,
        /// A bracket opened inside it that took its closing bracket, as far as indentation tells.
        suspect: Option<u32>,
    },
    /// A heredoc without the line that ends it.
    UnclosedHeredoc {
        marker: String,
        at: u32,
        /// A line that starts with the marker, but holds more.
        almost: Option<u32>,
    },
    /// A quoted string that reaches the end of its line.
    UnclosedString { at: u32, end: u32 },
    /// `/*` without `*/`.
    UnclosedComment { at: u32 },
    /// Something open around another problem: what stands in it may belong elsewhere.
    Consequence,
    /// A closing bracket where nothing is open that it could close.
    Stray {
        at: u32,
        /// What is open instead, if anything.
        open: Option<(Open, u32)>,
    },
}

/// After so many problems, closing brackets are matched only with what was opened last.
const MAX_PROBLEMS: usize = 1000;

/// A heredoc that reaches the end of the text, by where it starts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hopeless {
    pub(super) heredoc: u32,
}

impl Open {
    /// Returns the token that opens it.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Brace => Kind::OpenBrace,
            Self::Bracket => Kind::OpenBracket,
            Self::Paren => Kind::OpenParen,
            Self::Quote => Kind::OpenQuote,
            Self::Interpolation => Kind::OpenInterpolation,
            Self::Directive => Kind::OpenDirective,
            Self::Heredoc { .. } => Kind::OpenHeredoc,
        }
    }

    /// Returns the token that closes it.
    fn closed_by(&self) -> Kind {
        match self {
            Self::Brace => Kind::CloseBrace,
            Self::Bracket => Kind::CloseBracket,
            Self::Paren => Kind::CloseParen,
            Self::Quote => Kind::CloseQuote,
            Self::Interpolation | Self::Directive => Kind::CloseSequence,
            Self::Heredoc { .. } => Kind::CloseHeredoc,
        }
    }

    /// Returns the bracket that closes it.
    fn closing(&self) -> Option<char> {
        match self {
            Self::Brace | Self::Interpolation | Self::Directive => Some('}'),
            Self::Bracket => Some(']'),
            Self::Paren => Some(')'),
            Self::Quote | Self::Heredoc { .. } => None,
        }
    }

    fn is_closed_by(&self, byte: u8) -> bool {
        self.closing() == Some(char::from(byte))
    }
}

impl Lexer<'_> {
    /// Closes what a closing bracket belongs to, and whatever was left open inside.
    pub(super) fn close(&mut self, byte: u8, length: usize) {
        let found = match self.stack.last() {
            Some(opened) if opened.open.is_closed_by(byte) => Some(self.stack.len() - 1),
            Some(_) if self.problems.len() < MAX_PROBLEMS => self.closed_by(byte),
            Some(_) | None => None,
        };
        let Some(index) = found else {
            let open = self.stack.last().map(|opened| (opened.open.clone(), opened.at));
            let open = open.filter(|(open, _)| matches!(open, Open::Brace | Open::Bracket | Open::Paren));
            self.problem(Problem::Stray { at: self.here(), open });
            // `(1]`: one mistake, not two.
            match self.stack.last() {
                Some(opened) if byte != b'}' && self.is_short(opened) => {
                    let kind = opened.open.closed_by();
                    self.stack.pop();
                    self.push(kind, length);
                }
                _ => self.push(Kind::Stray, length),
            }
            return;
        };
        if let Some(opened) = self.stack.get(index + 1) {
            let (open, at, token) = (opened.open.clone(), opened.at, opened.token);
            self.problems.push((token, Problem::Unclosed { open, at, suspect: None }));
            self.close_down_to(index + 1);
        }
        let opened = &self.stack[index];
        let (at, indent, kind) = (opened.at, opened.indent, opened.open.closed_by());
        let before = &self.text[self.line_start..self.at];
        if byte == b'}' && before.trim_ascii().is_empty() && offset(before.len()) < indent && self.suspect.is_none() {
            self.suspect = Some(at);
        }
        self.stack.truncate(index);
        self.push(kind, length);
        if self.stack.is_empty() {
            self.suspect = None;
        }
    }

    /// Returns whether something open is likely to have been meant by a closing bracket of another kind.
    fn is_short(&self, opened: &Opened) -> bool {
        match opened.open {
            Open::Bracket | Open::Paren => true,
            Open::Brace => opened.at as usize >= self.line_start,
            Open::Quote | Open::Interpolation | Open::Directive | Open::Heredoc { .. } => false,
        }
    }

    /// Returns what a closing bracket belongs to. No bracket reaches out of its template sequence.
    fn closed_by(&self, byte: u8) -> Option<usize> {
        let inside = self.stack.iter().rposition(|opened| {
            matches!(opened.open, Open::Interpolation | Open::Directive | Open::Quote | Open::Heredoc { .. })
        });
        let first = inside.unwrap_or(0);
        let found = self.stack[first..].iter().rposition(|opened| opened.open.is_closed_by(byte))?;
        Some(first + found)
    }

    /// Closes everything that is open, and reports it: what stands inside something unclosed is its consequence, so
    /// only the outermost is reported, or what swallowed the rest.
    pub(super) fn close_all(&mut self) {
        let swallowing = self.stack.iter().find(|opened| matches!(opened.open, Open::Heredoc { .. }));
        let innermost = self.stack.iter().rev().find(|opened| opened.open != Open::Brace);
        if let Some(opened) = swallowing.or(innermost).or_else(|| self.stack.first()) {
            let (open, at, token) = (opened.open.clone(), opened.at, opened.token);
            let problem = match open {
                Open::Heredoc { marker } => {
                    let almost = self.almost_the_end(&marker, at);
                    Problem::UnclosedHeredoc { marker, at, almost }
                }
                open => {
                    let suspect = self.suspect.filter(|_| open == Open::Brace);
                    Problem::Unclosed { open, at, suspect }
                }
            };
            self.problems.push((token, problem));
        }
        self.close_silently();
    }

    /// Closes everything that is open.
    pub(super) fn close_silently(&mut self) {
        let open = self.stack.iter().map(|opened| (opened.token, Problem::Consequence));
        self.problems.extend(open);
        self.close_down_to(0);
        self.suspect = None;
    }

    /// Ends a heredoc that has no end before this line.
    pub(super) fn end_heredoc(&mut self) {
        let Some(index) = self.stack.iter().rposition(|opened| matches!(opened.open, Open::Heredoc { .. })) else {
            return;
        };
        if let Opened { open: Open::Heredoc { marker }, at, token, .. } = &self.stack[index] {
            let (marker, at, token) = (marker.clone(), *at, *token);
            let almost = self.almost_the_end(&marker, at);
            self.problems.push((token, Problem::UnclosedHeredoc { marker, at, almost }));
        }
        // What stands around it on its line ends with it.
        let brackets = self.stack[..index].iter().rev();
        let around = brackets.take_while(|opened| matches!(opened.open, Open::Bracket | Open::Paren)).count();
        self.close_down_to(index - around);
        let here = self.here();
        self.tokens.push(Token { kind: Kind::Newline, start: here, end: here });
    }

    /// Returns a line of a heredoc that starts as the one that would end it.
    fn almost_the_end(&self, marker: &str, at: u32) -> Option<u32> {
        let text = &self.text[at as usize..];
        let mut start = at as usize;
        for line in text.split_inclusive('\n') {
            let shown = line.trim_start();
            let after = shown.strip_prefix(marker).and_then(|after| after.chars().next());
            let is_end = shown.starts_with(marker) && !after.is_some_and(continues_identifier);
            if is_end && start > at as usize {
                return Some(offset(start + line.len() - shown.len()));
            }
            start += line.len();
        }
        None
    }

    /// Gives up on a line that ends inside a string, with everything that was opened on it.
    pub(super) fn end_of_line_in_quote(&mut self) {
        let line_start = offset(self.line_start);
        let Some(innermost) = self.stack.last().map(|opened| opened.at as usize) else { return };
        let last = self.stack.len() - 1;
        let first = self.stack.partition_point(|opened| opened.at < line_start).min(last);
        let quote = self.stack[first..].iter().position(|opened| opened.open == Open::Quote).unwrap_or(0) + first;
        // A string inside an unclosed template expression only looks unclosed: its quote was the one of the outer.
        let is_sequence = |opened: &&Opened| matches!(opened.open, Open::Interpolation | Open::Directive);
        let problem = match self.stack[quote..].iter().find(is_sequence) {
            Some(opened) => Problem::Unclosed { open: opened.open.clone(), at: opened.at, suspect: None },
            None => Problem::UnclosedString { at: self.stack[quote].at, end: self.here() },
        };
        self.problems.push((self.stack[quote].token, problem));
        let brace = if self.is_recovering() { self.head_in_quote() } else { None };
        // What was opened before it on its line was perhaps closed in what looks like the string.
        let swallowed = &self.text[innermost..self.at];
        let mut keep = quote;
        while keep > first && self.stack[keep - 1].open.closing().is_some_and(|close| swallowed.contains(close)) {
            keep -= 1;
        }
        self.close_down_to(keep);
        if let Some(brace) = brace {
            // `resource "a "b" {`: the brace is no part of the string.
            let indent = offset(self.text[self.line_start..].len() - self.text[self.line_start..].trim_start().len());
            let token = offset(self.tokens.len());
            self.stack.push(Opened { open: Open::Brace, at: brace, token, indent });
            self.tokens.push(Token { kind: Kind::OpenBrace, start: brace, end: brace + 1 });
        }
        if self.text[self.at..].starts_with('\r') && !self.text[self.at..].starts_with("\r\n") {
            self.at += 1;
        }
    }

    /// Returns where the `{` of a block is, if that is what an unclosed string in the head of a block ends with.
    fn head_in_quote(&self) -> Option<u32> {
        let line = self.text[self.line_start..self.at].trim_end();
        let brace = line.ends_with('{').then(|| offset(self.line_start + line.len() - 1))?;
        let start = offset(self.line_start);
        let on_line = self.tokens.iter().rev().take_while(|token| token.start >= start);
        let mut kinds: Vec<Kind> = on_line.map(|token| token.kind).collect();
        let is_head = kinds.pop() == Some(Kind::Identifier)
            && kinds.iter().all(|kind| {
                matches!(kind, Kind::Identifier | Kind::OpenQuote | Kind::Text | Kind::CloseQuote | Kind::Dot)
            });
        is_head.then_some(brace)
    }

    /// Adds the tokens that close what was left open, before the line ends that follow it.
    fn close_down_to(&mut self, index: usize) {
        let kept = self.tokens.iter().rposition(|token| token.kind != Kind::Newline).map_or(0, |last| last + 1);
        let opened_last = self.stack.last().map_or(0, |opened| opened.token as usize + 1);
        let newlines = self.tokens.split_off(kept.max(opened_last).min(self.tokens.len()));
        let at = newlines.first().map_or(self.here(), |newline| newline.start);
        for opened in self.stack.drain(index..).rev() {
            self.tokens.push(Token { kind: opened.open.closed_by(), start: at, end: at });
        }
        self.tokens.extend(newlines);
    }

    fn problem(&mut self, problem: Problem) {
        self.problems.push((offset(self.tokens.len()), problem));
    }

    /// Returns whether a block of the top level starts here although something is open.
    pub(super) fn starts_top_level(&self) -> bool {
        !self.stack.is_empty()
            && self.is_top_level_head()
            && !self.stack.iter().any(|opened| matches!(opened.open, Open::Heredoc { .. }))
    }

    /// Returns whether this line starts a block of the top level: a known word, labels, `{`.
    pub(super) fn is_top_level_head(&self) -> bool {
        let line = self.rest().split('\n').next().unwrap_or_default();
        let word = line.split(|char: char| !char.is_alphanumeric() && char != '_').next().unwrap_or_default();
        let after = line[word.len()..].trim();
        (self.is_head)(word) && after.ends_with('{') && (after == "{" || after.starts_with('"'))
    }

    /// Ends brackets before `name =` at the start of a line, which cannot stand in them.
    pub(super) fn end_before_attribute(&mut self) {
        let Some(last) = self.tokens.len().checked_sub(1) else { return };
        if self.tokens[last].kind == Kind::Identifier && self.is_first_on_line(last) {
            self.end_brackets_before(last);
        }
    }

    /// Ends brackets before `name "label" {` at the start of a line, which cannot stand in them.
    pub(super) fn end_before_structure(&mut self) {
        let mut index = self.tokens.len();
        while let Some(previous) = index.checked_sub(1) {
            match self.tokens[previous].kind {
                Kind::CloseQuote | Kind::Text | Kind::OpenQuote => index = previous,
                Kind::Identifier => {
                    let word = &self.text[self.tokens[previous].start as usize..self.tokens[previous].end as usize];
                    if !matches!(word, "if" | "in" | "for") && self.is_first_on_line(previous) {
                        self.end_brackets_before(previous);
                    }
                    return;
                }
                _ => return,
            }
        }
    }

    fn is_first_on_line(&self, token: usize) -> bool {
        let start = self.tokens[token].start as usize;
        start >= self.line_start && self.text[self.line_start..start].trim_ascii().is_empty()
    }

    /// Ends what is open, up to the next brace, before a token.
    fn end_brackets_before(&mut self, token: usize) {
        let index = self.stack.iter().rposition(|opened| opened.open == Open::Brace).map_or(0, |brace| brace + 1);
        let is_around = |opened: &&Opened| (opened.token as usize) < token;
        let Some(opened) = self.stack.get(index).filter(is_around) else { return };
        let (open, at, opening) = (opened.open.clone(), opened.at, opened.token);
        if self.stack[index..].iter().any(|opened| matches!(opened.open, Open::Heredoc { .. })) {
            return;
        }
        self.problems.push((opening, Problem::Unclosed { open, at, suspect: None }));
        let tail = self.tokens.split_off(token);
        self.close_down_to(index);
        self.tokens.extend(tail);
    }
}
