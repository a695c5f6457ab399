//! The modules of a configuration, each as often as calls lead to it.

use std::collections::BTreeMap;

use loam_provider::Str;

use super::{Module, ModuleCall};
use crate::addr::ModulePath;

/// Names a module by the calls that lead to it: its position in a [`Tree`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleId(usize);

/// A module and what it calls. How many instances a call has is not known here.
#[derive(Debug, Clone)]
pub struct Tree<'c> {
    modules: Vec<Called<'c>>,
}

/// A module where calls lead to it.
#[derive(Debug, Clone)]
pub struct Called<'c> {
    /// The module.
    pub module: &'c Module,
    /// The module that calls it, and the call; none for the root.
    pub caller: Option<(ModuleId, &'c ModuleCall)>,
    /// The calls from the root to here, without keys.
    pub path: ModulePath,
    /// What it calls, by the calls' names; without those whose module could not be read.
    pub children: BTreeMap<&'c Str, ModuleId>,
}

impl ModuleId {
    /// The root module.
    pub const ROOT: Self = Self(0);

    /// Returns the position of the module, counted from the root.
    #[must_use]
    pub fn index(self) -> usize {
        self.0
    }
}

impl<'c> Tree<'c> {
    /// Follows the calls of a module. The modules that they call have been read.
    #[must_use]
    pub fn of(root: &'c Module) -> Self {
        let mut modules =
            vec![Called { module: root, caller: None, path: ModulePath::root(), children: BTreeMap::new() }];
        let mut at = 0;
        while at < modules.len() {
            let Called { module, ref path, .. } = modules[at];
            let path = path.clone();
            for (name, call) in &module.calls {
                let Some(called) = &call.module else { continue };
                let child = ModuleId(modules.len());
                modules[at].children.insert(name, child);
                let caller = Some((ModuleId(at), call));
                let path = path.child(name.clone(), None);
                modules.push(Called { module: called, caller, path, children: BTreeMap::new() });
            }
            at += 1;
        }
        Self { modules }
    }

    /// Returns a module.
    #[must_use]
    pub fn get(&self, id: ModuleId) -> &Called<'c> {
        &self.modules[id.0]
    }

    /// Returns all modules, each after the one that calls it.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (ModuleId, &Called<'c>)> {
        self.modules.iter().enumerate().map(|(at, called)| (ModuleId(at), called))
    }

    /// Returns how many modules there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.modules.len()
    }

    /// Returns whether there is no module; there always is the root.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.modules.is_empty()
    }

    /// Returns the module that a path leads to, whatever instances it names.
    #[must_use]
    pub fn find(&self, path: &ModulePath) -> Option<ModuleId> {
        let child = |at: ModuleId, name: &Str| self.get(at).children.get(name).copied();
        path.steps().iter().try_fold(ModuleId::ROOT, |at, step| child(at, &step.name))
    }
}
