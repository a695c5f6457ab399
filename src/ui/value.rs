//! A value as HCL.

use loam_provider::{Known, List, Map, Step, Str, Type, Value};

use super::{
    names::Names,
    text::{attribute_name, clean, count, quote},
    tree::{Body, Entry, Inside, Layout, Line, Mark, Text},
};
use crate::{eval::Marks, event::MASK};

/// What stands for a value that only applying will tell.
pub(super) const UNKNOWN: &str = "(known after apply)";
/// More lines than this of a text that is made or goes are counted, not shown.
const MOST_LINES: usize = 24;
/// A longer text on one line is cut.
const MOST_CHARS: usize = 400;

/// How faithfully values are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// To be read at a glance: nulls left out, JSON taken apart, long texts cut.
    Glance,
    /// The same of what a string of JSON holds, where a null is something.
    Structure,
    /// All of it.
    Exact,
}

/// Returns the tree of a value.
pub(super) fn body(value: &Value, marks: &Marks, names: Names<'_>, manner: Manner) -> Body {
    if is_masked(value, marks) {
        return Body::Text(Text::placeholder(MASK));
    }
    match value {
        Value::Unknown(_) => Body::Text(Text::placeholder(UNKNOWN)),
        Value::Null(_) => Body::Text(Text::plain("null")),
        Value::Bool(claim) => Body::Text(Text::plain(claim.to_string())),
        Value::Number(number) => Body::Text(Text::plain(number.to_string())),
        Value::String(text) => string(text, manner),
        Value::List(List { items, .. }) | Value::Tuple(items) => sequence(items, marks, names, manner),
        Value::Set(set) => sequence(set.items(), marks, names, manner),
        Value::Map(Map { items, .. }) => {
            let is_block = matches!(names, Names::Of(_));
            let shown = |name: &str| if is_block { names.shown(name) } else { quote(name) };
            entries(items.iter(), marks, names, manner, shown)
        }
        Value::Object(items) => entries(items.iter(), marks, names, manner, |name| names.shown(name)),
    }
}

/// Returns whether nothing of the value may be shown. The members of a set have no places, so one secret hides all.
pub(super) fn is_masked(value: &Value, marks: &Marks) -> bool {
    marks.is_whole() || (matches!(value, Value::Set(_)) && !marks.is_empty())
}

/// Returns a value in few words.
pub(super) fn brief(value: &Value, marks: &Marks, names: Names<'_>) -> Text {
    match body(value, marks, names, Manner::Glance) {
        Body::Text(text) => text,
        Body::Value(inside) => inside.inline().unwrap_or_else(|| {
            let (open, close) = (&inside.open, &inside.close);
            let (one, many) = inside.nouns;
            Text::placeholder(&format!("{open} {} {close}", count(inside.entries.len(), one, many)))
        }),
        Body::Lines(_) => {
            let lines = value.as_str().map_or(0, |text| text.lines().count());
            Text::placeholder(&format!("({})", count(lines, "line", "lines")))
        }
        Body::Pair { .. } | Body::Difference(_) => Text::default(),
    }
}

fn sequence(items: &[Value], marks: &Marks, names: Names<'_>, manner: Manner) -> Body {
    let entries = items.iter().enumerate().map(|(index, item)| {
        let body = body(item, &marks.inside(&Step::Index(index)), names.inside(""), manner);
        Entry { mark: Mark::Same, name: String::new(), body, remark: None }
    });
    closed("[", "]", entries.collect(), manner, ("item", "items"))
}

fn entries<'v>(
    items: impl Iterator<Item = (&'v Str, &'v Value)>,
    marks: &Marks,
    names: Names<'_>,
    manner: Manner,
    shown: impl Fn(&str) -> String,
) -> Body {
    // In a block, null is what was left out.
    let is_block = matches!(names, Names::Of(_));
    let items = items.filter(|(_, item)| !item.is_null() || (manner != Manner::Glance && !is_block));
    let entries = items.map(|(name, item)| {
        let body = body(item, &marks.inside(&Step::Name(name.clone())), names.inside(name), manner);
        Entry { mark: Mark::Same, name: shown(name), body, remark: None }
    });
    closed("{", "}", entries.collect(), manner, ("entry", "entries"))
}

fn closed(open: &str, close: &str, entries: Vec<Entry>, manner: Manner, nouns: (&'static str, &'static str)) -> Body {
    if entries.is_empty() {
        return Body::Text(Text::plain(format!("{open}{close}")));
    }
    let layout = match manner {
        Manner::Glance | Manner::Structure => Layout::Fit,
        Manner::Exact => Layout::Spread,
    };
    Body::Value(Inside { open: open.into(), close: close.into(), entries, layout, hidden: 0, nouns })
}

fn string(text: &str, manner: Manner) -> Body {
    if manner == Manner::Glance
        && let Some(decoded) = structure(text)
        && let Body::Value(inside) = body(&decoded, &Marks::none(), Names::None, Manner::Structure)
    {
        return Body::Value(in_jsonencode(inside));
    }
    if text.trim_end_matches('\n').contains('\n') {
        return Body::Lines(heredoc(text, manner));
    }
    match manner {
        Manner::Glance | Manner::Structure if text.chars().count() > MOST_CHARS => {
            let kept: String = text.chars().take(MOST_CHARS / 2).collect();
            let mut cut = Text::plain(quote(&kept));
            cut.0.extend(Text::placeholder(&format!(" (of {} characters)", text.chars().count())).0);
            Body::Text(cut)
        }
        Manner::Glance | Manner::Structure | Manner::Exact => Body::Text(Text::plain(quote(text))),
    }
}

fn heredoc(text: &str, manner: Manner) -> Vec<Line> {
    let total = text.lines().count();
    let most = match manner {
        Manner::Glance | Manner::Structure if total > MOST_LINES => MOST_LINES / 2,
        Manner::Glance | Manner::Structure | Manner::Exact => total,
    };
    let of = |line: &str| Line::Of { mark: Mark::Same, text: Text::plain(escape_line(line)) };
    let mut lines: Vec<Line> = text.lines().take(most).map(of).collect();
    if total > most {
        lines.push(Line::Skipped(count(total - most, "more line", "more lines")));
    }
    lines
}

/// Returns a line as it stands in a heredoc.
pub(super) fn escape_line(line: &str) -> String {
    clean(line).replace("${", "$${").replace("%{", "%%{")
}

/// Returns what a string of JSON holds, if that is a structure.
pub(super) fn structure(text: &str) -> Option<Value> {
    let trimmed = text.trim();
    if !trimmed.starts_with(['{', '[']) || trimmed.len() < 3 {
        return None;
    }
    let json: serde_json::Value = serde_json::from_str(trimmed).ok()?;
    Known::from_json(&json, &Type::Any).ok().map(Known::into_value)
}

/// Returns the structure as the expression that makes a string of it.
pub(super) fn in_jsonencode(inside: Inside) -> Inside {
    Inside { open: format!("jsonencode({}", inside.open), close: format!("{})", inside.close), ..inside }
}

/// Returns the name of an entry of a map or an object.
pub(super) fn key(value: &Value, names: Names<'_>, name: &str) -> String {
    match (value, names) {
        (_, Names::Of(_)) => names.shown(name),
        (Value::Map(_), Names::None | Names::Blocks(_)) => quote(name),
        (Value::Object(_), Names::None | Names::Blocks(_)) => attribute_name(name),
        (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::List(_), _) => name.to_owned(),
        (Value::Set(_) | Value::Tuple(_) | Value::Null(_) | Value::Unknown(_), _) => name.to_owned(),
    }
}
