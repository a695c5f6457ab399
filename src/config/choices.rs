//! Which provider configuration is meant: `provider = kube.ci`, and the `providers` of a `module` block.

use loam_provider::Str;

use super::{
    Attribute, PassedProvider, ProviderChoice, ProviderName, body,
    lower::Lower,
    syntax::tree::{Expression, ObjectKey, Traversal, TraversalOperator},
};
use crate::{diag::Diagnostic, source::Span};

/// Reads `kube`, `kube.ci` or `kube.by_region[each.key]`, where the words are no reference but a name.
pub(super) fn choice(cx: &mut Lower<'_, '_>, argument: &str, value: &Expression) -> Option<ProviderChoice> {
    let span = cx.span(value);
    let named = match value {
        Expression::Traversal(found) => named(cx, found),
        other => name(other).map(|name| (name, None)),
    };
    let Some((name, key)) = named else {
        let detail = format!("`{argument}` names a provider, or a configuration of one by its alias.");
        let hint = match argument {
            "providers" => "Write for example `providers = { kube = kube.ci }`.",
            _ => "Write for example `provider = local`, `provider = kube.ci` or `provider = kube.ci[each.key]`.",
        };
        cx.diagnostics.push(Diagnostic::error("Invalid provider", span, detail).hint(hint));
        return None;
    };
    Some(ProviderChoice { name, key, span })
}

fn named(cx: &mut Lower<'_, '_>, found: &Traversal) -> Option<(ProviderName, Option<Box<Attribute>>)> {
    let Expression::Variable(provider) = &found.expr else { return None };
    let provider = Str::from(provider.as_str());
    let operators: Vec<&TraversalOperator> = found.operators.iter().map(|operator| operator.value()).collect();
    match operators.as_slice() {
        [TraversalOperator::GetAttr(alias)] => {
            Some((ProviderName { name: provider, alias: Some(alias.as_str().into()) }, None))
        }
        [TraversalOperator::GetAttr(alias), TraversalOperator::Index(key)] => {
            let name = ProviderName { name: provider, alias: Some(alias.as_str().into()) };
            let expr = cx.expr(key);
            Some((name, Some(Box::new(Attribute::new("provider".into(), expr.span, expr)))))
        }
        _ => None,
    }
}

/// Returns the configuration that a word, or a text in quotes, names.
fn name(value: &Expression) -> Option<ProviderName> {
    let text = match value {
        Expression::Variable(word) => word.as_str(),
        Expression::String(text) => text.value().as_str(),
        _ => return None,
    };
    let (name, alias) = text.split_once('.').map_or((text, None), |(name, alias)| (name, Some(alias)));
    let is_name = body::is_name(name) && alias.is_none_or(body::is_name);
    is_name.then(|| ProviderName { name: name.into(), alias: alias.map(Str::from) })
}

/// Reads `providers = { inner = outer }`.
pub(super) fn passed(cx: &mut Lower<'_, '_>, value: &Expression) -> Vec<PassedProvider> {
    let Expression::Object(object) = value else {
        let detail = "`providers` says by which names the module knows the provider configurations it is to use.";
        let hint = "Write for example `providers = { kube = kube.ci }`.";
        let span = cx.span(value);
        cx.diagnostics.push(Diagnostic::error("Invalid provider", span, detail).hint(hint));
        return Vec::new();
    };
    let mut passed: Vec<PassedProvider> = Vec::with_capacity(object.items.len());
    for (key, value) in object {
        let span = cx.span(key);
        let outer = choice(cx, "providers", value);
        let Some(inner) = inner(key) else {
            let detail = "On the left of `providers` stands what the module calls the configuration.";
            let hint = "Write for example `kube = kube.ci` or `kube.second = kube.ci`.";
            cx.diagnostics.push(Diagnostic::error("Invalid provider", span, detail).hint(hint));
            continue;
        };
        if let Some(first) = passed.iter().find(|other| other.inner == inner) {
            let first = first.span;
            cx.diagnostics.push(twice(&inner, span, first));
        } else if let Some(outer) = outer {
            passed.push(PassedProvider { inner, span, outer });
        }
    }
    passed
}

fn twice(inner: &ProviderName, span: Span, first: Span) -> Diagnostic {
    let detail = format!("The module's `{inner}` is given twice.");
    Diagnostic::error("Duplicate provider", span, detail).related(first, "the first one").hint("Remove one of the two.")
}

fn inner(key: &ObjectKey) -> Option<ProviderName> {
    match key {
        ObjectKey::Ident(ident) => Some(ProviderName { name: ident.as_str().into(), alias: None }),
        ObjectKey::Expression(Expression::Traversal(found)) => {
            let Expression::Variable(name) = &found.expr else { return None };
            let [operator] = found.operators.as_slice() else { return None };
            let TraversalOperator::GetAttr(alias) = operator.value() else { return None };
            Some(ProviderName { name: name.as_str().into(), alias: Some(alias.as_str().into()) })
        }
        ObjectKey::Expression(other) => name(other),
    }
}
