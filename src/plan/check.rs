//! Conditions that a configuration states about itself.

use loam_provider::{Schema, Step, Str};

use crate::{
    config::{Check, IgnoreChanges, Output, Resource},
    diag::{Diagnostic, Diagnostics, did_you_mean},
    eval::{self, Evaluated, Marks, Outcome, Scope},
};

/// When a condition is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// What is unknown may still become true.
    Plan,
    /// Everything must be known.
    Apply,
}

/// Returns what is wrong with an output that holds what may be kept nowhere and does not say so, or the other way round.
pub(crate) fn ephemeral(output: &Output, value: &Evaluated) -> Option<Diagnostic> {
    let span = output.value.expr.span;
    let wrong = |detail: &str, hint: &str| Some(Diagnostic::error("Ephemeral value", span, detail).hint(hint));
    match (output.ephemeral, value.marks.has_ephemeral()) {
        (false, true) => wrong(
            "This value is ephemeral, and the output does not say so.",
            "In a called module add `ephemeral = true` to the output. Outputs of the root module are kept: use `ephemeralasnull(…)`.",
        ),
        // What is unknown may come from a mistake that was reported.
        (true, false) if value.value.is_wholly_known() => {
            wrong("The output says that it is ephemeral, but its value is not.", "Remove `ephemeral` from the output.")
        }
        (true, _) | (false, false) => None,
    }
}

/// Returns what is wrong with an object that is kept, in the state or in a plan, and holds what may be kept nowhere.
pub(crate) fn kept(block: &Resource, schema: &Schema, object: &Evaluated) -> Diagnostics {
    eval::ephemeral(object, &block.body, schema, &format!("`{}`", block.name))
}

/// Returns what `ignore_changes` names that the kind does not have.
pub(crate) fn ignored(block: &Resource, schema: &Schema) -> Diagnostics {
    let IgnoreChanges::Paths(paths) = &block.lifecycle.ignore_changes else { return Diagnostics::default() };
    let names = || schema.attributes.keys().chain(schema.blocks.keys()).map(Str::as_str);
    let unknown = paths.iter().filter_map(|(path, span)| {
        let Some(Step::Name(name)) = path.steps().first() else { return None };
        if names().any(|known| known == name.as_str()) || schema.written(name).is_some() {
            return None;
        }
        let detail = format!("`ignore_changes` names `{name}`, but `{}` has no such attribute.", block.name.kind);
        Some(Diagnostic::error("Unknown attribute", *span, detail).maybe_hint(did_you_mean(name, names())))
    });
    unknown.collect()
}

/// Returns what is wrong with an output that holds a secret and does not say so.
pub(crate) fn leak(output: &Output, marks: &Marks) -> Option<Diagnostic> {
    let span = output.value.expr.span;
    if output.sensitive || !marks.has_secrets() {
        return None;
    }
    let detail = "This value holds a secret, and the output does not say so.";
    let hint = "Add `sensitive = true` to the output, or use `nonsensitive(…)` if it is none.";
    Some(Diagnostic::error("Sensitive output", span, detail).hint(hint))
}

/// Evaluates conditions and reports those that do not hold. Returns whether all of them could be told.
pub(crate) fn checks(
    summary: &'static str,
    checks: &[Check],
    scope: &Scope<'_>,
    stage: Stage,
    diagnostics: &mut Diagnostics,
) -> Told {
    let mut told = Told::All;
    for check in checks {
        let span = check.condition.expr.span;
        match (eval::check(check, scope, diagnostics), stage) {
            (Outcome::Passed | Outcome::Invalid, _) => {}
            (Outcome::Unknown, Stage::Plan) => told = Told::Some,
            (Outcome::Failed(message), _) => diagnostics.push(Diagnostic::error(summary, span, message)),
            (Outcome::Unknown, Stage::Apply) => {
                let detail = "The condition is still unknown, although everything it depends on is done.";
                diagnostics.push(Diagnostic::error(summary, span, detail));
            }
        }
    }
    told
}

/// How many conditions could be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// Every one.
    All,
    /// Not every one: something they look at is not known yet.
    Some,
}
