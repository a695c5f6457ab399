//! One change of a plan: its heading, why, what is said about it, and its attributes.

use std::{
    cell::Cell,
    io::{self, Write},
};

use loam_provider::{Known, Role, Value};

use super::{
    diff::{self, Remark},
    words::{Sign, stays, why},
};
use crate::{
    eval::Marks,
    event::Secrets,
    host::Offers,
    plan::{Change, Mode, ObjectChange, Origin, Reason},
    state::Slot,
    ui::{
        Style,
        names::Names,
        style::Tone,
        text::{clean, count, width, wrap},
        tree::{self, Body, Entry, Gutter, Inside, Layout, Mark},
        value::{self, Manner, brief},
    },
};

const FORCES: &str = "forces replacement";
const NO_EFFECT: &str = "no effect without --replace";
/// Where the address starts, after the widest sign.
const ADDRESS: usize = 4;
/// Where what belongs to an object starts.
const BODY: usize = 6;

/// What is shown of an object's attributes.
struct Attributes {
    inside: Inside,
    gutter: Gutter,
    /// What is said in one line of several attributes together.
    together: Option<String>,
}

/// Writes one change.
pub(super) fn change(
    out: &mut dyn Write,
    style: Style,
    change: &ObjectChange,
    mode: Mode,
    offers: &Offers,
) -> io::Result<()> {
    let schema = offers.schema(change.addr.resource.mode, &change.addr.resource.kind);
    let names = schema.map_or(Names::None, Names::Of);
    let marks = Marks::at_paths(change.sensitive.iter().cloned());
    let secrets = secrets(change);
    let remarks = remarks(change);
    let attributes = attributes(change, &marks, names, &remarks);
    let why = why(&change.change, mode, names, &secrets);
    let mut origin = change.origin.as_ref().map(origin);
    // Where nothing else happens, that is all there is to say.
    let why = why.or_else(|| if change.change.is_effective() { None } else { origin.take() });
    heading(out, style, change, why.as_deref())?;
    let unused = remarks.iter().filter(|remark| remark.words == NO_EFFECT && !remark.is_shown.get());
    let unused = unused.map(|remark| format!("`{}` changed and has {NO_EFFECT}", names.path(&remark.path)));
    let said = change.notes.iter().map(|note| secrets.redact(note));
    for note in origin.into_iter().chain(said).chain(unused).chain(stays(change)) {
        for (index, line) in wrap(&note, style.width.saturating_sub(BODY + 2)).iter().enumerate() {
            let lead = if index == 0 { style.bullet() } else { " " };
            writeln!(out, "{:BODY$}{} {line}", "", style.paint(Tone::Dim, lead))?;
        }
    }
    let indent = match attributes.gutter {
        Gutter::Marked => BODY - 2,
        Gutter::Bare => BODY,
    };
    tree::draw(out, style, &attributes.inside, indent, attributes.gutter)?;
    for (index, line) in
        attributes.together.iter().flat_map(|words| wrap(words, style.width.saturating_sub(BODY + 2))).enumerate()
    {
        let lead = if index == 0 { "# " } else { "#   " };
        writeln!(out, "{:BODY$}{}", "", style.paint(Tone::Dim, format!("{lead}{line}")))?;
    }
    Ok(())
}

/// Says where an object comes from.
fn origin(origin: &Origin) -> String {
    match origin {
        Origin::Moved { from } => format!("moved from `{}`", clean(&from.to_string())),
        Origin::Imported { id } => format!("imported (id `{}`)", clean(id)),
    }
}

/// Returns the secrets of an object, to be taken out of sentences about it.
pub(super) fn secrets(change: &ObjectChange) -> Secrets {
    if change.sensitive.is_empty() {
        return Secrets::default();
    }
    let drift = change.drift.as_ref().map(|drift| drift.recorded.value());
    let sides = [change.change.before().map(Known::value), change.change.after(), drift];
    sides.into_iter().flatten().fold(Secrets::default(), |all, side| all.and(&Secrets::of(side, &change.sensitive)))
}

