//! The values of a module as they become known: at plan with predictions, at apply with results.

use std::collections::{BTreeMap, BTreeSet};

use loam_provider::{Step, Str, Value};

use super::{
    expand::{Expansion, Shape},
    order::Order,
};
use crate::{
    addr::InstanceKey,
    config::{BlockName, Module, Node, Subject},
    diag::Diagnostics,
    eval::{self, Evaluated, Files, InstanceValues, Marks, ModuleValues, Scope},
};

/// Evaluates the blocks of a module, given what is known of the objects so far.
pub(crate) struct World<'c> {
    module: &'c Module,
    files: &'c Files,
    values: ModuleValues,
    blocks: BTreeMap<BlockName, Instances>,
    stale: BTreeSet<BlockName>,
}

/// The objects of one block.
struct Instances {
    shape: Shape,
    objects: BTreeMap<Option<InstanceKey>, Evaluated>,
}

impl<'c> World<'c> {
    /// Returns the world of a module of which only the variables are known.
    #[must_use]
    pub(crate) fn new(
        module: &'c Module,
        files: &'c Files,
        mut values: ModuleValues,
        variables: &BTreeMap<Str, Evaluated>,
    ) -> Self {
        for (name, value) in variables {
            values.set(Subject::Variable(name.clone()), value.clone());
        }
        Self { module, files, values, blocks: BTreeMap::new(), stale: BTreeSet::new() }
    }

    /// Returns the scope of the module.
    #[must_use]
    pub(crate) fn scope(&self) -> Scope<'_> {
        Scope::new(&self.values, self.files)
    }

    /// Evaluates a local value and remembers it.
    pub(crate) fn evaluate_local(&mut self, name: &Str, diagnostics: &mut Diagnostics) {
        if let Some(attribute) = self.module.locals.get(name) {
            let value = eval::expr(&attribute.expr, &self.scope(), diagnostics);
            self.values.set(Subject::Local(name.clone()), value);
        }
    }

    /// Evaluates again those locals that a node needs and that were not wholly known until now.
    pub(crate) fn settle_locals(&mut self, order: &Order, at: usize, diagnostics: &mut Diagnostics) {
        for name in order.locals_needed(at) {
            let is_settled =
                self.values.get(&Subject::Local(name.clone())).is_some_and(|local| local.value.is_wholly_known());
            if !is_settled {
                self.evaluate_local(name, diagnostics);
            }
        }
    }

    /// Says which instances a block has, before any of them has a value.
    pub(crate) fn declare(&mut self, block: &BlockName, shape: Shape) {
        self.blocks.insert(block.clone(), Instances { shape, objects: BTreeMap::new() });
        self.stale.insert(block.clone());
    }

    /// Sets the object of one instance. The block's value is put together when somebody asks for it.
    pub(crate) fn set_object(&mut self, block: &BlockName, key: &Option<InstanceKey>, object: Evaluated) {
        if let Some(instances) = self.blocks.get_mut(block) {
            instances.objects.insert(key.clone(), object);
            self.stale.insert(block.clone());
        }
    }

    /// Takes the object of one instance away.
    pub(crate) fn remove_object(&mut self, block: &BlockName, key: &Option<InstanceKey>) {
        if let Some(instances) = self.blocks.get_mut(block) {
            instances.objects.remove(key);
            self.stale.insert(block.clone());
        }
    }

    /// Puts the values of these blocks together, where an object of theirs changed.
    pub(crate) fn publish<'b>(&mut self, blocks: impl IntoIterator<Item = &'b BlockName>) {
        for block in blocks {
            if self.stale.remove(block)
                && let Some(instances) = self.blocks.get(block)
            {
                self.values.set(block.subject(), instances.combined());
            }
        }
    }

    /// Sets the value of a whole block.
    pub(crate) fn set_block(&mut self, block: &BlockName, value: Evaluated) {
        self.stale.remove(block);
        self.values.set(block.subject(), value);
    }

    /// Evaluates the instances that a block has.
    pub(crate) fn expand(&self, block: &BlockName, diagnostics: &mut Diagnostics) -> Option<Expansion> {
        super::expand::expand(&self.module.resources[block], &self.scope(), diagnostics)
    }

    /// Returns the scope of one instance.
    #[must_use]
    pub(crate) fn instance_scope<'s>(&'s self, instance: &'s InstanceValues) -> Scope<'s> {
        self.scope().with_instance(instance)
    }
}

impl Instances {
    fn combined(&self) -> Evaluated {
        let mut marks = Marks::none();
        let mut inside = |step: Step, object: &Evaluated| {
            marks.add(&object.marks.under(step));
            object.value.clone()
        };
        let value = match self.shape {
            Shape::Once => {
                let only = self.objects.get(&None);
                return only.cloned().unwrap_or_else(Evaluated::unknown);
            }
            Shape::Count => {
                Value::tuple(self.objects.values().enumerate().map(|(at, object)| inside(Step::Index(at), object)))
            }
            Shape::ForEach => Value::object(self.objects.iter().filter_map(|(key, object)| match key {
                Some(InstanceKey::Key(key)) => Some((key.clone(), inside(Step::Name(key.clone()), object))),
                Some(InstanceKey::Index(_)) | None => None,
            })),
        };
        Evaluated::new(value, marks)
    }
}

/// Returns the place of a block in an order.
pub(crate) fn place_of(order: &Order, block: &BlockName) -> Option<usize> {
    order.place(&Node::Block(block.clone()))
}
