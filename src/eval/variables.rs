//! The values of a module's variables: given, converted, defaulted and checked.

use std::collections::{BTreeMap, BTreeSet};

use loam_provider::{Str, Type, Value};

use super::{Evaluated, Marks, ModuleValues, Scope, describe, expr};
use crate::{
    config::{self, Attribute, Check, Module, Reading, Subject, Variable},
    diag::{Diagnostic, Diagnostics, did_you_mean},
    source::{Sources, Span},
};

/// Values given to variables from outside, by rising precedence: a later one for the same variable wins.
#[derive(Debug, Clone, Default)]
pub struct Inputs(Vec<Input>);

#[derive(Debug, Clone)]
struct Input {
    name: Str,
    origin: String,
    given: Given,
    unknown: WhenUndeclared,
}

#[derive(Debug, Clone)]
enum Given {
    Text(String),
    Parsed(Box<Attribute>),
}

/// What it means that a value is for a variable that no block declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenUndeclared {
    /// A mistake: the user named this variable.
    Error,
    /// Worth a warning: the file may be shared.
    Warn,
    /// Nothing: the environment holds other things too.
    Ignore,
}

impl Inputs {
    /// Adds a value as text: `--var name=text`, `LOAM_VAR_name`. `origin` names it in messages.
    pub fn text(&mut self, name: &str, text: &str, origin: &str, unknown: WhenUndeclared) {
        let given = Given::Text(text.to_owned());
        self.0.push(Input { name: name.into(), origin: origin.to_owned(), given, unknown });
    }

    /// Leaves out the values of all other variables.
    #[must_use]
    pub fn only(self, is_wanted: impl Fn(&Str) -> bool) -> Self {
        Self(self.0.into_iter().filter(|input| is_wanted(&input.name)).collect())
    }

    /// Returns the variables that need a value and are given none, by name.
    pub fn missing<'m>(&self, module: &'m Module) -> impl Iterator<Item = &'m Variable> {
        let given: BTreeSet<&Str> = self.0.iter().map(|input| &input.name).collect();
        let needed = module.variables.values().filter(|variable| variable.default.is_none());
        needed.filter(|variable| !given.contains(&variable.name)).collect::<Vec<_>>().into_iter()
    }

    /// Adds the values of a file.
    pub fn file(&mut self, values: Vec<Attribute>, origin: &str, unknown: WhenUndeclared) {
        self.0.extend(values.into_iter().map(|value| Input {
            name: value.name.clone(),
            origin: origin.to_owned(),
            given: Given::Parsed(Box::new(value)),
            unknown,
        }));
    }
}

/// Evaluates the variables of a module into `values`. `sources` takes the texts of values that are expressions.
///
/// A variable that is missing or wrong is reported and unknown. Validations run once all variables have values;
/// one that refers to more than variables, and what is not known yet, is left to [`validations`].
pub fn variables(
    module: &Module,
    inputs: &Inputs,
    values: &mut ModuleValues,
    files: &super::Files,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) {
    let mut latest: BTreeMap<&Str, &Input> = BTreeMap::new();
    for input in &inputs.0 {
        if module.variables.contains_key(&input.name) {
            latest.insert(&input.name, input);
        } else {
            undeclared(module, input, diagnostics);
        }
    }
    for (name, variable) in &module.variables {
        let value = match latest.get(name) {
            Some(input) => {
                diagnostics.extend(deprecated(variable, input).into_iter().collect());
                given(variable, input, files, sources, diagnostics)
            }
            None => default(variable, files, diagnostics),
        };
        values.set(Subject::Variable(name.clone()), marked(variable, value));
    }
    let scope = Scope::new(values, files);
    for variable in module.variables.values() {
        validate(variable, &scope, OnlyVariables::Yes, diagnostics);
    }
}

