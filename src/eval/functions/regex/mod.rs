//! Regular expressions, in the dialect of RE2 as Go has it.
//!
//! [`translate`] checks a pattern by Go's rules and rewrites it for the `regex` crate, which matches in time linear
//! in the text. Groups are counted here, so that their names may be what Go allows.

mod translate;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use loam_provider::{Type, Value};
use regex::{Captures, Regex, RegexBuilder};

use super::{Fault, Function, Param, Want, text};

const PARAMS: &[Param] = &[Param::new("pattern", Want::String), Param::new("string", Want::String)];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::plain(
        "regex",
        PARAMS,
        Want::Any,
        |_, args| {
            let pattern = pattern(text(args, 0), 0)?;
            let found = pattern.regex.captures(text(args, 1));
            let found = found.ok_or_else(|| Fault::Argument(1, "the pattern matches no part of it".into()))?;
            Ok(pattern.value(&found))
        },
        "Returns what a regular expression first matches in a text: the text, or its groups.",
    ),
    Function::plain(
        "regexall",
        PARAMS,
        Want::List,
        |_, args| {
            let pattern = pattern(text(args, 0), 0)?;
            let found = pattern.regex.captures_iter(text(args, 1)).map(|found| pattern.value(&found));
            Ok(Value::list(pattern.ty(), found))
        },
        "Returns everything that a regular expression matches in a text.",
    ),
    Function::plain(
        "replace",
        &[Param::new("str", Want::String), Param::new("substr", Want::String), Param::new("replace", Want::String)],
        Want::String,
        |_, args| replace(args),
        "Replaces a text in another, or what a regular expression between slashes matches.",
    ),
];

/// A pattern that is ready to match.
struct Pattern {
    regex: Regex,
    /// What its groups are called, in order.
    groups: Vec<Option<String>>,
}

/// Returns a pattern, compiled once and kept for the next call.
fn pattern(text: &str, argument: usize) -> Result<Arc<Pattern>, Fault> {
    /// A module has few patterns; who makes them up without end pays for compiling them.
    const KEPT: usize = 256;
    static PATTERNS: OnceLock<Mutex<HashMap<String, Arc<Pattern>>>> = OnceLock::new();
    let patterns = PATTERNS.get_or_init(Mutex::default);
    if let Some(known) = patterns.lock().unwrap_or_else(PoisonError::into_inner).get(text) {
        return Ok(known.clone());
    }
    let compiled = Arc::new(Pattern::compile(text).map_err(|because| Fault::Argument(argument, because))?);
    let mut patterns = patterns.lock().unwrap_or_else(PoisonError::into_inner);
    if patterns.len() == KEPT {
        patterns.clear();
    }
    patterns.insert(text.to_owned(), compiled.clone());
    Ok(compiled)
}

impl Pattern {
    fn compile(text: &str) -> Result<Self, String> {
        const MOST_BYTES: usize = 64 << 20;
        let translate::Translated { pattern, groups } = translate::translate(text)?;
        if groups.iter().any(Option::is_some) && !groups.iter().all(Option::is_some) {
            return Err("some of its groups have names and some have not".into());
        }
        let built = RegexBuilder::new(&pattern).size_limit(MOST_BYTES).build();
        let regex = built.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
            other => {
                let text = other.to_string();
                let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                format!("it is not a regular expression: {reason}")
            }
        })?;
        Ok(Self { regex, groups })
    }

    /// Returns the type of a match.
    fn ty(&self) -> Type {
        if self.groups.is_empty() {
            return Type::String;
        }
        match self.groups.iter().cloned().collect::<Option<Vec<String>>>() {
            Some(names) => Type::object(names.into_iter().map(|name| (name, Type::String))),
            None => Type::Tuple(self.groups.iter().map(|_| Type::String).collect()),
        }
    }

    fn value(&self, found: &Captures<'_>) -> Value {
        let group = |index: usize| found.get(index).map_or(Value::Null(Type::String), |part| part.as_str().into());
        if self.groups.is_empty() {
            return group(0);
        }
        match self.groups.iter().cloned().collect::<Option<Vec<String>>>() {
            Some(names) => Value::object(names.into_iter().enumerate().map(|(index, name)| (name, group(index + 1)))),
            None => Value::tuple((1..=self.groups.len()).map(group)),
        }
    }

    /// Returns what a reference such as `1` or `name` stands for; nothing where there is no such group.
    fn group<'t>(&self, found: &Captures<'t>, name: &str) -> &'t str {
        let is_number = name == "0" || !name.starts_with('0') && name.bytes().all(|byte| byte.is_ascii_digit());
        let text = |index: usize| found.get(index).map(|part| part.as_str());
        if is_number {
            return name.parse().ok().and_then(text).unwrap_or_default();
        }
        let named = self.groups.iter().enumerate().filter(|(_, group)| group.as_deref() == Some(name));
        named.filter_map(|(index, _)| text(index + 1)).next().unwrap_or_default()
    }

    /// Adds a replacement with `$1`, `$name` and `${name}` replaced by groups, and `$$` by one `$`.
    fn expand(&self, replacement: &str, found: &Captures<'_>, out: &mut String) {
        let mut rest = replacement;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            rest = after;
            if let Some(after) = rest.strip_prefix('$') {
                out.push('$');
                rest = after;
            } else if let Some((name, after)) = reference(rest) {
                out.push_str(self.group(found, name));
                rest = after;
            } else {
                out.push('$');
            }
        }
        out.push_str(rest);
    }
}

/// Splits the name of a group off, with or without braces.
fn reference(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('{').unwrap_or(text);
    let end = inner.find(|char: char| !char.is_alphanumeric() && char != '_').unwrap_or(inner.len());
    let (name, rest) = inner.split_at(end);
    let rest = if text.starts_with('{') { rest.strip_prefix('}')? } else { rest };
    (!name.is_empty()).then_some((name, rest))
}

fn replace(args: &[Value]) -> Result<Value, Fault> {
    let (text, old, new) = (text(args, 0), text(args, 1), text(args, 2));
    let Some(inner) = old.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) else {
        return Ok(text.replace(old, new).into());
    };
    let pattern = pattern(inner, 1)?;
    let mut out = String::with_capacity(text.len());
    let mut end = 0;
    for found in pattern.regex.captures_iter(text) {
        let Some(whole) = found.get(0) else { continue };
        out.push_str(&text[end..whole.start()]);
        pattern.expand(new, &found, &mut out);
        end = whole.end();
    }
    out.push_str(&text[end..]);
    Ok(out.into())
}
