//! The values of all module instances as they become known: at plan with predictions, at apply with results.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    rc::Rc,
};

use loam_provider::{Step, Str, Value};

use super::{
    choice::{self, Visible},
    expand::{self, Expansion, Shape},
    order::{Order, Read},
    told::Told,
};
use crate::{
    addr::{InstanceKey, ModulePath},
    config::{BlockName, Called, Member, ModuleCall, ModuleId, Output, Repeat, Subject, Variable},
    diag::Diagnostics,
    eval::{self, Evaluated, Files, InstanceValues, Marks, ModuleValues, Scope},
    event::Secrets,
    host::ProviderRef,
};

/// Evaluates the parts of a configuration, given what is known of the objects so far.
///
/// A node of the order stands for as many values as its module has instances, and is evaluated for all of them at
/// once. The root module is the first instance; others appear when the call that makes them is evaluated.
pub(crate) struct World<'c> {
    order: Rc<Order<'c>>,
    files: &'c Files,
    stage: eval::Stage,
    calls: Calls,
    instances: Vec<Instance>,
    /// The instances of each module.
    of: Vec<Vec<InModule>>,
    /// The objects of module instances that have not appeared yet, where objects are known before their blocks are
    /// evaluated.
    seeds: Option<HashMap<ModulePath, Vec<Seed>>>,
    /// The secrets among the variables of all modules, as far as they have been evaluated.
    secrets: Secrets,
}

/// What is to be done about calls of modules.
#[derive(Debug, Clone)]
pub(crate) enum Calls {
    /// Their repetition is evaluated. Keys of providers are looked up among these, where they are known.
    Expanded(Option<Rc<BTreeSet<ProviderRef>>>),
    /// Each call has one instance, of which nothing is known.
    Supposed,
}

/// An object that is known before its module is.
pub(crate) struct Seed {
    pub(crate) block: BlockName,
    pub(crate) key: Option<InstanceKey>,
    pub(crate) object: Evaluated,
}

/// Names a module instance: its position in the [`World`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct InModule(usize);

/// A module instance.
struct Instance {
    module: ModuleId,
    path: ModulePath,
    /// The instance it is called in; for the root itself.
    caller: InModule,
    /// What the instance of the call can see.
    call: InstanceValues,
    values: ModuleValues,
    blocks: BTreeMap<BlockName, Objects>,
    children: BTreeMap<Str, Children>,
    outputs: BTreeMap<Str, Evaluated>,
    visible: Rc<Visible>,
}

/// The objects of one block in one module instance.
struct Objects {
    shape: Shape,
    objects: BTreeMap<Option<InstanceKey>, Evaluated>,
    is_stale: bool,
}

/// The instances of one call in one module instance.
struct Children {
    shape: Shape,
    instances: BTreeMap<Option<InstanceKey>, InModule>,
    is_stale: bool,
}

impl<'c> World<'c> {
    /// Returns a world of which only the variables of the root module are known.
    #[must_use]
    pub(crate) fn new(
        order: Rc<Order<'c>>,
        files: &'c Files,
        paths: &ModuleValues,
        variables: &BTreeMap<Str, Evaluated>,
        calls: Calls,
    ) -> Self {
        Self::with(order, files, paths, variables, calls, None)
    }

    /// Returns a world in which these objects stand as soon as their module instances appear.
    #[must_use]
    pub(crate) fn seeded(
        order: Rc<Order<'c>>,
        files: &'c Files,
        paths: &ModuleValues,
        variables: &BTreeMap<Str, Evaluated>,
        seeds: HashMap<ModulePath, Vec<Seed>>,
    ) -> Self {
        Self::with(order, files, paths, variables, Calls::Expanded(None), Some(seeds))
    }

    /// Returns this world at a stage; without this, nothing is known of the time.
    #[must_use]
    pub(crate) fn at(self, stage: eval::Stage) -> Self {
        Self { stage, ..self }
    }

