//! Whether every name that is used is declared, and may be used where it is.

use std::collections::{BTreeMap, BTreeSet};

use loam_provider::Str;

use super::{
    Attribute, Block, BlockName, Body, Check, CheckBlock, Expr, Import, Module, ModuleCall, Reference, Repeat,
    Resource, Subject, Variable, Way,
    blocks::{Builder, duplicate},
};
use crate::{
    addr::Mode,
    diag::{Diagnostic, Diagnostics, did_you_mean},
};

/// What may be used in a place beside the names of the module.
#[derive(Debug, Clone, Copy, Default)]
struct Place<'m> {
    /// The argument, where all instances share it.
    shared: Option<&'static str>,
    each: bool,
    count: bool,
    own: bool,
    /// The `check` block whose own data source may be used.
    check: Option<&'m Str>,
}

impl<'m> Place<'m> {
    /// Returns the inside of a block that repeats like this.
    fn inside(repeat: &Repeat) -> Self {
        let (each, count) = match repeat {
            Repeat::Once => (false, false),
            Repeat::Count(_) => (false, true),
            Repeat::ForEach(_) => (true, false),
        };
        Self { each, count, ..Self::default() }
    }

    /// Returns the inside of an argument that all instances share.
    fn shared(name: &'static str) -> Self {
        Self { shared: Some(name), ..Self::default() }
    }

    fn of(check: &'m CheckBlock) -> Self {
        Self { check: Some(&check.name), ..Self::default() }
    }
}

/// The names that a module declares, to look up those that an expression uses.
#[derive(Debug)]
pub struct Declared<'m>(Checker<'m>);

impl<'m> Declared<'m> {
    /// Returns the names of a module.
    #[must_use]
    pub fn of(module: &'m Module) -> Self {
        Self(Checker::new(module, declared(module), Unread { all: false, locals: false }))
    }

    /// Returns what is wrong with names that are used outside of any block.
    #[must_use]
    pub fn check(&self, references: &[Reference]) -> Diagnostics {
        references.iter().filter_map(|reference| self.0.reference(reference, Place::default())).collect()
    }
}

/// What could not be read, where any name may be declared.
#[derive(Debug, Clone, Copy)]
struct Unread {
    all: bool,
    locals: bool,
}

fn declared(module: &Module) -> BTreeSet<Subject> {
    let variables = module.variables.keys().cloned().map(Subject::Variable);
    let locals = module.locals.keys().cloned().map(Subject::Local);
    let blocks = module.resources.keys().map(super::BlockName::subject);
    let calls = module.calls.keys().cloned().map(Subject::Module);
    variables.chain(locals).chain(blocks).chain(calls).collect()
}

#[derive(Debug)]
struct Checker<'b> {
    module: &'b Module,
    unread: Unread,
    declared: BTreeSet<Subject>,
    /// The data sources of `check` blocks, with the name of the block.
    scoped: BTreeMap<Subject, &'b Str>,
    diagnostics: Diagnostics,
}

/// Checks every name used in a module.
pub(super) fn references(builder: &Builder) -> Diagnostics {
    let module = &builder.module;
    let mut declared = declared(module);
    declared.extend(builder.broken.iter().cloned());
    let unread = Unread { all: builder.broken_any, locals: builder.broken_locals };
    let mut checker = Checker::new(module, declared, unread);
    let nowhere = Place::default();
    module.variables.values().for_each(|variable| checker.variable(variable));
    module.locals.values().for_each(|local| checker.attribute(local, nowhere));
    for provider in module.providers.values() {
        provider.for_each.iter().for_each(|each| checker.attribute(each, Place::shared("for_each")));
        checker.body(&provider.body, Place { each: provider.for_each.is_some(), ..nowhere });
    }
    module.resources.values().for_each(|resource| checker.resource(resource, nowhere));
    module.calls.values().for_each(|call| checker.call(call));
    module.imports.iter().for_each(|import| checker.import(import));
    module.checks.values().for_each(|check| checker.check(check));
    module.removed.iter().flat_map(|removed| &removed.destroy).for_each(|destroy| checker.attribute(destroy, nowhere));
    for output in module.outputs.values() {
        checker.attribute(&output.value, nowhere);
        checker.checks(&output.preconditions, nowhere);
        checker.all(&output.depends_on, nowhere);
    }
    module.settings.required_version.iter().for_each(|version| checker.attribute(version, nowhere));
    if let Some(backend) = &module.settings.backend {
        checker.body(&backend.body, nowhere);
    }
    checker.diagnostics
}

