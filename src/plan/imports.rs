//! What exists and is taken over: `import` blocks, and `loam import`.
//!
//! Ids and keys must be known before anything is planned. The provider then shows what it found, and what happens to
//! it is decided as for any object that was recorded like that. What the state has already is left alone, so a block
//! may stay after it has done its work.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use loam_provider::{Kind, Known, OnDestroy, Str, Type, Value};

use super::{
    Basics, Change, ObjectChange, Origin,
    data::{failed, identity},
    decide::{Calls, Case},
    order::block_name,
};
use crate::{
    addr::{Instance, InstanceKey, Mode, ModulePath, Resource},
    config::{self, Attribute, Expr, Import, Module, Target},
    diag::{Diagnostic, Diagnostics, did_you_mean},
    eval::{Each, Evaluated, InstanceValues, Statics},
    event::Secrets,
    host::ProviderRef,
    source::Span,
    state::Stored,
};

/// What is to be taken over, by the address it gets.
#[derive(Debug, Default)]
pub(super) struct Imports {
    wanted: BTreeMap<Instance, Wanted>,
}

/// One thing to take over.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// What its provider knows it by.
    pub(super) id: Str,
    /// Who reads it, where the block of the resource does not say.
    pub(super) provider: Option<ProviderRef>,
    /// The `import` block; none for the command.
    span: Option<Span>,
}

/// A thing that was found.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) id: Str,
    pub(super) object: Known,
}

impl Imports {
    /// Collects what the root module's blocks and the command line ask for.
    pub(super) fn of(basics: &Basics<'_>, diagnostics: &mut Diagnostics) -> Self {
        let root = Arc::clone(&basics.config.root);
        let mut imports = Self::default();
        if root.imports.is_empty() && basics.options.imports.is_empty() {
            return imports;
        }
        let statics = Statics::new(Arc::clone(&root), basics.variables, basics.paths.clone(), basics.files);
        for import in &root.imports {
            imports.block(import, &statics, diagnostics);
        }
        for (addr, id) in &basics.options.imports {
            imports.add(&root, addr, Wanted { id: id.clone(), provider: None, span: None }, diagnostics);
        }
        imports
    }

    fn block(&mut self, import: &Import, statics: &Statics<'_>, diagnostics: &mut Diagnostics) {
        let instances = match &import.for_each {
            None => Some(vec![InstanceValues::default()]),
            Some(attribute) => members(attribute, statics, diagnostics),
        };
        let provider = import
            .provider
            .as_ref()
            .map(|choice| ProviderRef::new(choice.name.name.clone(), choice.name.alias.clone()));
        for instance in instances.into_iter().flatten() {
            let addr = address(&import.to, statics, &instance, diagnostics);
            let id = statics.require(&import.id, &Type::String, Some(&instance), diagnostics);
            let (Some(addr), Some(id)) = (addr, id) else { continue };
            let wrong = |detail: &str| Diagnostic::error("Invalid import id", import.id.expr.span, detail);
            match id.value {
                _ if !id.marks.is_empty() => {
                    let detail = "The id of a thing that is taken over is shown in plans, and this one is a secret.";
                    diagnostics.push(wrong(detail).hint("Use `nonsensitive(…)` if the id itself is no secret."));
                }
                Value::String(id) if !id.is_empty() => {
                    let wanted = Wanted { id, provider: provider.clone(), span: Some(import.span) };
                    self.add(statics.module(), &addr, wanted, diagnostics);
                }
                _ => diagnostics.push(
                    wrong("The id is empty, so it names nothing.")
                        .hint("Write what the provider knows the thing by, for example its name or its path."),
                ),
            }
        }
    }

    fn add(&mut self, root: &Module, addr: &Instance, wanted: Wanted, diagnostics: &mut Diagnostics) {
        let error = |summary, detail: String| match wanted.span {
            Some(span) => Diagnostic::error(summary, span, detail),
            None => Diagnostic::error_nowhere(summary, detail),
        };
        if addr.resource.mode == Mode::Data {
            let detail = format!("`{addr}` is a data source: it is read, and nothing of it can be taken over.");
            diagnostics.push(error("Invalid import", detail));
            return;
        }
        if !is_declared(root, addr) {
            let detail = format!("`{addr}` has no block, so nothing says what the thing is to be.");
            let Resource { kind, name, module, .. } = &addr.resource;
            let place = if module.is_root() { String::new() } else { format!(" in `{module}`") };
            let block = format!("Add the block{place}: resource \"{kind}\" \"{name}\" {{ … }}");
            let near = did_you_mean(name, names(root, &addr.resource).iter().map(Str::as_str));
            diagnostics.push(error("Import without a block", detail).maybe_hint(near).hint(block));
            return;
        }
        let same = |other: &Wanted| other.span.and_then(|span| wanted.span.map(|_| span));
        if let Some(other) = self.wanted.get(addr) {
            let detail = if other.id == wanted.id {
                format!("`{}` is to become `{addr}` twice.", wanted.id)
            } else {
                format!("`{addr}` is to become both `{}` and `{}`.", other.id, wanted.id)
            };
            let mut diagnostic = error("Contradictory imports", detail).hint("Keep one of them.");
            if let Some(span) = same(other) {
                diagnostic = diagnostic.related(span, "the other one");
            }
            diagnostics.push(diagnostic);
            return;
        }
        let twin = self.wanted.iter().find(|(other, found)| {
            found.id == wanted.id && found.provider == wanted.provider && other.resource.kind == addr.resource.kind
        });
        if let Some((other, found)) = twin {
            let detail = format!("`{}` cannot be taken over both as `{other}` and as `{addr}`.", wanted.id);
            let mut diagnostic = error("Contradictory imports", detail).hint("One thing has one address: keep one.");
            if let Some(span) = same(found) {
                diagnostic = diagnostic.related(span, "the other one");
            }
            diagnostics.push(diagnostic);
            return;
        }
        self.wanted.insert(addr.clone(), wanted);
    }