    fn with(
        order: Rc<Order<'c>>,
        files: &'c Files,
        paths: &ModuleValues,
        variables: &BTreeMap<Str, Evaluated>,
        calls: Calls,
        seeds: Option<HashMap<ModulePath, Vec<Seed>>>,
    ) -> Self {
        let of = vec![Vec::new(); order.tree().len()];
        let mut values = paths.clone();
        for (name, value) in variables {
            values.set(Subject::Variable(name.clone()), value.clone());
        }
        let root = order.tree().get(ModuleId::ROOT).module;
        let instance = Instance {
            module: ModuleId::ROOT,
            path: ModulePath::root(),
            caller: InModule(0),
            call: InstanceValues::default(),
            values,
            blocks: BTreeMap::new(),
            children: BTreeMap::new(),
            outputs: BTreeMap::new(),
            visible: Rc::new(choice::own(root, &ModulePath::root())),
        };
        let stage = eval::Stage::Check;
        let secrets = Evaluated::secrets(variables.values());
        let mut world = Self { order, files, stage, calls, instances: Vec::new(), of, seeds, secrets };
        world.appear(instance);
        world
    }

    fn appear(&mut self, mut instance: Instance) -> InModule {
        let at = InModule(self.instances.len());
        self.of[instance.module.index()].push(at);
        if let Some(seeds) = &mut self.seeds {
            let blocks = self.order.tree().get(instance.module).module.resources.iter();
            instance.blocks =
                blocks.map(|(name, block)| (name.clone(), Objects::none(Shape::of(&block.repeat)))).collect();
            for Seed { block, key, object } in seeds.remove(&instance.path).into_iter().flatten() {
                if let Some(objects) = instance.blocks.get_mut(&block) {
                    objects.objects.insert(key, object);
                }
            }
        }
        self.instances.push(instance);
        at
    }

    /// Returns the secrets among the variables of all modules, as far as they have been evaluated.
    #[must_use]
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Returns how many instances a module has.
    #[must_use]
    pub(crate) fn count(&self, module: ModuleId) -> usize {
        self.of[module.index()].len()
    }

    /// Returns one instance of a module, by its number.
    #[must_use]
    pub(crate) fn nth(&self, module: ModuleId, nth: usize) -> InModule {
        self.of[module.index()][nth]
    }

    /// Returns the module instance that a path leads to, if it is there.
    #[must_use]
    pub(crate) fn find(&self, path: &ModulePath) -> Option<InModule> {
        path.steps().iter().try_fold(InModule(0), |at, step| {
            self.instances[at.0].children.get(&step.name)?.instances.get(&step.key).copied()
        })
    }

    /// Returns whether nobody can say if the module instance that a path leads to is there: a call on the way to it
    /// could not be evaluated.
    #[must_use]
    pub(crate) fn is_undecided(&self, path: &ModulePath) -> bool {
        let mut at = InModule(0);
        for step in path.steps() {
            let instance = &self.instances[at.0];
            match instance.children.get(&step.name) {
                None => return self.order.tree().get(instance.module).children.contains_key(&step.name),
                Some(children) => match children.instances.get(&step.key) {
                    Some(child) => at = *child,
                    None => return false,
                },
            }
        }
        false
    }

    /// Returns the path of a module instance.
    #[must_use]
    pub(crate) fn path(&self, at: InModule) -> &ModulePath {
        &self.instances[at.0].path
    }

    /// Returns what the call of a module instance can see: its `each` or `count`.
    #[must_use]
    pub(crate) fn call_values(&self, at: InModule) -> &InstanceValues {
        &self.instances[at.0].call
    }

    /// Returns the provider configurations that a module instance can name.
    #[must_use]
    pub(crate) fn visible(&self, at: InModule) -> &Rc<Visible> {
        &self.instances[at.0].visible
    }