fn is_invalid(expr: &Expr) -> bool {
    let mut found = false;
    expr.visit(&mut |inner| found |= matches!(inner.kind, super::ExprKind::Invalid));
    found
}

impl<'b> Checker<'b> {
    fn new(module: &'b Module, declared: BTreeSet<Subject>, unread: Unread) -> Self {
        let mut checker =
            Self { module, unread, declared, scoped: BTreeMap::new(), diagnostics: Diagnostics::default() };
        checker.scope_data();
        checker
    }

    /// Notes the data sources of `check` blocks; each name is declared once in a module all the same.
    fn scope_data(&mut self) {
        let module = self.module;
        let data = module.checks.values().filter_map(|check| Some((&check.name, check.data.as_ref()?)));
        let mut data: Vec<_> = data.collect();
        data.sort_by_key(|(_, data)| (data.span.source, data.span.start));
        for (check, data) in data {
            let first = match self.scoped.get(&data.name.subject()) {
                Some(other) => module.checks.get(*other).and_then(|other| other.data.as_deref()),
                None => module.resources.get(&data.name),
            };
            match first {
                Some(first) => {
                    let detail = format!("`{}` is already declared.", data.name);
                    self.diagnostics.push(duplicate(detail, data.span, first.span));
                }
                None => drop(self.scoped.insert(data.name.subject(), check)),
            }
        }
    }

    fn variable(&mut self, variable: &Variable) {
        self.checks(&variable.validations, Place::default());
        let own = Subject::Variable(variable.name.clone());
        for validation in &variable.validations {
            let condition = &validation.condition;
            if condition.references.iter().any(|reference| reference.subject == own) || is_invalid(&condition.expr) {
                continue;
            }
            let detail = format!("The condition does not look at `{own}`, so it says nothing about its value.");
            let hint = "A condition about other things belongs in a `precondition` or a `check` block.";
            self.diagnostics.push(Diagnostic::error("Invalid validation", condition.expr.span, detail).hint(hint));
        }
    }

    fn call(&mut self, call: &ModuleCall) {
        let (nowhere, place) = (Place::default(), Place::inside(&call.repeat));
        self.attribute(&call.source, Place::shared("source"));
        self.repeat(&call.repeat);
        call.arguments.values().for_each(|argument| self.attribute(argument, place));
        call.providers.iter().for_each(|passed| passed.outer.key.iter().for_each(|key| self.attribute(key, place)));
        self.all(&call.depends_on, nowhere);
    }

    fn repeat(&mut self, repeat: &Repeat) {
        match repeat {
            Repeat::Once => {}
            Repeat::Count(count) => self.attribute(count, Place::shared("count")),
            Repeat::ForEach(each) => self.attribute(each, Place::shared("for_each")),
        }
    }

    fn import(&mut self, import: &Import) {
        let place = Place { each: import.for_each.is_some(), ..Place::default() };
        import.for_each.iter().for_each(|each| self.attribute(each, Place::shared("for_each")));
        self.attribute(&import.id, place);
        import.to.keys().for_each(|key| self.all(&key.references(), place));
        import.provider.iter().flat_map(|choice| &choice.key).for_each(|key| self.attribute(key, place));
    }

    fn check(&mut self, check: &CheckBlock) {
        let place = Place::of(check);
        check.data.iter().for_each(|data| self.resource(data, place));
        self.checks(&check.asserts, place);
    }

    fn resource(&mut self, resource: &Resource, around: Place<'_>) {
        let place = Place { check: around.check, ..Place::inside(&resource.repeat) };
        self.repeat(&resource.repeat);
        self.body(&resource.body, place);
        self.all(&resource.depends_on, around);
        resource.provider.iter().flat_map(|choice| &choice.key).for_each(|key| self.attribute(key, place));
        let lifecycle = &resource.lifecycle;
        for (name, attribute) in [
            ("on_destroy", &resource.on_destroy),
            ("create_before_destroy", &lifecycle.create_before_destroy),
            ("prevent_destroy", &lifecycle.prevent_destroy),
        ] {
            attribute.iter().for_each(|attribute| self.attribute(attribute, Place::shared(name)));
        }
        resource.timeouts.iter().for_each(|timeout| self.attribute(timeout, place));
        resource.lifecycle.replace_triggered_by.iter().for_each(|trigger| self.attribute(trigger, place));
        self.checks(&resource.lifecycle.preconditions, place);
        self.checks(&resource.lifecycle.postconditions, Place { own: true, ..place });
    }

