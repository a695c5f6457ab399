//! Files of the project, and paths.

use std::{fmt::Write as _, path::Path, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use loam_provider::{Step, Str, Value};
use sha2::{Digest, Sha256, Sha512};

use super::{Context, Fault, Function, Param, Want, a_type, encoding::hex, text, unfit};
use crate::{
    config,
    diag::Diagnostics,
    eval::{Evaluated, ModuleValues, Scope, expr, scope::Bound},
    source::Sources,
};

const PATH: Param = Param::new("path", Want::String);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::plain(
        "abspath",
        &[PATH],
        Want::String,
        |cx, args| Ok(cx.files.absolute(text(args, 0)).to_string_lossy().into_owned().into()),
        "Returns a path from the root of the file system.",
    ),
    Function::plain(
        "basename",
        &[PATH],
        Want::String,
        |_, args| Ok(basename(text(args, 0)).into()),
        "Returns the last part of a path.",
    ),
    Function::plain(
        "dirname",
        &[PATH],
        Want::String,
        |_, args| Ok(dirname(text(args, 0)).into()),
        "Returns a path without its last part.",
    ),
    Function::plain(
        "file",
        &[PATH],
        Want::String,
        |cx, args| file(cx, text(args, 0)).map(Value::from),
        "Returns the text of a file.",
    ),
    Function::plain(
        "filebase64",
        &[PATH],
        Want::String,
        |cx, args| Ok(STANDARD.encode(bytes(cx, text(args, 0))?).into()),
        "Returns the bytes of a file in Base64.",
    ),
    Function::plain(
        "filebase64sha256",
        &[PATH],
        Want::String,
        |cx, args| Ok(STANDARD.encode(Sha256::digest(bytes(cx, text(args, 0))?)).into()),
        "Returns the SHA-256 of a file in Base64.",
    ),
    Function::plain(
        "filebase64sha512",
        &[PATH],
        Want::String,
        |cx, args| Ok(STANDARD.encode(Sha512::digest(bytes(cx, text(args, 0))?)).into()),
        "Returns the SHA-512 of a file in Base64.",
    ),
    Function::plain(
        "fileexists",
        &[PATH],
        Want::Bool,
        |cx, args| cx.files.exists(text(args, 0)).map(Value::from).map_err(|error| fault(&error)),
        "Returns whether there is a file.",
    ),
    Function::plain(
        "filesha256",
        &[PATH],
        Want::String,
        |cx, args| Ok(hex(&Sha256::digest(bytes(cx, text(args, 0))?)).into()),
        "Returns the SHA-256 of a file in hexadecimal.",
    ),
    Function::plain(
        "filesha512",
        &[PATH],
        Want::String,
        |cx, args| Ok(hex(&Sha512::digest(bytes(cx, text(args, 0))?)).into()),
        "Returns the SHA-512 of a file in hexadecimal.",
    ),
    Function::plain(
        "pathexpand",
        &[PATH],
        Want::String,
        |cx, args| Ok(cx.files.expand(text(args, 0)).to_string_lossy().into_owned().into()),
        "Replaces a `~` at the start of a path by the home directory.",
    ),
    Function::marked(
        "templatefile",
        &[PATH, Param::new("vars", Want::Any)],
        Want::String,
        templatefile,
        "Returns the text of a template file, with variables.",
    )
    .whole(),
];

fn fault(error: &dyn std::error::Error) -> Fault {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    Fault::Argument(0, format!("{error}{cause}"))
}

fn bytes(cx: &Context<'_>, path: &str) -> Result<Arc<[u8]>, Fault> {
    cx.files.bytes(path).map_err(|error| fault(&error))
}

fn file(cx: &Context<'_>, path: &str) -> Result<String, Fault> {
    let bytes = bytes(cx, path)?;
    let because = || format!("`{path}` is not UTF-8 text; `filebase64` reads any file");
    String::from_utf8(bytes.to_vec()).map_err(|_| Fault::Argument(0, because()))
}

fn basename(path: &str) -> String {
    if path.is_empty() {
        return ".".into();
    }
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() {
        return "/".into();
    }
    trimmed.rsplit('/').next().unwrap_or_default().to_owned()
}

fn dirname(path: &str) -> String {
    let dir = path.rfind('/').map_or("", |slash| &path[..=slash]);
    crate::eval::files::clean(Path::new(dir)).to_string_lossy().into_owned()
}

fn templatefile(cx: &Context<'_>, args: &[Evaluated]) -> Result<Evaluated, Fault> {
    let path = args[0].value.as_str().unwrap_or_default();
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
    let (template, mut problems) = config::template(path, &file(cx, path)?, &mut sources);
    let mut rendered = Evaluated::unknown();
    if problems.is_empty() {
        refuse_recursion(&template)?;
        let module = ModuleValues::default();
        rendered = render(&values, Scope::new(&module, cx.files), &template, &mut problems);
    }
    if problems.is_empty() {
        let text = rendered.value.convert(&loam_provider::Type::String).map_err(|error| Fault::Call(unfit(&error)))?;
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
