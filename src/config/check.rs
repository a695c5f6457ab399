//! Whether every name that is used is declared, and may be used where it is.

use std::collections::BTreeSet;

use loam_provider::Str;

use super::{Attribute, Body, Check, Reference, Repeat, Resource, Subject, blocks::Builder};
use crate::diag::{Diagnostic, Diagnostics, did_you_mean};

/// What may be used in a place beside the names of the module.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    each: bool,
    count: bool,
    own: bool,
}

struct Checker<'b> {
    builder: &'b Builder,
    declared: BTreeSet<Subject>,
    diagnostics: Diagnostics,
}

/// Checks every name used in a module.
pub(super) fn references(builder: &Builder) -> Diagnostics {
    let module = &builder.module;
    let variables = module.variables.keys().cloned().map(Subject::Variable);
    let locals = module.locals.keys().cloned().map(Subject::Local);
    let blocks = module.resources.keys().map(super::BlockName::subject);
    let declared = variables.chain(locals).chain(blocks).chain(builder.broken.iter().cloned()).collect();
    let mut checker = Checker { builder, declared, diagnostics: Diagnostics::default() };
    let nowhere = Place::default();
    module.variables.values().for_each(|variable| checker.checks(&variable.validations, nowhere));
    module.locals.values().for_each(|local| checker.attribute(local, nowhere));
    module.providers.values().for_each(|provider| checker.body(&provider.body, nowhere));
    module.resources.values().for_each(|resource| checker.resource(resource));
    for output in module.outputs.values() {
        checker.attribute(&output.value, nowhere);
        checker.checks(&output.preconditions, nowhere);
        checker.all(&output.depends_on, nowhere);
    }
    if let Some(backend) = &module.settings.backend {
        checker.body(&backend.body, nowhere);
    }
    checker.diagnostics
}

impl Checker<'_> {
    fn resource(&mut self, resource: &Resource) {
        let place = match &resource.repeat {
            Repeat::Once => Place::default(),
            Repeat::Count(count) => {
                self.attribute(count, Place::default());
                Place { count: true, ..Place::default() }
            }
            Repeat::ForEach(each) => {
                self.attribute(each, Place::default());
                Place { each: true, ..Place::default() }
            }
        };
        self.body(&resource.body, place);
        self.all(&resource.depends_on, Place::default());
        resource.timeouts.iter().for_each(|timeout| self.attribute(timeout, place));
        resource.lifecycle.replace_triggered_by.iter().for_each(|trigger| self.attribute(trigger, place));
        self.checks(&resource.lifecycle.preconditions, place);
        self.checks(&resource.lifecycle.postconditions, Place { own: true, ..place });
        self.provider(resource);
    }

    fn provider(&mut self, resource: &Resource) {
        let Some(choice) = &resource.provider else { return };
        let providers = &self.builder.module.providers;
        // Without an alias it may be a provider that needs no configuration.
        if choice.name.alias.is_none() || providers.contains_key(&choice.name) || self.builder.broken_any {
            return;
        }
        let names: Vec<String> = providers.keys().map(ToString::to_string).collect();
        let name = choice.name.to_string();
        let detail = format!("There is no provider configuration `{name}`.");
        let hint = did_you_mean(&name, names.iter().map(String::as_str)).unwrap_or_else(|| {
            let alias = choice.name.alias.as_deref().unwrap_or_default();
            format!("Declare it: `provider \"{}\" {{ alias = \"{alias}\" }}`.", choice.name.name)
        });
        self.diagnostics.push(Diagnostic::error("Undeclared provider", choice.span, detail).hint(hint));
    }

    fn body(&mut self, body: &Body, place: Place) {
        body.attributes.iter().for_each(|attribute| self.attribute(attribute, place));
        body.blocks.iter().for_each(|block| self.body(&block.body, place));
    }

    fn checks(&mut self, checks: &[Check], place: Place) {
        for check in checks {
            self.attribute(&check.condition, place);
            self.attribute(&check.error_message, place);
        }
    }

    fn attribute(&mut self, attribute: &Attribute, place: Place) {
        self.all(&attribute.references, place);
    }

    fn all(&mut self, references: &[Reference], place: Place) {
        for reference in references {
            if let Some(diagnostic) = self.reference(reference, place) {
                self.diagnostics.push(diagnostic);
            }
        }
    }

    fn reference(&self, reference: &Reference, place: Place) -> Option<Diagnostic> {
        let span = reference.span;
        match &reference.subject {
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
            subject if self.declared.contains(subject) || self.builder.broken_any => None,
            Subject::Variable(name) => Some(
                self.undeclared("variable", name, &reference.subject, span)
                    .hint(format!("To declare it, add a block `variable \"{name}\" {{}}`.")),
            ),
            Subject::Local(_) if self.builder.broken_locals => None,
            Subject::Local(name) => Some(
                self.undeclared("local value", name, &reference.subject, span)
                    .hint(format!("To declare it, add `{name} = …` to a `locals` block.")),
            ),
            Subject::Module(name) => Some(self.undeclared("module", name, &reference.subject, span)),
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
        let roots = ["var", "local", "data", "each", "count", "path", "self"];
        if let Some(root) = crate::diag::suggest(kind, roots) {
            let exists = match root {
                "var" => self.declared.contains(&Subject::Variable(name.clone())),
                "local" => self.declared.contains(&Subject::Local(name.clone())),
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
