//! Text to tokens in which everything that is opened is closed.
//!
//! What a bracket, a quote or a line end means depends on what is open around it, so nesting is settled here. A text
//! that nests as it should is read once. Where something is left open, the text is read once more, and lines that
//! can only stand outside end what was left open ([`super::recover`]).

use super::{
    recover::{Hopeless, Open, Opened, Problem},
    token::{Kind, SYMBOLS, Token, identifier, number, starts_identifier},
};

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whole {
    /// Attributes and blocks.
    Body,
    /// An expression. Its last line needs no end.
    Expression,
    /// A template.
    Template,
}

/// The tokens of a text.
#[derive(Debug)]
pub(super) struct Lexed {
    /// Ends with [`Kind::End`].
    pub(super) tokens: Vec<Token>,
    /// Mistakes in how brackets and quotes nest, each with the token it is about, in their order.
    pub(super) problems: Vec<(u32, Problem)>,
}

/// How a text is read.
#[derive(Debug, Clone, Copy)]
enum Reading {
    /// As if everything were right.
    Plain,
    /// Something is known to be wrong. A heredoc that starts at this byte has no end.
    Recovering { endless: Option<u32> },
}

pub(super) struct Lexer<'t> {
    pub(super) text: &'t str,
    pub(super) at: usize,
    pub(super) line_start: usize,
    pub(super) stack: Vec<Opened>,
    pub(super) tokens: Vec<Token>,
    pub(super) problems: Vec<(u32, Problem)>,
    /// The bracket that seems to have taken the closing bracket of another.
    pub(super) suspect: Option<u32>,
    pub(super) is_head: fn(&str) -> bool,
    whole: Whole,
    reading: Reading,
}

/// Cuts a text into tokens. `is_head` tells the words with which a block of the top level starts.
pub(super) fn lex(text: &str, whole: Whole, is_head: fn(&str) -> bool) -> Lexed {
    let read = |reading| {
        let start = if text.starts_with('\u{feff}') && whole == Whole::Body { 3 } else { 0 };
        let mut lexer = Lexer {
            text,
            at: start,
            line_start: start,
            stack: Vec::new(),
            tokens: Vec::with_capacity(text.len() / 6),
            problems: Vec::new(),
            suspect: None,
            is_head,
            whole,
            reading,
        };
        let hopeless = lexer.run();
        (lexer, hopeless)
    };
    let (lexer, hopeless) = read(Reading::Plain);
    let lexer = if lexer.problems.is_empty() {
        lexer
    } else {
        let endless = hopeless.map(|Hopeless { heredoc }| heredoc);
        read(Reading::Recovering { endless }).0
    };
    let mut problems = lexer.problems;
    problems.sort_by_key(|(token, _)| *token);
    Lexed { tokens: lexer.tokens, problems }
}

impl<'t> Lexer<'t> {
    fn run(&mut self) -> Option<Hopeless> {
        while self.at < self.text.len() {
            if self.at == self.line_start && self.is_recovering() && self.starts_top_level() {
                self.close_all();
            }
            match self.stack.last().map(|opened| &opened.open) {
                Some(Open::Quote) => self.in_quote(),
                Some(Open::Heredoc { .. }) => self.in_heredoc(),
                Some(Open::Brace | Open::Bracket | Open::Paren | Open::Interpolation | Open::Directive) => {
                    self.in_code();
                }
                None if self.whole == Whole::Template => self.in_lines(),
                None => self.in_code(),
            }
        }
        let heredoc = self.stack.iter().find(|opened| matches!(opened.open, Open::Heredoc { .. }));
        let hopeless = heredoc.map(|opened| Hopeless { heredoc: opened.at });
        self.close_all();
        self.push(Kind::End, 0);
        hopeless
    }

    pub(super) fn is_recovering(&self) -> bool {
        matches!(self.reading, Reading::Recovering { .. })
    }

    pub(super) fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    pub(super) fn here(&self) -> u32 {
        offset(self.at)
    }

    /// Adds a token and steps over it.
    pub(super) fn push(&mut self, kind: Kind, length: usize) {
        let start = self.here();
        self.at = (self.at + length).min(self.text.len());
        self.tokens.push(Token { kind, start, end: self.here() });
    }

    /// Adds a token that opens something.
    fn open(&mut self, open: Open, length: usize) {
        if self.is_recovering() && open == Open::Brace {
            self.end_before_structure();
        }
        let indent = self.text[self.line_start..].bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let token = offset(self.tokens.len());
        let kind = open.kind();
        self.stack.push(Opened { open, at: self.here(), token, indent: offset(indent) });
        self.push(kind, length);
    }

    fn in_code(&mut self) {
        let rest = self.rest();
        let Some(byte) = rest.bytes().next() else { return };
        match byte {
            b' ' | b'\t' => self.at += 1,
            b'\n' => self.newline(1),
            b'\r' if rest.starts_with("\r\n") => self.newline(2),
            b'#' => self.line_comment(),
            b'/' if rest.starts_with("//") => self.line_comment(),
            b'/' if rest.starts_with("/*") => self.comment(),
            b'"' => self.open(Open::Quote, 1),
            b'{' => self.open(Open::Brace, 1),
            b'[' => self.open(Open::Bracket, 1),
            b'(' => self.open(Open::Paren, 1),
            b'}' | b']' | b')' => self.close(byte, 1),
            b'~' if rest.starts_with("~}") && self.is_in_sequence() => self.close(b'}', 2),
            b'<' if rest.starts_with("<<") => self.heredoc(),
            b'0'..=b'9' => self.push(Kind::Number, number(rest)),
            _ => self.word(rest),
        }
    }