    /// Returns what is to be taken over at an address.
    pub(super) fn wanted(&self, addr: &Instance) -> Option<&Wanted> {
        self.wanted.get(addr)
    }

    /// Reports what names an instance that its block does not have.
    pub(super) fn unmet(
        &self,
        declared: &BTreeSet<Instance>,
        undecided: &BTreeSet<Resource>,
        diagnostics: &mut Diagnostics,
    ) {
        for (addr, wanted) in &self.wanted {
            if declared.contains(addr) || undecided.contains(&addr.resource) {
                continue;
            }
            let detail = format!("The block of `{addr}` has no such instance.");
            let own = declared.iter().filter(|other| other.resource == addr.resource).take(3);
            let own: Vec<String> = own.map(|other| format!("`{other}`")).collect();
            let hint = if own.is_empty() { String::new() } else { format!("It has {}.", own.join(", ")) };
            let diagnostic = match wanted.span {
                Some(span) => Diagnostic::error("Import without an instance", span, detail),
                None => Diagnostic::error_nowhere("Import without an instance", detail),
            };
            diagnostics.push(diagnostic.maybe_hint((!hint.is_empty()).then_some(hint)));
        }
    }
}

/// Asks the provider for the thing that is to be taken over.
pub(super) async fn find(
    wanted: &Wanted,
    case: &Case<'_>,
    stored: &[Stored],
    calls: &Calls<'_>,
) -> Result<Found, Box<Diagnostic>> {
    let span = wanted.span.unwrap_or(case.block.span);
    let reader = wanted.provider.as_ref().filter(|_| case.block.provider.is_none()).unwrap_or(&case.provider);
    let call = calls.call(reader, &case.kind.name, &case.addr);
    let marks: Vec<_> = case.config.marks.paths().cloned().collect();
    let secrets = Secrets::of(&case.config.value, &marks).and(&calls.secrets);
    let id = &wanted.id;
    let found = tokio::select! {
        biased;
        () = calls.cancel.cancelled() => return Err(Box::new(super::decide::interrupted())),
        found = calls.host.import(&call, id, &case.config.value) => found,
    };
    let object = match found {
        Ok(Some(object)) => object,
        Ok(None) => {
            let detail = format!("`{reader}` finds nothing that `{id}` names, so it cannot become `{}`.", case.addr);
            let hint = "Check the id; to make a new one instead, remove the import.";
            return Err(Box::new(Diagnostic::error("Nothing to import", span, detail).address(&case.addr).hint(hint)));
        }
        Err(error) => {
            let what = format!("`{id}` could not be taken over by `{reader}`");
            return Err(Box::new(failed("Import failed", &what, span, &error, &secrets).address(&case.addr)));
        }
    };
    match managed(case.kind, reader, &object, stored) {
        Some(other) => {
            let detail = format!("`{id}` is managed already, as `{other}`; it cannot become `{}` too.", case.addr);
            let hint = format!(
                "Remove the import. If `{other}` was renamed, say so in a `moved` block, from `{other}` to `{}`.",
                case.addr
            );
            Err(Box::new(Diagnostic::error("Managed already", span, detail).address(&case.addr).hint(hint)))
        }
        None => Ok(Found { id: id.clone(), object }),
    }
}

/// Warns where what is taken over would not stay.
pub(super) fn warn_of_replacement(change: &ObjectChange, block: &config::Resource, diagnostics: &mut Diagnostics) {
    let (Some(Origin::Imported { id }), Change::Replace { .. }) = (&change.origin, &change.change) else { return };
    let what = match change.on_replace() {
        OnDestroy::Delete => "deleted",
        OnDestroy::Retain => "left behind",
    };
    let detail = format!("`{id}` would be taken over only to be {what}, and `{}` made anew.", change.addr);
    diagnostics.push(
        Diagnostic::warning("Import and replacement", block.span, detail)
            .hint("Write the block so that it says what the thing is; the plan shows what differs."),
    );
}

