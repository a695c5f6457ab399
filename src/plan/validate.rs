//! What can be said about a configuration without state, variables or world.

use std::{collections::BTreeMap, rc::Rc};

use loam_provider::{Str, Type, Value};

use super::{
    check, choice,
    expand::supposed,
    order::{self, Order},
    told::Told,
    world::{self, Calls, InModule, World},
};
use crate::{
    addr::{Mode, ModulePath},
    config::{Check, Config, Member, ModuleId, Node, Provider, Repeat, Resource},
    diag::{Diagnostic, Diagnostics, did_you_mean},
    eval::{self, Evaluated, Files, InstanceValues, ModuleValues},
    host::{NoProvider, Offers},
};

/// Checks every block of every module against what the providers offer, with every variable and every object unknown.
#[must_use]
pub fn validate(config: &Config, offers: &Offers, paths: &ModuleValues, files: &Files) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    let variables: BTreeMap<Str, Evaluated> =
        config.root.variables.iter().map(|(name, variable)| (name.clone(), world::supposed_value(variable))).collect();
    // Cycles are reported with the configuration.
    let Ok(order) = Order::of(&config.root) else { return diagnostics };
    let order = Rc::new(order);
    let mut world = World::new(Rc::clone(&order), files, paths, &variables, Calls::Supposed);
    for (node, Node { module, member }) in order.sequence() {
        let called = order.tree().get(*module);
        if let Member::Variable(_) | Member::Local(_) | Member::Call(_) | Member::Output(_) = member {
            world.evaluate(node, &mut diagnostics);
        }
        // A module whose call is wrong may have no instance.
        if world.count(*module) == 0 {
            continue;
        }
        let at = world.nth(*module, 0);
        world.publish(at, &order.reads(node));
        match member {
            Member::Variable(_) | Member::Local(_) | Member::Call(_) | Member::All => {}
            Member::Provider(name) => provider(&called.module.providers[name], offers, &world, at, &mut diagnostics),
            Member::Output(name) => {
                let output = &called.module.outputs[name];
                if *module == ModuleId::ROOT {
                    let value = eval::expr(&output.value.expr, &world.scope(at), &mut diagnostics);
                    let kept = check::ephemeral(output, &value).into_iter();
                    diagnostics.extend(kept.chain(check::leak(output, &value.marks)).collect());
                }
                evaluate_checks(&output.preconditions, &world, at, &InstanceValues::default(), &mut diagnostics);
            }
            Member::Block(name) => {
                let block = &called.module.resources[name];
                let mut found = Diagnostics::default();
                let ty = self::block(block, offers, &world, at, &mut found);
                found.set_address(&order::address(name, &called.path));
                diagnostics.extend(found);
                // A block that repeats is a tuple or an object of objects, and nobody knows yet of how many.
                let ty = match block.repeat {
                    Repeat::Once => ty,
                    Repeat::Count(_) | Repeat::ForEach(_) => Type::Any,
                };
                world.set_block(at, name, Evaluated::from(Value::Unknown(ty)));
            }
        }
    }
    // A module that is called several times is wrong only once.
    let mut once = Diagnostics::default();
    Told::default().tell(diagnostics, &ModulePath::root(), &mut once);
    once
}

fn provider(provider: &Provider, offers: &Offers, world: &World<'_>, at: InModule, diagnostics: &mut Diagnostics) {
    let Some(factory) = offers.factory(&provider.name.name) else {
        diagnostics.push(unknown_provider(offers, &provider.name.name, provider.span));
        return;
    };
    let repeat = provider.for_each.clone().map_or(Repeat::Once, Repeat::ForEach);
    let scope = world.scope(at);
    for (_, instance) in supposed(&repeat, &scope, diagnostics).instances {
        let scope = scope.with_instance(&instance);
        eval::body(&provider.body, factory.schema(), factory.name(), provider.span, &scope, diagnostics);
    }
}

/// Checks one block and returns the type of its objects.
fn block(block: &Resource, offers: &Offers, world: &World<'_>, at: InModule, diagnostics: &mut Diagnostics) -> Type {
    let scope = world.scope(at);
    let mut instances = supposed(&block.repeat, &scope, diagnostics).instances;
    let (_, instance) = instances.remove(0);
    let scope = scope.with_instance(&instance);
    match choice::choose(offers, &block.name, block.provider.as_ref(), world.visible(at)) {
        Ok(Some(configuration)) => {
            if let Some(chosen) = &block.provider {
                choice::instance(&configuration, chosen, &scope, None, diagnostics);
            }
        }
        Ok(None) => {}
        Err(error) => diagnostics.push(no_provider(block, offers, &error)),
    }
    let Some(schema) = offers.schema(block.name.mode, &block.name.kind) else {
        // What the names inside mean can be checked even so.
        for attribute in &block.body.attributes {
            eval::expr(&attribute.expr, &scope, diagnostics);
        }
        return Type::Any;
    };
    let object = eval::body(&block.body, schema, &block.name.kind, block.span, &scope, diagnostics);
    diagnostics.extend(check::kept(block, schema, &object));
    diagnostics.extend(check::ignored(block, schema));
    evaluate_checks(&block.lifecycle.preconditions, world, at, &instance, diagnostics);
    let self_object = Some(Evaluated::from(Value::Unknown(schema.ty())));
    let with_self = InstanceValues { self_object, ..instance };
    evaluate_checks(&block.lifecycle.postconditions, world, at, &with_self, diagnostics);
    schema.ty()
}

fn evaluate_checks(
    checks: &[Check],
    world: &World<'_>,
    at: InModule,
    instance: &InstanceValues,
    diagnostics: &mut Diagnostics,
) {
    let scope = world.scope(at).with_instance(instance);
    for check in checks {
        eval::expr(&check.condition.expr, &scope, diagnostics);
        eval::expr(&check.error_message.expr, &scope, diagnostics);
    }
}

/// Explains why no provider realises a block.
pub(super) fn no_provider(block: &Resource, offers: &Offers, error: &NoProvider) -> Diagnostic {
    let span = block.provider.as_ref().map_or(block.span, |choice| choice.span);
    let (summary, hint) = match error {
        NoProvider::UnknownKind { kind } if block.name.mode == Mode::Data => {
            let near = did_you_mean(kind, offers.data_sources().map(|source| source.name.as_str()));
            let is_resource = offers.kind(kind).is_some();
            let hint = near.filter(|_| !is_resource).unwrap_or_else(|| match is_resource {
                true => format!("`{kind}` is a resource: refer to the one that is declared, as `{kind}.NAME`."),
                false => "`loam providers` lists what there is to be read.".to_owned(),
            });
            ("Unknown data source", Some(hint))
        }
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
