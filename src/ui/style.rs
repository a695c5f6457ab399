//! What a surface can show: colours, characters, columns.

use std::fmt;

/// What a surface can show. Decided by `cli`; nothing here looks at a terminal or an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether colours are written.
    pub colour: Colour,
    /// Which characters are written.
    pub glyphs: Glyphs,
    /// How many columns there are.
    pub width: usize,
}

/// Whether colours are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// No escape sequence is ever written.
    Never,
    /// With ANSI escape sequences.
    Ansi,
}

/// Which characters are written besides those of the values shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyphs {
    /// Arrows, ticks and dots.
    Unicode,
    /// ASCII only.
    Ascii,
}

/// The columns of a surface that does not say.
pub const DEFAULT_WIDTH: usize = 80;

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Strong,
    Dim,
    Added,
    Removed,
    Changed,
    Replaced,
    Kept,
    Error,
    Warning,
    Hint,
    /// The words that differ within a line that was removed or added.
    RemovedWord,
    AddedWord,
}

impl Style {
    /// Returns the style of a file or a pipe: no colour, 80 columns.
    #[must_use]
    pub const fn plain() -> Self {
        Self { colour: Colour::Never, glyphs: Glyphs::Unicode, width: DEFAULT_WIDTH }
    }

    /// Returns the same with another number of columns.
    #[must_use]
    pub const fn with_width(self, width: usize) -> Self {
        Self { width, ..self }
    }

    /// Returns whether colours are written.
    #[must_use]
    pub fn is_coloured(self) -> bool {
        self.colour == Colour::Ansi
    }

    pub(super) fn paint<T: fmt::Display>(self, tone: Tone, text: T) -> Painted<T> {
        Painted { colour: self.colour, tone, text }
    }

    fn glyph(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        match self.glyphs {
            Glyphs::Unicode => unicode,
            Glyphs::Ascii => ascii,
        }
    }

    pub(super) fn arrow(self) -> &'static str {
        self.glyph("→", "->")
    }

    pub(super) fn bullet(self) -> &'static str {
        self.glyph("·", "*")
    }

    pub(super) fn ellipsis(self) -> &'static str {
        self.glyph("…", "...")
    }

    /// Returns the frames of a turning wheel.
    pub(super) fn wheel(self) -> &'static [&'static str] {
        match self.glyphs {
            Glyphs::Unicode => &["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"],
            Glyphs::Ascii => &["|", "/", "-", "\\"],
        }
    }

    /// Returns what a bar is drawn with: done and not done.
    pub(super) fn bar(self) -> (&'static str, &'static str) {
        match self.glyphs {
            Glyphs::Unicode => ("━", "─"),
            Glyphs::Ascii => ("#", "."),
        }
    }
}

/// Text that is written with its colour, where there are colours.
pub(super) struct Painted<T> {
    colour: Colour,
    tone: Tone,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.colour, codes(self.tone)) {
            (Colour::Ansi, Some(codes)) => write!(f, "\x1b[{codes}m{}\x1b[0m", self.text),
            (Colour::Ansi, None) | (Colour::Never, _) => self.text.fmt(f),
        }
    }
}

fn codes(tone: Tone) -> Option<&'static str> {
    match tone {
        Tone::Plain => None,
        Tone::Strong => Some("1"),
        Tone::Dim => Some("2"),
        Tone::Added => Some("32"),
        Tone::Removed => Some("31"),
        Tone::Changed => Some("33"),
        Tone::Replaced => Some("35"),
        Tone::Kept | Tone::Hint => Some("36"),
        Tone::Error => Some("1;31"),
        Tone::Warning => Some("1;33"),
        Tone::RemovedWord => Some("1;4;31"),
        Tone::AddedWord => Some("1;4;32"),
    }
}
