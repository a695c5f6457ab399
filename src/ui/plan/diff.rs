//! What differs between two values, as a tree. Decides what is shown; `tree` decides where.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
};

use loam_provider::{Path, Step, Str, Value};
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::lines;
use crate::{
    eval::Marks,
    event::MASK,
    ui::{
        names::Names,
        tree::{Body, Entry, Inside, Layout, Mark, Text},
        value::{self, Manner, UNKNOWN, brief, is_masked},
    },
};

/// Longer lists are compared position by position: finding what moved would take the square of their length.
const LONGEST_ALIGNED: usize = 2_000;

const ENTRIES: (&str, &str) = ("unchanged entry", "unchanged entries");
const ITEMS: (&str, &str) = ("unchanged item", "unchanged items");
const ATTRIBUTES: (&str, &str) = ("unchanged attribute", "unchanged attributes");

/// Words that belong beside what stands at a path.
pub(super) struct Remark {
    pub(super) path: Path,
    pub(super) words: &'static str,
    /// Whether the path was among what is shown.
    pub(super) is_shown: Cell<bool>,
}

/// How two different values are shown.
pub(super) enum Difference {
    /// As one entry.
    One(Body),
    /// As one that goes and one that comes.
    Two,
}

/// Returns what differs between two objects.
pub(super) fn objects(before: &Value, after: &Value, marks: &Marks, names: Names<'_>, remarks: &[Remark]) -> Inside {
    let mut differ = Differ { remarks, path: Path::root() };
    Inside { nouns: ATTRIBUTES, ..differ.entries(before, after, marks, names) }
}

/// Returns the difference between two values that are not equal.
pub(super) fn values(before: &Value, after: &Value, marks: &Marks) -> Difference {
    Differ { remarks: &[], path: Path::root() }.difference(before, after, marks, Names::None)
}

struct Differ<'a> {
    remarks: &'a [Remark],
    /// Where it is.
    path: Path,
}

/// The entries of one level while they are collected.
struct Level {
    entries: Vec<Entry>,
    hidden: usize,
}

impl Level {
    fn close(self, open: &str, close: &str, nouns: (&'static str, &'static str)) -> Inside {
        let (open, close) = (open.to_owned(), close.to_owned());
        Inside { open, close, entries: self.entries, layout: Layout::Spread, hidden: self.hidden, nouns }
    }
}

