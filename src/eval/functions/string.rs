//! Text.

use loam_provider::{Type, Value};
use unicode_segmentation::UnicodeSegmentation;

use super::{Fault, Function, Param, Want, items, text, whole};

const STR: Param = Param::new("str", Want::String);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::plain(
        "chomp",
        &[STR],
        Want::String,
        |_, args| Ok(chomp(text(args, 0)).into()),
        "Removes the line endings at the end of a text.",
    ),
    Function::plain(
        "endswith",
        &[STR, Param::new("suffix", Want::String)],
        Want::Bool,
        |_, args| Ok(text(args, 0).ends_with(text(args, 1)).into()),
        "Returns whether a text ends with another.",
    ),
    Function::plain(
        "indent",
        &[Param::new("spaces", Want::Number), STR],
        Want::String,
        |_, args| indent(args),
        "Puts spaces before every line of a text but the first.",
    ),
    Function::plain(
        "join",
        &[Param::new("separator", Want::String)],
        Want::String,
        |_, args| join(args),
        "Puts the elements of lists together with a separator between them.",
    )
    .rest(Param::new("lists", Want::Strings)),
    Function::plain(
        "lower",
        &[STR],
        Want::String,
        |_, args| Ok(map_chars(text(args, 0), lower).into()),
        "Turns letters into lower case.",
    ),
    Function::plain(
        "split",
        &[Param::new("separator", Want::String), STR],
        Want::Strings,
        |_, args| Ok(split(text(args, 0), text(args, 1))),
        "Cuts a text at every separator.",
    ),
    Function::plain(
        "startswith",
        &[STR, Param::new("prefix", Want::String)],
        Want::Bool,
        |_, args| Ok(text(args, 0).starts_with(text(args, 1)).into()),
        "Returns whether a text starts with another.",
    ),
    Function::plain(
        "strcontains",
        &[STR, Param::new("substr", Want::String)],
        Want::Bool,
        |_, args| Ok(text(args, 0).contains(text(args, 1)).into()),
        "Returns whether a text holds another.",
    ),
    Function::plain(
        "strrev",
        &[STR],
        Want::String,
        |_, args| Ok(text(args, 0).graphemes(true).rev().collect::<String>().into()),
        "Reverses the characters of a text.",
    ),
    Function::plain(
        "substr",
        &[STR, Param::new("offset", Want::Number), Param::new("length", Want::Number)],
        Want::String,
        |_, args| substr(args),
        "Returns a part of a text; a negative offset counts from the end, a length of -1 goes to the end.",
    ),
    Function::plain(
        "title",
        &[STR],
        Want::String,
        |_, args| Ok(title(text(args, 0)).into()),
        "Turns the first letter of every word into upper case.",
    ),
    Function::plain(
        "trim",
        &[STR, Param::new("cutset", Want::String)],
        Want::String,
        |_, args| Ok(text(args, 0).trim_matches(|char| text(args, 1).contains(char)).into()),
        "Removes given characters from both ends of a text.",
    ),
    Function::plain(
        "trimprefix",
        &[STR, Param::new("prefix", Want::String)],
        Want::String,
        |_, args| Ok(text(args, 0).strip_prefix(text(args, 1)).unwrap_or(text(args, 0)).into()),
        "Removes a prefix once, if it is there.",
    ),
    Function::plain(
        "trimspace",
        &[STR],
        Want::String,
        |_, args| Ok(text(args, 0).trim().into()),
        "Removes white space from both ends of a text.",
    ),
    Function::plain(
        "trimsuffix",
        &[STR, Param::new("suffix", Want::String)],
        Want::String,
        |_, args| Ok(text(args, 0).strip_suffix(text(args, 1)).unwrap_or(text(args, 0)).into()),
        "Removes a suffix once, if it is there.",
    ),
    Function::plain(
        "upper",
        &[STR],
        Want::String,
        |_, args| Ok(map_chars(text(args, 0), upper).into()),
        "Turns letters into upper case.",
    ),
];

fn chomp(text: &str) -> &str {
    text.trim_end_matches(['\n', '\r'])
}

fn indent(args: &[Value]) -> Result<Value, Fault> {
    let spaces = usize::try_from(whole(args, 0)?).ok().filter(|spaces| *spaces <= 10_000);
    let spaces = spaces.ok_or_else(|| Fault::Argument(0, "it must be from 0 to 10000".into()))?;
    Ok(text(args, 1).replace('\n', &format!("\n{}", " ".repeat(spaces))).into())
}

fn join(args: &[Value]) -> Result<Value, Fault> {
    if args.len() < 2 {
        return Err(Fault::Call("it needs at least one list".into()));
    }
    let mut parts = Vec::new();
    for index in 1..args.len() {
        for (position, item) in items(args, index).iter().enumerate() {
            let part = item.as_str().ok_or_else(|| Fault::Argument(index, format!("element {position} is null")))?;
            parts.push(part);
        }
    }
    Ok(parts.join(text(args, 0)).into())
}

fn split(separator: &str, text: &str) -> Value {
    let parts: Vec<Value> = if separator.is_empty() {
        text.chars().map(|char| Value::from(char.to_string())).collect()
    } else {
        text.split(separator).map(Value::from).collect()
    };
    Value::list(Type::String, parts)
}

fn substr(args: &[Value]) -> Result<Value, Fault> {
    let (mut offset, length) = (whole(args, 1)?, whole(args, 2)?);
    let characters: Vec<&str> = text(args, 0).graphemes(true).collect();
    let mut length = usize::try_from(length).ok();
    if offset < 0 {
        offset += i64::try_from(characters.len()).unwrap_or(i64::MAX);
        // As in Terraform no length, counted from the end, is all that follows.
        length = length.filter(|length| *length > 0);
    }
    let start = usize::try_from(offset).unwrap_or(0).min(characters.len());
    let rest = &characters[start..];
    let end = length.map_or(rest.len(), |length| length.min(rest.len()));
    Ok(rest[..end].concat().into())
}

fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for char in text.chars() {
        let separates = match before {
            before if before.is_ascii() => !(before.is_ascii_alphanumeric() || before == '_'),
            before => before.is_whitespace(),
        };
        out.push(if separates { upper(char) } else { char });
        before = char;
    }
    out
}

fn map_chars(text: &str, map: fn(char) -> char) -> String {
    text.chars().map(map).collect()
}

/// Returns the one upper-case letter of a letter; one that would become several stays.
fn upper(char: char) -> char {
    let mut upper = char.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(only), None) => only,
        _ => char,
    }
}

/// Returns the one lower-case letter of a letter.
fn lower(char: char) -> char {
    let mut lower = char.to_lowercase();
    // The one letter with more than one is the Turkish dotted capital I, whose plain form is `i`.
    lower.next().unwrap_or(char)
}
