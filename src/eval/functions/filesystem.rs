//! Files of the project, and paths.

use std::{path::Path, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use loam_provider::Value;

use super::{Context, Fault, Function, Param, Want, glob, text};

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
        "fileexists",
        &[PATH],
        Want::Bool,
        |cx, args| cx.files.exists(text(args, 0)).map(Value::from).map_err(|error| fault(&error)),
        "Returns whether there is a file.",
    ),
    Function::plain(
        "fileset",
        &[PATH, Param::new("pattern", Want::String)],
        Want::SetOfStrings,
        |cx, args| glob::fileset(cx, text(args, 0), text(args, 1)),
        "Returns the files under a directory whose paths match a pattern.",
    ),
    Function::plain(
        "pathexpand",
        &[PATH],
        Want::String,
        |cx, args| Ok(cx.files.expand(text(args, 0)).to_string_lossy().into_owned().into()),
        "Replaces a `~` at the start of a path by the home directory.",
    ),
];

pub(super) fn fault(error: &dyn std::error::Error) -> Fault {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    Fault::Argument(0, format!("{error}{cause}"))
}

pub(super) fn bytes(cx: &Context<'_>, path: &str) -> Result<Arc<[u8]>, Fault> {
    cx.files.bytes(path).map_err(|error| fault(&error))
}

pub(super) fn file(cx: &Context<'_>, path: &str) -> Result<String, Fault> {
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
