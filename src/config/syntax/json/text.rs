//! JSON text to values with their places.

use std::borrow::Cow;

use super::super::{MAX_NESTING, lexer::offset};

/// A value of a JSON text; bytes count from the start of the text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Json<'t> {
    pub(super) kind: JsonKind<'t>,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum JsonKind<'t> {
    Null,
    Bool(bool),
    /// As it is written.
    Number(&'t str),
    String(Text<'t>),
    Array(Vec<Json<'t>>),
    /// In the order written; a name may come twice.
    Object(Vec<(Text<'t>, Json<'t>)>),
}

/// A string; it is borrowed where it holds no escapes. Its place is that of the quotes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text<'t> {
    pub(super) text: Cow<'t, str>,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// Why a text is no JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) detail: String,
    pub(super) hint: Option<&'static str>,
}

type Read<T> = Result<T, Fault>;

struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

/// Reads a whole text.
pub(super) fn read(text: &str) -> Read<Json<'_>> {
    let start = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let mut reader = Reader { text, at: start, depth: 0 };
    let value = reader.value()?;
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(reader.fault("Expected the end of the text after the value", None)),
    }
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// Returns the next character that is no blank.
    fn peek(&mut self) -> Option<char> {
        let rest = self.rest();
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
        self.at += blanks;
        self.rest().chars().next()
    }

    fn take_if(&mut self, char: char) -> bool {
        let is_next = self.peek() == Some(char);
        if is_next {
            self.at += char.len_utf8();
        }
        is_next
    }

    fn fault(&mut self, expected: &str, hint: Option<&'static str>) -> Fault {
        let (found, length) = match self.peek() {
            None => ("the text ends here".to_owned(), 0),
            Some(char) if char.is_alphanumeric() => {
                let rest = self.rest();
                let length = rest.find(|char: char| !char.is_alphanumeric() && char != '_').unwrap_or(rest.len());
                (format!("found `{}`", &rest[..length]), length)
            }
            Some(char) => (format!("found `{char}`"), char.len_utf8()),
        };
        let hint = match self.rest() {
            rest if rest.starts_with("//") || rest.starts_with('#') || rest.starts_with("/*") => {
                Some("JSON has no comments; a property called \"//\" is taken for one.")
            }
            rest if rest.starts_with('\'') => Some("Strings are written in double quotes."),
            _ => hint,
        };
        let (start, end) = (offset(self.at), offset(self.at + length));
        Fault { start, end, detail: format!("{expected}, but {found}."), hint }
    }

    fn value(&mut self) -> Read<Json<'t>> {
        let first = self.peek();
        let start = offset(self.at);
        let kind = match first {
            Some('{') => self.nested(Self::object)?,
            Some('[') => self.nested(Self::array)?,
            Some('"') => JsonKind::String(self.string()?),
            Some('-' | '0'..='9') => self.number()?,
            _ => self.word()?,
        };
        Ok(Json { kind, start, end: offset(self.at) })
    }

    fn nested(&mut self, read: fn(&mut Self) -> Read<JsonKind<'t>>) -> Read<JsonKind<'t>> {
        if self.depth == MAX_NESTING {
            let (start, end) = (offset(self.at), offset(self.at + 1));
            let detail = format!("More than {MAX_NESTING} brackets stand inside each other here.");
            return Err(Fault { start, end, detail, hint: None });
        }
        self.depth += 1;
        self.at += 1;
        let found = read(self);
        self.depth -= 1;
        found
    }

    fn object(&mut self) -> Read<JsonKind<'t>> {
        let mut properties = Vec::new();
        if self.take_if('}') {
            return Ok(JsonKind::Object(properties));
        }
        loop {
            if self.peek() != Some('"') {
                let hint = match self.peek() {
                    Some('}') => "JSON has no comma after the last property.",
                    _ => "The names of properties stand in double quotes.",
                };
                return Err(self.fault("Expected the name of a property in quotes", Some(hint)));
            }
            let name = self.string()?;
            if !self.take_if(':') {
                return Err(self.fault("Expected `:` after the name of this property", None));
            }
            properties.push((name, self.value()?));
            if self.take_if('}') {
                return Ok(JsonKind::Object(properties));
            }
            if !self.take_if(',') {
                return Err(self.fault("Expected `,` or `}` after this property", None));
            }
        }
    }

    fn array(&mut self) -> Read<JsonKind<'t>> {
        let mut items = Vec::new();
        if self.take_if(']') {
            return Ok(JsonKind::Array(items));
        }
        loop {
            items.push(self.value()?);
            if self.take_if(']') {
                return Ok(JsonKind::Array(items));
            }
            if !self.take_if(',') {
                return Err(self.fault("Expected `,` or `]` after this item", None));
            }
            if self.peek() == Some(']') {
                return Err(self.fault("Expected an item", Some("JSON has no comma after the last item.")));
            }
        }
    }

    fn word(&mut self) -> Read<JsonKind<'t>> {
        let rest = self.rest();
        let length = rest.find(|char: char| !char.is_alphanumeric()).unwrap_or(rest.len());
        let kind = match &rest[..length] {
            "null" => JsonKind::Null,
            "true" => JsonKind::Bool(true),
            "false" => JsonKind::Bool(false),
            "" => return Err(self.fault("Expected a value", None)),
            _ => return Err(self.fault("Expected a value", Some("Text stands in double quotes, as in \"${var.a}\"."))),
        };
        self.at += length;
        Ok(kind)
    }

    fn number(&mut self) -> Read<JsonKind<'t>> {
        let rest = self.rest();
        let is_part = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '+' | '-');
        let number = &rest[..rest.find(|char| !is_part(char)).unwrap_or(rest.len())];
        if !is_number(number) {
            let (start, end) = (offset(self.at), offset(self.at + number.len()));
            return Err(Fault { start, end, detail: format!("`{number}` is no number of JSON."), hint: None });
        }
        self.at += number.len();
        Ok(JsonKind::Number(number))
    }

    fn string(&mut self) -> Read<Text<'t>> {
        let start = self.at;
        let inside = start + 1;
        let rest = &self.text[inside..];
        let end = rest.find(['"', '\\', '\n', '\r']);
        if let Some(length) = end
            && rest[length..].starts_with('"')
        {
            self.at = inside + length + 1;
            let text = Cow::Borrowed(&rest[..length]);
            return Ok(Text { text, start: offset(start), end: offset(self.at) });
        }
        self.at = inside;
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let Some(length) = rest.find(['"', '\\', '\n', '\r']) else {
                return Err(unclosed(start, self.text.len()));
            };
            text.push_str(&rest[..length]);
            self.at += length;
            match rest.as_bytes()[length] {
                b'"' => break,
                b'\\' => text.push(self.escape()?),
                _ => return Err(unclosed(start, self.at)),
            }
        }
        self.at += 1;
        Ok(Text { text: Cow::Owned(text), start: offset(start), end: offset(self.at) })
    }

    fn escape(&mut self) -> Read<char> {
        let rest = &self.rest()[1..];
        let simple = match rest.bytes().next() {
            Some(b'"') => Some('"'),
            Some(b'\\') => Some('\\'),
            Some(b'/') => Some('/'),
            Some(b'b') => Some('\u{8}'),
            Some(b'f') => Some('\u{c}'),
            Some(b'n') => Some('\n'),
            Some(b'r') => Some('\r'),
            Some(b't') => Some('\t'),
            _ => None,
        };
        if let Some(char) = simple {
            self.at += 2;
            return Ok(char);
        }
        let unit = |text: &str| {
            let digits = text.strip_prefix('u')?.get(..4)?;
            digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
        };
        if let Some(first) = unit(rest) {
            let second = rest[5..].strip_prefix('\\').and_then(unit);
            let units = std::iter::once(first).chain(second);
            let (char, length) = match char::decode_utf16(units).next() {
                Some(Ok(char)) => (char, if char.len_utf16() == 2 { 12 } else { 6 }),
                _ => (char::REPLACEMENT_CHARACTER, 6),
            };
            self.at += length;
            return Ok(char);
        }
        let length = rest.chars().next().map_or(1, |char| 1 + char.len_utf8());
        let (start, end) = (offset(self.at), offset(self.at + length));
        let detail =
            "A backslash in a string of JSON starts one of \\\", \\\\, \\/, \\b, \\f, \\n, \\r, \\t and \\uNNNN.";
        Err(Fault { start, end, detail: detail.into(), hint: Some("For a backslash itself, write `\\\\`.") })
    }
}

