//! A first look at a text: where its top-level items are, and which brackets and quotes do not match.
//!
//! The parser stops at the first error of what it is given, and places an unclosed bracket at the end of the file.
//! So each item is parsed on its own, and what this scan finds is reported at the bracket that was left open.

use std::ops::Range;

/// Deeper nesting is refused before the (recursive) parser sees it.
pub(super) const MAX_NESTING: usize = 60;

/// What a scan found.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Each top-level item: a block or an attribute, without what surrounds it.
    pub(super) items: Vec<Item>,
}

/// A top-level item.
#[derive(Debug)]
pub(super) struct Item {
    /// The bytes of it.
    pub(super) range: Range<usize>,
    /// What keeps it from being parsed.
    pub(super) problems: Vec<Problem>,
}

/// A mistake in how brackets and quotes nest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Problem {
    /// Opened and never closed.
    Unclosed {
        /// What was opened.
        open: Open,
        /// Where.
        at: usize,
        /// A bracket opened inside it that took its closing bracket, as far as indentation tells.
        suspect: Option<usize>,
        /// Where the text goes on as if it had been closed, if that can be told.
        until: Option<usize>,
    },
    /// A quoted string that reaches the end of its line.
    UnclosedString {
        /// The opening quote.
        at: usize,
        /// The end of the line.
        end: usize,
    },
    /// A closing bracket where nothing, or something else, is open.
    Stray {
        /// The closing bracket.
        at: usize,
    },
    /// Too many brackets inside each other.
    TooDeep {
        /// The first bracket that is too deep.
        at: usize,
    },
}

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
    /// `${` or `%{`
    Interpolation,
    /// `<<NAME`
    Heredoc(String),
    /// `/*`
    Comment,
}

#[derive(Debug)]
struct Opened {
    open: Open,
    at: usize,
    /// The indentation of the line it is on.
    indent: usize,
}

struct Scanner<'t> {
    text: &'t [u8],
    at: usize,
    line_start: usize,
    stack: Vec<Opened>,
    items: Vec<Item>,
    /// Where the current item started, and where its last character ended.
    item: Option<Range<usize>>,
    problems: Vec<Problem>,
    suspect: Option<usize>,
    /// Whether a word at the start of a line names a block of the top level.
    is_head: fn(&str) -> bool,
}

/// Splits a text into its top-level items. `is_head` tells the words with which a block of the top level starts:
/// one of them at the start of a line, followed by labels and `{`, ends whatever was left open before.
pub(super) fn scan(text: &str, is_head: fn(&str) -> bool) -> Scan {
    let start = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let mut scanner = Scanner {
        text: text.as_bytes(),
        at: start,
        line_start: start,
        stack: Vec::new(),
        items: Vec::new(),
        item: None,
        problems: Vec::new(),
        suspect: None,
        is_head,
    };
    scanner.run();
    Scan { items: scanner.items }
}

/// Looks at an expression or template on its own, as one item.
pub(super) fn scan_inside(text: &str) -> Vec<Problem> {
    let scan = scan(&format!("({text}\n)"), |_| false);
    let shift = |at: usize| at.saturating_sub(1).min(text.len());
    let problems = scan.items.into_iter().flat_map(|item| item.problems);
    let mut found: Vec<Problem> = problems
        .map(|problem| match problem {
            Problem::Unclosed { open, at, .. } => Problem::Unclosed { open, at: shift(at), suspect: None, until: None },
            Problem::UnclosedString { at, end } => Problem::UnclosedString { at: shift(at), end: shift(end) },
            Problem::Stray { at } => Problem::Stray { at: shift(at) },
            Problem::TooDeep { at } => Problem::TooDeep { at: shift(at) },
        })
        .collect();
    found.truncate(1);
    found
}