    fn body(&mut self, body: &Body, place: Place<'_>) {
        body.attributes.iter().for_each(|attribute| self.attribute(attribute, place));
        body.blocks.iter().flat_map(Block::references).for_each(|reference| self.one(reference, place));
    }

    fn checks(&mut self, checks: &[Check], place: Place<'_>) {
        for check in checks {
            self.attribute(&check.condition, place);
            self.attribute(&check.error_message, place);
        }
    }

    fn attribute(&mut self, attribute: &Attribute, place: Place<'_>) {
        self.all(&attribute.references, place);
    }

    fn all(&mut self, references: &[Reference], place: Place<'_>) {
        references.iter().for_each(|reference| self.one(reference, place));
    }

    fn one(&mut self, reference: &Reference, place: Place<'_>) {
        self.diagnostics.extend(self.reference(reference, place).into_iter().collect());
    }

    fn reference(&self, reference: &Reference, place: Place<'_>) -> Option<Diagnostic> {
        let span = reference.span;
        match &reference.subject {
            Subject::EachKey | Subject::EachValue | Subject::CountIndex if let Some(shared) = place.shared => {
                let (summary, word) = match &reference.subject {
                    Subject::CountIndex => ("Misplaced `count`", "count"),
                    _ => ("Misplaced `each`", "each"),
                };
                let detail = format!("`{word}` has no value in `{shared}`, which all instances share.");
                Some(Diagnostic::error(summary, span, detail))
            }
            Subject::EachKey | Subject::EachValue if !place.each => Some(
                Diagnostic::error("Misplaced `each`", span, "`each` has a value only in a block that has `for_each`.")
                    .hint("Add `for_each = …` to the block."),
            ),
            Subject::CountIndex if !place.count => Some(
                Diagnostic::error("Misplaced `count`", span, "`count` has a value only in a block that has `count`.")
                    .hint("Add `count = …` to the block."),
            ),
            Subject::SelfObject if !place.own => {
                let detail = "`self` is the object itself, once it exists: it has a value only in `postcondition`.";
                Some(Diagnostic::error("Misplaced `self`", span, detail))
            }
            Subject::EachKey | Subject::EachValue | Subject::CountIndex | Subject::SelfObject => None,
            Subject::PathModule | Subject::PathRoot | Subject::PathCwd | Subject::Bound(_) => None,
            subject if self.scoped.contains_key(subject) => {
                let check = self.scoped[subject];
                (place.check != Some(check)).then(|| {
                    let detail =
                        format!("`{subject}` is declared inside `check \"{check}\"`: only its conditions see it.");
                    let hint = "To use it elsewhere too, move the data source out of the `check` block.";
                    Diagnostic::error("Undeclared name", span, detail).hint(hint)
                })
            }
            subject if self.declared.contains(subject) || self.unread.all => self.instance(reference),
            Subject::Variable(name) => Some(
                self.undeclared("variable", name, &reference.subject, span)
                    .hint(format!("To declare it, add a block `variable \"{name}\" {{}}`.")),
            ),
            Subject::Local(_) if self.unread.locals => None,
            Subject::Local(name) => Some(
                self.undeclared("local value", name, &reference.subject, span)
                    .hint(format!("To declare it, add `{name} = …` to a `locals` block.")),
            ),
            Subject::Module(name) => Some(
                self.undeclared("module", name, &reference.subject, span)
                    .hint(format!("To call one, add a block `module \"{name}\" {{ source = … }}`.")),
            ),
            Subject::Resource { kind, name } => Some(self.resource_undeclared(kind, name, reference)),
            Subject::Data { kind, name } => {
                let diagnostic = self.undeclared("data source", name, &reference.subject, span);
                let managed = Subject::Resource { kind: kind.clone(), name: name.clone() };
                let hint = self
                    .declared
                    .contains(&managed)
                    .then(|| format!("There is a resource `{managed}`: to use it, leave out `data.`."));
                Some(diagnostic.maybe_hint(hint))
            }
        }
    }

