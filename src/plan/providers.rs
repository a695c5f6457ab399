//! The configurations of the providers.

use std::{collections::BTreeMap, rc::Rc};

use loam_provider::{Known, Str};

use super::{
    expand::{self, Shape},
    order::Order,
    propose, validate,
    world::{Calls, InModule, World},
};
use crate::{
    config::{Config, Member, Node, Provider, Repeat},
    diag::{Diagnostic, Diagnostics},
    eval::{self, Evaluated, Files, ModuleValues},
    host::{Offers, ProviderRef},
};

/// Evaluates the `provider` blocks. They may use variables and locals, but nothing that a resource makes.
#[must_use]
pub fn providers(
    config: &Config,
    variables: &BTreeMap<Str, Evaluated>,
    offers: &Offers,
    paths: &ModuleValues,
    files: &Files,
) -> (BTreeMap<ProviderRef, Known>, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let mut configurations = BTreeMap::new();
    let Ok(order) = Order::of(&config.root) else { return (configurations, diagnostics) };
    let order = Rc::new(order);
    let is_provider = |node: &Node| matches!(node.member, Member::Provider(_));
    let blocks: Vec<usize> = order.sequence().filter(|(_, node)| is_provider(node)).map(|(at, _)| at).collect();
    if blocks.is_empty() {
        return (configurations, diagnostics);
    }
    let mut world = World::new(Rc::clone(&order), files, paths, variables, Calls::Expanded(None));
    for value in order.values_needed(blocks.iter().copied()) {
        // Mistakes in values are reported when the plan comes to them.
        world.evaluate(value, &mut Diagnostics::default());
    }
    for at in blocks {
        let Node { module, member: Member::Provider(name) } = order.node(at) else { continue };
        let called = order.tree().get(*module);
        let provider = &called.module.providers[name];
        // A module that brings its own is called once, as is checked with the configuration.
        if world.count(*module) == 1 {
            let own = ProviderRef {
                name: name.name.clone(),
                alias: name.alias.clone(),
                key: None,
                module: called.path.clone(),
            };
            let found = configure(provider, &own, offers, &world, world.nth(*module, 0), &mut diagnostics);
            configurations.extend(found);
        }
    }
    (configurations, diagnostics)
}

/// Evaluates a `provider` block: one configuration, or with `for_each` one for each key.
fn configure(
    provider: &Provider,
    own: &ProviderRef,
    offers: &Offers,
    world: &World<'_>,
    at: InModule,
    diagnostics: &mut Diagnostics,
) -> Vec<(ProviderRef, Known)> {
    let Some(factory) = offers.factory(&provider.name.name) else {
        diagnostics.push(validate::unknown_provider(offers, &provider.name.name, provider.span));
        return Vec::new();
    };
    let repeat = provider.for_each.clone().map_or(Repeat::Once, Repeat::ForEach);
    let scope = world.scope(at);
    let Some(expansion) = expand::expand(&repeat, &scope, &Vec::new, diagnostics) else { return Vec::new() };
    let mut configurations = Vec::new();
    for (key, instance) in expansion.instances {
        let before = diagnostics.len();
        let scope = scope.with_instance(&instance);
        let evaluated =
            eval::body(&provider.body, factory.schema(), factory.name(), provider.span, &scope, diagnostics);
        if diagnostics.len() > before {
            break;
        }
        let key = match (expansion.shape, key) {
            (Shape::ForEach, Some(crate::addr::InstanceKey::Key(key))) => Some(key),
            (Shape::Once | Shape::Count | Shape::ForEach, _) => None,
        };
        match Known::new(propose::propose(factory.schema(), &evaluated.value, None).proposed) {
            Ok(known) => configurations.push((ProviderRef { key, ..own.clone() }, known)),
            Err(error) => {
                let detail = format!(
                    "`{}` is known only after apply, but a provider must be configured before anything is planned.",
                    error.path
                );
                diagnostics.push(Diagnostic::error("Unknown provider configuration", provider.span, detail));
                break;
            }
        }
    }
    configurations
}
