//! `file`: what a file holds.

use std::{fs::File, io::Read, os::unix::fs::PermissionsExt, path::PathBuf};

use jiff::Timestamp;
use loam_provider::{Attribute, DataSource, Format, Known, Path, ProviderError, Schema, Size, Type, Value, decode};
use serde::Deserialize;

use super::{base64, text, too_long};
use crate::{
    Machine,
    data::{object, place, work},
    files::{FileError, fs},
};

#[derive(Debug, Deserialize)]
struct Spec {
    path: String,
    #[serde(default = "sixteen_mebibytes")]
    max_size: Size,
}

fn sixteen_mebibytes() -> Size {
    Size(16 << 20)
}

pub(super) fn source() -> DataSource {
    let schema = Schema::new([
        ("path", Attribute::required(Type::String, "Where it stands; a link is followed.")),
        (
            "max_size",
            Attribute::default(Type::String, "16MiB", "The size beyond which it is an error instead of being read.")
                .format(Format::Size),
        ),
        ("content", Attribute::computed(Type::String, "What it holds; null where that is not UTF-8.")),
        ("content_base64", Attribute::computed(Type::String, "What it holds, in Base64.")),
        ("sha256", Attribute::computed(Type::String, "The digest of what it holds, as 64 hexadecimal digits.")),
        ("bytes", Attribute::computed(Type::Number, "Its length.")),
        ("mode", Attribute::computed(Type::String, "Its permissions, in octal: `\"0644\"`.")),
        ("modified", Attribute::computed(Type::String, "When it was last written to, in RFC 3339 and UTC.")),
    ]);
    super::source("file", "A file of this machine and what it holds.", schema)
}

pub(super) async fn fetch(machine: &Machine, config: &Value) -> Result<Known, ProviderError> {
    let Spec { path, max_size } = decode(config)?;
    let path = place::path(machine, &path);
    let read = work::blocking(move || read(path, max_size)).await?;
    let Found { content, mode, modified } = read;
    object::completed(
        config,
        [
            ("content", text(&content)),
            ("content_base64", base64(&content)),
            ("sha256", Value::from(fs::digest_of(&content))),
            ("bytes", Value::from(content.len() as u64)),
            ("mode", Value::from(format!("{mode:04o}"))),
            ("modified", Value::from(modified.to_string())),
        ],
    )
}

/// A file as it was read.
struct Found {
    content: Vec<u8>,
    mode: u32,
    modified: Timestamp,
}

fn read(path: PathBuf, max_size: Size) -> Result<Found, ProviderError> {
    let invalid = |because: &str| {
        ProviderError::invalid(Path::attribute("path"), format!("`{}` {because}", path.display()))
            .hint("Relative paths start from the directory of the configuration.")
    };
    let failed = |error| ProviderError::from(FileError::on("read", &path)(error));
    // Opening a FIFO would wait for somebody to write to it.
    match std::fs::metadata(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(invalid("does not exist")),
        Err(error) => return Err(failed(error)),
        Ok(metadata) if metadata.is_dir() => {
            return Err(ProviderError::invalid(
                Path::attribute("path"),
                format!("`{}` is a directory", path.display()),
            )
            .hint("Read it with a data source of type `directory`."));
        }
        Ok(metadata) if !metadata.is_file() => return Err(invalid("is not a regular file")),
        Ok(_) => {}
    }
    let file = File::open(&path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    let mut content = Vec::new();
    // A file may grow while it is read, and those of `/proc` say that they are empty.
    file.take(max_size.0.saturating_add(1)).read_to_end(&mut content).map_err(failed)?;
    if content.len() as u64 > max_size.0 {
        return Err(too_long(&format!("`{}`", path.display()), max_size, "max_size"));
    }
    let modified = metadata.modified().map_err(failed)?;
    let modified = Timestamp::try_from(modified)
        .map_err(|error| ProviderError::because(format!("`{}` has a strange time", path.display()), error))?;
    Ok(Found { content, mode: metadata.permissions().mode() & 0o7777, modified })
}