/// Says what is wrong with a value for one variable, as far as that can be told from it alone.
pub fn answer(
    module: &Module,
    variable: &Variable,
    text: &str,
    paths: &ModuleValues,
    files: &super::Files,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) {
    let given = Given::Text(text.to_owned());
    let input =
        Input { name: variable.name.clone(), origin: "the answer".into(), given, unknown: WhenUndeclared::Error };
    let Some(value) = self::given(variable, &input, files, sources, diagnostics) else { return };
    // What is not given yet is unknown, and so is what depends on it.
    let mut values = paths.clone();
    for other in module.variables.values() {
        values.set(Subject::Variable(other.name.clone()), Value::Unknown(other.ty.clone()).into());
    }
    values.set(Subject::Variable(variable.name.clone()), marked(variable, Some(value)));
    validate(variable, &Scope::new(&values, files), OnlyVariables::Yes, diagnostics);
}

/// Returns the value of a variable of a called module: what the call gives it, or its default. `given` is a value and
/// where it stands. A variable that is wrong is reported; one that is missing is not, that was done when the call was
/// checked.
pub fn argument(
    variable: &Variable,
    call: &str,
    given: Option<(Evaluated, Span)>,
    files: &super::Files,
    diagnostics: &mut Diagnostics,
) -> Evaluated {
    let value = match given {
        Some((value, span)) if value.marks.has_ephemeral() && !variable.ephemeral => {
            let detail = format!("This value is ephemeral, and the variable `{}` does not say so.", variable.name);
            let hint = "Add `ephemeral = true` to the variable: then nothing made of it is kept.";
            let diagnostic = Diagnostic::error("Ephemeral value", span, detail).hint(hint);
            diagnostics.push(diagnostic.related(variable.span, "the variable"));
            None
        }
        Some((value, span)) => {
            let fitted = fit(variable, value, Some(span), &format!("The value from `module.{call}`"), diagnostics);
            // Null asks for the default of a variable that cannot be null.
            fitted.and_then(|value| match value.value.is_null() && !variable.nullable {
                true if variable.default.is_none() => {
                    let detail = format!("The variable `{}` may not be null, but this is.", variable.name);
                    let diagnostic = Diagnostic::error("Invalid value for variable", span, detail);
                    diagnostics.push(diagnostic.related(variable.span, "the variable"));
                    None
                }
                true => default(variable, files, diagnostics),
                false => Some(value),
            })
        }
        None if variable.default.is_some() => default(variable, files, diagnostics),
        None => None,
    };
    marked(variable, value)
}

/// Returns the value of a variable with the marks that its block asks for; unknown where it has none.
fn marked(variable: &Variable, value: Option<Evaluated>) -> Evaluated {
    let value = value.unwrap_or_else(|| Value::Unknown(variable.ty.clone()).into());
    let mut marks = if variable.sensitive { Marks::whole().and(&value.marks.ephemeral_only()) } else { value.marks };
    if variable.ephemeral {
        marks.add(&Marks::ephemeral());
    }
    Evaluated::new(value.value, marks)
}

/// Warns of a value for a variable that should be given none any more.
fn deprecated(variable: &Variable, input: &Input) -> Option<Diagnostic> {
    let message = variable.deprecated.as_ref()?;
    let span = match &input.given {
        Given::Parsed(attribute) => attribute.name_span,
        Given::Text(_) => variable.span,
    };
    let detail = format!("The variable `{}` is deprecated, and {} sets it: {message}", variable.name, input.origin);
    Some(Diagnostic::warning("Deprecated variable", span, detail))
}

/// Runs the validations that refer to more than variables, once what they refer to has values.
pub fn validations(module: &Module, scope: &Scope<'_>, diagnostics: &mut Diagnostics) {
    for variable in module.variables.values() {
        validate(variable, scope, OnlyVariables::No, diagnostics);
    }
}

/// Runs those validations of a variable that [`variables`] does not: those that refer to more than variables.
pub fn validate_rest(variable: &Variable, scope: &Scope<'_>, diagnostics: &mut Diagnostics) {
    validate(variable, scope, OnlyVariables::No, diagnostics);
}

