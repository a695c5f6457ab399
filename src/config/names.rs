//! Names and the ways into their values: what `var.a.b[0]` means.

use loam_provider::Str;

use super::{
    Expr, ExprKind, Step, StepKind, Subject,
    lower::{Lower, Names},
    syntax::tree::{Expression, Spanned, TraversalOperator},
};
use crate::{
    diag::{Diagnostic, did_you_mean},
    source::Span,
};

type Operators<'e> = &'e [Spanned<TraversalOperator>];

/// Lowers a name, or a way into a value.
pub(super) fn lower(cx: &mut Lower<'_, '_>, expr: &Expression, span: Span) -> Expr {
    let (base, operators): (_, Operators<'_>) = match expr {
        Expression::Traversal(traversal) => (&traversal.expr, &traversal.operators),
        base => (base, &[]),
    };
    let (base, operators) = match base {
        Expression::Variable(name) => {
            let name_span = cx.span(name);
            match resolve(cx, name.as_str(), name_span, operators) {
                Ok((subject, used)) => {
                    let end = used.checked_sub(1).map_or(name_span, |last| cx.span(&operators[last]));
                    let base = Expr { kind: ExprKind::Reference(subject), span: name_span.to(end) };
                    (base, &operators[used..])
                }
                Err(diagnostic) => {
                    cx.diagnostics.push(*diagnostic);
                    // The indexes may hold further mistakes.
                    steps(cx, operators);
                    return Expr::invalid(span);
                }
            }
        }
        base => (cx.expr(base), operators),
    };
    let steps = steps(cx, operators);
    if steps.is_empty() {
        return base;
    }
    Expr { kind: ExprKind::Traverse { base: Box::new(base), steps: steps.into() }, span }
}

/// Returns what a name means and how many of the operators after it belong to the name.
fn resolve(
    cx: &Lower<'_, '_>,
    name: &str,
    span: Span,
    operators: Operators<'_>,
) -> Result<(Subject, usize), Box<Diagnostic>> {
    if cx.bound.iter().any(|bound| bound.as_str() == name) || cx.names == Names::Template {
        return Ok((Subject::Bound(name.into()), 0));
    }
    let attribute = |index: usize| match operators.get(index).map(|operator| operator.value()) {
        Some(TraversalOperator::GetAttr(attribute)) => Some(attribute.value.clone()),
        _ => None,
    };
    let invalid = |detail: String| Diagnostic::error("Invalid reference", span, detail);
    let one_of = |found: Option<Str>, names: &[&'static str]| {
        let list = names.iter().map(|word| format!("`{name}.{word}`")).collect::<Vec<_>>().join(" and ");
        let detail = match &found {
            Some(found) => format!("There is no `{name}.{found}`, only {list}."),
            None => format!("`{name}` is no value by itself; there is only {list}."),
        };
        let hint = found.and_then(|found| did_you_mean(&found, names.iter().copied()));
        Box::new(invalid(detail).maybe_hint(hint))
    };
    match name {
        "var" | "local" | "module" => {
            let (what, example) = match name {
                "var" => ("variable", "var.region"),
                "local" => ("local value", "local.region"),
                _ => ("module", "module.site"),
            };
            let Some(attribute) = attribute(0) else {
                let detail = format!("`{name}` must be followed by the name of a {what}, as in `{example}`.");
                return Err(Box::new(invalid(detail)));
            };
            let subject = match name {
                "var" => Subject::Variable(attribute),
                "local" => Subject::Local(attribute),
                _ => Subject::Module(attribute),
            };
            Ok((subject, 1))
        }
        "data" => match (attribute(0), attribute(1)) {
            (Some(kind), Some(name)) => Ok((Subject::Data { kind, name }, 2)),
            _ => {
                let detail = "`data` must be followed by a kind and a name, as in `data.file.seed`.";
                Err(Box::new(invalid(detail.into())))
            }
        },
        "each" => match attribute(0) {
            Some(word) if word.as_str() == "key" => Ok((Subject::EachKey, 1)),
            Some(word) if word.as_str() == "value" => Ok((Subject::EachValue, 1)),
            found => Err(one_of(found, &["key", "value"])),
        },
        "count" => match attribute(0) {
            Some(word) if word.as_str() == "index" => Ok((Subject::CountIndex, 1)),
            found => Err(one_of(found, &["index"])),
        },
        "path" => match attribute(0) {
            Some(word) if word.as_str() == "module" => Ok((Subject::PathModule, 1)),
            Some(word) if word.as_str() == "root" => Ok((Subject::PathRoot, 1)),
            Some(word) if word.as_str() == "cwd" => Ok((Subject::PathCwd, 1)),
            found => Err(one_of(found, &["module", "root", "cwd"])),
        },
        "self" => Ok((Subject::SelfObject, 0)),
        "terraform" => Err(Box::new(
            invalid("loam has no workspaces and no `terraform` object.".into())
                .hint("Use a variable, for example `var.environment`."),
        )),
        kind => match attribute(0) {
            Some(name) => Ok((Subject::Resource { kind: kind.into(), name }, 1)),
            None => {
                let detail = format!("`{kind}` is not a name that has a value here.");
                let hint = did_you_mean(kind, ["var", "local", "module", "data", "each", "count", "path", "self"]);
                let text = format!(
                    "For the text write \"{kind}\"; a resource is named by its kind and its name, as in `network.bench`."
                );
                Err(Box::new(invalid(detail).maybe_hint(hint).hint(text)))
            }
        },
    }
}

/// Lowers the ways into a value.
fn steps(cx: &mut Lower<'_, '_>, operators: Operators<'_>) -> Vec<Step> {
    let mut lowered = Vec::with_capacity(operators.len());
    let mut index = 0;
    while let Some(operator) = operators.get(index) {
        let span = cx.span(operator);
        index += 1;
        let kind = match operator.value() {
            TraversalOperator::GetAttr(name) => StepKind::Attribute(name.value.clone()),
            TraversalOperator::Index(key) => StepKind::Index(Box::new(cx.expr(key))),
            TraversalOperator::LegacyIndex(digits) => StepKind::Index(Box::new(cx.number(digits, span))),
            TraversalOperator::FullSplat => {
                let each = steps(cx, &operators[index..]);
                index = operators.len();
                StepKind::Splat(each.into())
            }
            TraversalOperator::AttrSplat => {
                let taken = operators[index..].iter().take_while(|operator| {
                    matches!(operator.value(), TraversalOperator::GetAttr(_) | TraversalOperator::LegacyIndex(_))
                });
                let end = index + taken.count();
                let each = steps(cx, &operators[index..end]);
                index = end;
                StepKind::Splat(each.into())
            }
        };
        lowered.push(Step { kind, span });
    }
    lowered
}
