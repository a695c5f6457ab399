//! One `moved` block, and which addresses it is about.

use std::fmt;

use loam_provider::{Str, Value};

use crate::{
    addr::{Instance, InstanceKey, Mode, ModulePath, ModuleStep},
    config::{self, BlockName, Expr, Moved, Target},
    diag::{Diagnostic, Diagnostics},
    source::Span,
};

/// A `moved` block in the module that it stands in.
#[derive(Debug)]
pub(super) struct Statement {
    /// The calls that lead to the module, without keys: it is about every instance.
    within: Vec<Str>,
    pub(super) from: Endpoint,
    pub(super) to: Endpoint,
    reach: Reach,
    /// The block's head.
    pub(super) span: Span,
}

/// One side of a `moved` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// The calls on the way, from the block's module inwards.
    steps: Vec<ModuleStep>,
    /// The block, unless it is a module that is meant.
    block: Option<(BlockName, Option<InstanceKey>)>,
}

/// Whether neither side names an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Every instance moves, and keeps its key.
    Every,
    /// One instance moves.
    One,
}

/// What tells apart where the address of an object leads: its calls without keys, and its block.
pub(super) type Place = (Vec<Str>, Option<BlockName>);

impl Statement {
    /// Returns what a block says, or reports why that makes no sense.
    pub(super) fn of(moved: &Moved, within: &[Str], diagnostics: &mut Diagnostics) -> Option<Self> {
        let (from, to) = (endpoint(&moved.from, diagnostics), endpoint(&moved.to, diagnostics));
        let (from, to) = (from?, to?);
        match (&from.block, &to.block) {
            (None, None) => {}
            (Some((from, _)), Some((to, _))) => {
                if let Some(wrong) = [(from, &moved.from), (to, &moved.to)].iter().find(|(it, _)| it.mode == Mode::Data)
                {
                    let detail =
                        format!("`{}` is a data source: it is read anew each time, so it cannot move.", wrong.0);
                    let hint = "Remove this `moved` block; rename the data source without it.";
                    diagnostics.push(Diagnostic::error("Invalid move", wrong.1.span, detail).hint(hint));
                    return None;
                }
                if from.kind != to.kind {
                    let detail = format!("A `{}` cannot become a `{}`.", from.kind, to.kind);
                    let hint = format!(
                        "Only the name, the key and the module can change. To let go of `{from}` without destroying \
                         it, use a `removed` block."
                    );
                    diagnostics.push(Diagnostic::error("Kind changed by a move", moved.to.span, detail).hint(hint));
                    return None;
                }
            }
            (Some(_), None) | (None, Some(_)) => {
                let of = |endpoint: &Endpoint| if endpoint.block.is_some() { "a resource" } else { "a module" };
                let detail = format!("`{from}` is {}, and `{to}` is {}.", of(&from), of(&to));
                let hint = "Move a resource to a resource, or a module to a module.";
                diagnostics.push(Diagnostic::error("Invalid move", moved.to.span, detail).hint(hint));
                return None;
            }
        }
        let reach = if from.key().is_none() && to.key().is_none() { Reach::Every } else { Reach::One };
        Some(Self { within: within.to_vec(), from, to, reach, span: moved.span })
    }

    /// Returns the place at which objects are looked up that it is about.
    pub(super) fn place(&self) -> Place {
        self.from.place(&self.within)
    }

    /// Returns the place that it moves to.
    pub(super) fn destination(&self) -> Place {
        self.to.place(&self.within)
    }

    /// Returns what it calls what it moves, seen from the root module, without the keys of the modules it stands in.
    pub(super) fn names(&self) -> (String, String) {
        let outer: String = self.within.iter().map(|name| format!("module.{name}.")).collect();
        (format!("{outer}{}", self.from), format!("{outer}{}", self.to))
    }

    /// Returns whether it names one instance: that one counts before all of its block.
    pub(super) fn is_about_one(&self) -> bool {
        self.reach == Reach::One
    }