/// Runs all validations of a variable.
pub fn validate_all(variable: &Variable, scope: &Scope<'_>, diagnostics: &mut Diagnostics) {
    validate(variable, scope, OnlyVariables::Yes, diagnostics);
    validate(variable, scope, OnlyVariables::No, diagnostics);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OnlyVariables {
    Yes,
    No,
}

fn validate(variable: &Variable, scope: &Scope<'_>, which: OnlyVariables, diagnostics: &mut Diagnostics) {
    for validation in &variable.validations {
        let only = validation.references().all(|reference| {
            matches!(
                reference.subject,
                Subject::Variable(_) | Subject::PathModule | Subject::PathRoot | Subject::PathCwd
            )
        });
        if only == (which == OnlyVariables::Yes)
            && let Outcome::Failed(message) = check(validation, scope, diagnostics)
        {
            let subject = Subject::Variable(variable.name.clone());
            let value = scope.lookup(&subject).map(describe::describe);
            let shown = value.map(|value| vec![format!("{subject} is {value}")]).unwrap_or_default();
            let diagnostic = Diagnostic::error("Invalid value for variable", validation.condition.expr.span, message);
            diagnostics.push(diagnostic.related(variable.span, "the variable").values(shown));
        }
    }
}

/// What became of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not; this is its message.
    Failed(String),
    /// That cannot be told yet.
    Unknown,
    /// It could not be evaluated; that has been reported.
    Invalid,
}

