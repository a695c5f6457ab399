//! Data sources: read while the plan is made wherever that tells what it will tell later.
//!
//! What a source is read with may not be known yet, and what it depends on may be about to change; then it is read
//! while the plan is applied, and the plan shows when and why.

use loam_provider::{DataSource, Known, Path, Str, Trouble, Type, Value};

use super::{
    Change, Fetched, ObjectChange, Reason, ReplaceOrder,
    check::{self, Stage, Told},
    decide::{Calls, sentence},
    secret,
    visit::{Common, Visit},
    world::InModule,
};
use crate::{
    addr::{Instance, Resource as Address},
    config::Resource,
    diag::{Diagnostic, Diagnostics},
    eval::{self, Evaluated, InstanceValues, Marks},
    event::{self, Secrets},
    host::{CallError, ProviderRef},
    source::Span,
};

/// One instance of a `data` block.
pub(super) struct Reading<'p> {
    pub(super) addr: Instance,
    pub(super) block: &'p Resource,
    pub(super) source: &'p DataSource,
    pub(super) provider: ProviderRef,
    pub(super) config: Evaluated,
    /// A block that it depends on, of which something will change.
    pub(super) pending: Option<Str>,
    /// Whether a condition of its block can only be told once other objects are made.
    pub(super) has_open_conditions: bool,
    pub(super) dependencies: &'p [Address],
}

impl<'p> Visit<'p> {
    /// Reads a data source, or says why that comes later.
    pub(super) async fn try_data(
        &mut self,
        at: InModule,
        address: &Address,
        common: &Common<'_, 'p>,
        diagnostics: &mut Diagnostics,
    ) -> Option<()> {
        let Common { node, block, dependencies, .. } = *common;
        let configuration = self.configuration(at, block, diagnostics)?;
        let source = self.basics.host.data_source(&block.name.kind)?;
        let expansion = self.world.expand(at, node, &block.repeat, diagnostics)?;
        self.world.declare(at, &block.name, expansion.shape);
        let pending = dependencies.iter().find(|needed| self.pending.contains(*needed));
        let pending = pending.map(|needed| Str::from(needed.to_string()));
        for (key, instance) in expansion.instances {
            let addr = address.instance(key.clone());
            let mut found = Diagnostics::default();
            let scope = self.world.scope(at).with_instance(&instance);
            let provider = self.provider(&configuration, block, &scope, &mut found);
            let conditions = &block.lifecycle.preconditions;
            let told = check::checks("Precondition failed", conditions, &scope, Stage::Plan, &mut found);
            let config = eval::body(&block.body, &source.schema, &block.name.kind, block.span, &scope, &mut found);
            found.extend(check::kept(block, &source.schema, &config));
            let value = match provider {
                Some(provider) if !found.has_errors() => {
                    let reading = Reading {
                        addr: addr.clone(),
                        block,
                        source,
                        provider,
                        config,
                        pending: pending.clone(),
                        has_open_conditions: told == Told::Some,
                        dependencies,
                    };
                    self.read(at, reading, instance, &mut found).await
                }
                Some(_) | None => Evaluated::unknown(),
            };
            found.set_address(&addr);
            diagnostics.extend(found);
            self.world.set_object(at, &block.name, &key, value);
            if self.basics.options.cancel.is_cancelled() {
                return Some(());
            }
        }
        Some(())
    }

    async fn read(
        &mut self,
        at: InModule,
        reading: Reading<'_>,
        instance: InstanceValues,
        diagnostics: &mut Diagnostics,
    ) -> Evaluated {
        if let Some(because) = later(&reading) {
            let change = deferred(reading, because);
            let value = unread(&change);
            self.take(change);
            return value;
        }
        let fetched = match fetch(&reading, &self.calls()).await {
            Ok(fetched) => fetched,
            Err(diagnostic) => {
                diagnostics.push(*diagnostic);
                return Evaluated::unknown();
            }
        };
        let value = fetched.evaluated();
        let with_self = InstanceValues { self_object: Some(value.clone()), ..instance };
        let scope = self.world.scope(at).with_instance(&with_self);
        let conditions = &reading.block.lifecycle.postconditions;
        if check::checks("Postcondition failed", conditions, &scope, Stage::Plan, diagnostics) == Told::Some {
            // They are looked at when it is read again.
            let change = deferred(reading, Reason::NotKnown { path: Path::attribute("postcondition") });
            let value = unread(&change);
            self.take(change);
            return value;
        }
        self.data.push(fetched);
        value
    }
}

/// Why a source is read while the plan is applied, if it is.
pub(super) fn later(reading: &Reading<'_>) -> Option<Reason> {
    if let Some(path) = reading.config.value.first_unknown() {
        return Some(Reason::NotKnown { path });
    }
    if let Some(on) = &reading.pending {
        return Some(Reason::Pending { on: on.clone() });
    }
    reading.has_open_conditions.then(|| Reason::NotKnown { path: Path::attribute("precondition") })
}