impl Differ<'_> {
    fn difference(&mut self, before: &Value, after: &Value, marks: &Marks, names: Names<'_>) -> Difference {
        if is_masked(before, marks) || is_masked(after, marks) {
            return Difference::One(Body::Text(Text::placeholder(MASK)));
        }
        if after.is_unknown() {
            let (before, after) = (brief(before, marks, names), Text::placeholder(UNKNOWN));
            return Difference::One(Body::Pair { before, after });
        }
        if let (Value::String(before), Value::String(after)) = (before, after) {
            return Difference::One(lines::strings(before, after));
        }
        if before.entries().is_some() && after.entries().is_some() {
            return Difference::One(Body::Difference(self.entries(before, after, marks, names)));
        }
        match (before, after) {
            (Value::Set(before), Value::Set(after)) => {
                return Difference::One(Body::Difference(self.members(before.items(), after.items(), names)));
            }
            (Value::Set(_), _) | (_, Value::Set(_)) => return Difference::Two,
            _ => {}
        }
        if let (Some(before), Some(after)) = (before.items(), after.items()) {
            return Difference::One(Body::Difference(self.items(before, after, marks, names)));
        }
        let is_simple = |value: &Value| value.items().is_none() && value.entries().is_none();
        if is_simple(before) && is_simple(after) {
            let (before, after) = (brief(before, marks, names), brief(after, marks, names));
            return Difference::One(Body::Pair { before, after });
        }
        Difference::Two
    }

    /// Compares objects and maps by key.
    fn entries(&mut self, before: &Value, after: &Value, marks: &Marks, names: Names<'_>) -> Inside {
        let none = BTreeMap::new();
        let (old, new) = (before.entries().unwrap_or(&none), after.entries().unwrap_or(&none));
        // In an object, null says that nothing is there; in a map a null is an entry.
        let is_there = |side: &Value, value: &Value| !(matches!(side, Value::Object(_)) && value.is_null());
        let keys: BTreeSet<&Str> = old.keys().chain(new.keys()).collect();
        let mut level = Level { entries: Vec::new(), hidden: 0 };
        for key in keys {
            let step = Step::Name(key.clone());
            let sides = (
                old.get(key).filter(|value| is_there(before, value)),
                new.get(key).filter(|value| is_there(after, value)),
            );
            let marks = marks.inside(&step);
            let name = value::key(after, names, key);
            self.push(&mut level, Some(step), name, sides, (&marks, names.inside(key)));
        }
        level.close("{", "}", ENTRIES)
    }

    /// Compares lists by what they hold in common, in order.
    fn items(&mut self, before: &[Value], after: &[Value], marks: &Marks, names: Names<'_>) -> Inside {
        let mut level = Level { entries: Vec::new(), hidden: 0 };
        let mut pairs: Vec<(Option<usize>, Option<usize>)> = Vec::new();
        // Where secrets stand by position, aligning by content would show which of them are equal.
        if !marks.is_empty() || before.len() + after.len() > LONGEST_ALIGNED {
            let both = before.len().max(after.len());
            pairs.extend(
                (0..both).map(|at| (Some(at).filter(|at| *at < before.len()), Some(at).filter(|at| *at < after.len()))),
            );
        } else {
            for op in capture_diff_slices(Algorithm::Myers, before, after) {
                align(op, &mut pairs);
            }
        }
        for (old, new) in pairs {
            let Some(at) = new.or(old) else { continue };
            let sides = (old.map(|at| &before[at]), new.map(|at| &after[at]));
            let step = new.map(Step::Index);
            let marks = marks.inside(&Step::Index(at));
            self.push(&mut level, step, format!("[{at}]"), sides, (&marks, names.inside("")));
        }
        level.close("[", "]", ITEMS)
    }

    /// Compares sets: what goes and what comes.
    fn members(&mut self, before: &[Value], after: &[Value], names: Names<'_>) -> Inside {
        let mut level = Level { entries: Vec::new(), hidden: 0 };
        let (old, new): (BTreeSet<&Value>, BTreeSet<&Value>) = (before.iter().collect(), after.iter().collect());
        for member in old.union(&new) {
            let sides = (old.get(member).copied(), new.get(member).copied());
            self.push(&mut level, None, String::new(), sides, (&Marks::none(), names.inside("")));
        }
        level.close("[", "]", ITEMS)
    }

    fn push(
        &mut self,
        level: &mut Level,
        step: Option<Step>,
        name: String,
        sides: (Option<&Value>, Option<&Value>),
        (marks, names): (&Marks, Names<'_>),
    ) {
        let has_step = step.is_some();
        if let Some(step) = step {
            self.path.push(step);
        }
        let whole = |value| value::body(value, marks, names, Manner::Glance);
        match sides {
            (None, None) => {}
            (Some(before), Some(after)) if before == after => level.hidden += 1,
            (None, Some(after)) => self.enter(level, Mark::Added, name, whole(after)),
            (Some(before), None) => self.enter(level, Mark::Removed, name, whole(before)),
            (Some(before), Some(after)) => {
                let at = level.entries.len();
                match self.difference(before, after, marks, names) {
                    Difference::One(body) => self.enter(level, Mark::Changed, name, body),
                    Difference::Two => {
                        self.enter(level, Mark::Removed, name.clone(), whole(before));
                        self.enter(level, Mark::Added, name, whole(after));
                        // Once is enough.
                        level.entries[at].remark = None;
                    }
                }
            }
        }
        if has_step {
            self.path.pop();
        }
    }

    fn enter(&self, level: &mut Level, mark: Mark, name: String, body: Body) {
        let is_leaf = !matches!(body, Body::Difference(_));
        let belongs = |remark: &&Remark| {
            !self.path.is_root() && (remark.path == self.path || (is_leaf && self.path.contains(&remark.path)))
        };
        let found = self.remarks.iter().find(belongs);
        if let Some(remark) = found {
            remark.is_shown.set(true);
        }
        level.entries.push(Entry { mark, name, body, remark: found.map(|remark| remark.words) });
    }
}

/// Pairs the positions of two lists.
fn align(op: DiffOp, pairs: &mut Vec<(Option<usize>, Option<usize>)>) {
    let (old, new) = (op.old_range(), op.new_range());
    let both = old.len().min(new.len());
    for at in 0..both {
        pairs.push((Some(old.start + at), Some(new.start + at)));
    }
    pairs.extend((old.start + both..old.end).map(|at| (Some(at), None)));
    pairs.extend((new.start + both..new.end).map(|at| (None, Some(at))));
}
