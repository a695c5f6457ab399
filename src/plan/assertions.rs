//! `check` blocks: conditions that are looked at in every run, and only warn.
//!
//! What cannot be told when a plan is made is told after it was applied. A data source that stands inside is read
//! each time, and one that cannot be read is a warning too.

use std::collections::BTreeSet;

use loam_provider::Str;

use super::{
    CheckResult, CheckStatus, choice,
    data::{self, Reading},
    decide::Calls,
    order::{self, Order},
    validate,
    visit::Visit,
    world::{InModule, World},
};
use crate::{
    addr::{ModulePath, Resource as Address},
    config::{Check, CheckBlock, Member, ModuleId, Resource},
    diag::{Diagnostic, Diagnostics, Severity},
    eval::{self, Evaluated, Outcome, Scope},
    source::Span,
};

/// What became of the data source inside a `check` block.
enum Inside {
    /// There is none, or it was read.
    Read,
    /// It cannot be read before something else is done.
    Later,
    /// It could not be read.
    Failed(Vec<Diagnostic>),
}

/// Evaluates the conditions of a block, whose data source the scope has by now, and warns of those that do not hold.
fn check(
    block: &CheckBlock,
    module: &ModulePath,
    inside: Inside,
    scope: &Scope<'_>,
    diagnostics: &mut Diagnostics,
) -> CheckResult {
    let mut result = CheckResult {
        module: module.clone(),
        name: block.name.clone(),
        status: CheckStatus::Pass,
        problems: Vec::new(),
    };
    let address = address(module, &block.name);
    match inside {
        Inside::Read => {}
        Inside::Later => result.status = CheckStatus::Unknown,
        Inside::Failed(problems) => {
            result.status = CheckStatus::Error;
            result.problems.extend(problems.iter().map(|problem| problem.detail.clone()));
            diagnostics.extend(warnings(problems, &address));
            // What the conditions would say without it is nothing new.
            return result;
        }
    }
    for assert in &block.asserts {
        let (status, problems) = outcome(assert, scope, &address);
        result.status = result.status.max(status);
        result.problems.extend(problems.iter().map(|problem| problem.detail.clone()));
        diagnostics.extend(problems.into_iter().collect());
    }
    result
}

fn outcome(assert: &Check, scope: &Scope<'_>, address: &str) -> (CheckStatus, Vec<Diagnostic>) {
    let mut problems = Diagnostics::default();
    let span: Span = assert.condition.expr.span;
    match eval::check(assert, scope, &mut problems) {
        Outcome::Passed => (CheckStatus::Pass, Vec::new()),
        Outcome::Unknown => (CheckStatus::Unknown, Vec::new()),
        Outcome::Failed(message) => {
            (CheckStatus::Fail, vec![Diagnostic::warning("Check failed", span, message).address(address)])
        }
        Outcome::Invalid => {
            (CheckStatus::Error, warnings(problems.into_iter().collect(), address).into_iter().collect())
        }
    }
}

/// Returns problems as what they are in a `check` block: nothing that stops anything.
fn warnings(problems: Vec<Diagnostic>, address: &str) -> Diagnostics {
    let warning =
        |problem: Diagnostic| Diagnostic { severity: Severity::Warning, address: Some(address.to_owned()), ..problem };
    problems.into_iter().map(warning).collect()
}

/// Returns `module.site["a"].check.health`.
fn address(module: &ModulePath, name: &Str) -> String {
    if module.is_root() { format!("check.{name}") } else { format!("{module}.check.{name}") }
}

/// Looks at every `check` block, in every instance of its module.
///
/// What they name has to have its values; blocks of which something is still to change are `pending`.
pub(crate) async fn checks(
    world: &mut World<'_>,
    order: &Order<'_>,
    calls: &Calls<'_>,
    pending: &BTreeSet<Address>,
    diagnostics: &mut Diagnostics,
) -> Vec<CheckResult> {
    let mut results = Vec::new();
    for (module, called) in order.tree().iter() {
        for block in called.module.checks.values() {
            let reads = order.reads_of(module, &order.named(module, block.references()));
            for nth in 0..world.count(module) {
                let at = world.nth(module, nth);
                world.publish(at, &reads);
                let path = world.path(at).clone();
                let inside = match &block.data {
                    None => Inside::Read,
                    Some(data) => {
                        let (inside, value) = read(data, world, at, order, module, calls, pending).await;
                        world.set_block(at, &data.name, value);
                        inside
                    }
                };
                results.push(check(block, &path, inside, &world.scope(at), diagnostics));
            }
        }
    }
    results
}

/// Reads the data source inside a block.
async fn read(
    data: &Resource,
    world: &World<'_>,
    at: InModule,
    order: &Order<'_>,
    module: ModuleId,
    calls: &Calls<'_>,
    pending: &BTreeSet<Address>,
) -> (Inside, Evaluated) {
    let failed = |problems: Diagnostics| (Inside::Failed(problems.into_iter().collect()), Evaluated::unknown());
    let mut problems = Diagnostics::default();
    let offers = calls.host.offers();
    let scope = world.scope(at);
    let provider = match choice::choose(offers, &data.name, data.provider.as_ref(), world.visible(at)) {
        Ok(Some(found)) => match &data.provider {
            Some(chosen) => choice::instance(&found, chosen, &scope, None, &mut problems),
            None => Some(found.reference),
        },
        Ok(None) => None,
        Err(error) => {
            problems.push(validate::no_provider(data, offers, &error));
            None
        }
    };
    let (Some(provider), Some(source)) = (provider, calls.host.data_source(&data.name.kind)) else {
        return failed(problems);
    };
    let config = eval::body(&data.body, &source.schema, &data.name.kind, data.span, &scope, &mut problems);
    if problems.has_errors() {
        return failed(problems);
    }
    let named = order.named(module, data.references());
    let on = named.iter().find_map(|at| match &order.node(*at).member {
        Member::Block(name) => {
            let address = order::address(name, &order.tree().get(order.node(*at).module).path);
            pending.contains(&address).then(|| Str::from(address.to_string()))
        }
        _ => None,
    });
    let addr = order::address(&data.name, world.path(at)).instance(None);
    let reading = Reading {
        addr,
        block: data,
        source,
        provider,
        config,
        pending: on,
        has_open_conditions: false,
        dependencies: &[],
    };
    if data::later(&reading).is_some() {
        return (Inside::Later, Evaluated::unknown());
    }
    match data::fetch(&reading, calls).await {
        Ok(fetched) => (Inside::Read, fetched.evaluated()),
        Err(problem) => (Inside::Failed(vec![*problem]), Evaluated::unknown()),
    }
}

impl Visit<'_> {
    /// Looks at every `check` block of the configuration.
    pub(super) async fn assertions(&mut self, diagnostics: &mut Diagnostics) {
        let (order, calls) = (std::rc::Rc::clone(&self.order), self.calls());
        self.checks = checks(&mut self.world, &order, &calls, &self.pending, diagnostics).await;
    }
}
