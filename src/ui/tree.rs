//! What is shown of values and of differences between them, as a tree, and the one way it is drawn.
//!
//! `value` and `plan::diff` make trees and know no columns; [`draw`] knows columns and no values.

use std::io::{self, Write};

use super::{
    Style,
    style::Tone,
    text::{count, head, tail, width},
};

/// Names longer than this do not push the `=` of the others to the right.
const LONGEST_ALIGNED_NAME: usize = 32;
/// A collection that fits in so many columns is written on one line.
const LONGEST_INLINE: usize = 56;

/// One line, or one block of lines, of an object.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) mark: Mark,
    /// The name as it is written; empty for an item without one.
    pub(super) name: String,
    pub(super) body: Body,
    pub(super) remark: Option<&'static str>,
}

/// What happens to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Same,
    Added,
    Removed,
    Changed,
}

#[derive(Debug)]
pub(super) enum Body {
    /// A value on one line.
    Text(Text),
    /// One value and what it becomes.
    Pair { before: Text, after: Text },
    /// A value with values in it.
    Value(Inside),
    /// What differs within a value.
    Difference(Inside),
    /// A text of several lines.
    Lines(Vec<Line>),
}

/// What stands between the brackets.
#[derive(Debug)]
pub(super) struct Inside {
    pub(super) open: String,
    pub(super) close: String,
    pub(super) entries: Vec<Entry>,
    pub(super) layout: Layout,
    /// How many unchanged entries are left out.
    pub(super) hidden: usize,
    /// What they are called: one, many.
    pub(super) nouns: (&'static str, &'static str),
}

/// How the entries of a value stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// On one line where they fit.
    Fit,
    /// Each on a line of its own.
    Spread,
}

/// A line of a text of several lines.
#[derive(Debug)]
pub(super) enum Line {
    Of {
        mark: Mark,
        text: Text,
    },
    /// What is left out, in words.
    Skipped(String),
    /// What no line shows, in words.
    Remark(String),
}

/// A piece of a line with one look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) look: Look,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Plain,
    /// The part of a line that differs.
    Differs,
    /// Stands for a value: `(sensitive)`.
    Placeholder,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text(pub(super) Vec<Piece>);

/// Whether there is a column for marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gutter {
    Marked,
    Bare,
}

impl Text {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self(vec![Piece { text: text.into(), look: Look::Plain }])
    }

    pub(super) fn placeholder(text: &str) -> Self {
        Self(vec![Piece { text: text.to_owned(), look: Look::Placeholder }])
    }

    pub(super) fn width(&self) -> usize {
        self.0.iter().map(|piece| width(&piece.text)).sum()
    }

    /// Returns the text in at most `columns`, if leaving out the middle of what does not differ is enough.
    fn shortened(&self, columns: usize, style: Style) -> Self {
        let fixed = |piece: &&Piece| piece.look != Look::Plain || width(&piece.text) <= 12;
        let taken: usize = self.0.iter().filter(fixed).map(|piece| width(&piece.text)).sum();
        let long = self.0.iter().filter(|piece| !fixed(piece)).count();
        if self.width() <= columns || long == 0 || self.0.len() == 1 {
            return self.clone();
        }
        let share = (columns.saturating_sub(taken) / long).max(12).saturating_sub(width(style.ellipsis()));
        let pieces = self.0.iter().map(|piece| {
            if fixed(&piece) || width(&piece.text) <= share {
                return piece.clone();
            }
            let (start, end) = (head(&piece.text, share / 2), tail(&piece.text, share - share / 2));
            Piece { text: format!("{start}{}{end}", style.ellipsis()), look: piece.look }
        });
        Self(pieces.collect())
    }

    fn draw(&self, out: &mut dyn Write, style: Style, mark: Mark) -> io::Result<()> {
        for piece in &self.0 {
            let tone = match (piece.look, mark) {
                (Look::Placeholder, _) => Tone::Dim,
                (Look::Plain | Look::Differs, Mark::Same | Mark::Changed) => Tone::Plain,
                (Look::Plain, Mark::Added) => Tone::Added,
                (Look::Plain, Mark::Removed) => Tone::Removed,
                (Look::Differs, Mark::Added) => Tone::AddedWord,
                (Look::Differs, Mark::Removed) => Tone::RemovedWord,
            };
            write!(out, "{}", style.paint(tone, &piece.text))?;
        }
        Ok(())
    }
}

