//! The signs and sentences of a plan.

use loam_provider::OnDestroy;

use crate::{
    event::Secrets,
    plan::{Change, Counts, Mode, ObjectChange, Reason, ReplaceOrder},
    ui::{names::Names, style::Tone, text::clean},
};

/// The sign of a change, as the legend explains it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sign {
    Read,
    Create,
    Update,
    DeleteThenCreate,
    CreateThenDelete,
    Delete,
    Forget,
    /// Nothing happens to it, but something is to be said.
    Keep,
}

impl Sign {
    pub(super) fn of(change: &Change) -> Self {
        match change {
            Change::Keep { .. } => Self::Keep,
            Change::Read { .. } => Self::Read,
            Change::Create { .. } => Self::Create,
            Change::Update { .. } => Self::Update,
            Change::Replace { order: ReplaceOrder::DeleteFirst, .. } => Self::DeleteThenCreate,
            Change::Replace { order: ReplaceOrder::CreateFirst, .. } => Self::CreateThenDelete,
            Change::Delete { .. } => Self::Delete,
            Change::Forget { .. } => Self::Forget,
        }
    }

    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Read => "<",
            Self::Create => "+",
            Self::Update => "~",
            Self::DeleteThenCreate => "-/+",
            Self::CreateThenDelete => "+/-",
            Self::Delete => "-",
            Self::Forget => "=",
            Self::Keep => "",
        }
    }

    pub(super) fn tone(self) -> Tone {
        match self {
            Self::Create => Tone::Added,
            Self::Update => Tone::Changed,
            Self::DeleteThenCreate | Self::CreateThenDelete => Tone::Replaced,
            Self::Delete => Tone::Removed,
            Self::Forget => Tone::Kept,
            Self::Keep | Self::Read => Tone::Plain,
        }
    }

    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Read => "read during apply",
            Self::Create => "create",
            Self::Update => "update in place",
            Self::DeleteThenCreate => "replace: delete, then create",
            Self::CreateThenDelete => "replace: create, then delete",
            Self::Delete => "delete",
            Self::Forget => "keep the real thing, forget its record",
            Self::Keep => "",
        }
    }
}

/// Returns why a change happens, as a fragment; `None` where it goes without saying.
pub(super) fn why(change: &Change, mode: Mode, names: Names<'_>, secrets: &Secrets) -> Option<String> {
    let say = |reason: &Reason| fragment(reason, mode, names, secrets);
    match change {
        Change::Keep { .. } | Change::Update { .. } => None,
        Change::Read { because, .. } | Change::Create { because, .. } | Change::Delete { because, .. } => say(because),
        Change::Replace { because, .. } => {
            let mut parts: Vec<String> = Vec::new();
            for part in because.iter().filter_map(say) {
                // One `because` is enough for all of them.
                let part = if parts.is_empty() { part } else { part.trim_start_matches("because ").to_owned() };
                if !parts.contains(&part) {
                    parts.push(part);
                }
            }
            (!parts.is_empty()).then(|| parts.join("; "))
        }
        Change::Forget { because, .. } => Some(match say(because) {
            Some(because) => format!("kept: the real thing stays ({because})"),
            None => "kept: the real thing stays".to_owned(),
        }),
    }
}

/// Returns what is to be said of the object that another one replaces, where it is not deleted.
pub(super) fn stays(change: &ObjectChange) -> Option<String> {
    let is_replaced = matches!(change.change, Change::Replace { .. });
    (is_replaced && change.on_replace() == OnDestroy::Retain)
        .then(|| "the one before is kept: the real thing stays, and its record is forgotten".to_owned())
}

fn fragment(reason: &Reason, mode: Mode, names: Names<'_>, secrets: &Secrets) -> Option<String> {
    Some(match reason {
        Reason::New => return None,
        Reason::Gone => "gone since the last apply".to_owned(),
        Reason::BlockRemoved => "because its block was removed".to_owned(),
        Reason::InstanceRemoved => "because its block no longer has this instance".to_owned(),
        Reason::Destroy => match mode {
            Mode::Destroy => return None,
            Mode::Apply => "because it is to be destroyed".to_owned(),
        },
        Reason::CannotUpdate { cause } => {
            let path = names.path(&cause.path);
            let because = secrets.redact(&clean(&cause.because));
            match (path.is_empty(), because.is_empty()) {
                (true, true) => "because it cannot be changed in place".to_owned(),
                (true, false) => format!("because {because}"),
                (false, true) => format!("because `{path}` changed"),
                (false, false) => format!("because {because} (`{path}`)"),
            }
        }
        Reason::Tainted => "because an earlier run did not finish it".to_owned(),
        Reason::Requested => "because --replace names it".to_owned(),
        Reason::Triggered { by } => format!("because `{}` changes (replace_triggered_by)", clean(by)),
        Reason::ProviderChanged { from } => format!("because its provider was `{from}`"),
        Reason::RemovedBlock => "a `removed` block says so".to_owned(),
        Reason::NotKnown { path } => format!("because `{}` is not known yet", names.path(path)),
        Reason::Pending { on } => format!("because `{}` changes", clean(on)),
        Reason::Deposed => "left behind when it was replaced".to_owned(),
    })
}

/// Returns the last line of a plan.
pub(super) fn summary(counts: Counts, mode: Mode, has_changes: bool) -> String {
    let Counts { create, update, replace, delete, retain, moved, imported, read } = counts;
    let parts = [
        (moved, "to move"),
        (imported, "to import"),
        (read, "to read"),
        (create, "to create"),
        (update, "to update"),
        (replace, "to replace"),
        (delete, "to delete"),
        (retain, "kept"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(number, _)| *number > 0).map(|(number, words)| format!("{number} {words}")).collect();
    match (has_changes, parts.is_empty(), mode) {
        (false, _, Mode::Apply) => "No changes. The world is as the configuration says.".to_owned(),
        (false, _, Mode::Destroy) => "No changes. There is nothing to destroy.".to_owned(),
        (true, true, _) => "Plan: only outputs change.".to_owned(),
        (true, false, _) => format!("Plan: {}.", parts.join(", ")),
    }
}
