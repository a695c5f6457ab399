//! Conditions that a configuration states about itself.

use crate::{
    config::{Check, Output},
    diag::{Diagnostic, Diagnostics},
    eval::{self, Marks, Outcome, Scope},
};

/// When a condition is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// What is unknown may still become true.
    Plan,
    /// Everything must be known.
    Apply,
}

/// Returns what is wrong with an output that holds a secret, or what may be kept nowhere, and does not say so.
pub(crate) fn leak(output: &Output, marks: &Marks) -> Option<Diagnostic> {
    let span = output.value.expr.span;
    if marks.has_ephemeral() && !output.ephemeral {
        let detail = "This value is ephemeral, and the output does not say so.";
        let hint = "In a called module add `ephemeral = true` to the output; in the root module, whose outputs are kept, use `ephemeralasnull(…)`.";
        return Some(Diagnostic::error("Ephemeral value", span, detail).hint(hint));
    }
    if output.ephemeral && !marks.has_ephemeral() {
        let detail = "The output says that it is ephemeral, but its value is not.";
        return Some(Diagnostic::error("Ephemeral output", span, detail).hint("Remove `ephemeral` from the output."));
    }
    if output.sensitive || !marks.has_secrets() {
        return None;
    }
    let detail = "This value holds a secret, and the output does not say so.";
    let hint = "Add `sensitive = true` to the output, or use `nonsensitive(…)` if it is none.";
    Some(Diagnostic::error("Sensitive output", span, detail).hint(hint))
}

/// Evaluates conditions and reports those that do not hold.
pub(crate) fn checks(
    summary: &'static str,
    checks: &[Check],
    scope: &Scope<'_>,
    stage: Stage,
    diagnostics: &mut Diagnostics,
) {
    for check in checks {
        let span = check.condition.expr.span;
        match (eval::check(check, scope, diagnostics), stage) {
            (Outcome::Passed | Outcome::Invalid, _) | (Outcome::Unknown, Stage::Plan) => {}
            (Outcome::Failed(message), _) => diagnostics.push(Diagnostic::error(summary, span, message)),
            (Outcome::Unknown, Stage::Apply) => {
                let detail = "The condition is still unknown, although everything it depends on is done.";
                diagnostics.push(Diagnostic::error(summary, span, detail));
            }
        }
    }
}
