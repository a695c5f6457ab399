//! What is replaced because something else changes: `replace_triggered_by`.

use std::collections::BTreeMap;

use loam_provider::Value;

use super::{ObjectChange, Reason, order};
use crate::{
    addr::{Instance, InstanceKey, Mode, ModulePath},
    config::{BlockName, Expr, ExprKind, Module, Repeat, Resource, Step, StepKind, Subject},
    diag::Diagnostics,
    eval::{self, Scope},
};

/// What has been found to change so far.
pub(super) struct Triggers<'v> {
    pub(super) module: &'v Module,
    /// The module instance in which names are looked up.
    pub(super) path: &'v ModulePath,
    /// The positions of the changes of objects that are changed or replaced.
    pub(super) changed: &'v BTreeMap<Instance, usize>,
    pub(super) changes: &'v [ObjectChange],
}

/// Returns why an instance is replaced because of what its block's `replace_triggered_by` names.
///
/// A whole block triggers when any object of it changes or is replaced, an instance when that one does, and an
/// attribute only when it is another one afterwards. What is made for the first time, or goes, triggers nothing.
pub(super) fn reasons(block: &Resource, scope: &Scope<'_>, triggers: &Triggers<'_>) -> Vec<Reason> {
    let named = block.lifecycle.replace_triggered_by.iter();
    named.filter_map(|attribute| triggers.reason(&attribute.expr, scope)).collect()
}

impl Triggers<'_> {
    fn reason(&self, expr: &Expr, scope: &Scope<'_>) -> Option<Reason> {
        let (subject, way) = match &expr.kind {
            ExprKind::Reference(subject) => (subject, &[][..]),
            ExprKind::Traverse { base, steps } => match &base.kind {
                ExprKind::Reference(subject) => (subject, &steps[..]),
                _ => return None,
            },
            _ => return None,
        };
        let Subject::Resource { kind, name } = subject else { return None };
        let block = BlockName { mode: Mode::Managed, kind: kind.clone(), name: name.clone() };
        let is_repeated = match self.module.resources.get(&block)?.repeat {
            Repeat::Once => false,
            Repeat::Count(_) | Repeat::ForEach(_) => true,
        };
        let address = order::address(&block, self.path);
        let (is_triggered, by) = match (is_repeated, way) {
            (false, way) => (self.differs(&address.clone().instance(None), way, scope), address.to_string()),
            (true, [Step { kind: StepKind::Index(key), .. }, rest @ ..]) => {
                let addr = address.instance(Some(instance_key(key, scope)?));
                (self.differs(&addr, rest, scope), addr.to_string())
            }
            (true, _) => {
                let first = self.changed.range(address.instance(None)..).next();
                (first.is_some_and(|(addr, _)| addr.resource == address), address.to_string())
            }
        };
        is_triggered.then(|| Reason::Triggered { by: by.into() })
    }

    /// Returns whether what a way leads to in an object will be another one.
    fn differs(&self, addr: &Instance, way: &[Step], scope: &Scope<'_>) -> bool {
        let Some(change) = self.changed.get(addr).map(|at| &self.changes[*at].change) else { return false };
        let (Some(before), Some(after)) = (change.before(), change.after()) else { return true };
        let (before, after) = (at(before.value(), way, scope), at(after, way, scope));
        way.is_empty() || before.is_none() || before != after
    }
}

/// Returns what a way leads to; `None` where that is more than one thing, or nothing.
fn at<'v>(value: &'v Value, way: &[Step], scope: &Scope<'_>) -> Option<&'v Value> {
    way.iter().try_fold(value, |value, step| match &step.kind {
        // All of it is unknown.
        _ if value.is_unknown() => Some(value),
        StepKind::Attribute(name) => value.get(name),
        StepKind::Index(key) => match instance_key(key, scope)? {
            InstanceKey::Key(name) => value.get(&name),
            InstanceKey::Index(index) => value.items()?.get(usize::try_from(index).ok()?),
        },
        StepKind::Splat(_) => None,
    })
}

/// Returns the key that an expression in brackets stands for. Mistakes in it are reported where it is used.
fn instance_key(key: &Expr, scope: &Scope<'_>) -> Option<InstanceKey> {
    match eval::expr(key, scope, &mut Diagnostics::default()).value {
        Value::String(key) => Some(InstanceKey::Key(key)),
        Value::Number(index) => index.to_u64().map(InstanceKey::Index),
        Value::Null(_) | Value::Bool(_) | Value::List(_) | Value::Set(_) | Value::Map(_) => None,
        Value::Object(_) | Value::Tuple(_) | Value::Unknown(_) => None,
    }
}