/// Returns the address at which the state has the same thing.
fn managed(kind: &Kind, provider: &ProviderRef, object: &Known, stored: &[Stored]) -> Option<Instance> {
    let identity = identity(object)?;
    let provider = provider.to_string();
    let same = stored.iter().map(|stored| &stored.object).find(|other| {
        other.kind == kind.name
            && *other.provider == *provider
            && other.attributes.get(identity.0).and_then(Value::as_str) == Some(&*identity.1)
    });
    same.map(|other| other.slot.addr.clone())
}

fn module<'c>(root: &'c Module, path: &ModulePath) -> Option<&'c Module> {
    path.steps().iter().try_fold(root, |module, step| module.calls.get(&step.name)?.module.as_deref())
}

fn is_declared(root: &Module, addr: &Instance) -> bool {
    module(root, &addr.resource.module).is_some_and(|module| module.resources.contains_key(&block_name(&addr.resource)))
}

/// Returns the names of the blocks that could be meant.
fn names(root: &Module, resource: &Resource) -> Vec<Str> {
    let blocks = module(root, &resource.module).into_iter().flat_map(|module| module.resources.keys());
    let alike = blocks.filter(|block| block.mode == Mode::Managed && block.kind == resource.kind);
    alike.map(|block| block.name.clone()).collect()
}

fn members(attribute: &Attribute, statics: &Statics<'_>, diagnostics: &mut Diagnostics) -> Option<Vec<InstanceValues>> {
    let evaluated = statics.require(attribute, &Type::Any, None, diagnostics)?;
    let each = |key: Str, value| InstanceValues {
        each: Some(Each { key: Evaluated::from(Value::String(key)), value }),
        ..InstanceValues::default()
    };
    if let Some(entries) = evaluated.value.entries().filter(|_| !evaluated.marks.is_whole()) {
        let member = |key: &Str| each(key.clone(), evaluated.get(key).unwrap_or_else(Evaluated::unknown));
        return Some(entries.keys().map(member).collect());
    }
    if let Value::Set(set) = &evaluated.value
        && evaluated.marks.is_empty()
        && let Some(keys) = set.items().iter().map(Value::as_str).collect::<Option<Vec<_>>>()
    {
        return Some(keys.into_iter().map(|key| each(key.into(), Evaluated::from(Value::from(key)))).collect());
    }
    let detail = if evaluated.marks.is_empty() {
        let found = evaluated.value.ty().friendly();
        format!("`for_each` takes a map, an object or a set of strings, but this is a {found}.")
    } else {
        "`for_each` is a secret, and the addresses it makes could not be shown in a plan.".to_owned()
    };
    diagnostics.push(Diagnostic::error("Invalid for_each", attribute.expr.span, detail));
    None
}

fn address(
    target: &Target,
    statics: &Statics<'_>,
    instance: &InstanceValues,
    diagnostics: &mut Diagnostics,
) -> Option<Instance> {
    let mut module = ModulePath::root();
    for step in &target.module {
        module = module.child(step.name.clone(), key(step.key.as_ref(), statics, instance, diagnostics)?);
    }
    let Some(block) = &target.block else {
        let detail = format!("`{module}` is a module; things are taken over one by one.");
        let hint = format!("Name a resource in it, as in `{module}.bucket.logs`.");
        diagnostics.push(Diagnostic::error("Invalid import", target.span, detail).hint(hint));
        return None;
    };
    let key = key(block.key.as_ref(), statics, instance, diagnostics)?;
    let resource =
        Resource { module, mode: block.name.mode, kind: block.name.kind.clone(), name: block.name.name.clone() };
    Some(resource.instance(key))
}

/// Evaluates a key; `None` after what is wrong was reported.
fn key(
    expr: Option<&Expr>,
    statics: &Statics<'_>,
    instance: &InstanceValues,
    diagnostics: &mut Diagnostics,
) -> Option<Option<InstanceKey>> {
    let Some(expr) = expr else { return Some(None) };
    let before = diagnostics.len();
    let evaluated = statics.evaluate(expr, Some(instance), diagnostics);
    match &evaluated.value {
        _ if diagnostics.len() > before => return None,
        Value::String(key) if evaluated.marks.is_empty() => return Some(Some(InstanceKey::Key(key.clone()))),
        Value::Number(index) if evaluated.marks.is_empty() && index.to_u64().is_some() => {
            return Some(index.to_u64().map(InstanceKey::Index));
        }
        _ => {}
    }
    let obstacle = statics.obstacle(expr, Some(instance));
    let detail = match &obstacle {
        Some(obstacle) => format!("The key of an address must be static: {obstacle}."),
        None => "The key of an address is a whole number or a text, and no secret.".to_owned(),
    };
    let hint = obstacle.map(|obstacle| obstacle.hint());
    diagnostics.push(Diagnostic::error("Invalid import", expr.span, detail).maybe_hint(hint.map(Into::into)));
    None
}
