//! A plan as JSON lines: `schemas/plan.json`.

use std::io::{self, Write};

use loam_provider::{Cause, Known, OnDestroy, Path, Step, Value};
use serde::Serialize;
use serde_json::Value as Json;

use super::{object::secrets, sorted};
use crate::{
    addr::{Instance, ModulePath, Resource},
    eval::Marks,
    event::Secrets,
    host::ProviderRef,
    plan::{
        Change, CheckResult, CheckStatus, Counts, FORMAT, Mode, ObjectChange, Origin, OutputChange, Plan, Reason,
        ReplaceOrder,
    },
    state::DeposedId,
    ui::{json::line, value::is_masked},
};

/// Writes a plan as JSON, one object per line; what is secret or not known yet is null, and its place is named.
///
/// # Errors
/// Those of the writer.
pub fn plan_json(out: &mut dyn Write, plan: &Plan) -> io::Result<()> {
    for change in sorted(plan) {
        line(out, &change_line(change))?;
    }
    for (name, output) in &plan.outputs {
        line(out, &output_line(name, output))?;
    }
    for check in &plan.checks {
        line(out, &check_line(check))?;
    }
    let summary = SummaryLine {
        r#type: "plan_summary",
        format: FORMAT,
        mode: plan.mode,
        has_changes: plan.has_changes(),
        counts: plan.counts(),
        unchanged: plan.unchanged,
    };
    line(out, &summary)
}

#[derive(Serialize)]
struct ChangeLine<'a> {
    r#type: &'static str,
    address: &'a Instance,
    deposed: Option<&'a DeposedId>,
    moved_from: Option<&'a Instance>,
    imported_id: Option<&'a str>,
    kind: &'a str,
    provider: &'a ProviderRef,
    action: &'static str,
    order: Option<ReplaceOrder>,
    because: Vec<Reason>,
    before: Option<Json>,
    after: Option<Json>,
    /// What was recorded, where the world differs from it.
    recorded: Option<Json>,
    unknown: Vec<Path>,
    sensitive: &'a [Path],
    ineffective: &'a [Path],
    on_destroy: OnDestroy,
    dependencies: &'a [Resource],
    notes: Vec<String>,
}

#[derive(Serialize)]
struct OutputLine<'a> {
    r#type: &'static str,
    name: &'a str,
    action: &'static str,
    before: Option<Json>,
    after: Option<Json>,
    unknown: Vec<Path>,
    sensitive: &'a [Path],
}

#[derive(Serialize)]
struct CheckLine<'a> {
    r#type: &'static str,
    address: String,
    status: CheckStatus,
    problems: &'a [String],
}

#[derive(Serialize)]
struct SummaryLine {
    r#type: &'static str,
    format: u32,
    mode: Mode,
    has_changes: bool,
    counts: Counts,
    unchanged: usize,
}

fn change_line(change: &ObjectChange) -> ChangeLine<'_> {
    let marks = Marks::at_paths(change.sensitive.iter().cloned());
    let secrets = secrets(change);
    let mut unknown = Vec::new();
    let mut nothing = Vec::new();
    let (action, order, because) = match &change.change {
        Change::Keep { .. } => ("keep", None, Vec::new()),
        Change::Read { because, .. } => ("read", None, vec![because]),
        Change::Create { because, .. } => ("create", None, vec![because]),
        Change::Update { .. } => ("update", None, Vec::new()),
        Change::Replace { order, because, .. } => ("replace", Some(*order), because.iter().collect()),
        Change::Delete { because, .. } => ("delete", None, vec![because]),
        Change::Forget { because, .. } => ("forget", None, vec![because]),
    };
    let recorded = change.drift.as_ref().map(|drift| json(drift.recorded.value(), &marks, &mut nothing));
    let (moved_from, imported_id) = match &change.origin {
        None => (None, None),
        Some(Origin::Moved { from }) => (Some(from), None),
        Some(Origin::Imported { id }) => (None, Some(id.as_str())),
    };
    ChangeLine {
        r#type: "change",
        address: &change.addr,
        deposed: change.deposed.as_ref(),
        moved_from,
        imported_id,
        kind: &change.addr.resource.kind,
        provider: &change.provider,
        action,
        order,
        because: because.into_iter().map(|reason| redacted(reason, &secrets)).collect(),
        before: change.change.before().map(|before| json(before.value(), &marks, &mut nothing)),
        after: change.change.after().map(|after| json(after, &marks, &mut unknown)),
        recorded,
        unknown,
        sensitive: &change.sensitive,
        ineffective: &change.ineffective,
        on_destroy: change.on_destroy,
        dependencies: &change.dependencies,
        notes: change.notes.iter().map(|note| secrets.redact(note)).collect(),
    }
}

