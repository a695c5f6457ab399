//! Text to tokens; all but the white space between tokens is in them.

use super::{Fault, Misplaced};
use crate::config::syntax::token::{self, identifier, starts_identifier};

/// One token, with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind,
    pub(super) text: &'t str,
    /// The byte at which it stands in the source.
    pub(super) at: usize,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Identifier,
    Number,
    Newline,
    /// From `#` or `//` through the end of the line.
    LineComment,
    /// From `/*` to `*/`.
    InlineComment,
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,
    OpenParen,
    CloseParen,
    OpenQuote,
    CloseQuote,
    /// From `<<` through the end of the line.
    OpenHeredoc,
    /// The marker with the blanks around it, without the end of the line.
    CloseHeredoc,
    /// Literal text in a string or heredoc.
    Text,
    /// `${` or `${~`.
    Interpolation,
    /// `%{` or `%{~`.
    Directive,
    /// `}` or `~}` of an interpolation or directive.
    TemplateEnd,
    Equal,
    Comma,
    Dot,
    Ellipsis,
    Colon,
    DoubleColon,
    Question,
    FatArrow,
    Bang,
    Minus,
    /// Arithmetic other than minus.
    Arithmetic,
    Comparison,
    Logic,
}

impl Kind {
    /// Returns by how much a token changes the depth of brackets.
    pub(super) fn depth(self) -> i32 {
        match self {
            Self::OpenBrace | Self::OpenBracket | Self::OpenParen | Self::Interpolation | Self::Directive => 1,
            Self::CloseBrace | Self::CloseBracket | Self::CloseParen | Self::TemplateEnd => -1,
            Self::Identifier | Self::Number | Self::Newline | Self::LineComment | Self::InlineComment => 0,
            Self::OpenQuote | Self::CloseQuote | Self::OpenHeredoc | Self::CloseHeredoc | Self::Text => 0,
            Self::Equal | Self::Comma | Self::Dot | Self::Ellipsis | Self::Colon | Self::DoubleColon => 0,
            Self::Question | Self::FatArrow | Self::Bang | Self::Minus | Self::Arithmetic => 0,
            Self::Comparison | Self::Logic => 0,
        }
    }
}

/// Fixed spellings, the longer before those they start with.
const FIXED: &[(&str, Kind)] = &[
    ("...", Kind::Ellipsis),
    ("=>", Kind::FatArrow),
    ("==", Kind::Comparison),
    ("!=", Kind::Comparison),
    ("<=", Kind::Comparison),
    (">=", Kind::Comparison),
    ("&&", Kind::Logic),
    ("||", Kind::Logic),
    ("::", Kind::DoubleColon),
    ("{", Kind::OpenBrace),
    ("}", Kind::CloseBrace),
    ("[", Kind::OpenBracket),
    ("]", Kind::CloseBracket),
    ("(", Kind::OpenParen),
    (")", Kind::CloseParen),
    ("=", Kind::Equal),
    (",", Kind::Comma),
    (".", Kind::Dot),
    (":", Kind::Colon),
    ("?", Kind::Question),
    ("!", Kind::Bang),
    ("-", Kind::Minus),
    ("+", Kind::Arithmetic),
    ("*", Kind::Arithmetic),
    ("/", Kind::Arithmetic),
    ("%", Kind::Arithmetic),
    ("<", Kind::Comparison),
    (">", Kind::Comparison),
];

/// What the lexer is inside of.
enum Mode<'t> {
    /// Code; closing braces beyond those it opened end a template sequence.
    Code { braces: usize },
    /// A quoted string that started at a byte.
    Quoted { at: usize },
    /// A heredoc.
    Heredoc { at: usize, marker: &'t str, is_at_line_start: bool },
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    modes: Vec<Mode<'t>>,
    tokens: Vec<Token<'t>>,
}

