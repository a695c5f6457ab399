//! `directory`: what a directory holds, and its digest.

use loam_bundle::tree::{Entry, Node};
use loam_provider::{Attribute, CallCx, DataSource, Known, Path, ProviderError, Schema, Type, Value, decode};
use serde::Deserialize;

use crate::{
    Machine,
    data::{archives, object, place},
};

/// How many files can be listed: what is listed is kept in memory and in the state.
const MOST_FILES: u64 = 100_000;

#[derive(Debug, Deserialize)]
struct Spec {
    path: String,
    #[serde(default)]
    include: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
    #[serde(default = "yes")]
    list_files: bool,
}

fn yes() -> bool {
    true
}

fn file() -> Type {
    let text = ["path", "sha256", "mode"].map(|name| (name, Type::String));
    Type::object(text.into_iter().chain([("bytes", Type::Number)]))
}

pub(super) fn source() -> DataSource {
    let patterns = || Type::list(Type::String);
    let schema = Schema::new([
        ("path", Attribute::required(Type::String, "Where it stands.")),
        (
            "include",
            Attribute::optional(
                patterns(),
                "Which of its entries count, as patterns in gitignore's dialect; all of them if it is left out.",
            ),
        ),
        (
            "exclude",
            Attribute::optional(
                patterns(),
                "Which entries do not count, after a node's identity files and keys, which do not by default; \
                 `!pattern` takes one of those back.",
            ),
        ),
        (
            "list_files",
            Attribute::default(Type::Bool, true, "Whether `files` lists the files; it can list 100000 of them."),
        ),
        (
            "content_root",
            Attribute::computed(
                Type::String,
                "The digest of what it holds: `sha256-merkle:` and 64 hexadecimal digits, over paths, permissions, \
                 contents and link targets, not times. A `seed_archive` of the same entries has the same.",
            ),
        ),
        ("entries", Attribute::computed(Type::Number, "How many entries count: files, directories and links.")),
        ("bytes", Attribute::computed(Type::Number, "The sum of the lengths of its files.")),
        (
            "files",
            Attribute::computed(
                Type::list(file()),
                "Its files in the order of their paths, which start at the directory; null if they are not listed.",
            ),
        ),
    ]);
    super::source("directory", "A directory of this machine, what it holds, and the digest of that.", schema)
}

pub(super) async fn fetch(machine: &Machine, cx: &CallCx, config: &Value) -> Result<Known, ProviderError> {
    let Spec { path, include, exclude, list_files } = decode(config)?;
    let path = place::path(machine, &path);
    let selection = archives::selection(&include, &exclude)?;
    let index = archives::index(cx, "path", &path, &selection).await?;
    let count = index.files();
    let files = match list_files {
        false => Value::Null(Type::list(file())),
        true if count > MOST_FILES => {
            let message = format!("`{}` holds {count} files, and {MOST_FILES} can be listed", path.display());
            return Err(ProviderError::invalid(Path::attribute("list_files"), message)
                .hint("Write `list_files = false` to have digest, count and length alone, or narrow `include`."));
        }
        true => Value::list(file(), index.entries.iter().filter_map(listed)),
    };
    object::completed(
        config,
        [
            ("content_root", Value::from(index.content_root.to_string())),
            ("entries", Value::from(index.entries.len() as u64)),
            ("bytes", Value::from(index.bytes())),
            ("files", files),
        ],
    )
}

fn listed(entry: &Entry) -> Option<Value> {
    let Node::File { bytes, sha256 } = &entry.node else { return None };
    Some(Value::object([
        ("path", Value::from(entry.path.as_str())),
        ("sha256", Value::from(sha256.to_string())),
        ("mode", Value::from(format!("{:04o}", entry.mode))),
        ("bytes", Value::from(*bytes)),
    ]))
}