fn check_line(check: &CheckResult) -> CheckLine<'_> {
    let address = check_address(&check.module, &check.name);
    CheckLine { r#type: "check", address, status: check.status, problems: &check.problems }
}

/// Returns `module.site["a"].check.health`.
fn check_address(module: &ModulePath, name: &str) -> String {
    if module.is_root() { format!("check.{name}") } else { format!("{module}.check.{name}") }
}

fn output_line<'a>(name: &'a str, output: &'a OutputChange) -> OutputLine<'a> {
    let marks = Marks::at_paths(output.sensitive.iter().cloned());
    let mut unknown = Vec::new();
    let action = match (&output.before, &output.after) {
        (None, _) => "create",
        (Some(_), None) => "delete",
        (Some(_), Some(_)) if output.is_effective() => "update",
        (Some(_), Some(_)) => "keep",
    };
    OutputLine {
        r#type: "output_change",
        name,
        action,
        before: output.before.as_ref().map(|before| json(before.value(), &marks, &mut Vec::new())),
        after: output.after.as_ref().map(|after| json(after, &marks, &mut unknown)),
        unknown,
        sensitive: &output.sensitive,
    }
}

fn redacted(reason: &Reason, secrets: &Secrets) -> Reason {
    match reason {
        Reason::CannotUpdate { cause } => {
            let (path, because) = (cause.path.clone(), secrets.redact(&cause.because));
            Reason::CannotUpdate { cause: Cause { path, because } }
        }
        Reason::New | Reason::Gone | Reason::BlockRemoved | Reason::InstanceRemoved | Reason::Destroy => reason.clone(),
        Reason::Tainted | Reason::Requested | Reason::Deposed | Reason::RemovedBlock => reason.clone(),
        Reason::NotKnown { .. } | Reason::Pending { .. } => reason.clone(),
        Reason::Triggered { .. } | Reason::ProviderChanged { .. } => reason.clone(),
    }
}

/// Returns a value as JSON with null for what is secret and for what is unknown, and the places of the unknown.
pub(in crate::ui) fn json(value: &Value, marks: &Marks, unknown: &mut Vec<Path>) -> Json {
    masked(value, marks, &mut Path::root(), unknown)
}

fn masked(value: &Value, marks: &Marks, at: &mut Path, unknown: &mut Vec<Path>) -> Json {
    if value.is_unknown() {
        unknown.push(at.clone());
        return Json::Null;
    }
    if is_masked(value, marks) {
        return Json::Null;
    }
    if let Some(items) = value.items() {
        let items = items.iter().enumerate().map(|(index, item)| {
            let step = Step::Index(index);
            let marks = marks.inside(&step);
            at.push(step);
            let item = masked(item, &marks, at, unknown);
            at.pop();
            item
        });
        return Json::Array(items.collect());
    }
    if let Some(entries) = value.entries() {
        let entries = entries.iter().map(|(name, item)| {
            let step = Step::Name(name.clone());
            let marks = marks.inside(&step);
            at.push(step);
            let item = masked(item, &marks, at, unknown);
            at.pop();
            (name.to_string(), item)
        });
        return Json::Object(entries.collect());
    }
    Known::new(value.clone()).map_or(Json::Null, |known| known.to_json())
}