/// Cuts a text into tokens.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, Misplaced> {
    let mut lexer = Lexer { text, at: 0, modes: vec![Mode::Code { braces: 0 }], tokens: Vec::new() };
    while lexer.at < text.len() {
        match lexer.modes.last() {
            Some(Mode::Code { .. }) | None => lexer.code()?,
            Some(Mode::Quoted { at }) => lexer.quoted(*at)?,
            Some(Mode::Heredoc { at, marker, is_at_line_start }) => lexer.heredoc(*at, marker, *is_at_line_start)?,
        }
    }
    lexer.end()
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn take(&mut self, kind: Kind, length: usize) {
        self.tokens.push(Token { kind, text: &self.rest()[..length], at: self.at });
        self.at += length;
    }

    fn fault<T>(&self, fault: Fault) -> Result<T, Misplaced> {
        Err(Misplaced { at: self.at, fault })
    }

    /// Ends the text: only in code outside every template.
    fn end(self) -> Result<Vec<Token<'t>>, Misplaced> {
        let open = self.modes.iter().rev().find_map(|mode| match mode {
            Mode::Code { .. } => None,
            Mode::Quoted { at } => Some(Misplaced { at: *at, fault: Fault::String }),
            Mode::Heredoc { at, marker, .. } => {
                Some(Misplaced { at: *at, fault: Fault::Heredoc { marker: (*marker).to_owned() } })
            }
        });
        open.map_or(Ok(self.tokens), Err)
    }

    fn code(&mut self) -> Result<(), Misplaced> {
        let rest = self.rest();
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        if blanks > 0 {
            self.at += blanks;
            return Ok(());
        }
        if let Some(length) = newline(rest) {
            self.take(Kind::Newline, length);
        } else if rest.starts_with('#') || rest.starts_with("//") {
            self.take(Kind::LineComment, rest.find('\n').map_or(rest.len(), |end| end + 1));
        } else if let Some(inside) = rest.strip_prefix("/*") {
            match inside.find("*/") {
                Some(end) => self.take(Kind::InlineComment, end + 4),
                None => return self.fault(Fault::Comment),
            }
        } else if rest.starts_with('"') {
            self.modes.push(Mode::Quoted { at: self.at });
            self.take(Kind::OpenQuote, 1);
        } else if let Some((marker, length)) = heredoc(rest) {
            self.modes.push(Mode::Heredoc { at: self.at, marker, is_at_line_start: true });
            self.take(Kind::OpenHeredoc, length);
        } else if rest.starts_with(|char: char| char.is_ascii_digit()) {
            self.take(Kind::Number, number(rest));
        } else if rest.starts_with(starts_identifier) {
            self.take(Kind::Identifier, identifier(rest));
        } else {
            self.symbol(rest)?;
        }
        Ok(())
    }

    fn symbol(&mut self, rest: &'t str) -> Result<(), Misplaced> {
        let is_in_template = self.modes.len() > 1;
        let Some(Mode::Code { braces }) = self.modes.last_mut() else { return Ok(()) };
        if is_in_template && *braces == 0 && (rest.starts_with('}') || rest.starts_with("~}")) {
            self.modes.pop();
            if let Some(Mode::Heredoc { is_at_line_start, .. }) = self.modes.last_mut() {
                *is_at_line_start = false;
            }
            self.take(Kind::TemplateEnd, if rest.starts_with('}') { 1 } else { 2 });
            return Ok(());
        }
        let Some((spelling, kind)) = FIXED.iter().find(|(spelling, _)| rest.starts_with(spelling)) else {
            let char = rest.chars().next().unwrap_or_default();
            return self.fault(Fault::Character { char });
        };
        match kind {
            Kind::OpenBrace => *braces += 1,
            Kind::CloseBrace => *braces = braces.saturating_sub(1),
            _ => {}
        }
        self.take(*kind, spelling.len());
        Ok(())
    }

    fn quoted(&mut self, start: usize) -> Result<(), Misplaced> {
        let rest = self.rest();
        if rest.starts_with('"') {
            self.modes.pop();
            self.take(Kind::CloseQuote, 1);
        } else if !self.sequence(rest) {
            let length = quoted_literal(rest).ok_or(Misplaced { at: start, fault: Fault::String })?;
            self.take(Kind::Text, length);
        }
        Ok(())
    }

    fn heredoc(&mut self, start: usize, marker: &'t str, is_at_line_start: bool) -> Result<(), Misplaced> {
        let rest = self.rest();
        let unterminated = || Misplaced { at: start, fault: Fault::Heredoc { marker: marker.to_owned() } };
        if is_at_line_start {
            let end = rest.find('\n').ok_or_else(unterminated)?;
            if rest[..end].trim() == marker {
                self.modes.pop();
                self.take(Kind::CloseHeredoc, end - usize::from(rest[..end].ends_with('\r')));
                return Ok(());
            }
        }
        if !self.sequence(rest) {
            let length = heredoc_literal(rest).ok_or_else(unterminated)?;
            if let Some(Mode::Heredoc { is_at_line_start, .. }) = self.modes.last_mut() {
                *is_at_line_start = rest[..length].ends_with('\n');
            }
            self.take(Kind::Text, length);
        }
        Ok(())
    }

    /// Takes the start of an interpolation or directive, if there is one.
    fn sequence(&mut self, rest: &str) -> bool {
        let kind = match rest.get(..2) {
            Some("${") => Kind::Interpolation,
            Some("%{") => Kind::Directive,
            Some(_) | None => return false,
        };
        self.take(kind, if rest[2..].starts_with('~') { 3 } else { 2 });
        self.modes.push(Mode::Code { braces: 0 });
        true
    }
}

/// Returns the length of the line's end that a text starts with.
fn newline(text: &str) -> Option<usize> {
    match text.as_bytes() {
        [b'\n', ..] => Some(1),
        [b'\r', b'\n', ..] => Some(2),
        _ => None,
    }
}

/// Returns the marker of the heredoc that a text starts with, and the length of its first line.
fn heredoc(text: &str) -> Option<(&str, usize)> {
    let after = text.strip_prefix("<<")?;
    let after = after.strip_prefix('-').unwrap_or(after);
    if !after.starts_with(starts_identifier) {
        return None;
    }
    let (marker, rest) = after.split_at(identifier(after));
    Some((marker, text.len() - rest.len() + newline(rest)?))
}

fn number(text: &str) -> usize {
    let end = token::number(text);
    // Letters that follow at once are part of it, whatever they mean there.
    if text[end..].starts_with(starts_identifier) { end + identifier(&text[end..]) } else { end }
}

/// Returns the length of the literal text of a quoted string before its end or its next template sequence, or `None` if
/// the line ends first.
fn quoted_literal(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some(at),
            '\n' => return None,
            '\\' => drop(chars.next_if(|(_, next)| matches!(next, '"' | '\\'))),
            '$' | '%' if is_escaped(&text[at..], char) => drop((chars.next(), chars.next())),
            '$' | '%' if text[at + 1..].starts_with('{') => return Some(at),
            _ => {}
        }
    }
    None
}

/// Returns the length of the literal text of a heredoc through the end of its line, or before the next template
/// sequence; `None` if neither comes.
fn heredoc_literal(text: &str) -> Option<usize> {
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '\n' => return Some(at + 1),
            '$' | '%' if is_escaped(&text[at..], char) => drop((chars.next(), chars.next())),
            '$' | '%' if text[at + 1..].starts_with('{') => return Some(at),
            _ => {}
        }
    }
    None
}

/// Returns whether a text starts with `$${` or `%%{`.
fn is_escaped(text: &str, sign: char) -> bool {
    text[1..].starts_with(sign) && text[2..].starts_with('{')
}
