//! Calls functions: finds them, checks and converts the arguments, and carries unknowns and marks through.

use loam_provider::{Type, Value};

use super::{
    Evaluated, Marks, Scope, Stage,
    describe::{a_type, about, depends_on_unknown},
    expr,
    functions::{self, Context, Depth, Fault, Function, Implementation, Nulls, Param, When},
};
use crate::{
    config::{Call, Expr, ExprKind, FinalArg},
    diag::{Diagnostic, Diagnostics, did_you_mean},
    source::Span,
};

/// An argument with the place it came from.
struct Arg<'e> {
    value: Evaluated,
    expr: &'e Expr,
}

/// Evaluates a call.
pub(super) fn call(call: &Call, whole: &Expr, scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> Evaluated {
    match (call.name.as_str(), call.final_arg) {
        ("can", FinalArg::Plain) if call.args.len() == 1 => return can(&call.args[0], scope),
        ("try", FinalArg::Plain) if !call.args.is_empty() => return try_all(call, scope, diagnostics),
        _ => {}
    }
    let Some(function) = functions::find(&call.name, scope.stage) else {
        diagnostics.push(unknown_function(call));
        call.args.iter().for_each(|arg| {
            expr::expr(arg, scope, diagnostics);
        });
        return Evaluated::unknown();
    };
    let Some(args) = arguments(call, scope, diagnostics) else { return Evaluated::unknown() };
    if let Err(diagnostic) = check_count(function, call, args.len()) {
        diagnostics.push(diagnostic);
        return Evaluated::unknown();
    }
    if function.name == "templatestring" && !is_reference(args[0].expr) {
        diagnostics.push(not_a_reference(args[0].expr));
        return Evaluated::unknown();
    }
    invoke(function, call, whole, args, scope, diagnostics)
}

/// A template written in place would be evaluated before its variables are there.
fn is_reference(found: &Expr) -> bool {
    match &found.kind {
        ExprKind::Reference(_) => true,
        ExprKind::Traverse { base, .. } | ExprKind::Parenthesised(base) => is_reference(base),
        _ => false,
    }
}

fn not_a_reference(found: &Expr) -> Diagnostic {
    let detail = "`templatestring` takes the name of a value that holds the template, not the template itself.";
    Diagnostic::error("Invalid function argument", found.span, detail)
        .hint("Write the template where it is used, or read it from a file with `templatefile(PATH, VARS)`.")
}

/// Returns what to write instead of functions that other versions and languages have.
fn elsewhere(name: &str) -> Option<&'static str> {
    Some(match name {
        "list" => "Write `[…]`, or `tolist([…])` where all elements are to have one type.",
        "map" => "Write `{ KEY = VALUE }`, or `tomap({…})` where all values are to have one type.",
        "defaults" => "Give defaults in the type of the variable: `optional(TYPE, DEFAULT)`.",
        "len" | "size" | "count" => "Did you mean `length`?",
        "type" | "typeof" => "To see the type of a value, use `loam console`.",
        "print" | "echo" => "To see a value, make it an `output`, or use `loam console`.",
        "env" | "getenv" => "Use a variable: its value can come from the environment, as LOAM_VAR_name.",
        _ => return None,
    })
}

fn unknown_function(call: &Call) -> Diagnostic {
    let detail = format!("There is no function `{}`.", call.name);
    let diagnostic = Diagnostic::error("Unknown function", call.name_span, detail);
    if call.name.contains("::") {
        return diagnostic.hint("Providers of loam have no functions.");
    }
    if let Some(hint) = elsewhere(&call.name) {
        return diagnostic.hint(hint);
    }
    let hint = did_you_mean(&call.name, functions::all().map(|function| function.name));
    diagnostic
        .hint(hint.unwrap_or_else(|| "Functions cannot be defined; those there are stand in docs/language.md.".into()))
}

/// Evaluates the arguments, the last one expanded where the call says so. `None` where that cannot be done yet.
fn arguments<'e>(call: &'e Call, scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> Option<Vec<Arg<'e>>> {
    let mut args: Vec<Arg<'_>> =
        call.args.iter().map(|arg| Arg { value: expr::expr(arg, scope, diagnostics), expr: arg }).collect();
    if call.final_arg == FinalArg::Plain {
        return Some(args);
    }
    let last = args.pop()?;
    let wrong = |what: String| {
        let detail = format!("`...` turns a list into arguments, but this is {what}.");
        Diagnostic::error("Invalid argument", last.expr.span, detail).values(about(&[last.expr], scope))
    };
    match &last.value.value {
        Value::Null(_) => {
            diagnostics.push(wrong("null".into()));
            None
        }
        Value::Unknown(Type::List(_) | Type::Set(_) | Type::Tuple(_) | Type::Any) => None,
        value => {
            let Some(items) = value.items() else {
                diagnostics.push(wrong(a_type(&value.ty())));
                return None;
            };
            for (index, item) in items.iter().enumerate() {
                let marks = if matches!(value, Value::Set(_)) {
                    last.value.marks.collapsed()
                } else {
                    last.value.marks.inside(&loam_provider::Step::Index(index))
                };
                args.push(Arg { value: Evaluated::new(item.clone(), marks), expr: last.expr });
            }
            Some(args)
        }
    }
}

