//! What a step asks of its provider: the plan's prediction, with what was unknown filled in.

use std::{
    collections::{BTreeSet, HashMap},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use loam_provider::{Known, Path, Period, Str, Type, Value};
use tokio_util::sync::CancellationToken;

use super::{
    ApplyError, Basics,
    settle::{self, Settling, Site},
};
use crate::{
    addr::{self, Instance, InstanceKey},
    config::{Config, Member, ModuleId, Repeat},
    diag::{Diagnostic, Diagnostics},
    eval::{self, Evaluated, InstanceValues, Marks},
    event::{Action, Secrets, Trouble},
    host::{Clock, Host, ProviderRef},
    plan::{
        Change, Mode, ObjectChange, Plan, Work, assertions,
        check::{self, Stage},
        decide::Calls,
        order::Order,
        propose, secret,
        world::{InModule, World},
    },
    state::{Output, Stored},
};

/// A step that is ready to run.
pub(super) struct Prepared {
    /// The position of its change in the plan.
    pub(super) change: usize,
    pub(super) addr: Instance,
    pub(super) provider: ProviderRef,
    pub(super) action: Action,
    /// The object as it is; none for a create.
    pub(super) before: Option<Known>,
    /// The object to be; unknown only where the provider alone can tell; null for a delete.
    pub(super) planned: Value,
    pub(super) sensitive: Vec<Path>,
    pub(super) secrets: Secrets,
    pub(super) timeout: Option<Duration>,
    /// What the instance alone can see, for its postconditions.
    instance: Option<InstanceValues>,
}

/// The world as it becomes known while steps end.
pub(super) struct Preparing<'r> {
    plan: &'r Plan,
    config: &'r Config,
    host: Arc<Host>,
    order: Rc<Order<'r>>,
    settling: Settling<'r>,
    /// The changes whose objects were made.
    made: BTreeSet<usize>,
    /// What each instance of a block can see, for blocks that repeat.
    expansions: HashMap<(usize, InModule), InstancesByKey>,
}

impl<'r> Preparing<'r> {
    /// `objects` are those of the state, where they are once everything that moves has moved.
    pub(super) fn new(
        plan: &'r Plan,
        basics: &Basics<'r>,
        objects: &[Stored],
        host: &Arc<Host>,
        now: Timestamp,
    ) -> Result<Self, ApplyError> {
        let order = Order::of(&basics.config.root).map_err(|_| ApplyError::CircularConfiguration)?;
        let order = Rc::new(order);
        let seeds = settle::seeds(plan, objects);
        let world = World::seeded(Rc::clone(&order), basics.files, &basics.paths, basics.variables, seeds)
            .at(eval::Stage::Apply { planned: plan.basis.planned, now });
        Ok(Self {
            plan,
            config: basics.config,
            host: Arc::clone(host),
            settling: Settling::new(world, Rc::clone(&order)),
            order,
            expansions: HashMap::new(),
            made: BTreeSet::new(),
        })
    }

    /// Looks at the preconditions of an object that stays, which could not be told when the plan was made.
    pub(super) fn check(&mut self, at: usize, diagnostics: &mut Diagnostics) -> Result<(), Trouble> {
        let change = &self.plan.changes[at];
        let Some(site @ Site { block, at, .. }) = self.settling.site(&change.addr) else {
            return Err(trouble("its block is no longer in the configuration"));
        };
        let mut found = Diagnostics::default();
        self.settling.settle(site, &mut found);
        let Some(instance) = self.instance(site, &change.addr.key, &mut found) else {
            return Err(trouble("its block no longer has this instance"));
        };
        let scope = self.settling.world.scope(at).with_instance(&instance);
        check::checks("Precondition failed", &block.lifecycle.preconditions, &scope, Stage::Apply, &mut found);
        let after = change.change.after().cloned().unwrap_or(Value::Null(Type::Any));
        let object = Evaluated::new(after, Marks::at_paths(change.sensitive.iter().cloned()));
        let instance = InstanceValues { self_object: Some(object), ..instance };
        let scope = self.settling.world.scope(at).with_instance(&instance);
        check::checks("Postcondition failed", &block.lifecycle.postconditions, &scope, Stage::Apply, &mut found);
        found.set_address(&change.addr);
        let has_errors = found.has_errors();
        diagnostics.extend(found);
        if has_errors { Err(trouble("a condition does not hold now that all values are known")) } else { Ok(()) }
    }