    /// Returns the scope of a module instance.
    #[must_use]
    pub(crate) fn scope(&self, at: InModule) -> Scope<'_> {
        Scope::new(&self.instances[at.0].values, self.files).at(self.stage)
    }

    /// Evaluates a value in every instance of its module and remembers it.
    pub(crate) fn evaluate(&mut self, node: usize, diagnostics: &mut Diagnostics) {
        let order = Rc::clone(&self.order);
        let (module, member) = (order.node(node).module, &order.node(node).member);
        let called = order.tree().get(module);
        let reads = order.reads(node);
        let mut told = Told::default();
        for nth in 0..self.count(module) {
            let at = self.nth(module, nth);
            let mut found = Diagnostics::default();
            self.publish(at, &reads);
            match member {
                Member::Variable(name) => self.variable(at, called, name, &mut found),
                Member::Local(name) => {
                    let value = eval::expr(&called.module.locals[name].expr, &self.scope(at), &mut found);
                    self.instances[at.0].values.set(Subject::Local(name.clone()), value);
                }
                Member::Call(name) => {
                    let child = called.children.get(name).copied();
                    self.call(at, node, &called.module.calls[name], child, &mut found);
                }
                Member::Output(name) => self.output(at, &called.module.outputs[name], &mut found),
                Member::Provider(_) | Member::Block(_) | Member::All => {}
            }
            told.tell(found, self.path(at), diagnostics);
        }
    }

    fn variable(&mut self, at: InModule, called: &Called<'c>, name: &Str, diagnostics: &mut Diagnostics) {
        let variable = &called.module.variables[name];
        let Some((_, call)) = called.caller else {
            return eval::validate_rest(variable, &self.scope(at), diagnostics);
        };
        let instance = &self.instances[at.0];
        let value = match self.calls {
            Calls::Expanded(_) => {
                let scope = self.scope(instance.caller).with_instance(&instance.call);
                let given = call.arguments.get(name);
                let given = given.map(|given| (eval::expr(&given.expr, &scope, diagnostics), given.expr.span));
                eval::argument(variable, &call.name, given, self.files, diagnostics)
            }
            Calls::Supposed => {
                let scope = self.scope(instance.caller).with_instance(&instance.call);
                if let Some(given) = call.arguments.get(name) {
                    let value = eval::expr(&given.expr, &scope, diagnostics);
                    let given = Some((value, given.expr.span));
                    eval::argument(variable, &call.name, given, self.files, diagnostics);
                }
                // The same module may be given something else elsewhere.
                supposed_value(variable)
            }
        };
        if variable.sensitive {
            self.secrets.add(&Evaluated::secrets([&value]));
        }
        self.instances[at.0].values.set(Subject::Variable(name.clone()), value);
        eval::validate_all(variable, &self.scope(at), diagnostics);
    }

    /// Evaluates an output of a called module; those of the root are nobody's value.
    fn output(&mut self, at: InModule, output: &Output, diagnostics: &mut Diagnostics) {
        if at == InModule(0) {
            return;
        }
        let scope = self.scope(at);
        let stage = super::check::Stage::Plan;
        super::check::checks("Precondition failed", &output.preconditions, &scope, stage, diagnostics);
        let mut value = eval::expr(&output.value.expr, &scope, diagnostics);
        diagnostics.extend(super::check::ephemeral(output, &value).into_iter().collect());
        if output.sensitive {
            value.marks = Marks::whole().and(&value.marks.ephemeral_only());
        }
        let instance = &mut self.instances[at.0];
        instance.outputs.insert(output.name.clone(), value);
        let (caller, step) = (instance.caller, instance.path.steps().last());
        if let Some(name) = step.map(|step| step.name.clone())
            && let Some(children) = self.instances[caller.0].children.get_mut(&name)
        {
            children.is_stale = true;
        }
    }

    /// Lets the instances of a called module appear. They are the same ever after.
    fn call(
        &mut self,
        at: InModule,
        node: usize,
        call: &'c ModuleCall,
        child: Option<ModuleId>,
        diagnostics: &mut Diagnostics,
    ) {
        let Some(child) = child else { return };
        if self.instances[at.0].children.contains_key(&call.name) {
            return;
        }
        let (expansion, configured) = match &self.calls {
            Calls::Supposed => (Some(expand::supposed(&call.repeat, &self.scope(at), diagnostics)), None),
            Calls::Expanded(configured) => {
                let configured = configured.clone();
                (self.expand(at, node, &call.repeat, diagnostics), configured)
            }
        };
        let Some(Expansion { shape, instances }) = expansion else { return };
        let order = Rc::clone(&self.order);
        let called = order.tree().get(child);
        let own = choice::own(called.module, &called.path);
        let mut paths = self.instances[0].values.only_paths();
        let dir = &called.module.dir;
        let dir = if dir.as_os_str().is_empty() { ".".into() } else { dir.to_string_lossy().into_owned() };
        paths.set(Subject::PathModule, Value::from(dir).into());
        let passes_instances = call.providers.iter().any(|passed| passed.outer.key.is_some());
        let mut shared: Option<Rc<Visible>> = None;
        let mut children = Children { shape, instances: BTreeMap::new(), is_stale: true };
        for (key, instance) in instances {
            let visible = match &shared {
                Some(shared) if !passes_instances => Rc::clone(shared),
                _ => {
                    let scope = self.scope(at).with_instance(&instance);
                    let outer = self.visible(at);
                    let visible = choice::passed(call, own.clone(), outer, &scope, configured.as_deref(), diagnostics);
                    Rc::clone(shared.insert(Rc::new(visible)))
                }
            };
            let path = self.path(at).child(call.name.clone(), key.clone());
            let appeared = self.appear(Instance {
                module: child,
                path,
                caller: at,
                call: instance,
                values: paths.clone(),
                blocks: BTreeMap::new(),
                children: BTreeMap::new(),
                outputs: BTreeMap::new(),
                visible,
            });
            children.instances.insert(key, appeared);
        }
        self.instances[at.0].children.insert(call.name.clone(), children);
    }

    /// Evaluates which instances there are of what stands at a node.
    pub(crate) fn expand(
        &self,
        at: InModule,
        node: usize,
        repeat: &Repeat,
        diagnostics: &mut Diagnostics,
    ) -> Option<Expansion> {
        expand::expand(repeat, &self.scope(at), &|| self.origins(node), diagnostics)
    }

    /// Returns the blocks that make something unknown on which a node depends, directly or through values.
    fn origins(&self, node: usize) -> Vec<String> {
        let mut found = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut queue = vec![node];
        while let Some(next) = queue.pop() {
            for need in self.order.needs(next) {
                if seen.insert(need) && !self.is_known(need) {
                    match &self.order.node(need).member {
                        Member::Block(_) => {
                            found.insert(self.order.name(need));
                        }
                        Member::Variable(_) | Member::Local(_) | Member::Output(_) => queue.push(need),
                        Member::Call(_) | Member::Provider(_) | Member::All => {}
                    }
                }
            }
        }
        found.into_iter().collect()
    }

    /// Returns whether a node has a value that is wholly known in every instance of its module.
    #[must_use]
    pub(crate) fn is_known(&self, node: usize) -> bool {
        let found = self.order.node(node);
        let is_known = |value: Option<&Evaluated>| value.is_some_and(|value| value.value.is_wholly_known());
        self.of[found.module.index()].iter().all(|at| {
            let Instance { values, outputs, .. } = &self.instances[at.0];
            match &found.member {
                Member::Variable(name) => is_known(values.get(&Subject::Variable(name.clone()))),
                Member::Local(name) => is_known(values.get(&Subject::Local(name.clone()))),
                Member::Block(name) => is_known(values.get(&name.subject())),
                Member::Output(name) => is_known(outputs.get(name)),
                Member::Call(_) | Member::Provider(_) | Member::All => true,
            }
        })
    }

    /// Says which instances a block has, before any of them has a value.
    pub(crate) fn declare(&mut self, at: InModule, block: &BlockName, shape: Shape) {
        self.instances[at.0].blocks.insert(block.clone(), Objects::none(shape));
    }

    /// Sets the object of one instance. The block's value is put together when somebody asks for it.
    pub(crate) fn set_object(&mut self, at: InModule, block: &BlockName, key: &Option<InstanceKey>, object: Evaluated) {
        if let Some(objects) = self.instances[at.0].blocks.get_mut(block) {
            objects.objects.insert(key.clone(), object);
            objects.is_stale = true;
        }
    }

    /// Lets a block have just the objects that are expected: those that are there, and unknown ones for the others.
    /// Where nobody can say which, it keeps what is there, and without that nothing is known of it.
    pub(crate) fn expect(&mut self, at: InModule, block: &BlockName, expected: Option<&Expansion>) {
        let Some(objects) = self.instances[at.0].blocks.get_mut(block) else { return };
        let Some(expected) = expected else {
            if objects.objects.is_empty() {
                self.set_block(at, block, Evaluated::unknown());
            }
            return;
        };
        let mut there = std::mem::take(&mut objects.objects);
        let keys = expected.instances.iter().map(|(key, _)| key.clone());
        objects.objects =
            keys.map(|key| (key.clone(), there.remove(&key).unwrap_or_else(Evaluated::unknown))).collect();
        objects.is_stale = true;
    }

    /// Sets what a name means in a module instance.
    pub(crate) fn set_value(&mut self, at: InModule, subject: Subject, value: Evaluated) {
        self.instances[at.0].values.set(subject, value);
    }

    /// Sets the value of a whole block.
    pub(crate) fn set_block(&mut self, at: InModule, block: &BlockName, value: Evaluated) {
        let instance = &mut self.instances[at.0];
        instance.blocks.remove(block);
        instance.values.set(block.subject(), value);
    }

    /// Puts together what is read in a module instance and in the one that calls it, where something changed.
    pub(crate) fn publish(&mut self, at: InModule, reads: &[(ModuleId, Read)]) {
        for (module, read) in reads {
            let instance = &self.instances[at.0];
            let at = if instance.module == *module { at } else { instance.caller };
            match read {
                Read::Block(name) => {
                    let instance = &mut self.instances[at.0];
                    if let Some(objects) = instance.blocks.get_mut(name)
                        && std::mem::take(&mut objects.is_stale)
                    {
                        let value = objects.combined();
                        instance.values.set(read.subject(), value);
                    }
                }
                Read::Call(name) => {
                    let children = self.instances[at.0].children.get_mut(name);
                    if children.is_some_and(|children| std::mem::take(&mut children.is_stale)) {
                        let value = self.outputs(&self.instances[at.0].children[name]);
                        self.instances[at.0].values.set(read.subject(), value);
                    }
                }
            }
        }
    }

    /// Returns the value of a call: the outputs of its instances.
    fn outputs(&self, children: &Children) -> Evaluated {
        if let Calls::Supposed = self.calls
            && children.shape != Shape::Once
        {
            return Evaluated::unknown();
        }
        let objects = children.instances.iter().map(|(key, at)| {
            let instance = &self.instances[at.0];
            let mut marks = Marks::none();
            let declared = self.order.tree().get(instance.module).module.outputs.keys();
            let fields = declared.map(|name| {
                let value = instance.outputs.get(name).cloned().unwrap_or_else(Evaluated::unknown);
                marks.add(&value.marks.under(Step::Name(name.clone())));
                (name.clone(), value.value)
            });
            let object = Value::object(fields.collect::<Vec<_>>());
            (key, Evaluated::new(object, marks))
        });
        combined(children.shape, objects)
    }
}

