//! A plan as people read it.
//!
//! First what changed outside of loam and the plan reacts to (`news`), then what will happen and why, by address, then
//! the outputs, then one line with the numbers. Written as it goes: a plan of a hundred thousand changes takes no more
//! memory than its longest change.
//! `diff` decides what of a value is shown, `words` what is said, `object` puts a change together.

mod diff;
mod json;
mod lines;
mod news;
mod object;
#[cfg(test)]
mod tests;
mod words;

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use loam_provider::Value;

use self::words::Sign;
use super::{
    Style,
    names::Names,
    style::Tone,
    text::attribute_name,
    tree::{self, Entry, Gutter, Inside, Layout, Mark},
    value::{self, Manner},
};
use crate::{
    eval::Marks,
    host::Offers,
    plan::{Mode, ObjectChange, OutputChange, Plan},
};

pub(super) use json::json;
pub use json::plan_json;

/// Writes a plan.
///
/// # Errors
/// Those of the writer.
pub fn plan(out: &mut dyn Write, style: Style, plan: &Plan, offers: &Offers) -> io::Result<()> {
    let changes = sorted(plan);
    drifts(out, style, &changes, offers)?;
    let shown: Vec<&ObjectChange> = changes.into_iter().filter(|change| object::is_shown(change)).collect();
    legend(out, style, &shown, plan.mode)?;
    for change in shown {
        object::change(out, style, change, plan.mode, offers)?;
        writeln!(out)?;
    }
    outputs(out, style, plan)?;
    let has_changes = plan.has_changes();
    writeln!(out, "{}", style.paint(Tone::Strong, words::summary(plan.counts(), plan.mode, has_changes)))
}

/// Returns the changes by address; of one address, in the plan's order.
fn sorted(plan: &Plan) -> Vec<&ObjectChange> {
    let mut changes: Vec<&ObjectChange> = plan.changes.iter().collect();
    changes.sort_by(|a, b| a.addr.cmp(&b.addr));
    changes
}

fn drifts(out: &mut dyn Write, style: Style, changes: &[&ObjectChange], offers: &Offers) -> io::Result<()> {
    let mut drifted = changes.iter().filter_map(|change| Some((change, news::news(change)?))).peekable();
    if drifted.peek().is_none() {
        return Ok(());
    }
    writeln!(out, "{}\n", style.paint(Tone::Strong, "Changed outside of loam since the last apply:"))?;
    for (change, news) in drifted {
        object::drift(out, style, change, &news, offers)?;
        writeln!(out)?;
    }
    Ok(())
}

/// Explains the signs that follow.
fn legend(out: &mut dyn Write, style: Style, shown: &[&ObjectChange], mode: Mode) -> io::Result<()> {
    let signs: BTreeSet<Sign> = shown.iter().map(|change| Sign::of(&change.change)).collect();
    let signs: Vec<Sign> = signs.into_iter().filter(|sign| *sign != Sign::Keep).collect();
    if signs.is_empty() {
        return Ok(());
    }
    let heading = match mode {
        Mode::Apply => "loam will:",
        Mode::Destroy => "loam destroy will:",
    };
    writeln!(out, "{}", style.paint(Tone::Strong, heading))?;
    for sign in signs {
        let text = sign.text();
        writeln!(out, "{:1$}{2} {3}", "", 3 - text.len(), style.paint(sign.tone(), text), sign.meaning())?;
    }
    writeln!(out)
}

fn outputs(out: &mut dyn Write, style: Style, plan: &Plan) -> io::Result<()> {
    let changed: Vec<_> = plan.outputs.iter().filter(|(_, output)| output.is_effective()).collect();
    if changed.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}", style.paint(Tone::Strong, "Outputs:"))?;
    let entries: Vec<Entry> = changed.into_iter().flat_map(|(name, output)| output_entries(name, output)).collect();
    let (open, close, nouns) = (String::new(), String::new(), ("output", "outputs"));
    let inside = Inside { open, close, entries, layout: Layout::Spread, hidden: 0, nouns };
    tree::draw(out, style, &inside, 2, Gutter::Marked)?;
    writeln!(out)
}

fn output_entries(name: &str, output: &OutputChange) -> Vec<Entry> {
    let marks = Marks::at_paths(output.sensitive.iter().cloned());
    let entry = |mark, body| Entry { mark, name: attribute_name(name), body, remark: None };
    let whole = |value: &Value| value::body(value, &marks, Names::None, Manner::Glance);
    match (&output.before, &output.after) {
        (None, None) => Vec::new(),
        (None, Some(after)) => vec![entry(Mark::Added, whole(after))],
        (Some(before), None) => vec![entry(Mark::Removed, whole(before.value()))],
        (Some(before), Some(after)) => match diff::values(before.value(), after, &marks) {
            diff::Difference::One(body) => vec![entry(Mark::Changed, body)],
            diff::Difference::Two => {
                vec![entry(Mark::Removed, whole(before.value())), entry(Mark::Added, whole(after))]
            }
        },
    }
}