    /// Returns what a step asks of its provider.
    pub(super) fn prepare(&mut self, work: &Work, diagnostics: &mut Diagnostics) -> Result<Prepared, Trouble> {
        let at = work.change().expect("only steps about an object are prepared");
        let change = &self.plan.changes[at];
        let (action, before, after) = match (work, &change.change) {
            (Work::Create { .. }, Change::Create { after, .. } | Change::Replace { after, .. }) => {
                (Action::Create, None, Some(after))
            }
            (Work::Update { .. }, Change::Update { before, after }) => {
                (Action::Update, Some(before.clone()), Some(after))
            }
            (Work::Read { .. }, Change::Read { after, .. }) => (Action::Read, None, Some(after)),
            (Work::Delete { .. }, change) => (Action::Delete, change.before().cloned(), None),
            _ => return Err(trouble("the plan's steps and changes contradict each other")),
        };
        let mut found = Diagnostics::default();
        let known = match after {
            Some(after) => self.known(change, after, &mut found),
            None => Ok((Value::Null(Type::Any), change.sensitive.clone(), None)),
        };
        let timeout = self.timeout(change, action, &mut found);
        found.set_address(&change.addr);
        let has_errors = found.has_errors();
        diagnostics.extend(found);
        let (planned, sensitive, instance) = known?;
        if has_errors {
            return Err(trouble("the configuration is wrong now that all values are known"));
        }
        let of_before = before.as_ref().map(|before| Secrets::of(before, &change.sensitive)).unwrap_or_default();
        Ok(Prepared {
            change: at,
            addr: change.addr.clone(),
            provider: if action == Action::Delete { change.former_provider() } else { &change.provider }.clone(),
            action,
            before,
            secrets: Secrets::of(&planned, &sensitive).and(&of_before).and(self.settling.world.secrets()),
            planned,
            sensitive,
            timeout,
            instance,
        })
    }

    /// Fills in what was unknown when the plan was made.
    fn known(&mut self, change: &ObjectChange, after: &Value, diagnostics: &mut Diagnostics) -> Result<Asked, Trouble> {
        let Some(site @ Site { block, at, .. }) = self.settling.site(&change.addr) else {
            return Err(trouble("its block is no longer in the configuration"));
        };
        let has_checks = !(block.lifecycle.preconditions.is_empty() && block.lifecycle.postconditions.is_empty());
        if after.is_wholly_known() && !has_checks {
            return Ok((after.clone(), change.secret.clone(), None));
        }
        self.settling.settle(site, diagnostics);
        let Some(instance) = self.instance(site, &change.addr.key, diagnostics) else {
            return Err(trouble("its block no longer has this instance"));
        };
        let host = Arc::clone(&self.host);
        let Some(schema) = host.offers().schema(block.name.mode, &block.name.kind) else {
            return Err(trouble("no provider offers its kind any more"));
        };
        let scope = self.settling.world.scope(at).with_instance(&instance);
        check::checks("Precondition failed", &block.lifecycle.preconditions, &scope, Stage::Apply, diagnostics);
        let evaluated = eval::body(&block.body, schema, &block.name.kind, block.span, &scope, diagnostics);
        diagnostics.extend(check::kept(block, schema, &evaluated));
        if let Some(path) = evaluated.value.first_unknown()
            && !diagnostics.has_errors()
        {
            let detail = format!("`{path}` is still unknown, although everything it depends on is done.");
            diagnostics.push(Diagnostic::error("Value still unknown", block.span, detail));
        }
        let planned = match block.name.mode {
            addr::Mode::Managed => propose::refine(schema, after, &evaluated.value),
            addr::Mode::Data => eval::with_defaults(&evaluated.value, schema),
        };
        let sensitive =
            secret::paths(schema, &planned, evaluated.marks.paths().cloned(), self.settling.world.secrets());
        Ok((planned, sensitive.into_iter().collect(), Some(instance)))
    }

