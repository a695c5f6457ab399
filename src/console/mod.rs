//! Evaluates expressions one by one against a configuration and its state.
//!
//! A [`Console`] has the names of a root module: variables and paths with their values, objects as the state has
//! them, locals and the outputs of modules as they are asked for. What was evaluated once stays, so that thousands of expressions cost no more
//! than themselves. [`Statements`] tells where in what is typed one expression ends, [`Console::candidates`] how what
//! is typed may go on.
//!
//! Nothing here reads or prints.

mod candidates;
mod modules;
mod statements;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use loam_provider::{Step, Str, Type, Value};

use crate::{
    addr::InstanceKey,
    config::{self, Declared, ExprKind, FinalArg, Module, Subject},
    diag::{Diagnostic, Diagnostics},
    eval::{self, Evaluated, Files, Marks, ModuleValues, Scope, Stage},
    event::Secrets,
    source::Sources,
    state::Stored,
};

use modules::Modules;

pub use candidates::{Candidate, Candidates};
pub use statements::{Statement, Statements};

/// What a console is made from.
pub struct Basics<'c> {
    /// The root module.
    pub module: &'c Module,
    /// The files that functions may read.
    pub files: &'c Files,
    /// The paths that expressions see.
    pub paths: ModuleValues,
    /// The values of the input variables.
    pub variables: &'c BTreeMap<Str, Evaluated>,
    /// The objects in the state.
    pub objects: &'c [Stored],
    /// Tells the time of every expression, for `timestamp()`.
    pub clock: fn() -> Timestamp,
}

/// The names of a root module, and what became of them so far.
pub struct Console<'c> {
    module: &'c Module,
    declared: Declared<'c>,
    files: &'c Files,
    clock: fn() -> Timestamp,
    values: ModuleValues,
    /// The locals that were evaluated, each with what is wrong with it.
    locals: BTreeMap<Str, Diagnostics>,
    variables: &'c BTreeMap<Str, Evaluated>,
    objects: &'c [Stored],
    /// What the modules give, once somebody asked for one.
    modules: Option<Modules<'c>>,
    /// The calls that have a value, each with what is wrong with it.
    calls: BTreeMap<Str, Diagnostics>,
    /// The secrets that nobody was told of yet.
    secrets: Secrets,
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A value.
    Value(Evaluated),
    /// The type that `type(…)` asks for.
    Type(Type),
}

impl<'c> Console<'c> {
    /// Returns the console of a root module.
    #[must_use]
    pub fn new(basics: Basics<'c>) -> Self {
        let Basics { module, files, paths, variables, objects, clock } = basics;
        let mut values = paths;
        for (name, value) in variables {
            values.set(Subject::Variable(name.clone()), value.clone());
        }
        let mut secrets = Evaluated::secrets(variables.values());
        let mut blocks: BTreeMap<&config::BlockName, BTreeMap<&Option<InstanceKey>, Evaluated>> = BTreeMap::new();
        for Stored { object, .. } in objects {
            let addr = &object.slot.addr;
            let name = config::BlockName {
                mode: addr.resource.mode,
                kind: addr.resource.kind.clone(),
                name: addr.resource.name.clone(),
            };
            let Some(block) = module.resources.get(&name).filter(|_| addr.resource.module.is_root()) else { continue };
            // A key that does not go with the block any more belongs to an object that the next apply takes away.
            let is_of_block = modules::is_of_block(&block.repeat, addr.key.as_ref());
            if object.slot.deposed.is_some() || !is_of_block {
                continue;
            }
            let marks = Marks::at_paths(object.sensitive.iter().cloned());
            let value = Evaluated::new(object.attributes.value().clone(), marks);
            secrets = secrets.and(&Evaluated::secrets([&value]));
            blocks.entry(&block.name).or_default().insert(&addr.key, value);
        }
        for (name, objects) in blocks {
            values.set(name.subject(), combined(objects));
        }
        Self {
            module,
            declared: Declared::of(module),
            files,
            clock,
            values,
            locals: BTreeMap::new(),
            variables,
            objects,
            modules: None,
            calls: BTreeMap::new(),
            secrets,
        }
    }

    /// Returns the secrets among what expressions can see, which no message may hold, that were found since this was
    /// asked before.
    #[must_use]
    pub fn found_secrets(&mut self) -> Secrets {
        std::mem::take(&mut self.secrets)
    }

