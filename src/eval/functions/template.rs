//! Templates of files and of values.

use std::fmt::Write as _;

use loam_provider::{Step, Str, Type};

use super::{Context, Fault, Function, Param, Want, a_type, filesystem::file, unfit};
use crate::{
    config,
    diag::Diagnostics,
    eval::{Evaluated, ModuleValues, Scope, expr, scope::Bound},
    source::Sources,
};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::marked(
        "templatefile",
        &[Param::new("path", Want::String), Param::new("vars", Want::Any)],
        Want::String,
        |cx, args| {
            let path = args[0].value.as_str().unwrap_or_default();
            template(cx, args, path, &file(cx, path)?)
        },
        "Returns the text of a template file, with variables.",
    ),
    Function::marked(
        "templatestring",
        &[Param::new("template", Want::String), Param::new("vars", Want::Any)],
        Want::String,
        |cx, args| template(cx, args, "<template>", args[0].value.as_str().unwrap_or_default()),
        "Returns the text of a template that a value holds, with variables.",
    ),
];

/// Evaluates a template, the second argument being its variables.
fn template(cx: &Context<'_>, args: &[Evaluated], name: &str, text: &str) -> Result<Evaluated, Fault> {
    let Some(vars) = args[1].value.entries() else {
        let because = format!("it must be a map or object, but it is {}", a_type(&args[1].value.ty()));
        return Err(Fault::Argument(1, because));
    };
    let mut values = Vec::with_capacity(vars.len());
    for (name, value) in vars {
        let valid = name.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_');
        if !valid || !name.chars().all(|char| char.is_alphanumeric() || matches!(char, '_' | '-')) {
            return Err(Fault::Argument(1, format!("\"{name}\" cannot be the name of a variable")));
        }
        let value = Evaluated::new(value.clone(), args[1].marks.inside(&Step::Name(name.clone())));
        values.push((name, value));
    }
    let mut sources = Sources::default();
    let (template, mut problems) = config::template(name, text, &mut sources);
    let mut rendered = Evaluated::unknown();
    if problems.is_empty() {
        refuse_recursion(&template)?;
        let module = ModuleValues::default();
        rendered = render(&values, Scope::new(&module, cx.files).at(cx.stage), &template, &mut problems);
    }
    if problems.is_empty() {
        let text = rendered.value.convert(&Type::String).map_err(|error| Fault::Call(unfit(&error)))?;
        if text.is_null() {
            return Err(Fault::Call("the template has the value null".into()));
        }
        return Ok(Evaluated::new(text, rendered.marks).marked(&args[0].marks.collapsed()));
    }
    Err(Fault::Call(told(problems, &sources)))
}

/// Evaluates a template with each of the variables bound.
fn render(
    values: &[(&Str, Evaluated)],
    scope: Scope<'_>,
    template: &config::Expr,
    problems: &mut Diagnostics,
) -> Evaluated {
    match values.split_first() {
        None => expr::expr(template, &scope, problems),
        Some(((name, value), rest)) => {
            let bound = Bound { name, value, outer: scope.bound };
            render(rest, scope.with_bound(&bound), template, problems)
        }
    }
}

/// A template file cannot read further template files: it might read itself.
fn refuse_recursion(template: &config::Expr) -> Result<(), Fault> {
    let mut found = false;
    template.visit(&mut |inner| {
        if let config::ExprKind::Call(call) = &inner.kind {
            found |= matches!(call.name.trim_start_matches("core::"), "templatefile" | "templatestring");
        }
    });
    if found { Err(Fault::Call("a template file cannot call `templatefile`".into())) } else { Ok(()) }
}

fn told(problems: Diagnostics, sources: &Sources) -> String {
    let mut text = String::new();
    for (index, problem) in problems.sorted().iter().enumerate() {
        let comma = if index == 0 { "" } else { "; " };
        let place = problem.span.map(|span| sources.place(span)).unwrap_or_default();
        let _ = write!(text, "{comma}{place}: {}", problem.detail.trim_end_matches('.'));
    }
    text
}