    /// Returns what to say where an instance is named of a block that has none, or none of a block that has many.
    fn instance(&self, reference: &Reference) -> Option<Diagnostic> {
        let way = reference.way.as_ref()?;
        let (mode, kind, name) = match &reference.subject {
            Subject::Resource { kind, name } => (Mode::Managed, kind.clone(), name.clone()),
            Subject::Data { kind, name } => (Mode::Data, kind.clone(), name.clone()),
            _ => return None,
        };
        let block = self.module.resources.get(&BlockName { mode, kind, name })?;
        let subject = &reference.subject;
        let (detail, hint) = match (&block.repeat, way) {
            (Repeat::Once, Way::Attribute(_)) | (Repeat::Count(_) | Repeat::ForEach(_), Way::Instance) => return None,
            (Repeat::Once, Way::Instance) => {
                let detail = format!("`{subject}` has neither `count` nor `for_each`, so it has no instances to name.");
                let hint = format!("Write `{subject}` without an index, or give the block `count` or `for_each`.");
                let diagnostic = Diagnostic::error("Unexpected index", reference.span, detail).hint(hint);
                return Some(diagnostic.related(block.span, "declared here"));
            }
            (Repeat::Count(_), Way::Attribute(attribute)) => (
                format!("`{subject}` has `count`, so it has many instances, and none is named here."),
                format!("Write `{subject}[0].{attribute}` for the first, or `{subject}[*].{attribute}` for all."),
            ),
            (Repeat::ForEach(_), Way::Attribute(attribute)) => (
                format!("`{subject}` has `for_each`, so it has many instances, and none is named here."),
                format!(
                    "Write `{subject}[\"key\"].{attribute}` for one of them, or `values({subject})[*].{attribute}` for all."
                ),
            ),
        };
        let diagnostic = Diagnostic::error("Missing index", reference.span, detail).hint(hint);
        Some(diagnostic.related(block.span, "declared here"))
    }

    fn undeclared(&self, what: &str, _name: &Str, subject: &Subject, span: crate::source::Span) -> Diagnostic {
        let written = subject.to_string();
        let detail = format!("There is no {what} `{written}`.");
        let candidates: Vec<String> = self
            .declared
            .iter()
            .filter(|other| std::mem::discriminant(*other) == std::mem::discriminant(subject))
            .map(ToString::to_string)
            .collect();
        let hint = did_you_mean(&written, candidates.iter().map(String::as_str));
        Diagnostic::error("Undeclared name", span, detail).maybe_hint(hint)
    }

    fn resource_undeclared(&self, kind: &Str, name: &Str, reference: &Reference) -> Diagnostic {
        let span = reference.span;
        let roots = ["var", "local", "module", "data", "each", "count", "path", "self"];
        if let Some(root) = crate::diag::suggest(kind, roots) {
            let exists = match root {
                "var" => self.declared.contains(&Subject::Variable(name.clone())),
                "local" => self.declared.contains(&Subject::Local(name.clone())),
                "module" => self.declared.contains(&Subject::Module(name.clone())),
                _ => false,
            };
            if exists {
                let detail = format!("There is no resource `{kind}.{name}`.");
                return Diagnostic::error("Undeclared name", span, detail)
                    .hint(format!("Did you mean `{root}.{name}`?"));
            }
        }
        let mut diagnostic = self.undeclared("resource", name, &reference.subject, span);
        let data = Subject::Data { kind: kind.clone(), name: name.clone() };
        if self.declared.contains(&data) {
            diagnostic = diagnostic.hint(format!("There is a data source: to use it, write `{data}`."));
        } else if diagnostic.hints.is_empty() {
            let same: Vec<String> = self
                .declared
                .iter()
                .filter(|subject| matches!(subject, Subject::Resource { kind: other, .. } if other == kind))
                .take(5)
                .map(|subject| format!("`{subject}`"))
                .collect();
            diagnostic = if same.is_empty() {
                diagnostic.hint(format!("To declare it, add a block `resource \"{kind}\" \"{name}\" {{ … }}`."))
            } else {
                diagnostic.hint(format!("Of this kind there are: {}.", same.join(", ")))
            };
        }
        diagnostic
    }
}