/// Returns what a plan says about a source that is read while it is applied.
pub(super) fn deferred(reading: Reading<'_>, because: Reason) -> ObjectChange {
    let schema = &reading.source.schema;
    let after = super::propose::propose(schema, &reading.config.value, None).proposed;
    let marks = reading.config.marks.paths().cloned();
    let sensitive: Vec<Path> = secret::paths(schema, &after, marks, &Secrets::default()).into_iter().collect();
    ObjectChange {
        addr: reading.addr,
        deposed: None,
        provider: reading.provider,
        change: Change::Read { after, because },
        secret: sensitive.clone(),
        sensitive,
        drift: None,
        notes: Vec::new(),
        ineffective: Vec::new(),
        on_destroy: loam_provider::OnDestroy::Retain,
        replace_order: ReplaceOrder::DeleteFirst,
        dependencies: reading.dependencies.to_vec(),
        origin: None,
        has_open_conditions: false,
    }
}

/// Reads a source.
pub(super) async fn fetch(reading: &Reading<'_>, calls: &Calls<'_>) -> Result<Fetched, Box<Diagnostic>> {
    let schema = &reading.source.schema;
    let config = eval::with_defaults(&reading.config.value, schema);
    let call = calls.call(&reading.provider, &reading.source.name, &reading.addr);
    let marks: Vec<Path> = reading.config.marks.paths().cloned().collect();
    let fetched = tokio::select! {
        biased;
        () = calls.cancel.cancelled() => return Err(Box::new(super::decide::interrupted())),
        fetched = calls.host.fetch(&call, &config) => fetched,
    };
    match fetched {
        Ok(value) => {
            let sensitive = secret::paths(schema, value.value(), marks, &calls.secrets);
            let sensitive: Vec<Path> = sensitive.into_iter().filter(|path| value.at(path).is_some()).collect();
            Ok(Fetched { addr: reading.addr.clone(), value, sensitive })
        }
        Err(error) => {
            let secrets = Secrets::of(&reading.config.value, &marks.into_iter().collect::<Vec<_>>());
            let place = place(reading, &error);
            let summary = match &error {
                CallError::Provider(error) if error.trouble == Trouble::Invalid => "Invalid value",
                CallError::Provider(_) => "Reading failed",
                CallError::Contract { .. } => "Provider bug",
                CallError::NotConfigured { .. } | CallError::UnknownKind { .. } => "Reading failed",
            };
            let what = format!("`{}` could not be read by `{}`", reading.addr, reading.provider);
            Err(Box::new(failed(summary, &what, place, &error, &secrets.and(&calls.secrets)).address(&reading.addr)))
        }
    }
}

/// Returns where the configuration writes what an error is about.
fn place(reading: &Reading<'_>, error: &CallError) -> Span {
    let CallError::Provider(error) = error else { return reading.block.span };
    let first = error.path.as_ref().and_then(|path| path.steps().first());
    let name = first.and_then(|step| match step {
        loam_provider::Step::Name(name) => Some(name),
        loam_provider::Step::Index(_) => None,
    });
    let attribute = name.and_then(|name| reading.block.body.attribute(name));
    attribute.map_or(reading.block.span, |attribute| attribute.expr.span)
}

/// Turns what a provider said into a diagnostic.
pub(super) fn failed(
    summary: &'static str,
    what: &str,
    span: Span,
    error: &CallError,
    secrets: &Secrets,
) -> Diagnostic {
    let trouble = match error {
        CallError::Provider(error) => event::Trouble::of_provider(error, secrets),
        CallError::NotConfigured { .. } | CallError::UnknownKind { .. } | CallError::Contract { .. } => {
            event::Trouble::of(error, secrets)
        }
    };
    let mut detail = sentence(&format!("{what}: {}", trouble.message));
    for cause in &trouble.causes {
        detail.push_str("\nCause: ");
        detail.push_str(cause);
    }
    for line in &trouble.evidence {
        detail.push_str("\n  ");
        detail.push_str(line);
    }
    Diagnostic::error(summary, span, detail).maybe_hint(trouble.hint)
}

impl Fetched {
    /// Returns what expressions see of it.
    pub(crate) fn evaluated(&self) -> Evaluated {
        Evaluated::new(self.value.value().clone(), Marks::at_paths(self.sensitive.iter().cloned()))
    }
}

/// Returns what is known of a source that is read later.
pub(super) fn unread(change: &ObjectChange) -> Evaluated {
    let after = change.change.after().cloned().unwrap_or(Value::Unknown(Type::Any));
    Evaluated::new(after, Marks::at_paths(change.sensitive.iter().cloned()))
}

/// Returns what identifies a thing among those of its kind, as far as its attributes tell.
pub(super) fn identity(object: &Known) -> Option<(&'static str, Str)> {
    ["id", "url", "path", "target", "dir"].into_iter().find_map(|name| Some((name, object.get(name)?.as_str()?.into())))
}