/// Evaluates a condition and, where it does not hold, its message. A message that would show a secret is withheld.
pub fn check(check: &Check, scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> Outcome {
    let mut problems = Diagnostics::default();
    let (truth, _, _) = expr::condition(&check.condition.expr, scope, &mut problems);
    if problems.has_errors() {
        diagnostics.extend(problems);
        return Outcome::Invalid;
    }
    match truth {
        None => Outcome::Unknown,
        Some(true) => Outcome::Passed,
        Some(false) => {
            let message = expr::expr(&check.error_message.expr, scope, &mut problems);
            let text = match message.value.convert(&Type::String) {
                _ if message.marks.has_secrets() => "The condition does not hold. Its message holds a secret.".into(),
                _ if message.marks.has_ephemeral() => {
                    "The condition does not hold. Its message holds an ephemeral value, which is not shown.".into()
                }
                Ok(Value::String(text)) => text.to_string(),
                Ok(Value::Unknown(_)) => "The condition does not hold, and its message is not known yet.".into(),
                Ok(_) => "The condition does not hold, and its `error_message` is null.".into(),
                Err(_) if problems.has_errors() => "The condition does not hold.".into(),
                Err(error) => format!("The condition does not hold, and its `error_message` is no text: {error}."),
            };
            diagnostics.extend(problems);
            Outcome::Failed(text)
        }
    }
}

fn undeclared(module: &Module, input: &Input, diagnostics: &mut Diagnostics) {
    let detail =
        format!("The value from {} is for a variable `{}`, but no block declares it.", input.origin, input.name);
    let hint = did_you_mean(&input.name, module.variables.keys().map(Str::as_str))
        .unwrap_or_else(|| format!("To declare it, add a block `variable \"{}\" {{}}`.", input.name));
    let span = match &input.given {
        Given::Parsed(attribute) => Some(attribute.name_span),
        Given::Text(_) => None,
    };
    let diagnostic = match (input.unknown, span) {
        (WhenUndeclared::Ignore, _) => return,
        (WhenUndeclared::Warn, Some(span)) => Diagnostic::warning("Undeclared variable", span, detail),
        (WhenUndeclared::Warn, None) | (WhenUndeclared::Error, None) => {
            Diagnostic::error_nowhere("Undeclared variable", detail)
        }
        (WhenUndeclared::Error, Some(span)) => Diagnostic::error("Undeclared variable", span, detail),
    };
    diagnostics.push(diagnostic.hint(hint));
}

fn default(variable: &Variable, files: &super::Files, diagnostics: &mut Diagnostics) -> Option<Evaluated> {
    let Some(default) = &variable.default else {
        let name = &variable.name;
        let detail = format!("The variable `{name}` has no default and was given no value.");
        let about = variable.description.as_ref().map(|description| format!("`{name}`: {description}"));
        diagnostics.push(
            Diagnostic::error("Missing variable", variable.span, detail)
                .maybe_hint(about)
                .hint(format!("Give it one: `--var {name}=…`, LOAM_VAR_{name}, or `{name} = …` in `loam.vars.hcl`.")),
        );
        return None;
    };
    let module = ModuleValues::default();
    let mut problems = Diagnostics::default();
    let value = expr::expr(&default.expr, &Scope::new(&module, files), &mut problems);
    problems.extend(config::misspelt(variable, &default.expr));
    let sound = problems.is_empty();
    diagnostics.extend(problems);
    if !sound || !default.references.is_empty() {
        return None;
    }
    let fitted = fit(variable, value, Some(default.expr.span), "Its default", diagnostics)?;
    if fitted.value.is_null() && !variable.nullable {
        let detail = format!("The variable `{}` may not be null, but its default is.", variable.name);
        diagnostics.push(Diagnostic::error("Invalid default", default.expr.span, detail));
        return None;
    }
    Some(fitted)
}

fn given(
    variable: &Variable,
    input: &Input,
    files: &super::Files,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Option<Evaluated> {
    let is_hidden = variable.sensitive || variable.ephemeral;
    let (value, span) = match &input.given {
        // A text is the value itself where that is what the variable takes; otherwise it is an expression.
        Given::Text(text) if variable.reading == Reading::Text => (Evaluated::from(Value::from(text.as_str())), None),
        Given::Text(text) => {
            let name = format!("<{}>", input.origin);
            let (parsed, mut problems) = config::expression(&name, text, sources);
            for reference in parsed.references() {
                let detail = "A value given from outside is plain: it cannot refer to anything.";
                problems.push(Diagnostic::error("Unexpected reference", reference.span, detail));
            }
            let sound = problems.is_empty();
            if !sound && is_hidden {
                let detail =
                    format!("The value from {} is no expression, so `{}` has no value.", input.origin, variable.name);
                diagnostics.push(Diagnostic::error_nowhere("Invalid value for variable", detail));
                return None;
            }
            diagnostics.extend(problems);
            if !sound {
                return None;
            }
            (evaluate(variable, &parsed, files, diagnostics)?, (!is_hidden).then_some(parsed.span))
        }
        Given::Parsed(attribute) if !attribute.references.is_empty() => return None,
        Given::Parsed(attribute) => {
            (evaluate(variable, &attribute.expr, files, diagnostics)?, Some(attribute.expr.span))
        }
    };
    let value = fit(variable, value, span, &format!("The value from {}", input.origin), diagnostics)?;
    if value.value.is_null() && !variable.nullable {
        // Null asks for the default of a variable that cannot be null.
        return default(variable, files, diagnostics);
    }
    Some(value)
}

fn evaluate(
    variable: &Variable,
    parsed: &config::Expr,
    files: &super::Files,
    diagnostics: &mut Diagnostics,
) -> Option<Evaluated> {
    let module = ModuleValues::default();
    let mut problems = config::misspelt(variable, parsed);
    let value = expr::expr(parsed, &Scope::new(&module, files), &mut problems);
    let sound = problems.is_empty();
    diagnostics.extend(problems);
    sound.then_some(value)
}

/// Converts a value to the type of its variable.
fn fit(
    variable: &Variable,
    value: Evaluated,
    span: Option<Span>,
    origin: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Evaluated> {
    match value.value.convert(&variable.ty) {
        Ok(converted) => Some(Evaluated::new(converted, value.marks)),
        Err(error) => {
            let detail = format!(
                "{origin} does not fit the type of the variable `{}`: {}.",
                variable.name,
                describe::unfit(&error)
            );
            let diagnostic = match span {
                Some(span) => Diagnostic::error("Wrong type", span, detail),
                None => Diagnostic::error_nowhere("Wrong type", detail),
            };
            let hint = format!("`{}` is {}.", variable.name, variable.ty);
            diagnostics.push(diagnostic.related(variable.span, "the variable").hint(hint));
            None
        }
    }
}
