//! From Go's dialect of regular expressions to that of the `regex` crate.
//!
//! They share their roots and differ in the details: here `\d`, `\w`, `\s` and `\b` know ASCII only, `\Q…\E` quotes,
//! `\101` is octal, sets in sets and `&&` mean nothing, and a repetition goes up to 1000. What Go refuses is refused.

use std::fmt::Write as _;

use unicode::name_of_class;

/// A pattern with its groups.
pub(super) struct Translated {
    pub(super) pattern: String,
    pub(super) groups: Vec<Option<String>>,
}

/// A counted repetition, and all that stand inside each other together, repeat no more often.
const MOST_REPEATS: u32 = 1000;
/// Groups stand no deeper inside each other.
const MOST_DEEP: usize = 250;

/// Rewrites a pattern.
pub(super) fn translate(text: &str) -> Result<Translated, String> {
    let mut reader = Reader { rest: text, out: String::with_capacity(text.len()), groups: Vec::new() };
    reader.alternatives(0)?;
    if reader.rest.starts_with(')') {
        return Err("a `)` closes no group".into());
    }
    Ok(Translated { pattern: reader.out, groups: reader.groups })
}

struct Reader<'t> {
    rest: &'t str,
    out: String,
    groups: Vec<Option<String>>,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Option<char> {
        let next = self.rest.chars().next()?;
        self.rest = &self.rest[next.len_utf8()..];
        Some(next)
    }

    fn eat(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Reads up to the end of a group and returns how often what is in it repeats at most.
    fn alternatives(&mut self, depth: usize) -> Result<u32, String> {
        if depth > MOST_DEEP {
            return Err(format!("its groups are nested more than {MOST_DEEP} levels deep"));
        }
        let mut most = 1;
        loop {
            if self.rest.is_empty() || self.rest.starts_with(')') {
                return Ok(most);
            }
            let before = self.rest;
            if self.eat("|") {
                self.out.push('|');
                continue;
            }
            let repeats = self.item(depth)?;
            most = most.max(self.repetition(repeats, before)?);
        }
    }

    /// Reads one thing that can be repeated; `None` where it cannot.
    fn item(&mut self, depth: usize) -> Result<Option<u32>, String> {
        let Some(char) = self.next() else { return Ok(None) };
        match char {
            '(' => return self.group(depth),
            '[' => self.class()?,
            '\\' => return self.escape(),
            '*' | '+' | '?' => return Err(format!("there is nothing before `{char}` that it could repeat")),
            '{' if counts(&format!("{{{}", self.rest)).is_some() => {
                return Err("there is nothing before `{` that it could repeat".into());
            }
            '.' | '^' | '$' => self.out.push(char),
            literal => self.literal(literal),
        }
        Ok(Some(1))
    }

    /// Reads what says how often the item before is repeated.
    fn repetition(&mut self, item: Option<u32>, from: &'t str) -> Result<u32, String> {
        let Some(inner) = item else { return Ok(1) };
        let mut most = inner;
        if let Some(sign @ ('*' | '+' | '?')) = self.rest.chars().next() {
            self.next();
            self.out.push(sign);
        } else if let Some((least, last, length)) = counts(self.rest) {
            self.rest = &self.rest[length..];
            if last.is_some_and(|last| last < least) || least.max(last.unwrap_or(0)) > MOST_REPEATS {
                return Err(format!("a repetition is up to {MOST_REPEATS} times, the smaller number first"));
            }
            let _ = match last {
                Some(last) => write!(self.out, "{{{least},{last}}}"),
                None => write!(self.out, "{{{least},}}"),
            };
            most = inner.saturating_mul(last.unwrap_or(least).max(1));
            if most > MOST_REPEATS {
                return Err(format!("repetitions inside each other make more than {MOST_REPEATS}"));
            }
        } else {
            return Ok(most);
        }
        if self.eat("?") {
            self.out.push('?');
        }
        if self.rest.starts_with(['*', '+', '?']) || counts(self.rest).is_some() {
            let shown: String = from.chars().take(8).collect();
            return Err(format!("a repetition is repeated near `{shown}`"));
        }
        Ok(most)
    }

    /// Reads a group after its parenthesis, or flags, which cannot be repeated.
    fn group(&mut self, depth: usize) -> Result<Option<u32>, String> {
        self.out.push('(');
        if self.eat("?P<") || self.eat("?<") {
            let (name, rest) = self.rest.split_once('>').ok_or("the name of a group does not end")?;
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                return Err("the name of a group is made of letters, digits and `_`".into());
            }
            self.groups.push(Some(name.to_owned()));
            self.rest = rest;
        } else if self.eat("?") {
            let end = self.rest.find([':', ')']).ok_or("a group does not end")?;
            let flags = &self.rest[..end];
            let (on, off) = flags.split_once('-').unwrap_or((flags, ""));
            let known = |flags: &str| flags.chars().all(|flag| "imsU".contains(flag));
            if !known(on) || !known(off) || flags.ends_with('-') {
                return Err(format!(
                    "there is no group `(?{flags}`; there are `(?:…)`, `(?P<name>…)` and the flags i, m, s and U"
                ));
            }
            let is_group = self.rest[end..].starts_with(':');
            self.rest = &self.rest[end + 1..];
            if !is_group {
                if flags.is_empty() {
                    self.out.push_str("?:)");
                } else {
                    let _ = write!(self.out, "?{flags})");
                }
                return Ok(None);
            }
            let _ = write!(self.out, "?{flags}:");
        } else {
            self.groups.push(None);
        }
        let most = self.alternatives(depth + 1)?;
        if !self.eat(")") {
            return Err("a group does not end".into());
        }
        self.out.push(')');
        Ok(Some(most))
    }

    /// Reads what follows a backslash outside of a class.
    fn escape(&mut self) -> Result<Option<u32>, String> {
        if self.eat("Q") {
            let (quoted, rest) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
            self.rest = rest;
            quoted.chars().for_each(|char| self.literal(char));
            return Ok(if quoted.is_empty() { None } else { Some(1) });
        }
        match self.rest.chars().next() {
            Some('b') => self.out.push_str("(?-u:\\b)"),
            Some('B') => self.out.push_str("(?-u:\\B)"),
            Some('A') => self.out.push_str("\\A"),
            Some('z') => self.out.push_str("\\z"),
            _ => {
                if let Some(class) = self.class_escape()? {
                    let _ = write!(self.out, "[{class}]");
                } else {
                    let char = self.char_escape()?;
                    self.literal(char);
                }
                return Ok(Some(1));
            }
        }
        self.next();
        Ok(Some(1))
    }

    /// Reads an escape that stands for many characters, after its backslash.
    fn class_escape(&mut self) -> Result<Option<String>, String> {
        let class = match self.rest.chars().next() {
            Some('d') => "0-9",
            Some('D') => "[^0-9]",
            Some('w') => "0-9A-Za-z_",
            Some('W') => "[^0-9A-Za-z_]",
            Some('s') => "\\t\\n\\x0C\\r ",
            Some('S') => "[^\\t\\n\\x0C\\r ]",
            Some(kind @ ('p' | 'P')) => {
                self.next();
                return self.unicode(kind == 'P').map(Some);
            }
            _ => return Ok(None),
        };
        self.next();
        Ok(Some(class.into()))
    }

    fn unicode(&mut self, is_negative: bool) -> Result<String, String> {
        let name = match self.next() {
            Some('{') => {
                let (name, rest) = self.rest.split_once('}').ok_or("`\\p{` does not end")?;
                self.rest = rest;
                name.to_owned()
            }
            Some(letter) => letter.to_string(),
            None => return Err("`\\p` needs the name of a class".into()),
        };
        let (name, is_negative) = name.strip_prefix('^').map_or((&*name, is_negative), |name| (name, !is_negative));
        let class = name_of_class(name).ok_or_else(|| format!("there is no class of characters `{name}`"))?;
        Ok(format!("\\{}{{{class}}}", if is_negative { 'P' } else { 'p' }))
    }

    /// Reads an escape that stands for one character, after its backslash.
    fn char_escape(&mut self) -> Result<char, String> {
        let Some(char) = self.next() else { return Err("a backslash stands at its end".into()) };
        let invalid = |shown: &str| format!("there is no escape `\\{shown}`");
        let code = match char {
            'a' => 7,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'v' => 11,
            '0'..='7' => {
                // One digit from 1 on would refer back to a group.
                let is_octal = char == '0' || self.rest.starts_with(|next: char| next.is_digit(8));
                if !is_octal {
                    return Err(format!("`\\{char}` would refer back to a group, which is not possible"));
                }
                let mut code = char.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let Some(digit) = self.rest.chars().next().and_then(|next| next.to_digit(8)) else { break };
                    self.next();
                    code = code * 8 + digit;
                }
                code
            }
            'x' => {
                let digits = if self.eat("{") {
                    let (digits, rest) = self.rest.split_once('}').ok_or_else(|| invalid("x{"))?;
                    self.rest = rest;
                    digits
                } else {
                    let digits = self.rest.get(..2).ok_or_else(|| invalid("x"))?;
                    self.rest = &self.rest[2..];
                    digits
                };
                let valid = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
                let code = if valid { u32::from_str_radix(digits, 16).ok() } else { None };
                code.ok_or_else(|| invalid("x"))?
            }
            sign if sign.is_ascii_punctuation() || sign.is_ascii_control() || sign == ' ' => u32::from(sign),
            other => return Err(invalid(&other.to_string())),
        };
        char::from_u32(code).ok_or_else(|| invalid("x"))
    }

    /// Reads a class after its bracket.
    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.eat("^") {
            self.out.push('^');
        }
        let mut is_first = true;
        loop {
            if self.rest.is_empty() {
                return Err("a class `[…]` does not end".into());
            }
            if !is_first && self.eat("]") {
                self.out.push(']');
                return Ok(());
            }
            is_first = false;
            if self.rest.starts_with("[:") && self.rest.contains(":]") {
                self.posix()?;
                continue;
            }
            if let Some(rest) = self.rest.strip_prefix('\\') {
                let before = std::mem::replace(&mut self.rest, rest);
                if let Some(class) = self.class_escape()? {
                    self.out.push_str(&class);
                    continue;
                }
                self.rest = before;
            }
            let low = self.class_char()?;
            let mut high = low;
            if self.rest.starts_with('-') && !self.rest.starts_with("-]") && self.rest.len() > 1 {
                self.next();
                high = self.class_char()?;
                if high < low {
                    return Err(format!("the range `{low}-{high}` is upside down"));
                }
            }
            self.literal(low);
            if high != low {
                self.out.push('-');
                self.literal(high);
            }
        }
    }

    fn class_char(&mut self) -> Result<char, String> {
        match self.next() {
            Some('\\') => self.char_escape(),
            Some(char) => Ok(char),
            None => Err("a class `[…]` does not end".into()),
        }
    }

    fn posix(&mut self) -> Result<(), String> {
        const KNOWN: [&str; 14] = [
            "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper",
            "word", "xdigit",
        ];
        let end = self.rest.find(":]").map_or(self.rest.len(), |end| end + 2);
        let (class, rest) = self.rest.split_at(end);
        let name = class.trim_matches(['[', ':', ']']);
        if !KNOWN.contains(&name.strip_prefix('^').unwrap_or(name)) {
            return Err(format!("there is no class of characters `{class}`"));
        }
        self.out.push_str(class);
        self.rest = rest;
        Ok(())
    }

    /// Writes one character so that it means nothing but itself.
    fn literal(&mut self, char: char) {
        if char.is_alphanumeric() || char == '_' {
            self.out.push(char);
        } else {
            let _ = write!(self.out, "\\x{{{:X}}}", u32::from(char));
        }
    }
}