impl Scanner<'_> {
    fn run(&mut self) {
        while self.at < self.text.len() {
            if self.at == self.line_start && !self.stack.is_empty() && self.top_level_head() {
                self.close_all();
                self.end_item();
            }
            match self.stack.last().map(|opened| opened.open.clone()) {
                Some(Open::Quote) => self.in_quote(),
                Some(Open::Heredoc(marker)) => self.in_heredoc(&marker),
                Some(Open::Brace | Open::Bracket | Open::Paren | Open::Interpolation | Open::Comment) | None => {
                    self.in_code();
                }
            }
        }
        self.close_all();
        self.end_item();
    }

    fn rest(&self) -> &[u8] {
        &self.text[self.at..]
    }

    fn starts(&self, prefix: &str) -> bool {
        self.rest().starts_with(prefix.as_bytes())
    }

    /// Steps over bytes that belong to the current item.
    fn take(&mut self, count: usize) {
        let start = self.item.as_ref().map_or(self.at, |item| item.start);
        self.at = (self.at + count).min(self.text.len());
        self.item = Some(start..self.at);
    }

    fn newline(&mut self) {
        if self.item.is_some() && !self.stack.is_empty() {
            self.take(1);
        } else {
            self.at += 1;
        }
        self.line_start = self.at;
        if self.stack.is_empty() {
            self.end_item();
        }
    }

    fn end_item(&mut self) {
        let problems = std::mem::take(&mut self.problems);
        self.suspect = None;
        if let Some(range) = self.item.take() {
            let length = self.text[range.clone()].trim_ascii_end().len();
            self.items.push(Item { range: range.start..range.start + length, problems });
        }
    }

    fn indent(&self) -> usize {
        self.text[self.line_start..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
    }

    fn push(&mut self, open: Open, length: usize) {
        let opened = Opened { open, at: self.at, indent: self.indent() };
        if self.stack.len() == MAX_NESTING {
            let too_deep = self.problems.iter().any(|problem| matches!(problem, Problem::TooDeep { .. }));
            if !too_deep {
                self.problems.push(Problem::TooDeep { at: self.at });
            }
        }
        self.stack.push(opened);
        self.take(length);
    }

    fn close_all(&mut self) {
        // What stands inside something unclosed is its consequence: the outermost is reported, or the string or
        // heredoc that swallowed the rest.
        let swallowing = self.stack.iter().find(|opened| matches!(opened.open, Open::Heredoc(_) | Open::Comment));
        let innermost = self.stack.iter().rev().find(|opened| opened.open != Open::Brace);
        if let Some(opened) = swallowing.or(innermost).or_else(|| self.stack.first()) {
            let suspect = self.suspect.filter(|_| opened.open == Open::Brace);
            self.problems.push(Problem::Unclosed { open: opened.open.clone(), at: opened.at, suspect, until: None });
        }
        self.stack.clear();
    }

    fn in_code(&mut self) {
        let Some(&byte) = self.rest().first() else { return };
        match byte {
            b'\n' => self.newline(),
            b' ' | b'\t' | b'\r' => self.at += 1,
            b'#' => self.skip_line(),
            b'/' if self.starts("//") => self.skip_line(),
            b'/' if self.starts("/*") => self.comment(),
            b'"' => self.push(Open::Quote, 1),
            b'{' => self.push(Open::Brace, 1),
            b'[' => self.push(Open::Bracket, 1),
            b'(' => self.push(Open::Paren, 1),
            b'}' | b']' | b')' => self.close(byte),
            b'<' if self.starts("<<") => self.heredoc(),
            _ => self.take(1),
        }
    }

    fn skip_line(&mut self) {
        let length = self.rest().iter().position(|byte| *byte == b'\n').unwrap_or(self.rest().len());
        self.at += length;
    }

    fn comment(&mut self) {
        match self.rest().windows(2).skip(2).position(|pair| pair == b"*/") {
            Some(length) => {
                let end = self.at + length + 4;
                if let Some(newline) = self.text[self.at..end].iter().rposition(|byte| *byte == b'\n') {
                    self.line_start = self.at + newline + 1;
                }
                self.at = end;
            }
            None => {
                self.push(Open::Comment, self.text.len());
            }
        }
    }

    fn close(&mut self, byte: u8) {
        let matches = |open: &Open| match byte {
            b'}' => matches!(open, Open::Brace | Open::Interpolation),
            b']' => *open == Open::Bracket,
            _ => *open == Open::Paren,
        };
        let Some(index) = self.stack.iter().rposition(|opened| matches(&opened.open)) else {
            self.problems.push(Problem::Stray { at: self.at });
            self.take(1);
            return;
        };
        if let Some(opened) = self.stack.get(index + 1) {
            let (open, at) = (opened.open.clone(), opened.at);
            self.problems.push(Problem::Unclosed { open, at, suspect: None, until: Some(self.at) });
        }
        let opened = &self.stack[index];
        let first_on_line = self.text[self.line_start..self.at].trim_ascii().is_empty();
        if byte == b'}' && first_on_line && self.indent() < opened.indent && self.suspect.is_none() {
            self.suspect = Some(opened.at);
        }
        self.stack.truncate(index);
        self.take(1);
    }

    fn heredoc(&mut self) {
        let rest = &self.rest()[2..];
        let rest = rest.strip_prefix(b"-").unwrap_or(rest);
        let dash = self.rest().len() - 2 - rest.len();
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')).count();
        let after = &rest[length..];
        if length == 0 || !(after.starts_with(b"\n") || after.starts_with(b"\r\n")) {
            return self.take(2);
        }
        let marker = String::from_utf8_lossy(&rest[..length]).into_owned();
        let line_end = after.iter().position(|byte| *byte == b'\n').unwrap_or(0) + 1;
        self.push(Open::Heredoc(marker), 2 + dash + length + line_end);
        self.line_start = self.at;
    }

    fn in_heredoc(&mut self, marker: &str) {
        if self.at == self.line_start {
            let line = self.rest().split(|byte| *byte == b'\n').next().unwrap_or_default();
            let trimmed = line.trim_ascii_start();
            let ends = trimmed.strip_prefix(marker.as_bytes()).is_some_and(|after| {
                !after.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
            });
            if ends {
                let length = line.len() - trimmed.len() + marker.len();
                self.stack.pop();
                return self.take(length);
            }
        }
        self.template_byte();
    }

    fn in_quote(&mut self) {
        match self.rest().first() {
            Some(b'"') => {
                self.stack.pop();
                self.take(1);
            }
            Some(b'\\') if !self.starts("\\\n") => self.take(2),
            Some(b'\n') => self.unclosed_line(),
            _ => self.template_byte(),
        }
    }

    /// Gives up on a line that ends inside a string, with everything that was opened on it.
    fn unclosed_line(&mut self) {
        let first = self.stack.iter().position(|opened| opened.at >= self.line_start).unwrap_or(0);
        let on_line = self.stack.split_off(first);
        let mut open = on_line.iter().skip_while(|opened| opened.open != Open::Quote);
        let quote = open.next().or(on_line.last());
        // A string inside an unclosed template expression only looks unclosed: its quote was the one of the outer.
        let problem = match open.find(|opened| opened.open == Open::Interpolation) {
            Some(Opened { open, at, .. }) => {
                Problem::Unclosed { open: open.clone(), at: *at, suspect: None, until: Some(self.at) }
            }
            None => Problem::UnclosedString { at: quote.map_or(self.line_start, |opened| opened.at), end: self.at },
        };
        self.problems.push(problem);
    }

    fn template_byte(&mut self) {
        if self.starts("$${") || self.starts("%%{") {
            self.take(3);
        } else if self.starts("${") || self.starts("%{") {
            self.push(Open::Interpolation, 2);
        } else if self.starts("\n") {
            self.take(1);
            self.line_start = self.at;
        } else {
            self.take(1);
        }
    }

    /// Returns whether this line starts a block of the top level: a known word, labels, `{`.
    fn top_level_head(&self) -> bool {
        if self.stack.iter().any(|opened| matches!(opened.open, Open::Heredoc(_))) {
            return false;
        }
        let line = self.rest().split(|byte| *byte == b'\n').next().unwrap_or_default();
        let Ok(line) = std::str::from_utf8(line) else { return false };
        let word: &str = line.split(|char: char| !char.is_alphanumeric() && char != '_').next().unwrap_or_default();
        let after = line[word.len()..].trim();
        (self.is_head)(word) && after.ends_with('{') && (after == "{" || after.starts_with('"'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(text: &str) -> Vec<(&str, Vec<Problem>)> {
        let scan = scan(text, |word| matches!(word, "resource" | "locals"));
        scan.items.into_iter().map(|item| (&text[item.range], item.problems)).collect()
    }

    #[test]
    fn items_end_where_nothing_is_open() {
        let text = "# c\nlocals {\n  a = \"}\" # }\n  b = <<-E\n  }${\"{\"}\n  E\n}\n/* { */ x = [\n1]\n";
        let found = items(text);
        assert_eq!(found.len(), 2);
        assert!(found[0].0.starts_with("locals {") && found[0].0.ends_with("E\n}"));
        assert_eq!(found[1], ("x = [\n1]", Vec::new()));
    }

    #[test]
    fn what_is_unclosed_ends_at_the_next_block() {
        let text = "resource \"a\" \"b\" {\n  inner {\n}\nlocals {\n  x = [1, 2\n}\n";
        let found = items(text);
        assert_eq!(found[0].1, [Problem::Unclosed { open: Open::Brace, at: 17, suspect: Some(27), until: None }]);
        assert_eq!(found[1].1, [Problem::Unclosed { open: Open::Bracket, at: 46, suspect: None, until: Some(52) }]);
    }

    #[test]
    fn a_string_ends_with_its_line() {
        let found = items("locals {\n  a = \"x\n  b = 1\n}\n");
        assert_eq!(found[0].1, [Problem::UnclosedString { at: 15, end: 17 }]);
    }

    #[test]
    fn deep_nesting_and_strays_are_found() {
        let text = format!("x = {}1{}\n}}\n", "(".repeat(10_000), ")".repeat(10_000));
        let found = items(&text);
        assert_eq!(found[0].1, [Problem::TooDeep { at: 4 + MAX_NESTING }]);
        assert_eq!(found[1].1, [Problem::Stray { at: 20_006 }]);
    }
}
