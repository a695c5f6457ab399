//! Writes YAML: block style, keys and strings in double quotes, texts of several lines as literal blocks.

use std::fmt::Write as _;

use loam_provider::{List, Map, Value};

/// Lines in double quotes are broken at a space after so many characters.
const WIDTH: usize = 80;
/// A longer key has a line of its own, begun with `?`.
const MOST_KEY_BYTES: usize = 128;

/// Returns a known value as a YAML document.
pub(in super::super) fn encode(value: &Value) -> String {
    let mut writer = Writer { out: String::new(), column: 0 };
    writer.node(value, 0, At::Root);
    writer.line();
    if matches!(value, Value::Null(_) | Value::Bool(_) | Value::Number(_)) {
        // A plain text might go on; a quoted one cannot.
        writer.out.push_str("...\n");
    }
    writer.out
}

/// Where a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// At the beginning of the document.
    Root,
    /// After `key:` in a line.
    Value,
    /// After `- `, `? ` or `: `.
    Item,
}

struct Writer {
    out: String,
    column: usize,
}

impl Writer {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    fn line(&mut self) {
        if self.column > 0 {
            self.out.push('\n');
            self.column = 0;
        }
    }

    fn indented(&mut self, indent: usize) {
        self.line();
        self.put(&" ".repeat(indent));
    }

    /// Writes a node that stands in a collection of this indentation.
    fn node(&mut self, value: &Value, indent: usize, at: At) {
        let space = if at == At::Value { " " } else { "" };
        match value {
            Value::List(List { items, .. }) | Value::Tuple(items) => self.sequence(items, indent, at),
            Value::Set(set) => self.sequence(set.items(), indent, at),
            Value::Map(Map { items, .. }) | Value::Object(items) => {
                if items.is_empty() {
                    return self.put(&format!("{space}{{}}"));
                }
                let indent = if at == At::Root { 0 } else { indent + 2 };
                for (index, (key, value)) in items.iter().enumerate() {
                    if index > 0 || at != At::Item {
                        self.indented(indent);
                    }
                    self.entry(key, value, indent);
                }
            }
            Value::Null(_) | Value::Unknown(_) => self.put(&format!("{space}null")),
            Value::Bool(claim) => self.put(&format!("{space}{claim}")),
            Value::Number(number) => self.put(&format!("{space}{number}")),
            Value::String(text) => {
                self.put(space);
                self.text(text, indent + 2);
            }
        }
    }

    fn sequence(&mut self, items: &[Value], indent: usize, at: At) {
        if items.is_empty() {
            return self.put(if at == At::Value { " []" } else { "[]" });
        }
        // After a key the dashes stand under it.
        let indent = if at == At::Item { indent + 2 } else { indent };
        for (index, item) in items.iter().enumerate() {
            if index > 0 || at != At::Item {
                self.indented(indent);
            }
            self.put("- ");
            self.node(item, indent, At::Item);
        }
    }

    fn entry(&mut self, key: &str, value: &Value, indent: usize) {
        if key.len() <= MOST_KEY_BYTES && !key.contains(is_break) {
            self.quoted(key, None);
            self.put(":");
            self.node(value, indent, At::Value);
        } else {
            self.put("? ");
            self.text(key, indent + 2);
            self.indented(indent);
            self.put(": ");
            self.node(value, indent, At::Item);
        }
    }

    fn text(&mut self, text: &str, indent: usize) {
        if text.contains('\n') && can_be_literal(text) {
            self.literal(text, indent)
        } else {
            self.quoted(text, Some(indent))
        }
    }

    fn literal(&mut self, text: &str, indent: usize) {
        let hint = if text.starts_with([' ', '\n']) { "2" } else { "" };
        let chomp = match text.strip_suffix('\n') {
            None => "-",
            Some(rest) if rest.is_empty() || rest.ends_with('\n') => "+",
            Some(_) => "",
        };
        self.put(&format!("|{hint}{chomp}"));
        for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
            self.out.push('\n');
            self.column = 0;
            if !line.is_empty() {
                self.put(&" ".repeat(indent));
                self.put(line);
            }
        }
        if self.column == 0 {
            self.out.push('\n');
        }
    }

    /// Writes a text in double quotes, and breaks its lines where it may have several.
    fn quoted(&mut self, text: &str, indent: Option<usize>) {
        self.put("\"");
        let last = text.chars().count().saturating_sub(1);
        let mut was_space = false;
        let mut chars = text.chars().enumerate().peekable();
        while let Some((at, char)) = chars.next() {
            match (char, indent) {
                (' ', Some(indent)) if !was_space && self.column > WIDTH && at > 0 && at < last => {
                    self.indented(indent);
                    if chars.peek().is_some_and(|(_, next)| *next == ' ') {
                        self.put("\\");
                    }
                }
                ('"' | '\\', _) => self.put(&format!("\\{char}")),
                _ if is_printable(char) && !is_break(char) => self.put(char.encode_utf8(&mut [0; 4])),
                _ => self.put(&escape(char)),
            }
            was_space = char == ' ';
        }
        self.put("\"");
    }
}

fn escape(char: char) -> String {
    let code = u32::from(char);
    let short = match code {
        0 => '0',
        0x07 => 'a',
        0x08 => 'b',
        0x09 => 't',
        0x0A => 'n',
        0x0B => 'v',
        0x0C => 'f',
        0x0D => 'r',
        0x1B => 'e',
        0x85 => 'N',
        0xA0 => '_',
        0x2028 => 'L',
        0x2029 => 'P',
        _ => {
            let mut out = String::new();
            let _ = match code {
                ..=0xFF => write!(out, "\\x{code:02X}"),
                0x100..=0xFFFF => write!(out, "\\u{code:04X}"),
                _ => write!(out, "\\U{code:08X}"),
            };
            return out;
        }
    };
    format!("\\{short}")
}

/// A literal block cannot hold special characters, nor spaces at the end of a line.
fn can_be_literal(text: &str) -> bool {
    text.chars().all(is_printable)
        && text.chars().all(|char| char == '\n' || !is_break(char))
        && !text.contains(" \n")
        && !text.ends_with(' ')
}

/// Returns whether a character is written as it is, by the YAML 1.1 that is written everywhere.
fn is_printable(char: char) -> bool {
    matches!(char, '\n' | ' '..='~' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}') && char != '\u{FEFF}'
}

fn is_break(char: char) -> bool {
    matches!(char, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}