    /// Evaluates an expression; there is no answer where something is wrong with it. `name` is what the text is
    /// called in messages, `line` the number of its first line.
    pub fn evaluate(
        &mut self,
        name: &str,
        line: u32,
        text: &str,
        sources: &mut Sources,
    ) -> (Option<Answer>, Diagnostics) {
        let (expr, mut diagnostics) = config::expression(name, text, sources);
        sources.count_lines_from(expr.span.source, line);
        if diagnostics.has_errors() {
            return (None, diagnostics);
        }
        let references = expr.references();
        diagnostics.extend(self.declared.check(&references));
        self.settle(references.iter().map(|reference| &reference.subject), &mut diagnostics);
        let mut inner = &expr;
        while let ExprKind::Parenthesised(within) = &inner.kind {
            inner = within;
        }
        let asked = match &inner.kind {
            ExprKind::Call(call) if ["type", "core::type"].contains(&&*call.name) => Some(call),
            _ => None,
        };
        let answer = match asked {
            None => Answer::Value(eval::expr(&expr, &self.scope(), &mut diagnostics)),
            Some(call) => {
                if call.args.len() != 1 || call.final_arg != FinalArg::Plain {
                    let detail = format!("`type` takes one argument, but {} are given.", call.args.len());
                    let diagnostic = Diagnostic::error("Invalid use of `type`", call.name_span, detail);
                    diagnostics.push(diagnostic.hint("It is called as `type(value)`."));
                }
                let values = call.args.iter().map(|arg| eval::expr(arg, &self.scope(), &mut diagnostics));
                let types: Vec<Type> = values.map(|value| value.value.ty()).collect();
                Answer::Type(types.into_iter().next().unwrap_or(Type::Any))
            }
        };
        ((!diagnostics.has_errors()).then_some(answer), diagnostics)
    }

    fn scope(&self) -> Scope<'_> {
        Scope::new(&self.values, self.files).at(Stage::Console { now: (self.clock)() })
    }

    /// Evaluates what a call of a module gives, unless that was done before.
    fn call(&mut self, name: &Str) {
        if self.calls.contains_key(name) || !self.module.calls.contains_key(name) {
            return;
        }
        let modules = match self.modules.take() {
            Some(modules) => Ok(modules),
            None => {
                let stage = Stage::Console { now: (self.clock)() };
                // What objects within modules keep secret may come to light as well.
                let inner =
                    self.objects.iter().filter(|Stored { object, .. }| !object.slot.addr.resource.module.is_root());
                let found =
                    inner.map(|Stored { object, .. }| Secrets::of(object.attributes.value(), &object.sensitive));
                self.secrets = found.chain([self.secrets.clone()]).collect();
                Modules::new(self.module, self.files, &self.values.only_paths(), self.variables, self.objects, stage)
            }
        };
        let problems = match modules {
            Ok(mut modules) => {
                let (value, problems) = modules.outputs(name, &self.values);
                self.secrets = self.secrets.and(&Evaluated::secrets([&value]));
                self.values.set(Subject::Module(name.clone()), value);
                self.modules = Some(modules);
                problems
            }
            Err(cycles) => cycles,
        };
        self.calls.insert(name.clone(), problems);
    }

    /// Evaluates the locals and modules among names, and those that they need, unless that was done before. What is
    /// wrong with one is told to everybody who asks for it.
    fn settle<'n>(&mut self, names: impl Iterator<Item = &'n Subject>, diagnostics: &mut Diagnostics) {
        let mut told = BTreeSet::new();
        let mut told_calls = BTreeSet::new();
        for name in names {
            if let Subject::Module(name) = name {
                self.call(name);
                if let Some(problems) = self.calls.get(name).filter(|_| told_calls.insert(name)) {
                    diagnostics.extend(problems.clone());
                }
            }
            let Subject::Local(name) = name else { continue };
            // By hand, as a chain of locals may be longer than the stack.
            let mut open = vec![(name.clone(), false)];
            let mut visited = BTreeSet::new();
            while let Some((name, is_ready)) = open.pop() {
                if let Some(problems) = self.locals.get(&name) {
                    if told.insert(name) {
                        diagnostics.extend(problems.clone());
                    }
                } else if is_ready {
                    let mut problems = Diagnostics::default();
                    if let Some(local) = self.module.locals.get(&name) {
                        for reference in &local.references {
                            if let Subject::Module(call) = &reference.subject {
                                self.call(call);
                                problems.extend(self.calls.get(call).cloned().unwrap_or_default());
                            }
                        }
                        let value = eval::expr(&local.expr, &self.scope(), &mut problems);
                        // Modules may have been given it already: it is evaluated once for all.
                        let given = self.modules.as_ref().and_then(|modules| modules.local(&name)).cloned();
                        self.values.set(Subject::Local(name.clone()), given.unwrap_or(value));
                    }
                    self.locals.insert(name.clone(), problems);
                    open.push((name, true));
                } else if let Some(local) = self.module.locals.get(&name)
                    && visited.insert(name.clone())
                {
                    open.push((name, true));
                    open.extend(local.references.iter().filter_map(|reference| match &reference.subject {
                        Subject::Local(inner) => Some((inner.clone(), false)),
                        _ => None,
                    }));
                }
            }
        }
    }
}

/// Returns the value of a block: its object, or those of its instances by key.
fn combined(mut objects: BTreeMap<&Option<InstanceKey>, Evaluated>) -> Evaluated {
    if let Some(only) = objects.remove(&None) {
        return only;
    }
    let mut marks = Marks::none();
    let (mut by_index, mut by_name) = (Vec::new(), Vec::new());
    for (key, object) in objects {
        match key {
            Some(InstanceKey::Key(key)) => {
                marks.add(&object.marks.under(Step::Name(key.clone())));
                by_name.push((key.clone(), object.value));
            }
            Some(InstanceKey::Index(_)) | None => {
                marks.add(&object.marks.under(Step::Index(by_index.len())));
                by_index.push(object.value);
            }
        }
    }
    let value = if by_name.is_empty() { Value::tuple(by_index) } else { Value::object(by_name) };
    Evaluated::new(value, marks)
}
