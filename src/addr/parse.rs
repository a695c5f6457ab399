//! Addresses from text.

use std::str::FromStr;

use loam_provider::Str;

use super::{Instance, InstanceKey, Mode, ModulePath, ModuleStep, Resource};

/// The text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an address: {because}")]
pub struct InvalidAddress {
    /// The text.
    pub text: String,
    /// Why not.
    pub because: &'static str,
}

/// What is left to read of an address.
struct Rest<'t> {
    rest: &'t str,
}

type Parsed<T> = Result<T, &'static str>;

impl<'t> Rest<'t> {
    fn name(&mut self) -> Parsed<&'t str> {
        let end = self.rest.find(|char: char| !is_name(char)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        if !name.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_') {
            return Err("a name must start with a letter or `_`");
        }
        self.rest = rest;
        Ok(name)
    }

    fn dot(&mut self) -> Parsed<()> {
        self.rest = self.rest.strip_prefix('.').ok_or("it needs a kind and a name, as in `network.bench`")?;
        Ok(())
    }

    fn key(&mut self) -> Parsed<Option<InstanceKey>> {
        const WRONG: &str = "an instance key is a number or a quoted string";
        let Some(inside) = self.rest.strip_prefix('[') else { return Ok(None) };
        let (key, after) = if inside.starts_with('"') {
            let (text, after) = unquote(inside).ok_or(WRONG)?;
            (InstanceKey::Key(Str::from(text)), after)
        } else {
            let end = inside.find(']').ok_or(WRONG)?;
            let digits = &inside[..end];
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(WRONG);
            }
            (InstanceKey::Index(digits.parse().map_err(|_| WRONG)?), &inside[end..])
        };
        self.rest = after.strip_prefix(']').ok_or("`]` is missing after the instance key")?;
        Ok(Some(key))
    }

    fn modules(&mut self) -> Parsed<Vec<ModuleStep>> {
        let mut steps = Vec::new();
        while let Some(rest) = self.rest.strip_prefix("module.") {
            self.rest = rest;
            steps.push(ModuleStep { name: self.name()?.into(), key: self.key()? });
            if self.rest.is_empty() {
                break;
            }
            self.dot()?;
        }
        Ok(steps)
    }

    fn resource(&mut self) -> Parsed<Resource> {
        let module = ModulePath(self.modules()?.into());
        let mode = match self.rest.strip_prefix("data.") {
            Some(rest) => {
                self.rest = rest;
                Mode::Data
            }
            None => Mode::Managed,
        };
        let kind = self.name()?;
        self.dot()?;
        Ok(Resource { module, mode, kind: kind.into(), name: self.name()?.into() })
    }

    fn end(&self) -> Parsed<()> {
        if self.rest.is_empty() { Ok(()) } else { Err("something follows the address") }
    }
}

fn parse<T>(text: &str, read: impl FnOnce(&mut Rest<'_>) -> Parsed<T>) -> Result<T, InvalidAddress> {
    let mut rest = Rest { rest: text };
    let parsed = read(&mut rest).and_then(|parsed| rest.end().map(|()| parsed));
    parsed.map_err(|because| InvalidAddress { text: text.to_owned(), because })
}

impl FromStr for ModulePath {
    type Err = InvalidAddress;
    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        parse(text, |rest| Ok(Self(rest.modules()?.into())))
    }
}

impl FromStr for Resource {
    type Err = InvalidAddress;
    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        parse(text, |rest| rest.resource())
    }
}

impl FromStr for Instance {
    type Err = InvalidAddress;
    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        parse(text, |rest| Ok(Self { resource: rest.resource()?, key: rest.key()? }))
    }
}

/// What names something in a module that has a name, perhaps a second one, and perhaps a key: `module.a.kube.ci["eu"]`.
pub type Named = (ModulePath, Str, Option<Str>, Option<InstanceKey>);

/// Reads the name of something in a module: one word or two, and perhaps a key.
///
/// # Errors
/// When the text is something else.
pub fn named(text: &str) -> Result<Named, InvalidAddress> {
    parse(text, |rest| {
        let module = ModulePath(rest.modules()?.into());
        let first = rest.name()?.into();
        let second = match rest.rest.strip_prefix('.') {
            Some(after) => {
                rest.rest = after;
                Some(rest.name()?.into())
            }
            None => None,
        };
        Ok((module, first, second, rest.key()?))
    })
}

fn is_name(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '_' | '-')
}

/// Returns a string as HCL writes it, so that an address can be pasted into configuration.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' | '%' if chars.peek() == Some(&'{') => out.extend([char, char]),
            char if char.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(char))),
            char => out.push(char),
        }
    }
    out.push('"');
    out
}

/// Reads a quoted string from the start of a text; returns it with what follows.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((out, &text[at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => out.push('\n'),
                'r' => out.push('\r'),
                't' => out.push('\t'),
                'u' => {
                    let code: String = chars.by_ref().take(4).map(|(_, digit)| digit).collect();
                    out.push(char::from_u32(u32::from_str_radix(&code, 16).ok()?)?);
                }
                escaped @ ('"' | '\\') => out.push(escaped),
                _ => return None,
            },
            '$' | '%' if text[at + 1..].starts_with([char]) && text[at + 2..].starts_with('{') => {
                out.push(char);
                chars.next();
            }
            char => out.push(char),
        }
    }
    None
}

macro_rules! text_form {
    ($($ty:ident),*) => {$(
        impl TryFrom<String> for $ty {
            type Error = InvalidAddress;
            fn try_from(text: String) -> Result<Self, InvalidAddress> {
                text.parse()
            }
        }
        impl From<$ty> for String {
            fn from(address: $ty) -> Self {
                address.to_string()
            }
        }
    )*};
}
text_form!(ModulePath, Resource, Instance);
