//! Places inside a value.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Str;

/// One step into a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// An attribute of an object or a key of a map.
    Name(Str),
    /// A position in a list or tuple, from zero.
    Index(usize),
}

/// Where something stands inside a value: `nodes["0"].endpoints.client`, `ports[2]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Path(Vec<Step>);

impl Path {
    /// Returns the path of the value itself.
    #[must_use]
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// Returns the path of one attribute.
    pub fn attribute(name: impl Into<Str>) -> Self {
        Self(vec![Step::Name(name.into())])
    }

    /// Returns the steps from the outside in.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Returns whether this is the path of the value itself.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends a step.
    pub fn push(&mut self, step: Step) {
        self.0.push(step);
    }

    /// Removes the last step.
    pub fn pop(&mut self) -> Option<Step> {
        self.0.pop()
    }

    /// Returns this path with an attribute or key appended.
    #[must_use]
    pub fn name(&self, name: impl Into<Str>) -> Self {
        let mut path = self.clone();
        path.push(Step::Name(name.into()));
        path
    }

    /// Returns this path with a position appended.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        let mut path = self.clone();
        path.push(Step::Index(index));
        path
    }

    /// Returns this path with another appended.
    #[must_use]
    pub fn join(&self, rest: &Path) -> Self {
        Self(self.0.iter().chain(&rest.0).cloned().collect())
    }

    /// Returns whether `self` is `other` or stands around it.
    #[must_use]
    pub fn contains(&self, other: &Path) -> bool {
        other.0.starts_with(&self.0)
    }

    /// Returns the rest of this path after `prefix`, if it starts with it.
    #[must_use]
    pub fn strip_prefix(&self, prefix: &Path) -> Option<Self> {
        self.0.strip_prefix(prefix.0.as_slice()).map(|rest| Self(rest.to_vec()))
    }
}

impl From<Vec<Step>> for Path {
    fn from(steps: Vec<Step>) -> Self {
        Self(steps)
    }
}

/// Writes names that are identifiers with dots and all others in brackets.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Name(name) if is_identifier(name) => write!(f, "{}{name}", if i == 0 { "" } else { "." })?,
                Step::Name(name) => write!(f, "[{}]", serde_json::Value::from(name.as_str()))?,
            }
        }
        Ok(())
    }
}

fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && chars.all(|char| char.is_alphanumeric() || matches!(char, '_' | '-'))
}

/// The text is not a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a path")]
pub struct InvalidPath {
    text: String,
}

impl FromStr for Path {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        let invalid = || InvalidPath { text: text.to_owned() };
        let mut path = Self::root();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(inside) = rest.strip_prefix('[') {
                if inside.starts_with('"') {
                    let mut stream = serde_json::Deserializer::from_str(inside).into_iter::<String>();
                    let name = stream.next().and_then(Result::ok).ok_or_else(invalid)?;
                    rest = inside[stream.byte_offset()..].strip_prefix(']').ok_or_else(invalid)?;
                    path.push(Step::Name(name.into()));
                } else {
                    let (index, after) = inside.split_once(']').ok_or_else(invalid)?;
                    path.push(Step::Index(index.parse().map_err(|_| invalid())?));
                    rest = after;
                }
            } else {
                let rest_of_name = if path.is_root() { rest } else { rest.strip_prefix('.').ok_or_else(invalid)? };
                let end = rest_of_name.find(['.', '[']).unwrap_or(rest_of_name.len());
                let (name, after) = rest_of_name.split_at(end);
                if !is_identifier(name) {
                    return Err(invalid());
                }
                path.push(Step::Name(name.into()));
                rest = after;
            }
        }
        Ok(path)
    }
}

impl From<Path> for String {
    fn from(path: Path) -> Self {
        path.to_string()
    }
}

impl TryFrom<String> for Path {
    type Error = InvalidPath;
    fn try_from(text: String) -> Result<Self, InvalidPath> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips() {
        for text in ["", "a", "a.b-c[0].d", r#"nodes["0"].endpoints"#, r#"["a\"]b"][1]"#] {
            assert_eq!(text.parse::<Path>().map(|path| path.to_string()).as_deref(), Ok(text));
        }
        for text in ["a..b", "a[", "[x]", "a b", ".a"] {
            assert!(text.parse::<Path>().is_err(), "{text}");
        }
    }
}
