//! The texts that were read, and places in them.
//!
//! [`Sources`] only grows: a [`Span`] stays valid for as long as the `Sources` it came from.
//! Nothing here knows what the texts mean.

use std::sync::Arc;

use unicode_segmentation::UnicodeSegmentation;

/// Every text read in a run, with the name under which it is shown.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<File>,
}

/// Names one text of a [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u32);

/// A range of bytes in one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The text.
    pub source: SourceId,
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

/// A place as people name it: both numbers start at one, and a column is one character as it is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The line.
    pub line: u32,
    /// The character within the line.
    pub column: u32,
}

#[derive(Debug, Clone)]
struct File {
    name: Arc<str>,
    text: Arc<str>,
    /// Where each line starts.
    lines: Vec<u32>,
    /// The number of the first line.
    first_line: u32,
    visibility: Visibility,
}

/// Whether lines of a text may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Visibility {
    Shown,
    Hidden,
}

impl Span {
    /// Returns the empty span at the start of this one.
    #[must_use]
    pub fn at_start(self) -> Self {
        Self { end: self.start, ..self }
    }

    /// Returns the empty span at the end of this one.
    #[must_use]
    pub fn at_end(self) -> Self {
        Self { start: self.end, ..self }
    }

    /// Returns the span from the start of this one to the end of another of the same text.
    #[must_use]
    pub fn to(self, other: Span) -> Self {
        Self { end: other.end.max(self.start), ..self }
    }
}

impl Sources {
    /// Adds a text under the name it is shown by. Texts of 4 GiB and more are cut: callers refuse them earlier.
    pub fn add(&mut self, name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> SourceId {
        let text: Arc<str> = text.into();
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = std::iter::once(0).chain(newlines.map(|(at, _)| offset(at + 1))).collect();
        let id = SourceId(offset(self.files.len()));
        self.files.push(File { name: name.into(), text, lines, first_line: 1, visibility: Visibility::Shown });
        id
    }

    /// Keeps the lines of the texts of a name from being shown, because secrets may stand in them.
    pub fn hide(&mut self, name: &str) {
        for file in self.files.iter_mut().filter(|file| *file.name == *name) {
            file.visibility = Visibility::Hidden;
        }
    }

    /// Says with which number the lines of a text start: it is a part of a longer one.
    pub fn count_lines_from(&mut self, id: SourceId, number: u32) {
        self.files[id.0 as usize].first_line = number;
    }

    /// Returns whether lines of a text may be shown.
    #[must_use]
    pub fn is_shown(&self, id: SourceId) -> bool {
        self.file(id).visibility == Visibility::Shown
    }

    /// Returns the name of a text.
    #[must_use]
    pub fn name(&self, id: SourceId) -> &str {
        &self.file(id).name
    }

    /// Returns a text.
    #[must_use]
    pub fn text(&self, id: SourceId) -> &Arc<str> {
        &self.file(id).text
    }

    /// Returns what stands at a span.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.text(span.source).get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// Returns the span of a whole text.
    #[must_use]
    pub fn whole(&self, id: SourceId) -> Span {
        Span { source: id, start: 0, end: offset(self.text(id).len()) }
    }

    /// Returns where a span starts.
    #[must_use]
    pub fn start(&self, span: Span) -> Location {
        self.location(span.source, span.start)
    }

    /// Returns where a span ends: the place after its last character.
    #[must_use]
    pub fn end(&self, span: Span) -> Location {
        self.location(span.source, span.end)
    }

    /// Returns the place of one byte.
    #[must_use]
    pub fn location(&self, id: SourceId, byte: u32) -> Location {
        let file = self.file(id);
        let line = file.lines.partition_point(|start| *start <= byte).max(1) - 1;
        let before = file.text.get(file.lines[line] as usize..byte as usize).unwrap_or_default();
        // Most lines are plain, and some are very long.
        let characters = if before.is_ascii() { before.len() } else { before.graphemes(true).count() };
        Location { line: offset(line).saturating_add(file.first_line), column: offset(characters + 1) }
    }

    /// Returns a line by its number, without its line ending.
    #[must_use]
    pub fn line(&self, id: SourceId, number: u32) -> &str {
        let file = self.file(id);
        let index = number.saturating_sub(file.first_line) as usize;
        let Some(start) = file.lines.get(index) else { return "" };
        let end = file.lines.get(index + 1).map_or(file.text.len(), |end| *end as usize);
        file.text[*start as usize..end].trim_end_matches(['\n', '\r'])
    }

    /// Returns `file:line:column` of a span's start.
    #[must_use]
    pub fn place(&self, span: Span) -> String {
        let start = self.start(span);
        format!("{}:{}:{}", self.name(span.source), start.line, start.column)
    }

    fn file(&self, id: SourceId) -> &File {
        &self.files[id.0 as usize]
    }
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_as_seen() {
        let mut sources = Sources::default();
        let id = sources.add("a", "x\n日e\u{301}👍🏽z\r\nlast");
        let z = u32::try_from("x\n日e\u{301}👍🏽".len()).expect("it is short");
        let span = Span { source: id, start: z, end: z + 1 };
        assert_eq!(sources.start(span), Location { line: 2, column: 4 });
        assert_eq!(sources.slice(span), "z");
        assert_eq!(sources.line(id, 2), "日e\u{301}👍🏽z");
        assert_eq!(sources.line(id, 3), "last");
        assert_eq!(sources.line(id, 4), "");
        assert_eq!(sources.place(span), "a:2:4");
    }

    #[test]
    fn lines_of_a_part_are_counted_as_in_the_whole() {
        let mut sources = Sources::default();
        let id = sources.add("a", "x\ny");
        sources.count_lines_from(id, 7);
        assert_eq!(sources.place(Span { source: id, start: 2, end: 3 }), "a:8:1");
        assert_eq!((sources.line(id, 7), sources.line(id, 8), sources.line(id, 9)), ("x", "y", ""));
    }

    #[test]
    fn the_end_of_a_text_is_a_place() {
        let mut sources = Sources::default();
        let id = sources.add("a", "x\n");
        assert_eq!(sources.end(sources.whole(id)), Location { line: 2, column: 1 });
        let empty = sources.add("b", "");
        assert_eq!(sources.place(sources.whole(empty)), "b:1:1");
    }
}
