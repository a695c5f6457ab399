//! What a step asks of its provider: the plan's prediction, with what was unknown filled in.

use std::{
    collections::{BTreeSet, HashMap},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use loam_provider::{Known, Path, Period, Type, Value};

use super::Basics;
use crate::{
    addr::{Instance, InstanceKey},
    config::{BlockName, Config, Node},
    diag::{Diagnostic, Diagnostics},
    eval::{self, Evaluated, InstanceValues, Marks},
    event::{Action, Secrets, Trouble},
    host::{Host, ProviderRef},
    plan::{
        Change, Mode, ObjectChange, Plan, Work,
        check::{self, Stage},
        expand::Shape,
        order::Order,
        propose, secret, visit,
        world::{World, place_of},
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
    world: World<'r>,
    /// The configuration's order, and what each part of it is made from.
    order: Option<(Order, Vec<Rc<BTreeSet<BlockName>>>)>,
    /// The secrets among the variables.
    secrets: Secrets,
    /// The changes whose objects were made.
    made: BTreeSet<usize>,
    expansions: HashMap<BlockName, Rc<HashMap<Option<InstanceKey>, InstanceValues>>>,
}

impl<'r> Preparing<'r> {
    /// `objects` are those of the state, where they are once everything that moves has moved.
    pub(super) fn new(plan: &'r Plan, basics: &Basics<'r>, objects: &[Stored], host: &Arc<Host>) -> Self {
        let module = &basics.config.root;
        let mut preparing = Self {
            plan,
            config: basics.config,
            host: Arc::clone(host),
            world: World::new(module, basics.files, basics.paths.clone(), basics.variables),
            order: Order::of(module).ok().map(|order| {
                let needed = order.blocks_needed();
                (order, needed)
            }),
            secrets: Evaluated::secrets(basics.variables.values()),
            expansions: HashMap::new(),
            made: BTreeSet::new(),
        };
        preparing.seed(objects);
        preparing
    }

    /// Gives the world every object as the plan has it: what stays as it is, what changes as it is predicted.
    fn seed(&mut self, objects: &[Stored]) {
        for (name, block) in &self.config.root.resources {
            self.world.declare(name, Shape::of(&block.repeat));
        }
        for Stored { object, .. } in objects {
            if object.slot.deposed.is_none() {
                let value = Evaluated::new(
                    object.attributes.value().clone(),
                    Marks::at_paths(object.sensitive.iter().cloned()),
                );
                self.world.set_object(&visit::block_of(&object.slot.addr), &object.slot.addr.key, value);
            }
        }
        for change in &self.plan.changes {
            let (block, key) = (visit::block_of(&change.addr), &change.addr.key);
            match change.change.after() {
                Some(after) => {
                    let value = Evaluated::new(after.clone(), Marks::at_paths(change.sensitive.iter().cloned()));
                    self.world.set_object(&block, key, value);
                }
                None if change.deposed.is_none() => self.world.remove_object(&block, key),
                None => {}
            }
        }
    }

    /// Looks at the preconditions of an object that stays, which could not be told when the plan was made.
    pub(super) fn check(&mut self, at: usize, diagnostics: &mut Diagnostics) -> Result<(), Trouble> {
        let change = &self.plan.changes[at];
        let name = visit::block_of(&change.addr);
        let config = self.config;
        let Some(block) = config.root.resources.get(&name) else {
            return Err(trouble("its block is no longer in the configuration"));
        };
        let mut found = Diagnostics::default();
        self.settle(&name, &mut found);
        let expansion = self.expansion(&name, &mut found);
        let Some(instance) = expansion.and_then(|expansion| expansion.get(&change.addr.key).cloned()) else {
            return Err(trouble("its block no longer has this instance"));
        };
        let scope = self.world.instance_scope(&instance);
        check::checks("Precondition failed", &block.lifecycle.preconditions, &scope, Stage::Apply, &mut found);
        let after = change.change.after().cloned().unwrap_or(Value::Null(Type::Any));
        let object = Evaluated::new(after, Marks::at_paths(change.sensitive.iter().cloned()));
        let instance = InstanceValues { self_object: Some(object), ..instance };
        let scope = self.world.instance_scope(&instance);
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
            secrets: Secrets::of(&planned, &sensitive).and(&of_before).and(&self.secrets),
            planned,
            sensitive,
            timeout,
            instance,
        })
    }

    /// Fills in what was unknown when the plan was made.
    fn known(&mut self, change: &ObjectChange, after: &Value, diagnostics: &mut Diagnostics) -> Result<Asked, Trouble> {
        let name = visit::block_of(&change.addr);
        let config = self.config;
        let Some(block) = config.root.resources.get(&name) else {
            return Err(trouble("its block is no longer in the configuration"));
        };
        let has_checks = !(block.lifecycle.preconditions.is_empty() && block.lifecycle.postconditions.is_empty());
        if after.is_wholly_known() && !has_checks {
            return Ok((after.clone(), change.secret.clone(), None));
        }
        self.settle(&name, diagnostics);
        let expansion = self.expansion(&name, diagnostics);
        let Some(instance) = expansion.and_then(|expansion| expansion.get(&change.addr.key).cloned()) else {
            return Err(trouble("its block no longer has this instance"));
        };
        let host = Arc::clone(&self.host);
        let Some(kind) = host.kind(&name.kind) else {
            return Err(trouble("no provider offers its kind any more"));
        };
        let scope = self.world.instance_scope(&instance);
        check::checks("Precondition failed", &block.lifecycle.preconditions, &scope, Stage::Apply, diagnostics);
        let evaluated = eval::body(&block.body, &kind.schema, &name.kind, block.span, &scope, diagnostics);
        if let Some(path) = evaluated.value.first_unknown()
            && !diagnostics.has_errors()
        {
            let detail = format!("`{path}` is still unknown, although everything it depends on is done.");
            diagnostics.push(Diagnostic::error("Value still unknown", block.span, detail));
        }
        let planned = propose::refine(&kind.schema, after, &evaluated.value);
        let sensitive = secret::paths(&kind.schema, &planned, evaluated.marks.paths().cloned(), &self.secrets);
        Ok((planned, sensitive.into_iter().collect(), Some(instance)))
    }

    /// Brings what a block is made from up to date.
    fn settle(&mut self, name: &BlockName, diagnostics: &mut Diagnostics) {
        if let Some((order, needed)) = &self.order
            && let Some(at) = place_of(order, name)
        {
            self.world.publish(needed[at].iter());
            self.world.settle_locals(order, at, diagnostics);
        }
    }

    /// Returns what each instance of a block can see, evaluated once for all of them.
    fn expansion(&mut self, name: &BlockName, diagnostics: &mut Diagnostics) -> Option<InstancesByKey> {
        if let Some(known) = self.expansions.get(name) {
            return Some(Rc::clone(known));
        }
        let expansion = Rc::new(self.world.expand(name, diagnostics)?.instances.into_iter().collect::<HashMap<_, _>>());
        self.expansions.insert(name.clone(), Rc::clone(&expansion));
        Some(expansion)
    }

    fn timeout(&mut self, change: &ObjectChange, action: Action, diagnostics: &mut Diagnostics) -> Option<Duration> {
        let operation = match action {
            Action::Create => "create",
            Action::Update => "update",
            Action::Delete => "delete",
            Action::Read => "read",
            Action::Forget | Action::Record | Action::Import | Action::Check => return None,
        };
        let config = self.config;
        let name = visit::block_of(&change.addr);
        let block = config.root.resources.get(&name)?;
        let attribute = block.timeouts.iter().find(|attribute| *attribute.name == *operation)?;
        let mut found = Diagnostics::default();
        self.settle(&name, &mut found);
        let evaluated = eval::expr(&attribute.expr, &self.world.scope(), &mut found);
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
        match self.host.kind(&prepared.addr.resource.kind) {
            Some(kind) => {
                let marked = prepared.sensitive.iter().cloned();
                secret::paths(&kind.schema, left.value(), marked, &self.secrets).into_iter().collect()
            }
            None => prepared.sensitive.clone(),
        }
    }

    /// Takes in what a step made, and checks what its block states about it.
    pub(super) fn made(&mut self, prepared: &Prepared, made: &Known, sensitive: &[Path]) -> Result<(), Trouble> {
        self.made.insert(prepared.change);
        let (block, key) = (visit::block_of(&prepared.addr), &prepared.addr.key);
        let object = Evaluated::new(made.value().clone(), Marks::at_paths(sensitive.iter().cloned()));
        self.world.set_object(&block, key, object.clone());
        let (Some(config), Some(instance)) = (self.config.root.resources.get(&block), &prepared.instance) else {
            return Ok(());
        };
        let mut found = Diagnostics::default();
        let instance = InstanceValues { self_object: Some(object), ..instance.clone() };
        let scope = self.world.instance_scope(&instance);
        check::checks("Postcondition failed", &config.lifecycle.postconditions, &scope, Stage::Apply, &mut found);
        match found.iter().next() {
            None => Ok(()),
            Some(first) => Err(trouble(&format!("a postcondition does not hold: {}", first.detail))),
        }
    }

    /// Evaluates the outputs; one that cannot be told keeps the value that was recorded.
    pub(super) fn outputs(&mut self, recorded: &[Output], diagnostics: &mut Diagnostics) -> Vec<Output> {
        let Some((order, needed)) = &self.order else { return recorded.to_vec() };
        // What was planned and not made is as nobody knows: a prediction must not be taken for it.
        for (at, change) in self.plan.changes.iter().enumerate() {
            match &change.change {
                Change::Create { .. } | Change::Update { .. } | Change::Replace { .. } if !self.made.contains(&at) => {
                    let (block, key) = (visit::block_of(&change.addr), &change.addr.key);
                    self.world.set_object(&block, key, Evaluated::unknown());
                }
                Change::Create { .. } | Change::Update { .. } | Change::Replace { .. } => {}
                Change::Read { .. } if !self.made.contains(&at) => {
                    let (block, key) = (visit::block_of(&change.addr), &change.addr.key);
                    self.world.set_object(&block, key, Evaluated::unknown());
                }
                Change::Read { .. } => {}
                Change::Keep { .. } | Change::Delete { .. } | Change::Forget { .. } => {}
            }
        }
        let mut outputs = Vec::new();
        for (at, node) in order.sequence() {
            let Node::Output(name) = node else { continue };
            let output = &self.config.root.outputs[name];
            self.world.publish(needed[at].iter());
            let mut found = Diagnostics::default();
            self.world.settle_locals(order, at, &mut found);
            let scope = self.world.scope();
            check::checks("Precondition failed", &output.preconditions, &scope, Stage::Plan, &mut found);
            let evaluated = eval::expr(&output.value.expr, &scope, &mut found);
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

type Asked = (Value, Vec<Path>, Option<InstanceValues>);
type InstancesByKey = Rc<HashMap<Option<InstanceKey>, InstanceValues>>;

fn trouble(message: &str) -> Trouble {
    Trouble { message: message.to_owned(), causes: Vec::new(), attribute: None, hint: None, evidence: Vec::new() }
}