/// Reads `{2}`, `{2,}` or `{2,5}` at the start of a text: the least, the most, and its length.
fn counts(text: &str) -> Option<(u32, Option<u32>, usize)> {
    let (inner, _) = text.strip_prefix('{')?.split_once('}')?;
    let number = |digits: &str| {
        let valid = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        // A leading zero makes it text.
        (valid && (digits == "0" || !digits.starts_with('0'))).then(|| digits.parse().unwrap_or(u32::MAX))
    };
    let (least, last) = match inner.split_once(',') {
        None => (number(inner)?, Some(number(inner)?)),
        Some((least, "")) => (number(least)?, None),
        Some((least, last)) => (number(least)?, Some(number(last)?)),
    };
    Some((least, last, inner.len() + 2))
}

mod unicode {
    /// Returns what a class of Unicode is called here: a general category of one or two letters, or a script.
    pub(super) fn name_of_class(name: &str) -> Option<String> {
        const CATEGORIES: [&str; 37] = [
            "C", "Cc", "Cf", "Co", "Cs", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd", "Nl",
            "No", "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs",
            "Any",
        ];
        if CATEGORIES.contains(&name) {
            return Some(name.to_owned());
        }
        let is_script = name.len() > 2
            && name.split('_').all(|word| {
                let mut chars = word.chars();
                chars.next().is_some_and(|first| first.is_ascii_alphabetic())
                    && chars.all(|char| char.is_ascii_lowercase() || char == '-')
            })
            && name.starts_with(|first: char| first.is_ascii_uppercase());
        is_script.then(|| format!("Script={name}"))
    }
}
