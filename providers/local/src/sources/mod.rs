//! What can be read on this machine, and from it, without being managed: the types of `data` blocks.
//!
//! Each source is a module with its schema and one function that reads. Nothing here changes the world, except
//! what a program does that [`process`] runs.

mod archive_manifest;
mod directory;
mod file;
mod http;
mod process;

use loam_provider::{CallCx, DataSource, Known, Path, ProviderError, Schema, Size, Value};

use crate::Machine;

/// Returns the data sources of this machine.
pub(crate) fn sources() -> Vec<DataSource> {
    vec![archive_manifest::source(), directory::source(), file::source(), http::source(), process::source()]
}

/// Reads a data source.
pub(crate) async fn fetch(
    source: &DataSource,
    machine: &Machine,
    cx: &CallCx,
    config: &Value,
) -> Result<Known, ProviderError> {
    match source.name.as_str() {
        "archive_manifest" => archive_manifest::fetch(machine, cx, config).await,
        "directory" => directory::fetch(machine, cx, config).await,
        "file" => file::fetch(machine, config).await,
        "http" => http::fetch(cx, config).await,
        "process" => process::fetch(machine, cx, config).await,
        name => Err(ProviderError::unsupported(format!("data source `{name}`"))),
    }
}

fn source(name: &str, doc: &str, schema: Schema) -> DataSource {
    DataSource { name: name.into(), doc: doc.to_owned(), schema }
}

/// Returns the error of something that is longer than an argument allows.
fn too_long(what: &str, limit: Size, argument: &str) -> ProviderError {
    ProviderError::invalid(Path::attribute(argument), format!("{what} is longer than {limit}"))
        .hint(format!("Raise `{argument}` if all of it is wanted; it is kept in memory and in the state."))
}

/// Returns a text, or null where the bytes are none.
fn text(bytes: &[u8]) -> Value {
    std::str::from_utf8(bytes).map_or(Value::Null(loam_provider::Type::String), Value::from)
}

fn base64(bytes: &[u8]) -> Value {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    Value::from(STANDARD.encode(bytes))
}