fn unclosed(start: usize, end: usize) -> Fault {
    let detail = "This string is not closed before the end of the line.".into();
    Fault { start: offset(start), end: offset(end), detail, hint: Some("For an end of a line write \\n.") }
}

/// Returns whether a text is a number as JSON writes it.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(a, b)| (a, Some(b)));
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(a, b)| (a, Some(b)));
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        fn value(json: &Json<'_>) -> String {
            match &json.kind {
                JsonKind::Null => "null".into(),
                JsonKind::Bool(claim) => claim.to_string(),
                JsonKind::Number(number) => (*number).into(),
                JsonKind::String(text) => format!("{:?}@{}..{}", text.text, text.start, text.end),
                JsonKind::Array(items) => {
                    format!("[{}]", items.iter().map(value).collect::<Vec<_>>().join(" "))
                }
                JsonKind::Object(properties) => {
                    let shown = properties.iter().map(|(name, json)| format!("{}={}", name.text, value(json)));
                    format!("{{{}}}", shown.collect::<Vec<_>>().join(" "))
                }
            }
        }
        match read(text) {
            Ok(json) => value(&json),
            Err(fault) => format!("{}..{}: {}", fault.start, fault.end, fault.detail),
        }
    }

    #[test]
    fn values_have_their_places() {
        for (text, expected) in [
            (" [null, true, -1.5E+3, \"a\"] ", "[null true -1.5E+3 \"a\"@23..26]"),
            (r#"{"a": 1, "a": {}}"#, "{a=1 a={}}"),
            (r#""\u00e9\ud83d\udc4d\n\/""#, "\"é👍\\n/\"@0..24"),
            (r#""\ud83d""#, "\"\u{fffd}\"@0..8"),
            ("\u{feff}0", "0"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_placed() {
        for (text, expected) in [
            ("", "0..0: Expected a value, but the text ends here."),
            ("[1,]", "3..4: Expected an item, but found `]`."),
            ("{\"a\": 1,}", "8..9: Expected the name of a property in quotes, but found `}`."),
            ("{a: 1}", "1..2: Expected the name of a property in quotes, but found `a`."),
            ("{\"a\" 1}", "5..6: Expected `:` after the name of this property, but found `1`."),
            ("{\"a\": 1 \"b\": 2}", "8..9: Expected `,` or `}` after this property, but found `\"`."),
            ("[1 2]", "3..4: Expected `,` or `]` after this item, but found `2`."),
            ("var.x", "0..3: Expected a value, but found `var`."),
            ("[01]", "1..3: `01` is no number of JSON."),
            ("\"a\nb\"", "0..2: This string is not closed before the end of the line."),
            (
                "\"\\x\"",
                "1..3: A backslash in a string of JSON starts one of \\\", \\\\, \\/, \\b, \\f, \\n, \\r, \\t and \\uNNNN.",
            ),
            ("1 2", "2..3: Expected the end of the text after the value, but found `2`."),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
        assert!(shown(&"[".repeat(10_000)).starts_with("250..251: More than 250"));
    }
}
