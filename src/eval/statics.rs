//! Expressions that need nothing of the world: variables, locals, paths and functions.
//!
//! What decides how a configuration is read, like `module.source` and `lifecycle`, has to be known before anything is
//! planned. [`Statics`] evaluates such expressions in a module, or in a chain of module calls, and evaluates only the
//! locals and arguments that they need, each once. Where that does not do, [`Statics::require`] says what is in the
//! way.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    fmt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use loam_provider::{Str, Type, Value};

use super::{Evaluated, Files, InstanceValues, ModuleValues, Scope, expr, variables};
use crate::{
    config::{Attribute, Expr, ExprKind, Module, ModuleCall, Reference, Subject},
    diag::{Diagnostic, Diagnostics},
    source::Span,
};

/// What a module instance is before anything in it is planned. A copy shares what was evaluated.
#[derive(Debug, Clone)]
pub struct Statics<'f> {
    inner: Arc<Inner<'f>>,
}

#[derive(Debug)]
struct Inner<'f> {
    module: Arc<Module>,
    files: &'f Files,
    caller: Option<Caller<'f>>,
    state: Mutex<State>,
}

/// Who calls the module, and with what.
#[derive(Debug)]
struct Caller<'f> {
    statics: Statics<'f>,
    name: Str,
    arguments: BTreeMap<Str, Attribute>,
    instance: Option<InstanceValues>,
}

#[derive(Debug, Default)]
struct State {
    values: ModuleValues,
    /// The variables and locals that have been come to.
    seen: HashSet<Subject>,
    /// Those whose evaluation reported a mistake.
    failed: HashSet<Subject>,
}

/// What keeps an expression from being static.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// The names on the way from the expression to what cannot be known; empty where it is the expression itself.
    pub way: Vec<Subject>,
    /// Where the expression names the first of them.
    pub span: Span,
}

/// What is in the way, if that has not been reported already.
enum Search {
    Found(Obstacle),
    Reported,
    Nothing,
}

impl<'f> Statics<'f> {
    /// Returns the root module with the values of its variables; one that is missing is not static. `paths` says what
    /// `path.module` and its like are.
    #[must_use]
    pub fn new(
        module: Arc<Module>,
        variables: &BTreeMap<Str, Evaluated>,
        paths: ModuleValues,
        files: &'f Files,
    ) -> Self {
        let mut values = paths;
        for (name, value) in variables {
            values.set(Subject::Variable(name.clone()), value.clone());
        }
        Self::with(module, files, None, values)
    }

    /// Returns the module that a call in this one calls, or `None` if it was not loaded. Without the values of an
    /// instance, what depends on `each` or `count` is not static.
    #[must_use]
    pub fn child(&self, call: &ModuleCall, instance: Option<&InstanceValues>) -> Option<Self> {
        let module = call.module.clone()?;
        Some(self.child_in(call, module, instance))
    }

    /// Returns a module as if a call in this one called it.
    #[must_use]
    pub fn child_in(&self, call: &ModuleCall, module: Arc<Module>, instance: Option<&InstanceValues>) -> Self {
        let mut values = self.state().values.only_paths();
        let path = if module.dir == Path::new("") { ".".into() } else { module.dir.to_string_lossy().into_owned() };
        values.set(Subject::PathModule, Value::from(path).into());
        let caller = Caller {
            statics: self.clone(),
            name: call.name.clone(),
            arguments: call.arguments.clone(),
            instance: instance.cloned(),
        };
        Self::with(module, self.inner.files, Some(caller), values)
    }

    fn with(module: Arc<Module>, files: &'f Files, caller: Option<Caller<'f>>, values: ModuleValues) -> Self {
        let state = Mutex::new(State { values, ..State::default() });
        Self { inner: Arc::new(Inner { module, files, caller, state }) }
    }

    /// Returns the module.
    #[must_use]
    pub fn module(&self) -> &Arc<Module> {
        &self.inner.module
    }

