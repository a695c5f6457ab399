//! What can be said about a configuration without state, variables or world.

use std::collections::{BTreeMap, BTreeSet};

use loam_provider::{Str, Type, Value};

use super::{order::Order, visit, world::World};
use crate::{
    addr::Mode,
    config::{Check, Config, Node, Repeat, Resource},
    diag::{Diagnostic, Diagnostics, did_you_mean},
    eval::{self, Each, Evaluated, Files, InstanceValues, ModuleValues},
    host::{NoProvider, Offers, ProviderRef},
};

/// Checks every block against what the providers offer, with every variable and every object unknown.
#[must_use]
pub fn validate(config: &Config, offers: &Offers, paths: ModuleValues, files: &Files) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    let module = &config.root;
    let variables: BTreeMap<Str, Evaluated> = module
        .variables
        .iter()
        .map(|(name, variable)| (name.clone(), Evaluated::from(Value::Unknown(variable.ty.clone()))))
        .collect();
    let mut world = World::new(module, files, paths, &variables);
    let configured: BTreeSet<ProviderRef> = module.providers.keys().map(visit::reference).collect();
    for provider in module.providers.values() {
        match offers.factory(&provider.name.name) {
            Some(factory) => {
                eval::body(
                    &provider.body,
                    factory.schema(),
                    factory.name(),
                    provider.span,
                    &world.scope(),
                    &mut diagnostics,
                );
            }
            None => diagnostics.push(unknown_provider(offers, &provider.name.name, provider.span)),
        }
    }
    let Ok(order) = Order::of(module) else { return diagnostics };
    for (_, node) in order.sequence() {
        match node {
            Node::Variable(_) | Node::Provider(_) => {}
            Node::Local(name) => world.evaluate_local(name, &mut diagnostics),
            Node::Output(name) => {
                let output = &module.outputs[name];
                eval::expr(&output.value.expr, &world.scope(), &mut diagnostics);
                evaluate_checks(&output.preconditions, &world, &InstanceValues::default(), &mut diagnostics);
            }
            Node::Block(name) => {
                let block = &module.resources[name];
                let mut found = Diagnostics::default();
                let ty = self::block(block, offers, &configured, &world, &mut found);
                found.set_address(&visit::address(name));
                diagnostics.extend(found);
                // A block that repeats is a tuple or an object of objects, and nobody knows yet of how many.
                let ty = match block.repeat {
                    Repeat::Once => ty,
                    Repeat::Count(_) | Repeat::ForEach(_) => Type::Any,
                };
                world.set_block(name, Evaluated::from(Value::Unknown(ty)));
            }
        }
    }
    diagnostics
}

/// Checks one block and returns the type of its objects.
fn block(
    block: &Resource,
    offers: &Offers,
    configured: &BTreeSet<ProviderRef>,
    world: &World<'_>,
    diagnostics: &mut Diagnostics,
) -> Type {
    let unknown = || Evaluated::from(Value::Unknown(Type::Any));
    let instance = match &block.repeat {
        Repeat::Once => InstanceValues::default(),
        Repeat::Count(attribute) => {
            eval::expr(&attribute.expr, &world.scope(), diagnostics);
            let index = Evaluated::from(Value::Unknown(Type::Number));
            InstanceValues { count_index: Some(index), ..InstanceValues::default() }
        }
        Repeat::ForEach(attribute) => {
            eval::expr(&attribute.expr, &world.scope(), diagnostics);
            let each = Each { key: Evaluated::from(Value::Unknown(Type::String)), value: unknown() };
            InstanceValues { each: Some(each), ..InstanceValues::default() }
        }
    };
    if block.name.mode == Mode::Data {
        diagnostics.push(no_data_source(block));
        return Type::Any;
    }
    let named = block.provider.as_ref().map(|choice| visit::reference(&choice.name));
    if let Err(error) = offers.provider_of(&block.name.kind, named.as_ref(), configured) {
        diagnostics.push(no_provider(block, offers, &error));
    }
    let Some(kind) = offers.kind(&block.name.kind) else {
        // What the names inside mean can be checked even so.
        for attribute in &block.body.attributes {
            eval::expr(&attribute.expr, &world.instance_scope(&instance), diagnostics);
        }
        return Type::Any;
    };
    eval::body(&block.body, &kind.schema, &block.name.kind, block.span, &world.instance_scope(&instance), diagnostics);
    evaluate_checks(&block.lifecycle.preconditions, world, &instance, diagnostics);
    let with_self = InstanceValues { self_object: Some(Evaluated::from(Value::Unknown(kind.schema.ty()))), ..instance };
    evaluate_checks(&block.lifecycle.postconditions, world, &with_self, diagnostics);
    kind.schema.ty()
}

fn evaluate_checks(checks: &[Check], world: &World<'_>, instance: &InstanceValues, diagnostics: &mut Diagnostics) {
    let scope = world.instance_scope(instance);
    for check in checks {
        eval::expr(&check.condition.expr, &scope, diagnostics);
        eval::expr(&check.error_message.expr, &scope, diagnostics);
    }
}

/// Reports a `data` block: the providers of this version only realise resources.
pub(super) fn no_data_source(block: &Resource) -> Diagnostic {
    let detail = format!("No provider of this loam offers a data source `{}`, or any other.", block.name.kind);
    Diagnostic::error("Unknown data source", block.span, detail)
        .hint("Write the value as a variable or a local, or read a file with `file(…)`.")
}

/// Explains why no provider realises a block.
pub(super) fn no_provider(block: &Resource, offers: &Offers, error: &NoProvider) -> Diagnostic {
    let span = block.provider.as_ref().map_or(block.span, |choice| choice.span);
    let (summary, hint) = match error {
        NoProvider::UnknownKind { kind } => {
            ("Unknown resource type", did_you_mean(kind, offers.kinds().map(|kind| kind.name.as_str())))
        }
        NoProvider::NotOffered { .. } => ("No such provider", None),
        NoProvider::Ambiguous { .. } => ("No such provider", Some("Say which with `provider = NAME`.".to_owned())),
    };
    Diagnostic::error(summary, span, super::decide::sentence(&error.to_string())).maybe_hint(hint)
}

/// Reports a provider block of a name that nobody has.
pub(super) fn unknown_provider(offers: &Offers, name: &str, span: crate::source::Span) -> Diagnostic {
    let names: Vec<&str> = offers.factories().iter().map(|factory| factory.name()).collect();
    let detail = format!("There is no provider `{name}`. This loam has: {}.", names.join(", "));
    Diagnostic::error("Unknown provider", span, detail).maybe_hint(did_you_mean(name, names))
}