impl Objects {
    fn none(shape: Shape) -> Self {
        Self { shape, objects: BTreeMap::new(), is_stale: true }
    }

    fn combined(&self) -> Evaluated {
        combined(self.shape, self.objects.iter().map(|(key, object)| (key, object.clone())))
    }
}

/// Returns what an expression sees of the instances of a block or call.
fn combined<'k>(shape: Shape, instances: impl Iterator<Item = (&'k Option<InstanceKey>, Evaluated)>) -> Evaluated {
    let mut marks = Marks::none();
    let mut inside = |step: Step, object: Evaluated| {
        marks.add(&object.marks.under(step));
        object.value
    };
    let value = match shape {
        Shape::Once => {
            let mut alone = instances.filter(|(key, _)| key.is_none());
            return alone.next().map_or_else(Evaluated::unknown, |(_, object)| object);
        }
        Shape::Count => {
            let values = instances.enumerate().map(|(at, (_, object))| inside(Step::Index(at), object));
            Value::tuple(values.collect::<Vec<_>>())
        }
        Shape::ForEach => {
            let values = instances.filter_map(|(key, object)| match key {
                Some(InstanceKey::Key(key)) => Some((key.clone(), inside(Step::Name(key.clone()), object))),
                Some(InstanceKey::Index(_)) | None => None,
            });
            Value::object(values.collect::<Vec<_>>())
        }
    };
    Evaluated::new(value, marks)
}

/// Returns the value of a variable where nobody knows yet what it is given.
pub(super) fn supposed_value(variable: &Variable) -> Evaluated {
    let secret = if variable.sensitive { Marks::whole() } else { Marks::none() };
    let gone = if variable.ephemeral { Marks::ephemeral() } else { Marks::none() };
    Evaluated::new(Value::Unknown(variable.ty.clone()), secret.and(&gone))
}
