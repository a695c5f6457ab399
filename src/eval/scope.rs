//! What names mean while an expression is evaluated.

use std::{collections::HashMap, path::PathBuf};

use jiff::Timestamp;
use loam_provider::{Str, Value};

use super::{Evaluated, Files};
use crate::config::Subject;

/// What names mean in one place. Built anew for every block, by reference: making one costs nothing.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'s> {
    /// What the whole module shares.
    pub module: &'s ModuleValues,
    /// What only this instance of a block has: `each`, `count`, `self`.
    pub instance: Option<&'s InstanceValues>,
    /// The files that functions may read.
    pub files: &'s Files,
    /// What the functions of time and chance may say.
    pub stage: Stage,
    /// What a `for` around the expression binds, innermost first.
    pub(super) bound: Option<&'s Bound<'s>>,
}

/// When expressions are evaluated: what changes from run to run is not known before changes are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Nothing but the configuration is looked at.
    Check,
    /// A plan is made.
    Plan {
        /// When.
        planned: Timestamp,
    },
    /// Changes are made.
    Apply {
        /// When the plan was made.
        planned: Timestamp,
        /// When it began to be applied.
        now: Timestamp,
    },
    /// An expression is evaluated for someone to look at, and has a value at once.
    Console {
        /// When.
        now: Timestamp,
    },
}

/// The values of a module: variables, locals, resources, data, paths.
///
/// A resource with `count` is a tuple of objects and one with `for_each` an object of objects, already combined.
/// What is referred to but not here is unknown: that is how `validate` looks at resources.
#[derive(Debug, Clone, Default)]
pub struct ModuleValues {
    values: HashMap<Subject, Evaluated>,
}

/// The values that only one instance of a block has.
#[derive(Debug, Clone, Default)]
pub struct InstanceValues {
    /// `each.key` and `each.value`, where the block has `for_each`.
    pub each: Option<Each>,
    /// `count.index`, where the block has `count`.
    pub count_index: Option<Evaluated>,
    /// `self`, where there is one.
    pub self_object: Option<Evaluated>,
}

/// `each`
#[derive(Debug, Clone)]
pub struct Each {
    /// `each.key`
    pub key: Evaluated,
    /// `each.value`
    pub value: Evaluated,
}

/// A name that a `for` binds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound<'s> {
    pub(super) name: &'s Str,
    pub(super) value: &'s Evaluated,
    pub(super) outer: Option<&'s Bound<'s>>,
}

impl ModuleValues {
    /// Returns the values of a module before anything in it was evaluated: only its paths.
    #[must_use]
    pub fn new(module: PathBuf, root: PathBuf, cwd: PathBuf) -> Self {
        let mut values = Self::default();
        for (subject, path) in [(Subject::PathModule, module), (Subject::PathRoot, root), (Subject::PathCwd, cwd)] {
            values.set(subject, Value::from(path.to_string_lossy().into_owned()).into());
        }
        values
    }

    /// Returns the paths alone.
    pub(crate) fn only_paths(&self) -> Self {
        let paths = [Subject::PathModule, Subject::PathRoot, Subject::PathCwd];
        let values = paths.into_iter().filter_map(|path| self.values.get_key_value(&path));
        Self { values: values.map(|(path, value)| (path.clone(), value.clone())).collect() }
    }

    /// Sets what a name means.
    pub fn set(&mut self, subject: Subject, value: Evaluated) {
        self.values.insert(subject, value);
    }

    /// Returns what a name means, if that is known already.
    #[must_use]
    pub fn get(&self, subject: &Subject) -> Option<&Evaluated> {
        self.values.get(subject)
    }
}

impl<'s> Scope<'s> {
    /// Returns the scope of a module, outside of any instance.
    #[must_use]
    pub fn new(module: &'s ModuleValues, files: &'s Files) -> Self {
        Self { module, instance: None, files, stage: Stage::Check, bound: None }
    }

    /// Returns the scope at a stage; without this, nothing is known of the time.
    #[must_use]
    pub fn at(self, stage: Stage) -> Self {
        Self { stage, ..self }
    }

    /// Returns the scope of an instance of a block in this module.
    #[must_use]
    pub fn with_instance(self, instance: &'s InstanceValues) -> Self {
        Self { instance: Some(instance), ..self }
    }

    pub(super) fn with_bound(self, bound: &'s Bound<'s>) -> Self {
        Self { bound: Some(bound), ..self }
    }

    /// Returns the names bound here, innermost first.
    pub(super) fn bound_names(&self) -> Vec<Str> {
        let mut names = Vec::new();
        let mut bound = self.bound;
        while let Some(inner) = bound {
            names.push(inner.name.clone());
            bound = inner.outer;
        }
        names
    }

    /// Returns what a name means here, or `None` where it means nothing (yet).
    pub(super) fn lookup(&self, subject: &Subject) -> Option<&'s Evaluated> {
        match subject {
            Subject::Bound(name) => {
                let mut bound = self.bound;
                while let Some(inner) = bound {
                    if inner.name == name {
                        return Some(inner.value);
                    }
                    bound = inner.outer;
                }
                None
            }
            Subject::EachKey => self.instance?.each.as_ref().map(|each| &each.key),
            Subject::EachValue => self.instance?.each.as_ref().map(|each| &each.value),
            Subject::CountIndex => self.instance?.count_index.as_ref(),
            Subject::SelfObject => self.instance?.self_object.as_ref(),
            Subject::Variable(_) | Subject::Local(_) | Subject::Resource { .. } | Subject::Data { .. } => {
                self.module.get(subject)
            }
            Subject::Module(_) | Subject::PathModule | Subject::PathRoot | Subject::PathCwd => self.module.get(subject),
        }
    }
}