    /// Returns what an instance of a block can see; for blocks that repeat evaluated once for all of them.
    fn instance(
        &mut self,
        site: Site<'_>,
        key: &Option<InstanceKey>,
        diagnostics: &mut Diagnostics,
    ) -> Option<InstanceValues> {
        let Site { node, block, at } = site;
        match &block.repeat {
            Repeat::Once => return key.is_none().then(InstanceValues::default),
            Repeat::Count(_) | Repeat::ForEach(_) => {}
        }
        if let Some(known) = self.expansions.get(&(node, at)) {
            return known.get(key).cloned();
        }
        let expansion = self.settling.world.expand(at, node, &block.repeat, diagnostics)?;
        let instances: HashMap<_, _> = expansion.instances.into_iter().collect();
        let found = instances.get(key).cloned();
        self.expansions.insert((node, at), instances);
        found
    }

    fn timeout(&mut self, change: &ObjectChange, action: Action, diagnostics: &mut Diagnostics) -> Option<Duration> {
        let operation = match action {
            Action::Create => "create",
            Action::Update => "update",
            Action::Delete => "delete",
            Action::Read => "read",
            Action::Forget | Action::Record | Action::Import | Action::Check => return None,
        };
        let site = self.settling.site(&change.addr)?;
        let attribute = site.block.timeouts.iter().find(|attribute| *attribute.name == *operation)?;
        let mut found = Diagnostics::default();
        match action {
            // What it is made from may not be done, or may be gone.
            Action::Delete => self.settling.glance(site),
            Action::Create
            | Action::Update
            | Action::Forget
            | Action::Record
            | Action::Read
            | Action::Import
            | Action::Check => {
                self.settling.settle(site, &mut found);
            }
        }
        let instance = self.instance(site, &change.addr.key, &mut Diagnostics::default()).unwrap_or_default();
        let scope = self.settling.world.scope(site.at).with_instance(&instance);
        let evaluated = eval::expr(&attribute.expr, &scope, &mut found);
        if action == Action::Delete && evaluated.value.is_unknown() && !found.has_errors() {
            return None;
        }
        if self.plan.mode == Mode::Destroy && (found.has_errors() || evaluated.value.is_unknown()) {
            // It is made from what is destroyed too.
            return None;
        }
        diagnostics.extend(found);
        match evaluated.value.as_str().map(str::parse::<Period>) {
            Some(Ok(Period(timeout))) => return Some(timeout),
            Some(Err(error)) => {
                let detail = format!("`timeouts.{operation}`: {error}.");
                diagnostics.push(Diagnostic::error("Invalid timeout", attribute.expr.span, detail));
            }
            None if evaluated.value.is_null() => {}
            None => {
                let detail = format!("`timeouts.{operation}` must be a duration such as \"10m\".");
                diagnostics.push(Diagnostic::error("Invalid timeout", attribute.expr.span, detail));
            }
        }
        None
    }

    /// Returns where secrets stand in what a step left.
    pub(super) fn secrets_of(&self, prepared: &Prepared, left: &Known) -> Vec<Path> {
        let resource = &prepared.addr.resource;
        match self.host.offers().schema(resource.mode, &resource.kind) {
            Some(schema) => {
                let marked = prepared.sensitive.iter().cloned();
                secret::paths(schema, left.value(), marked, self.settling.world.secrets()).into_iter().collect()
            }
            None => prepared.sensitive.clone(),
        }
    }

    /// Takes in what a step made, and checks what its block states about it.
    pub(super) fn made(&mut self, prepared: &Prepared, made: &Known, sensitive: &[Path]) -> Result<(), Trouble> {
        self.made.insert(prepared.change);
        let Some(Site { block, at, .. }) = self.settling.site(&prepared.addr) else { return Ok(()) };
        let object = Evaluated::new(made.value().clone(), Marks::at_paths(sensitive.iter().cloned()));
        self.settling.world.set_object(at, &block.name, &prepared.addr.key, object.clone());
        let Some(instance) = &prepared.instance else { return Ok(()) };
        let mut found = Diagnostics::default();
        let instance = InstanceValues { self_object: Some(object), ..instance.clone() };
        let scope = self.settling.world.scope(at).with_instance(&instance);
        check::checks("Postcondition failed", &block.lifecycle.postconditions, &scope, Stage::Apply, &mut found);
        match found.iter().next() {
            None => Ok(()),
            Some(first) => Err(trouble(&format!("a postcondition does not hold: {}", first.detail))),
        }
    }

