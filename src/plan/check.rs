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

/// Returns what is wrong with an output that holds a secret and does not say so.
pub(crate) fn leak(output: &Output, marks: &Marks) -> Option<Diagnostic> {
    if output.sensitive || marks.is_empty() {
        return None;
    }
    let detail = "This value holds a secret, and the output does not say so.";
    let hint = "Add `sensitive = true` to the output, or use `nonsensitive(…)` if it is none.";
    Some(Diagnostic::error("Sensitive output", output.value.expr.span, detail).hint(hint))
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