fn heading(out: &mut dyn Write, style: Style, change: &ObjectChange, why: Option<&str>) -> io::Result<()> {
    let sign = Sign::of(&change.change);
    let (address, provider) = (address(change), format!("({})", change.provider));
    let text = sign.text();
    write!(out, "{:>pad$}{} ", "", style.paint(sign.tone(), text), pad = (ADDRESS - 1).saturating_sub(text.len()))?;
    write!(out, "{} {}", style.paint(Tone::Strong, clean(&address)), style.paint(Tone::Dim, &provider))?;
    let Some(why) = why else { return writeln!(out) };
    let taken = ADDRESS + width(&address) + 1 + width(&provider);
    if taken + 2 + width(why) <= style.width {
        return writeln!(out, "  {}", style.paint(sign.tone(), why));
    }
    writeln!(out)?;
    for line in wrap(why, style.width.saturating_sub(BODY)) {
        writeln!(out, "{:BODY$}{}", "", style.paint(sign.tone(), line))?;
    }
    Ok(())
}

/// Returns the address, with which of its deposed objects it is.
fn address(change: &ObjectChange) -> String {
    Slot { addr: change.addr.clone(), deposed: change.deposed.clone() }.to_string()
}

fn remarks(change: &ObjectChange) -> Vec<Remark> {
    let remark = |path: &loam_provider::Path, words| Remark { path: path.clone(), words, is_shown: Cell::new(false) };
    let reasons: &[Reason] = match &change.change {
        Change::Replace { because, .. } => because,
        Change::Keep { .. } | Change::Read { .. } | Change::Create { .. } | Change::Update { .. } => &[],
        Change::Delete { .. } | Change::Forget { .. } => &[],
    };
    let forcing = reasons.iter().filter_map(|reason| match reason {
        Reason::CannotUpdate { cause } => Some(remark(&cause.path, FORCES)),
        Reason::New | Reason::Gone | Reason::BlockRemoved | Reason::InstanceRemoved | Reason::Destroy => None,
        Reason::Tainted | Reason::Requested | Reason::Deposed | Reason::RemovedBlock => None,
        Reason::NotKnown { .. } | Reason::Pending { .. } => None,
        Reason::Triggered { .. } | Reason::ProviderChanged { .. } => None,
    });
    forcing.chain(change.ineffective.iter().map(|path| remark(path, NO_EFFECT))).collect()
}

fn attributes(change: &ObjectChange, marks: &Marks, names: Names<'_>, remarks: &[Remark]) -> Attributes {
    match &change.change {
        Change::Keep { .. } => Attributes { inside: bare(Vec::new()), gutter: Gutter::Bare, together: None },
        Change::Read { after, .. } | Change::Create { after, .. } => created(after, marks, names),
        Change::Update { before, after } => {
            let inside = diff::objects(before.value(), after, marks, names, remarks);
            let only = "only what is marked sensitive changes".to_owned();
            let together = inside.entries.is_empty().then_some(only);
            Attributes { inside, gutter: Gutter::Marked, together }
        }
        Change::Replace { before, after, .. } => {
            let inside = diff::objects(before.value(), after, marks, names, remarks);
            Attributes { inside, gutter: Gutter::Marked, together: None }
        }
        Change::Delete { before, .. } => leaving(before.value(), marks, names, Exports::Hidden),
        Change::Forget { before, .. } => leaving(before.value(), marks, names, Exports::Shown),
    }
}

/// Returns what an object will be: without what is null or at its default, and with what is not known yet together.
fn created(after: &Value, marks: &Marks, names: Names<'_>) -> Attributes {
    let mut entries = Vec::new();
    let mut later = Vec::new();
    for (name, value) in after.entries().into_iter().flatten() {
        let marks = marks.inside(&loam_provider::Step::Name(name.clone()));
        if value.is_null() || is_default(name, value, names) || is_empty(value) {
            continue;
        }
        if value.is_unknown() && names.is_exported(name) && marks.is_empty() {
            later.push(names.shown(name));
            continue;
        }
        // What was not written in the configuration, or stands there in one word, is told in one line.
        let is_told_briefly = names.is_exported(name) || names.is_reference(name);
        let body = if is_told_briefly {
            Body::Text(brief(value, &marks, names.inside(name)))
        } else {
            value::body(value, &marks, names.inside(name), Manner::Glance)
        };
        entries.push(entry(names.shown(name), body));
    }
    let together = (!later.is_empty()).then(|| format!("known after apply: {}", later.join(", ")));
    Attributes { inside: bare(entries), gutter: Gutter::Bare, together }
}