    /// Looks at the `check` blocks with what is known now, and warns of what does not hold.
    pub(super) async fn checks(&mut self, state_id: &Str, clock: Clock, diagnostics: &mut Diagnostics) {
        let host = Arc::clone(&self.host);
        let calls = Calls {
            host: &host,
            state_id: state_id.clone(),
            cancel: CancellationToken::new(),
            clock,
            secrets: self.settling.world.secrets().clone(),
        };
        // What was not made is as nobody knows.
        let undone = self.plan.changes.iter().enumerate().filter(|(at, change)| {
            let is_made = matches!(
                change.change,
                Change::Create { .. } | Change::Update { .. } | Change::Replace { .. } | Change::Read { .. }
            );
            is_made && !self.made.contains(at)
        });
        let pending = undone.map(|(_, change)| change.addr.resource.without_keys()).collect();
        let order = Rc::clone(&self.order);
        assertions::checks(&mut self.settling.world, &order, &calls, &pending, diagnostics).await;
    }

    /// Evaluates the outputs; one that cannot be told keeps the value that was recorded.
    pub(super) fn outputs(&mut self, recorded: &[Output], diagnostics: &mut Diagnostics) -> Vec<Output> {
        let mut is_complete = true;
        // What was planned and not made is as nobody knows: a prediction must not be taken for it.
        for (at, change) in self.plan.changes.iter().enumerate() {
            match &change.change {
                Change::Create { .. } | Change::Update { .. } | Change::Replace { .. } | Change::Read { .. }
                    if !self.made.contains(&at) =>
                {
                    is_complete = false;
                    if let Some(Site { block, at, .. }) = self.settling.site(&change.addr) {
                        self.settling.world.set_object(at, &block.name, &change.addr.key, Evaluated::unknown());
                    }
                }
                Change::Create { .. } | Change::Update { .. } | Change::Replace { .. } | Change::Read { .. } => {}
                Change::Keep { .. } | Change::Delete { .. } | Change::Forget { .. } => {}
            }
        }
        let mut late = Diagnostics::default();
        self.settling.settle_outputs(is_complete, &mut late);
        if is_complete {
            diagnostics.extend(late);
        }
        let order = Rc::clone(&self.order);
        let mut outputs = Vec::new();
        for (at, node) in order.sequence() {
            let Member::Output(name) = &node.member else { continue };
            if node.module != ModuleId::ROOT {
                continue;
            }
            let output = &self.config.root.outputs[name];
            let world = &mut self.settling.world;
            let root = world.nth(ModuleId::ROOT, 0);
            world.publish(root, &order.reads(at));
            let mut found = Diagnostics::default();
            let scope = world.scope(root);
            check::checks("Precondition failed", &output.preconditions, &scope, Stage::Plan, &mut found);
            let evaluated = eval::expr(&output.value.expr, &scope, &mut found);
            found.extend(check::ephemeral(output, &evaluated).into_iter().collect());
            if let Some(leak) = check::leak(output, &evaluated.marks) {
                found.push(leak);
            }
            let known = Known::new(evaluated.value).ok().filter(|_| !found.has_errors());
            let sensitive = match (output.sensitive, known.is_some()) {
                (true, true) => vec![Path::root()],
                _ => evaluated.marks.paths().cloned().collect(),
            };
            match known {
                Some(value) => outputs.push(Output { name: name.clone(), value, sensitive }),
                None => outputs.extend(recorded.iter().find(|output| output.name == *name).cloned()),
            }
            diagnostics.extend(found);
        }
        outputs.sort_by(|a, b| a.name.cmp(&b.name));
        outputs
    }
}

type InstancesByKey = HashMap<Option<InstanceKey>, InstanceValues>;
type Asked = (Value, Vec<Path>, Option<InstanceValues>);

fn trouble(message: &str) -> Trouble {
    Trouble { message: message.to_owned(), causes: Vec::new(), attribute: None, hint: None, evidence: Vec::new() }
}