fn check_count(function: &Function, call: &Call, given: usize) -> Result<(), Diagnostic> {
    let least = function.params.len();
    let (summary, detail) = match &function.rest {
        _ if given < least => {
            let missing = function.params[given].name;
            let detail = format!("`{}` needs the argument `{missing}`.", function.name);
            ("Missing function argument", detail)
        }
        None if given > least => {
            let detail = match least {
                0 => format!("`{}` takes no arguments, but {given} are given.", function.name),
                1 => format!("`{}` takes one argument, but {given} are given.", function.name),
                least => format!("`{}` takes {least} arguments, but {given} are given.", function.name),
            };
            ("Too many function arguments", detail)
        }
        Some(_) | None => return Ok(()),
    };
    let span = match call.args.get(least) {
        Some(surplus) if given > least => surplus.span,
        _ => call.name_span,
    };
    Err(Diagnostic::error(summary, span, detail).hint(format!("It is called as `{}`.", function.signature())))
}

fn invoke(
    function: &'static Function,
    call: &Call,
    whole: &Expr,
    args: Vec<Arg<'_>>,
    scope: &Scope<'_>,
    diagnostics: &mut Diagnostics,
) -> Evaluated {
    let mut converted = Vec::with_capacity(args.len());
    let (mut known, mut sound) = (true, true);
    let mut marks = Marks::none();
    for (index, arg) in args.iter().enumerate() {
        let param = function.param(index);
        marks.add(&arg.value.marks.collapsed());
        match convert(function, param, arg, scope) {
            Ok(value) => {
                known &= match function.depth {
                    Depth::Whole => value.is_wholly_known(),
                    Depth::Shallow => !value.is_unknown(),
                    Depth::Unknown => true,
                };
                converted.push(Evaluated::new(value, arg.value.marks.clone()));
            }
            Err(diagnostic) => {
                diagnostics.push(diagnostic);
                sound = false;
            }
        }
    }
    if !sound {
        return Evaluated::unknown().marked(&marks);
    }
    let is_early = function.when == When::AtApply && matches!(scope.stage, Stage::Check | Stage::Plan { .. });
    if !known || is_early {
        let ty = function.returns.ty();
        return Evaluated::from(Value::Unknown(ty)).marked(&marks);
    }
    let context = Context { files: scope.files, stage: scope.stage };
    let outcome = match &function.implementation {
        Implementation::Plain(compute) => {
            let values: Vec<Value> = converted.into_iter().map(|arg| arg.value).collect();
            compute(&context, &values).map(|value| Evaluated::new(value, marks.clone()))
        }
        Implementation::Marked(compute) => compute(&context, &converted),
    };
    match outcome {
        Ok(value) => value,
        Err(fault) => {
            let secret = !marks.is_empty();
            diagnostics.push(faulty(fault, function, call, whole.span, &args, scope, secret));
            Evaluated::unknown().marked(&marks)
        }
    }
}

fn convert(function: &Function, param: &Param, arg: &Arg<'_>, scope: &Scope<'_>) -> Result<Value, Diagnostic> {
    let wrong = |detail: String| {
        Diagnostic::error("Invalid function argument", arg.expr.span, detail)
            .hint(format!("It is called as `{}`.", function.signature()))
            .values(about(&[arg.expr], scope))
    };
    if arg.value.value.is_null() && param.nulls == Nulls::Refused {
        return Err(wrong(format!("The argument `{}` of `{}` must not be null.", param.name, function.name)));
    }
    arg.value.value.convert(&param.want.ty()).map_err(|error| {
        let place = if error.path.is_root() { String::new() } else { format!(" (at `{}`)", error.path) };
        wrong(format!(
            "The argument `{}` of `{}` must be {}, but this is {}{place}.",
            param.name,
            function.name,
            param.want,
            if error.path.is_root() { a_type(&arg.value.value.ty()) } else { error.found },
        ))
    })
}

fn faulty(
    fault: Fault,
    function: &Function,
    call: &Call,
    whole: Span,
    args: &[Arg<'_>],
    scope: &Scope<'_>,
    secret: bool,
) -> Diagnostic {
    let exprs: Vec<&Expr> = call.args.iter().collect();
    match fault {
        Fault::Argument(index, because) => {
            let found = args.get(index).map_or(call.name_span, |arg| arg.expr.span);
            let param = function.param(index).name;
            // What the function says may quote its arguments.
            let because = if secret { "its value, which is sensitive, cannot be used".into() } else { because };
            let detail = format!("The argument `{param}` of `{}` cannot be used: {because}.", function.name);
            Diagnostic::error("Invalid function argument", found, detail).values(about(&exprs, scope))
        }
        Fault::Call(because) => {
            let because = if secret { "the reason may hold a secret and is not shown".into() } else { because };
            let detail = format!("`{}` failed: {because}.", function.name);
            Diagnostic::error("Function failed", whole, detail).values(about(&exprs, scope))
        }
    }
}

fn can(arg: &Expr, scope: &Scope<'_>) -> Evaluated {
    if depends_on_unknown(arg, scope) {
        return Value::Unknown(Type::Bool).into();
    }
    let mut problems = Diagnostics::default();
    let value = expr::expr(arg, scope, &mut problems);
    Evaluated::new(Value::Bool(!problems.has_errors()), value.marks.collapsed())
}

fn try_all(call: &Call, scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> Evaluated {
    let mut failed = Vec::new();
    for arg in &call.args {
        if depends_on_unknown(arg, scope) {
            return Evaluated::unknown();
        }
        let mut problems = Diagnostics::default();
        let value = expr::expr(arg, scope, &mut problems);
        if !problems.has_errors() {
            return value;
        }
        failed.extend(problems);
    }
    let detail = "Every argument of `try` failed. The last one should be a plain value that cannot.";
    let mut diagnostic = Diagnostic::error("Function failed", call.name_span, detail);
    for problem in failed {
        if let Some(span) = problem.span {
            diagnostic = diagnostic.related(span, problem.detail);
        }
    }
    diagnostics.push(diagnostic);
    Evaluated::unknown()
}