    /// Returns where it moves an address, if it is about it.
    pub(super) fn moved(&self, addr: &Instance) -> Option<Instance> {
        let steps = addr.resource.module.steps();
        let (outer, inner) = steps.split_at_checked(self.within.len())?;
        let stands_here = outer.iter().zip(&self.within).all(|(step, name)| step.name == *name);
        let (way, rest) = inner.split_at_checked(self.from.steps.len())?;
        if !stands_here {
            return None;
        }
        match (&self.from.block, &self.to.block) {
            (Some((from, from_key)), Some((to, to_key))) => {
                let is_it = rest.is_empty()
                    && way == self.from.steps
                    && from.mode == addr.resource.mode
                    && from.kind == addr.resource.kind
                    && from.name == addr.resource.name;
                let key = match self.reach {
                    Reach::Every => &addr.key,
                    Reach::One if addr.key == *from_key => to_key,
                    Reach::One => return None,
                };
                is_it.then(|| {
                    let module = path(outer.iter().chain(&self.to.steps));
                    let resource =
                        crate::addr::Resource { module, mode: to.mode, kind: to.kind.clone(), name: to.name.clone() };
                    resource.instance(key.clone())
                })
            }
            _ => {
                let ((last, before), (to_last, to_before)) =
                    (self.from.steps.split_last()?, self.to.steps.split_last()?);
                let (way_last, way_before) = way.split_last()?;
                let key = match self.reach {
                    Reach::Every => &way_last.key,
                    Reach::One if way_last.key == last.key => &to_last.key,
                    Reach::One => return None,
                };
                (way_before == before && way_last.name == last.name).then(|| {
                    let called = ModuleStep { name: to_last.name.clone(), key: key.clone() };
                    let module = path(outer.iter().chain(to_before).chain([&called]).chain(rest));
                    Instance { resource: addr.resource.clone().in_module(module), key: addr.key.clone() }
                })
            }
        }
    }
}

impl Endpoint {
    /// Returns the key of what is meant.
    fn key(&self) -> Option<&InstanceKey> {
        match &self.block {
            Some((_, key)) => key.as_ref(),
            None => self.steps.last()?.key.as_ref(),
        }
    }

    fn place(&self, within: &[Str]) -> Place {
        let names = within.iter().chain(self.steps.iter().map(|step| &step.name)).cloned().collect();
        (names, self.block.as_ref().map(|(name, _)| name.clone()))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let module = path(self.steps.iter());
        match &self.block {
            None => write!(f, "{module}"),
            Some((name, key)) => {
                if !module.is_root() {
                    write!(f, "{module}.")?;
                }
                write!(f, "{name}")?;
                key.as_ref().map_or(Ok(()), |key| write!(f, "{key}"))
            }
        }
    }
}

fn path<'s>(steps: impl Iterator<Item = &'s ModuleStep>) -> ModulePath {
    steps.fold(ModulePath::root(), |path, step| path.child(step.name.clone(), step.key.clone()))
}

fn endpoint(target: &Target, diagnostics: &mut Diagnostics) -> Option<Endpoint> {
    let mut key = |expr: &Option<Expr>| match expr {
        None => Some(None),
        Some(expr) => constant_key(expr, diagnostics).map(Some),
    };
    let steps = target.module.iter().map(|step| Some(ModuleStep { name: step.name.clone(), key: key(&step.key)? }));
    let steps: Vec<Option<ModuleStep>> = steps.collect();
    let block = match &target.block {
        None => Some(None),
        Some(block) => key(&block.key).map(|key| Some((block.name.clone(), key))),
    };
    Some(Endpoint { steps: steps.into_iter().collect::<Option<_>>()?, block: block? })
}

fn constant_key(expr: &Expr, diagnostics: &mut Diagnostics) -> Option<InstanceKey> {
    match config::constant(expr) {
        Some(Value::String(key)) => return Some(InstanceKey::Key(key)),
        Some(Value::Number(index)) if index.to_u64().is_some() => return index.to_u64().map(InstanceKey::Index),
        Some(_) | None => {}
    }
    let detail = "The key of an address that moves is written out: a whole number or a quoted string.";
    let hint = "Write one `moved` block for each instance, or leave the keys out to move all of them.";
    diagnostics.push(Diagnostic::error("Invalid move", expr.span, detail).hint(hint));
    None
}