impl Inside {
    /// Returns the value on one line, if it is short and simple.
    pub(super) fn inline(&self) -> Option<Text> {
        if self.hidden > 0 || self.entries.len() > LONGEST_INLINE || self.layout == Layout::Spread {
            return None;
        }
        let mut pieces = vec![Piece { text: self.open.clone(), look: Look::Plain }];
        let is_named = self.entries.first().is_some_and(|entry| !entry.name.is_empty());
        let space = if is_named { " " } else { "" };
        for (index, entry) in self.entries.iter().enumerate() {
            let text = match &entry.body {
                Body::Text(text) => text.clone(),
                Body::Value(inside) => inside.inline()?,
                Body::Pair { .. } | Body::Difference(_) | Body::Lines(_) => return None,
            };
            let lead = if index == 0 { space } else { ", " };
            let name = if entry.name.is_empty() { String::new() } else { format!("{} = ", entry.name) };
            pieces.push(Piece { text: format!("{lead}{name}"), look: Look::Plain });
            pieces.extend(text.0);
        }
        pieces.push(Piece { text: format!("{space}{}", self.close), look: Look::Plain });
        let text = Text(pieces);
        (text.width() <= LONGEST_INLINE).then_some(text)
    }
}

/// Writes the entries of an object, without its brackets.
pub(super) fn draw(
    out: &mut dyn Write,
    style: Style,
    inside: &Inside,
    indent: usize,
    gutter: Gutter,
) -> io::Result<()> {
    let names = inside.entries.iter().map(|entry| width(&entry.name)).filter(|width| *width <= LONGEST_ALIGNED_NAME);
    let pen = Pen { style, indent, gutter, name_width: names.max().unwrap_or(0) };
    let separator = if inside.open.ends_with('[') && gutter == Gutter::Bare { "," } else { "" };
    for entry in &inside.entries {
        pen.entry(out, entry, separator)?;
    }
    if inside.hidden > 0 {
        let (one, many) = inside.nouns;
        let words = format!("# {}", count(inside.hidden, one, many));
        writeln!(out, "{:1$}{2}", "", pen.column(), style.paint(Tone::Dim, words))?;
    }
    Ok(())
}

/// How the entries of one object are written.
#[derive(Clone, Copy)]
struct Pen {
    style: Style,
    indent: usize,
    gutter: Gutter,
    name_width: usize,
}

impl Pen {
    /// Returns the column in which names start.
    fn column(self) -> usize {
        match self.gutter {
            Gutter::Marked => self.indent + 2,
            Gutter::Bare => self.indent,
        }
    }

    fn entry(self, out: &mut dyn Write, entry: &Entry, separator: &str) -> io::Result<()> {
        let Self { style, .. } = self;
        write!(out, "{:1$}", "", self.indent)?;
        if self.gutter == Gutter::Marked {
            write!(out, "{} ", mark(style, entry.mark))?;
        }
        let mut start = self.column();
        if !entry.name.is_empty() {
            let pad = self.name_width.saturating_sub(width(&entry.name));
            write!(out, "{}{:pad$} = ", entry.name, "")?;
            start += width(&entry.name) + pad + 3;
        }
        let remark = entry.remark.map(|remark| format!("  ({remark})")).unwrap_or_default();
        match &entry.body {
            Body::Text(text) => text.draw(out, style, entry.mark)?,
            Body::Pair { before, after } => self.pair(out, before, after, start, width(&remark))?,
            Body::Value(inside) => {
                if let Some(text) = inside.inline() {
                    text.draw(out, style, entry.mark)?;
                } else {
                    return self.block(out, inside, Gutter::Bare, &remark, separator);
                }
            }
            Body::Difference(inside) => return self.block(out, inside, Gutter::Marked, &remark, separator),
            Body::Lines(lines) => return self.lines(out, lines, &remark, separator),
        }
        writeln!(out, "{separator}{}", self.remark(&remark))
    }

