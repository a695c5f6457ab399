//! The configurations of the providers.

use std::collections::BTreeMap;

use loam_provider::{Known, Str};

use super::{order::Order, propose, validate, visit, world::World};
use crate::{
    config::{Config, Node},
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
    paths: ModuleValues,
    files: &Files,
) -> (BTreeMap<ProviderRef, Known>, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let mut configurations = BTreeMap::new();
    let module = &config.root;
    if module.providers.is_empty() {
        return (configurations, diagnostics);
    }
    let mut world = World::new(module, files, paths, variables);
    if let Ok(order) = Order::of(module) {
        for (_, node) in order.sequence() {
            if let Node::Local(name) = node {
                // Mistakes in locals are reported when the plan comes to them.
                world.evaluate_local(name, &mut Diagnostics::default());
            }
        }
    }
    for provider in module.providers.values() {
        let Some(factory) = offers.factory(&provider.name.name) else {
            diagnostics.push(validate::unknown_provider(offers, &provider.name.name, provider.span));
            continue;
        };
        let before = diagnostics.len();
        let evaluated = eval::body(
            &provider.body,
            factory.schema(),
            factory.name(),
            provider.span,
            &world.scope(),
            &mut diagnostics,
        );
        if diagnostics.len() > before {
            continue;
        }
        match Known::new(propose::propose(factory.schema(), &evaluated.value, None).proposed) {
            Ok(known) => {
                configurations.insert(visit::reference(&provider.name), known);
            }
            Err(error) => {
                let detail = format!(
                    "`{}` is known only after apply, but a provider must be configured before anything is planned.",
                    error.path
                );
                diagnostics.push(Diagnostic::error("Unknown provider configuration", provider.span, detail));
            }
        }
    }
    (configurations, diagnostics)
}
