//! Text that fits: widths, wrapping, quoting, and nothing that a terminal would obey.

use std::{borrow::Cow, fmt::Write as _};

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Returns how many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// Returns the text on one line, with characters that a terminal would obey made visible: escapes, other controls,
/// and those that turn the direction of writing around.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        match char {
            '\t' => clean.push_str("    "),
            '\n' => clean.push_str("\\n"),
            '\r' => clean.push_str("\\r"),
            char if is_obeyed(char) => {
                let _ = write!(clean, "\\u{:04x}", u32::from(char));
            }
            char => clean.push(char),
        }
    }
    Cow::Owned(clean)
}

fn is_obeyed(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// Returns the text as a quoted string of HCL.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '$' | '%' if chars.peek() == Some(&'{') => quoted.extend([char, char]),
            char if is_obeyed(char) => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(char));
            }
            char => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

/// Returns the name as it is written in HCL: bare where it is an identifier.
pub(super) fn attribute_name(name: &str) -> String {
    let mut chars = name.chars();
    let is_bare = chars.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && chars.all(|char| char.is_alphanumeric() || matches!(char, '_' | '-'));
    if is_bare { name.to_owned() } else { quote(name) }
}

/// Returns the text in lines of at most `columns`, broken at spaces; a word that is longer stays whole.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let paragraph = clean(paragraph);
        let indent = &paragraph[..paragraph.len() - paragraph.trim_start().len()];
        let mut line = indent.to_owned();
        let mut is_empty = true;
        for word in paragraph.split_whitespace() {
            if !is_empty && width(&line) + 1 + width(word) > columns {
                lines.push(std::mem::replace(&mut line, indent.to_owned()));
                is_empty = true;
            }
            if !is_empty {
                line.push(' ');
            }
            line.push_str(word);
            is_empty = false;
        }
        lines.push(line);
    }
    lines
}

/// Returns the text cut to at most `columns`, ending in `ellipsis` where something was cut.
pub(super) fn cut<'t>(text: &'t str, columns: usize, ellipsis: &str) -> Cow<'t, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let room = columns.saturating_sub(width(ellipsis));
    let mut kept = head(text, room).to_owned();
    if columns > 0 {
        kept.push_str(ellipsis);
    }
    Cow::Owned(kept)
}

/// Returns as much of the start of a text as fits.
pub(super) fn head(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += width(grapheme);
        if used > columns {
            return &text[..at];
        }
    }
    text
}

/// Returns as much of the end of a text as fits.
pub(super) fn tail(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        used += width(grapheme);
        if used > columns {
            return &text[at + grapheme.len()..];
        }
    }
    text
}

/// Returns `1 node`, `2 nodes`.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_made_visible() {
        assert_eq!(clean("a\x1b[31mb\u{202e}c\td"), "a\\u001b[31mb\\u202ec    d");
        assert_eq!(quote("a\"\\\n${x} 50% %{y}\x07é"), r#""a\"\\\n$${x} 50% %%{y}\u0007é""#);
        assert_eq!(attribute_name("a-b"), "a-b");
        assert_eq!(attribute_name("a b"), "\"a b\"");
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(cut("日本語テキスト", 7, "…"), "日本語…");
        assert_eq!(cut("日本", 4, "…"), "日本");
        assert_eq!((head("日本", 3), tail("日本", 3)), ("日", "本"));
        assert_eq!(wrap("one 日本 three", 8), ["one 日本", "three"]);
        assert_eq!(wrap("  one two\n\nthree", 6), ["  one", "  two", "", "three"]);
    }
}