/// Whether what the provider set is shown of an object that goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Exports {
    /// It goes with the object.
    Hidden,
    /// It says where the real thing stays.
    Shown,
}

/// Returns what an object is that leaves the state: enough to know it by, each on one line.
fn leaving(before: &Value, marks: &Marks, names: Names<'_>, exports: Exports) -> Attributes {
    let mut entries = Vec::new();
    let mut hidden = 0;
    for (name, value) in before.entries().into_iter().flatten() {
        if value.is_null() || is_default(name, value, names) || is_empty(value) {
            continue;
        }
        let is_simple = value.items().is_none() && value.entries().is_none();
        if names.is_exported(name) && (exports == Exports::Hidden || !is_simple) {
            hidden += 1;
            continue;
        }
        let marks = marks.inside(&loam_provider::Step::Name(name.clone()));
        entries.push(entry(names.shown(name), Body::Text(brief(value, &marks, names.inside(name)))));
    }
    let together = (hidden > 0).then(|| count(hidden, "exported attribute", "exported attributes"));
    Attributes { inside: bare(entries), gutter: Gutter::Bare, together }
}

/// Returns whether a collection holds nothing, as where blocks were left out.
fn is_empty(value: &Value) -> bool {
    value.items().is_some_and(<[Value]>::is_empty) || value.entries().is_some_and(|entries| entries.is_empty())
}

fn is_default(name: &str, value: &Value, names: Names<'_>) -> bool {
    names.attribute(name).is_some_and(|attribute| match &attribute.role {
        Role::Optional { default: Some(default) } => default.value() == value,
        Role::Optional { default: None } | Role::Required | Role::OptionalComputed | Role::Computed => false,
    })
}

fn entry(name: String, body: Body) -> Entry {
    Entry { mark: Mark::Same, name, body, remark: None }
}

fn bare(entries: Vec<Entry>) -> Inside {
    let (open, close, nouns) = (String::new(), String::new(), ("attribute", "attributes"));
    Inside { open, close, entries, layout: Layout::Spread, hidden: 0, nouns }
}

/// Writes what was found to differ from what was recorded.
pub(super) fn drift(
    out: &mut dyn Write,
    style: Style,
    change: &ObjectChange,
    (recorded, found): &(Value, Option<Value>),
    offers: &Offers,
) -> io::Result<()> {
    let schema = offers.schema(change.addr.resource.mode, &change.addr.resource.kind);
    let names = schema.map_or(Names::None, Names::Of);
    let marks = Marks::at_paths(change.sensitive.iter().cloned());
    write!(out, "  {}", style.paint(Tone::Strong, clean(&address(change))))?;
    match found {
        None => writeln!(out, "  {}", style.paint(Tone::Removed, "is gone")),
        Some(found) => {
            writeln!(out)?;
            let mut inside = diff::objects(recorded, found, &marks, names, &[]);
            inside.hidden = 0;
            tree::draw(out, style, &inside, BODY - 2, Gutter::Marked)
        }
    }
}

/// Returns whether a change is worth a block of its own.
pub(super) fn is_shown(change: &ObjectChange) -> bool {
    match &change.change {
        Change::Keep { .. } => change.origin.is_some() || !change.notes.is_empty() || !change.ineffective.is_empty(),
        Change::Read { .. } => true,
        Change::Create { .. } | Change::Update { .. } | Change::Replace { .. } => true,
        Change::Delete { .. } | Change::Forget { .. } => true,
    }
}