    /// Returns whether a template sequence is what is to be closed next.
    fn is_in_sequence(&self) -> bool {
        matches!(self.stack.last().map(|opened| &opened.open), Some(Open::Interpolation | Open::Directive))
    }

    fn word(&mut self, rest: &str) {
        if rest.starts_with(starts_identifier) {
            return self.push(Kind::Identifier, identifier(rest));
        }
        match SYMBOLS.iter().find(|(spelling, _)| rest.starts_with(spelling)) {
            Some((_, Kind::Equal)) => {
                if self.is_recovering() {
                    self.end_before_attribute();
                }
                self.push(Kind::Equal, 1);
            }
            Some((spelling, kind)) => self.push(*kind, spelling.len()),
            None => self.push(Kind::Invalid, rest.chars().next().map_or(1, char::len_utf8)),
        }
    }

    fn newline(&mut self, length: usize) {
        self.push(Kind::Newline, length);
        self.line_start = self.at;
    }

    fn line_comment(&mut self) {
        let rest = self.rest();
        self.at += rest.find('\n').unwrap_or(rest.len());
    }

    fn comment(&mut self) {
        let rest = self.rest();
        match rest[2..].find("*/") {
            Some(length) => {
                let end = length + 4;
                if let Some(newline) = rest[..end].rfind('\n') {
                    self.line_start = self.at + newline + 1;
                }
                self.at += end;
            }
            None => {
                let token = offset(self.tokens.len());
                self.problems.push((token, Problem::UnclosedComment { at: self.here() }));
                self.close_silently();
                self.at = self.text.len();
            }
        }
    }

    fn heredoc(&mut self) {
        let rest = &self.rest()[2..];
        let name = rest.strip_prefix('-').unwrap_or(rest);
        let length = identifier(name);
        let after = &name[length..];
        let end = if after.starts_with("\r\n") { 2 } else { 1 };
        if length == 0 || !(after.starts_with('\n') || end == 2) {
            return self.push(Kind::Less, 1);
        }
        let marker = name[..length].to_owned();
        let whole = 2 + (rest.len() - name.len()) + length + end;
        self.open(Open::Heredoc { marker }, whole);
        self.line_start = self.at;
    }

    fn in_heredoc(&mut self) {
        let Some(Opened { open: Open::Heredoc { marker }, at, .. }) = self.stack.last() else { return };
        if self.at == self.line_start {
            let rest = self.rest();
            let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
            let is_whole_line = line.len() < rest.len() || self.whole == Whole::Expression;
            if is_whole_line && line.trim() == marker {
                self.stack.pop();
                return self.push(Kind::CloseHeredoc, line.trim_end_matches('\r').len());
            }
            let is_endless = matches!(self.reading, Reading::Recovering { endless } if endless == Some(*at));
            if is_endless && (line.starts_with('}') || self.is_top_level_head()) {
                return self.end_heredoc();
            }
        }
        self.in_lines();
    }

    /// Takes text through the end of its line, or a template sequence.
    fn in_lines(&mut self) {
        if let Some(length) = self.literal(Ends::AfterLine) {
            self.push(Kind::Text, length);
            if self.text[..self.at].ends_with('\n') {
                self.line_start = self.at;
            }
        }
    }

    fn in_quote(&mut self) {
        match self.rest().bytes().next() {
            Some(b'"') => {
                self.stack.pop();
                self.push(Kind::CloseQuote, 1);
            }
            Some(b'\n' | b'\r') => self.end_of_line_in_quote(),
            Some(_) => {
                if let Some(length) = self.literal(Ends::BeforeQuote) {
                    self.push(Kind::Text, length);
                }
            }
            None => {}
        }
    }

    /// Returns the length of the literal text that a template goes on with. If it goes on with a template sequence,
    /// that is taken, and there is none.
    fn literal(&mut self, ends: Ends) -> Option<usize> {
        let bytes = self.rest().as_bytes();
        let mut at = 0;
        loop {
            match &bytes[at..] {
                [] => break,
                [b'$', b'$', b'{', ..] | [b'%', b'%', b'{', ..] => at += 3,
                [b'$' | b'%', b'{', ..] => break,
                [b'"' | b'\n' | b'\r', ..] if ends == Ends::BeforeQuote => break,
                [b'\\', next, ..] if ends == Ends::BeforeQuote && !matches!(next, b'\n' | b'\r') => at += 2,
                [b'\n', ..] => {
                    at += 1;
                    break;
                }
                _ => at += 1,
            }
        }
        if at > 0 {
            return Some(at);
        }
        let open = if bytes.first() == Some(&b'$') { Open::Interpolation } else { Open::Directive };
        self.open(open, if bytes.get(2) == Some(&b'~') { 3 } else { 2 });
        None
    }
}

/// Where literal text ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// Behind the end of the line.
    AfterLine,
    /// Before a quote or the end of the line; a backslash keeps the next character from being one.
    BeforeQuote,
}

pub(super) fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
