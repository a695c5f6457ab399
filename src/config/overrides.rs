//! Files whose names end in `_override`: what they say replaces what the other files say.
//!
//! As in Terraform, arguments replace arguments of the same name, nested blocks all those of their type, and `lifecycle`
//! is merged argument by argument. Nothing new can be declared.

use std::collections::BTreeSet;

use super::{
    Body, ModuleCall, Output, Provider, Repeat, Resource, Variable, body,
    load::{EXTENSION, JSON_EXTENSION},
    lower::Lower,
    syntax::tree::{Block as HclBlock, Structure},
};
use crate::{diag::Diagnostic, source::Span};

/// Whether a file adds to a configuration or changes what others say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Layer {
    /// It declares.
    #[default]
    Base,
    /// It changes what is declared.
    Override,
}

impl Layer {
    /// Returns what a file of this name is.
    pub(super) fn of(name: &str) -> Self {
        match name.strip_suffix(EXTENSION).or_else(|| name.strip_suffix(JSON_EXTENSION)) {
            Some(stem) if stem == "override" || stem.ends_with("_override") => Self::Override,
            Some(_) | None => Self::Base,
        }
    }
}

/// The names of the arguments and nested blocks that a block has.
pub(super) struct Given<'b> {
    block: &'b HclBlock,
    names: BTreeSet<&'b str>,
}

impl<'b> Given<'b> {
    pub(super) fn of(block: &'b HclBlock) -> Self {
        let names = block.body.structures.iter().map(|structure| match structure {
            Structure::Attribute(found) => found.key.as_str(),
            Structure::Block(found) => found.ident.as_str(),
        });
        Self { block, names: names.collect() }
    }

    fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Reports what cannot be replaced in a block.
    fn refuse(&self, cx: &mut Lower<'_, '_>, names: &[&str]) {
        for structure in &self.block.body {
            let (name, span) = match structure {
                Structure::Attribute(found) => (found.key.as_str(), cx.span(&found.key)),
                Structure::Block(found) => (found.ident.as_str(), body::head(cx, found)),
            };
            if names.contains(&name) {
                cx.diagnostics.push(fixed(name, span));
            }
        }
        let checks = lifecycles(self.block).flat_map(|found| found.body.blocks());
        for check in checks {
            let span = body::head(cx, check);
            cx.diagnostics.push(fixed(check.ident.as_str(), span));
        }
    }
}

fn lifecycles(block: &HclBlock) -> impl Iterator<Item = &HclBlock> {
    block.body.blocks().filter(|found| found.ident.as_str() == "lifecycle")
}

fn fixed(name: &str, span: Span) -> Diagnostic {
    let detail = format!("`{name}` cannot be replaced by a file of overrides.");
    let hint = "Change it in the file that declares the block.";
    Diagnostic::error("Invalid override", span, detail).hint(hint)
}

/// Returns what to say about a block that is only in normal files.
pub(super) fn refuse_block(word: &str, span: Span) -> Diagnostic {
    let detail = format!("A `{word}` block cannot stand in a file of overrides.");
    let hint = format!("Move it to a file whose name does not end in `_override{EXTENSION}`.");
    Diagnostic::error("Invalid override", span, detail).hint(hint)
}

/// Returns what to say about something that is changed but not declared.
pub(super) fn undeclared(name: &str, span: Span) -> Diagnostic {
    let detail = format!("There is no {name} that could be changed here: it must be declared in another file.");
    let hint = format!("Declare it in a file whose name does not end in `_override{EXTENSION}`.");
    Diagnostic::error("Invalid override", span, detail).hint(hint)
}

/// Changes a variable.
pub(super) fn variable(cx: &mut Lower<'_, '_>, base: &mut Variable, over: Variable, given: &Given<'_>) {
    given.refuse(cx, &["validation"]);
    if given.has("type") {
        (base.ty, base.reading) = (over.ty, over.reading);
    }
    for (name, ours, theirs) in [
        ("sensitive", &mut base.sensitive, over.sensitive),
        ("nullable", &mut base.nullable, over.nullable),
        ("ephemeral", &mut base.ephemeral, over.ephemeral),
    ] {
        if given.has(name) {
            *ours = theirs;
        }
    }
    replace(&mut base.default, over.default);
    replace(&mut base.description, over.description);
    replace(&mut base.deprecated, over.deprecated);
}

/// Changes an output.
pub(super) fn output(cx: &mut Lower<'_, '_>, base: &mut Output, over: Output, given: &Given<'_>) {
    given.refuse(cx, &["depends_on", "precondition"]);
    if given.has("value") {
        base.value = over.value;
    }
    for (name, ours, theirs) in
        [("sensitive", &mut base.sensitive, over.sensitive), ("ephemeral", &mut base.ephemeral, over.ephemeral)]
    {
        if given.has(name) {
            *ours = theirs;
        }
    }
    replace(&mut base.description, over.description);
    replace(&mut base.deprecated, over.deprecated);
}

/// Changes a provider configuration.
pub(super) fn provider(base: &mut Provider, over: Provider) {
    replace(&mut base.for_each, over.for_each);
    merge(&mut base.body, over.body);
}

/// Changes a `resource` or `data` block.
pub(super) fn resource(cx: &mut Lower<'_, '_>, base: &mut Resource, over: Resource, given: &Given<'_>) {
    given.refuse(cx, &["depends_on"]);
    repeat(&mut base.repeat, over.repeat);
    replace(&mut base.provider, over.provider);
    replace(&mut base.on_destroy, over.on_destroy);
    if given.has("timeouts") {
        base.timeouts = over.timeouts;
    }
    let (ours, theirs) = (&mut base.lifecycle, over.lifecycle);
    replace(&mut ours.create_before_destroy, theirs.create_before_destroy);
    replace(&mut ours.prevent_destroy, theirs.prevent_destroy);
    let says = |name: &str| lifecycles(given.block).any(|found| found.body.get_attribute(name).is_some());
    if says("replace_triggered_by") {
        ours.replace_triggered_by = theirs.replace_triggered_by;
    }
    if says("ignore_changes") {
        ours.ignore_changes = theirs.ignore_changes;
    }
    merge(&mut base.body, over.body);
}

/// Changes a `module` block.
pub(super) fn call(cx: &mut Lower<'_, '_>, base: &mut ModuleCall, over: ModuleCall, given: &Given<'_>) {
    given.refuse(cx, &["depends_on"]);
    if given.has("source") {
        base.source = over.source;
    }
    if given.has("providers") {
        base.providers = over.providers;
    }
    repeat(&mut base.repeat, over.repeat);
    base.arguments.extend(over.arguments);
}

fn replace<T>(base: &mut Option<T>, over: Option<T>) {
    if over.is_some() {
        *base = over;
    }
}

fn repeat(base: &mut Repeat, over: Repeat) {
    if !matches!(over, Repeat::Once) {
        *base = over;
    }
}

/// Replaces the arguments of a body that another has too, and all nested blocks of the types that it has.
fn merge(base: &mut Body, over: Body) {
    for attribute in over.attributes {
        match base.attributes.iter_mut().find(|known| known.name == attribute.name) {
            Some(known) => *known = attribute,
            None => base.attributes.push(attribute),
        }
    }
    base.blocks.retain(|block| !over.blocks.iter().any(|other| other.kind == block.kind));
    base.blocks.extend(over.blocks);
    base.is_complete &= over.is_complete;
}