    fn remark(self, remark: &str) -> impl std::fmt::Display {
        let tone = if remark.is_empty() { Tone::Plain } else { Tone::Removed };
        self.style.paint(tone, remark.to_owned())
    }

    /// Writes a value and what it becomes: on one line, or one under the other.
    fn pair(self, out: &mut dyn Write, before: &Text, after: &Text, start: usize, remark: usize) -> io::Result<()> {
        let Self { style, .. } = self;
        let arrow = style.arrow();
        if start + before.width() + width(arrow) + 2 + after.width() + remark <= style.width {
            before.draw(out, style, Mark::Removed)?;
            write!(out, " {} ", style.paint(Tone::Dim, arrow))?;
            return after.draw(out, style, Mark::Added);
        }
        let room = style.width.saturating_sub(start);
        before.shortened(room, style).draw(out, style, Mark::Removed)?;
        let indent = start.saturating_sub(width(arrow) + 1);
        write!(out, "\n{:indent$}{} ", "", style.paint(Tone::Dim, arrow))?;
        after.shortened(room.saturating_sub(remark), style).draw(out, style, Mark::Added)
    }

    fn block(
        self,
        out: &mut dyn Write,
        inside: &Inside,
        gutter: Gutter,
        remark: &str,
        separator: &str,
    ) -> io::Result<()> {
        writeln!(out, "{}{}", inside.open, self.remark(remark))?;
        draw(out, self.style, inside, self.column() + 2, gutter)?;
        writeln!(out, "{:2$}{}{separator}", "", inside.close, self.column())
    }

    fn lines(self, out: &mut dyn Write, lines: &[Line], remark: &str, separator: &str) -> io::Result<()> {
        let Self { style, .. } = self;
        let is_marked = lines
            .iter()
            .any(|line| !matches!(line, Line::Of { mark: Mark::Same, .. } | Line::Skipped(_) | Line::Remark(_)));
        let delimiter = delimiter(lines);
        writeln!(out, "<<-{delimiter}{}", self.remark(remark))?;
        let indent = self.column() + 2;
        for line in lines {
            write!(out, "{:indent$}", "")?;
            match line {
                Line::Of { mark: kind, text } => {
                    if is_marked {
                        write!(out, "{} ", mark(style, *kind))?;
                    }
                    text.draw(out, style, *kind)?;
                    writeln!(out)?;
                }
                Line::Remark(words) => writeln!(out, "  {}", style.paint(Tone::Dim, format!("# {words}")))?,
                Line::Skipped(words) => {
                    let gap = if is_marked { "  " } else { "" };
                    writeln!(out, "{gap}{}", style.paint(Tone::Dim, format!("{} {words}", style.ellipsis())))?;
                }
            }
        }
        writeln!(out, "{:1$}{delimiter}{separator}", "", self.column())
    }
}

/// Returns the sign before an entry.
fn mark(style: Style, mark: Mark) -> impl std::fmt::Display {
    match mark {
        Mark::Same => style.paint(Tone::Plain, " "),
        Mark::Added => style.paint(Tone::Added, "+"),
        Mark::Removed => style.paint(Tone::Removed, "-"),
        Mark::Changed => style.paint(Tone::Changed, "~"),
    }
}

/// Returns the word that ends a text of these lines: one that is none of them.
fn delimiter(lines: &[Line]) -> String {
    let mut delimiter = "EOT".to_owned();
    let is_taken = |word: &str| {
        lines.iter().any(|line| match line {
            Line::Of { text, .. } => text.0.len() == 1 && text.0[0].text.trim() == word,
            Line::Skipped(_) | Line::Remark(_) => false,
        })
    };
    while is_taken(&delimiter) {
        delimiter.push('_');
    }
    delimiter
}