    /// Evaluates an expression of the module. What is not static in it is unknown; a mistake is reported once, by
    /// whichever expression comes to it first.
    pub fn evaluate(
        &self,
        found: &Expr,
        instance: Option<&InstanceValues>,
        diagnostics: &mut Diagnostics,
    ) -> Evaluated {
        if let Some(value) = found.literal() {
            return value.clone().into();
        }
        let mut state = self.state();
        self.settle(&found.references(), &mut state, diagnostics);
        let scope = Scope::new(&state.values, self.inner.files);
        let scope = instance.map_or(scope, |instance| scope.with_instance(instance));
        expr::expr(found, &scope, diagnostics)
    }

    /// Evaluates an attribute that must be static, to a type. `None` after what is wrong was reported.
    pub fn require(
        &self,
        attribute: &Attribute,
        ty: &Type,
        instance: Option<&InstanceValues>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Evaluated> {
        let mut problems = Diagnostics::default();
        let evaluated = self.evaluate(&attribute.expr, instance, &mut problems);
        let is_sound = !problems.has_errors();
        diagnostics.extend(problems);
        if !is_sound {
            return None;
        }
        let (name, span) = (&attribute.name, attribute.expr.span);
        let value = match evaluated.value.convert(ty) {
            Ok(value) => value,
            Err(error) => {
                let detail = format!("`{name}` must be {}: {error}.", super::describe::a_type(ty));
                diagnostics.push(Diagnostic::error("Wrong type", span, detail));
                return None;
            }
        };
        if value.is_wholly_known() {
            return Some(Evaluated::new(value, evaluated.marks));
        }
        let obstacle = match self.search(&attribute.expr, instance) {
            Search::Found(obstacle) => obstacle,
            Search::Nothing => Obstacle { way: Vec::new(), span },
            Search::Reported => return None,
        };
        let detail = format!("`{name}` must be static: {obstacle}.");
        diagnostics.push(Diagnostic::error("Not static", obstacle.span, detail).hint(obstacle.hint()));
        None
    }

    /// Returns what makes an expression not static, or `None` where nothing does or it was reported as a mistake.
    #[must_use]
    pub fn obstacle(&self, found: &Expr, instance: Option<&InstanceValues>) -> Option<Obstacle> {
        let value = self.evaluate(found, instance, &mut Diagnostics::default());
        if value.value.is_wholly_known() {
            return None;
        }
        match self.search(found, instance) {
            Search::Found(obstacle) => Some(obstacle),
            Search::Nothing => Some(Obstacle { way: Vec::new(), span: found.span }),
            Search::Reported => None,
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Evaluates what these names need, and then them, without recursion within the module. A name that needs itself
    /// stays unknown: [`crate::config::cycles`] reports it.
    fn settle(&self, references: &[Reference], state: &mut State, diagnostics: &mut Diagnostics) {
        enum Work {
            Enter(Subject),
            Leave(Subject),
        }
        let enter = |references: &[Reference]| -> Vec<Work> {
            let named = references.iter().map(|reference| &reference.subject);
            let ours = named.filter(|subject| matches!(subject, Subject::Variable(_) | Subject::Local(_)));
            ours.cloned().map(Work::Enter).collect()
        };
        let mut work = enter(references);
        while let Some(next) = work.pop() {
            match next {
                Work::Enter(subject) => {
                    if state.seen.contains(&subject) {
                        continue;
                    }
                    state.seen.insert(subject.clone());
                    let needs = match &subject {
                        Subject::Local(name) => self.inner.module.locals.get(name),
                        _ => None,
                    };
                    work.push(Work::Leave(subject));
                    work.extend(needs.map(|local| enter(&local.references)).unwrap_or_default());
                }
                Work::Leave(subject) => {
                    let mut problems = Diagnostics::default();
                    let value = match &subject {
                        Subject::Local(name) => self.local(name, state, &mut problems),
                        Subject::Variable(name) => self.argument(name, &mut problems),
                        _ => None,
                    };
                    if problems.has_errors() {
                        state.failed.insert(subject.clone());
                    }
                    diagnostics.extend(problems);
                    if let Some(value) = value {
                        state.values.set(subject, value);
                    }
                }
            }
        }
    }

    fn local(&self, name: &Str, state: &State, diagnostics: &mut Diagnostics) -> Option<Evaluated> {
        let attribute = self.inner.module.locals.get(name)?;
        Some(expr::expr(&attribute.expr, &Scope::new(&state.values, self.inner.files), diagnostics))
    }

    /// Evaluates what the caller gives to a variable; the root's variables have their values from the start.
    fn argument(&self, name: &Str, diagnostics: &mut Diagnostics) -> Option<Evaluated> {
        let caller = self.inner.caller.as_ref()?;
        let variable = self.inner.module.variables.get(name)?;
        let given = caller.arguments.get(name).map(|attribute| {
            let value = caller.statics.evaluate(&attribute.expr, caller.instance.as_ref(), diagnostics);
            (value, attribute.expr.span)
        });
        Some(variables::argument(variable, &caller.name, given, self.inner.files, diagnostics))
    }

    /// Looks for the nearest name that is not static, breadth first through locals and arguments.
    fn search(&self, found: &Expr, instance: Option<&InstanceValues>) -> Search {
        if is_invalid(found) {
            return Search::Reported;
        }
        let references = found.references();
        let mut before: HashMap<Subject, Option<Subject>> = HashMap::new();
        let mut goes_on = false;
        let mut queue: VecDeque<(Subject, Span)> = VecDeque::new();
        for reference in &references {
            if !before.contains_key(&reference.subject) {
                before.insert(reference.subject.clone(), None);
                queue.push_back((reference.subject.clone(), reference.span));
            }
        }
        while let Some((subject, span)) = queue.pop_front() {
            if self.is_static(&subject, instance) {
                continue;
            }
            let outwards = std::iter::successors(Some(&subject), |at| before.get(*at).and_then(Option::as_ref));
            let mut way: Vec<Subject> = outwards.cloned().collect();
            way.reverse();
            if self.state().failed.contains(&subject) {
                return Search::Reported;
            }
            match &subject {
                Subject::Local(name) => {
                    let Some(local) = self.inner.module.locals.get(name) else { return Search::Reported };
                    if is_invalid(&local.expr) {
                        return Search::Reported;
                    }
                    let mut has_more = false;
                    for reference in local.references.iter() {
                        has_more |= !self.is_static(&reference.subject, None);
                        if before.contains_key(&reference.subject) {
                            continue;
                        }
                        before.insert(reference.subject.clone(), Some(subject.clone()));
                        queue.push_back((reference.subject.clone(), span));
                    }
                    if !has_more {
                        return Search::Found(Obstacle { way, span });
                    }
                    goes_on = true;
                }
                Subject::Variable(name) => {
                    if !self.inner.module.variables.contains_key(name) {
                        return Search::Reported;
                    }
                    let Some(caller) = &self.inner.caller else { return Search::Found(Obstacle { way, span }) };
                    let Some(given) = caller.arguments.get(name) else { return Search::Reported };
                    return match caller.statics.search(&given.expr, caller.instance.as_ref()) {
                        Search::Found(outer) => {
                            way.extend(outer.way);
                            Search::Found(Obstacle { way, span })
                        }
                        Search::Nothing => Search::Found(Obstacle { way, span }),
                        Search::Reported => Search::Reported,
                    };
                }
                _ => return Search::Found(Obstacle { way, span }),
            }
        }
        // Locals that lead nowhere need each other, and that is reported as a cycle.
        if goes_on { Search::Reported } else { Search::Nothing }
    }

    fn is_static(&self, subject: &Subject, instance: Option<&InstanceValues>) -> bool {
        let state = self.state();
        let scope = Scope::new(&state.values, self.inner.files);
        let scope = instance.map_or(scope, |instance| scope.with_instance(instance));
        scope.lookup(subject).is_some_and(|found| found.value.is_wholly_known())
    }
}

fn is_invalid(found: &Expr) -> bool {
    let mut is_invalid = false;
    found.visit(&mut |inner| is_invalid |= matches!(inner.kind, ExprKind::Invalid));
    is_invalid
}

impl Obstacle {
    /// Returns a way out.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self.way.last() {
            Some(Subject::Variable(_)) => {
                "Give the variable a value or a default: how the configuration is read depends on it."
            }
            Some(Subject::EachKey | Subject::EachValue | Subject::CountIndex) => {
                "It must be the same for all instances: write a block for each where they differ."
            }
            Some(_) | None => "Use literals, variables, locals and functions of them.",
        }
    }
}

/// `it depends on …`
impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, subject) in self.way.iter().enumerate() {
            f.write_str(if index == 0 { "it depends on " } else { ", which depends on " })?;
            write!(f, "`{subject}`")?;
        }
        f.write_str(match self.way.last() {
            None => "it is known only after apply",
            Some(Subject::Data { .. }) => ", which is read only when a plan is made",
            Some(Subject::Module(_)) => ", which is known only once the module has been planned",
            Some(Subject::EachKey | Subject::EachValue | Subject::CountIndex) => ", which differs between instances",
            Some(Subject::Variable(_)) => ", which has no value yet",
            Some(_) => ", which is known only after apply",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::{self, File, Repeat},
        diag::plain,
        source::Sources,
    };

    struct World {
        sources: Sources,
        module: Arc<Module>,
        files: Files,
    }

    fn world(text: &str) -> World {
        let mut sources = Sources::default();
        let file = File { name: "main.loam.hcl".into(), bytes: text.into() };
        let (config, _) = config::parse(Path::new("site"), vec![file], &mut sources);
        World { sources, module: config.root, files: Files::new(".", ".") }
    }

    impl World {
        fn root(&self, variables: &[(&str, &str)]) -> Statics<'_> {
            let variables = variables.iter().map(|(name, value)| (Str::from(*name), Value::from(*value).into()));
            let paths = ModuleValues::new(".".into(), ".".into(), "/work".into());
            Statics::new(self.module.clone(), &variables.collect(), paths, &self.files)
        }

        /// Returns a call of another module with arguments, each an expression of this one.
        fn call(&mut self, arguments: &[(&str, &str)]) -> ModuleCall {
            let mut attribute = |name: &str, text: &str| {
                let (expr, _) = config::expression(&format!("<{name}>"), text, &mut self.sources);
                Attribute::new(name.into(), expr.span, expr)
            };
            let source = attribute("source", "\"./site\"");
            let span = source.expr.span;
            let arguments = arguments.iter().map(|(name, text)| ((*name).into(), attribute(name, text))).collect();
            let (providers, depends_on) = (Vec::new(), Vec::new());
            let (name, repeat, module) = ("site".into(), Repeat::Once, None);
            ModuleCall { name, source, repeat, arguments, providers, depends_on, module, span }
        }
    }

    /// Returns what `source` is where it must be static text, or what is wrong with it.
    fn told(statics: &Statics<'_>, text: &str, instance: Option<&InstanceValues>, sources: &Sources) -> String {
        let mut sources = sources.clone();
        let (expr, _) = config::expression("<source>", text, &mut sources);
        let attribute = Attribute::new("source".into(), expr.span, expr);
        let mut diagnostics = Diagnostics::default();
        match statics.require(&attribute, &Type::String, instance, &mut diagnostics) {
            Some(found) => found.value.as_str().unwrap_or("(no text)").to_owned(),
            None => diagnostics.sorted().iter().map(|found| plain(found, &sources)).collect(),
        }
    }

    const LOCALS: &str = r#"
        variable "region" {}
        locals {
          base   = "./modules/${var.region}"
          site   = "${local.base}/site"
          id     = local_file.key.id
          mixed  = "${local.site}-${local.id}"
          wrong  = upper(1, 2)
          a      = local.b
          b      = local.a
        }
        resource "local_file" "key" {}
        data "file" "list" {}
    "#;

    #[test]
    fn locals_and_variables_are_evaluated_where_they_are_needed() {
        let world = world(LOCALS);
        let root = world.root(&[("region", "eu")]);
        assert_eq!(told(&root, "local.site", None, &world.sources), "./modules/eu/site");
        assert_eq!(told(&root, "\"${path.module}/${basename(path.cwd)}\"", None, &world.sources), "./work");
        assert_eq!(told(&root, "5", None, &world.sources), "5");
    }

    #[test]
    fn what_is_not_static_is_named_with_the_way_to_it() {
        let world = world(LOCALS);
        let root = world.root(&[("region", "eu")]);
        insta::assert_snapshot!(told(&root, "local.mixed", None, &world.sources), @r"
        error: Not static
          --> <source>:1:1
          |
        1 | local.mixed
          | ^^^^^^^^^^^
          = `source` must be static: it depends on `local.mixed`, which depends on `local.id`, which depends on `local_file.key`, which is known only after apply.
        hint: Use literals, variables, locals and functions of them.
        ");
        let way = |text: &str| {
            let (expr, _) = config::expression("<way>", text, &mut world.sources.clone());
            root.obstacle(&expr, None).map(|obstacle| obstacle.to_string()).unwrap_or_default()
        };
        assert_eq!(
            way("data.file.list.text"),
            "it depends on `data.file.list`, which is read only when a plan is made"
        );
        assert_eq!(way("each.key"), "it depends on `each.key`, which differs between instances");
        assert_eq!(way("var.region"), "");
        let nothing_given = world.root(&[]);
        let told = told(&nothing_given, "local.site", None, &world.sources);
        assert!(told.contains("`local.base`, which depends on `var.region`, which has no value yet."), "{told}");
    }

    #[test]
    fn a_mistake_is_told_once_and_nothing_that_follows_from_it() {
        let world = world(LOCALS);
        let root = world.root(&[]);
        let first = told(&root, "local.wrong", None, &world.sources);
        assert!(first.starts_with("error: ") && first.contains("upper(1, 2)"), "{first}");
        assert_eq!(told(&root, "\"x${local.wrong}\"", None, &world.sources), "");
        assert_eq!(told(&root, "local.a", None, &world.sources), "", "the cycle is reported elsewhere");
        assert_eq!(told(&root, "local.missing", None, &world.sources), "");
    }

    #[test]
    fn arguments_come_from_the_caller() {
        let inner =
            world("variable \"dir\" {}\nvariable \"deep\" { default = \"d\" }\nlocals { up = upper(var.dir) }\n");
        let mut outer = world(LOCALS);
        let call = outer.call(&[("dir", "\"${local.site}/${each.key}\"")]);
        let root = outer.root(&[("region", "eu")]);
        let key = super::super::Each { key: Value::from("k").into(), value: Value::from("v").into() };
        let instance = InstanceValues { each: Some(key), ..InstanceValues::default() };
        let one = root.child_in(&call, inner.module.clone(), Some(&instance));
        let text = "\"${path.module} ${var.dir} ${var.deep} ${local.up}\"";
        assert_eq!(told(&one, text, None, &inner.sources), "site ./modules/eu/site/k d ./MODULES/EU/SITE/K");
        let typed = self::world("variable \"dir\" { type = number }\n");
        let wrong = told(&root.child_in(&call, typed.module, Some(&instance)), "var.dir", None, &outer.sources);
        assert!(wrong.contains("The value from `module.site` does not fit the type of the variable `dir`"), "{wrong}");
        let all = root.child_in(&call, inner.module.clone(), None);
        let why = told(&all, "local.up", None, &inner.sources);
        assert!(
            why.contains("`local.up`, which depends on `var.dir`, which depends on `each.key`, which differs"),
            "{why}"
        );
    }

    #[test]
    fn a_chain_of_locals_is_as_deep_as_it_likes() {
        let mut text = "locals {\n  l0 = \"x\"\n".to_owned();
        for index in 1..20_000 {
            text.push_str(&format!("  l{index} = local.l{}\n", index - 1));
        }
        let world = world(&(text + "}\n"));
        assert_eq!(told(&world.root(&[]), "local.l19999", None, &world.sources), "x");
    }
}
