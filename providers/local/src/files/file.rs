//! The kind `file`.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path as FilePath, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use loam_provider::{
    Attribute, CallCx, Failure, Kind, Known, OnChange, OnDestroy, Path, PlanRequest, Planned, Provider, ProviderError,
    Resolution, Schema, Type, Value,
};

use super::{FileError, fs, imported, mode};
use crate::{Machine, data::object};

/// The longest text that is read back to show how it differs.
const LONGEST_TEXT: u64 = 1 << 20;

/// Returns the kind `file`.
pub(crate) fn file() -> Kind {
    let schema = Schema::new([
        ("path", Attribute::required(Type::String, "Where it stands.").on_change(OnChange::Replace)),
        ("content", Attribute::optional(Type::String, "What it holds.")),
        ("source", Attribute::optional(Type::String, "The file it is a copy of, in place of `content`.")),
        ("mode", Attribute::default(Type::String, "0644", "Its permissions, in octal.")),
        (
            "overwrite",
            Attribute::default(Type::Bool, false, "Whether it takes the place of another file when it is made."),
        ),
        ("id", Attribute::computed(Type::String, "Its absolute path.")),
        ("sha256", Attribute::computed(Type::String, "The digest of its content.")),
        ("bytes", Attribute::computed(Type::Number, "Its length.")),
    ]);
    Kind { name: "file".into(), doc: "A file.".into(), schema, on_destroy: OnDestroy::Delete }
}

/// Files of this machine.
pub(crate) struct File(pub(crate) Arc<Machine>);

/// What a file is to hold.
enum Content {
    Text(Vec<u8>),
    CopyOf(PathBuf),
    Later,
}

#[async_trait]
impl Provider for File {
    async fn plan(&self, _kind: &Kind, _cx: &CallCx, request: PlanRequest<'_>) -> Result<Planned, ProviderError> {
        let after = request.proposed;
        if !is_unknown(after, "mode") {
            mode::of(after)?;
        }
        let id = after.get("path").and_then(Value::as_str).map(|path| self.id(path));
        let digest = match self.content(after)? {
            Content::Text(text) => Some((fs::digest_of(&text), text.len() as u64)),
            Content::CopyOf(source) => fs::digest(&source)?,
            Content::Later => None,
        };
        let (sha256, bytes) = match digest {
            Some((sha256, bytes)) => (Value::from(sha256), Value::from(bytes)),
            None => (Value::Unknown(Type::String), Value::Unknown(Type::Number)),
        };
        let id = id.map_or(Value::Unknown(Type::String), Value::from);
        Ok(Planned::new(after.with("id", id).with("sha256", sha256).with("bytes", bytes)))
    }

    async fn read(&self, _kind: &Kind, _cx: &CallCx, current: &Known) -> Result<Option<Known>, ProviderError> {
        let path = self.path(current);
        let Some(metadata) = fs::metadata(&path)? else { return Ok(None) };
        if !metadata.is_file() {
            return Err(ProviderError::failed(format!("`{}` is no longer a regular file", path.display()))
                .hint("Move what stands there away; the file is then made again."));
        }
        let Some((sha256, bytes)) = fs::digest(&path)? else { return Ok(None) };
        let mode = mode::shown(current, metadata.permissions().mode() & 0o7777);
        let is_same = current.get("sha256").and_then(Value::as_str) == Some(&*sha256);
        let text = if is_same { None } else { text_of(current, &path, bytes)? };
        let seen = current.with("sha256", sha256.into()).with("bytes", bytes.into());
        let seen = seen.with("mode", Known::new(mode).expect("a mode is text"));
        Ok(Some(match text {
            Some(text) => seen.with("content", text.into()),
            None => seen,
        }))
    }

    async fn create(&self, _kind: &Kind, cx: &CallCx, planned: &Value) -> Result<Known, Failure> {
        let path = self.path(planned);
        let wanted = self.wanted(planned)?;
        if let Some(found) = fs::metadata(&path).map_err(ProviderError::from)? {
            let same = found.is_file() && {
                let digest = fs::digest(&path).map_err(ProviderError::from)?;
                digest.is_some_and(|(digest, _)| digest == fs::digest_of(&wanted))
            };
            let overwrite = planned.get("overwrite").and_then(Value::as_bool) == Some(true) && !found.is_dir();
            if same {
                cx.progress.note(format!("`{}` was there already, with this content", path.display()));
            } else if !overwrite {
                return Err(ProviderError::invalid(
                    Path::attribute("path"),
                    format!("`{}` exists already and is something else", path.display()),
                )
                .hint("Move it away, or set `overwrite = true` to let this file take its place.")
                .into());
            }
        }
        Ok(self.write(planned, &path, &wanted)?)
    }

    async fn update(&self, _kind: &Kind, _cx: &CallCx, _before: &Known, planned: &Value) -> Result<Known, Failure> {
        Ok(self.write(planned, &self.path(planned), &self.wanted(planned)?)?)
    }

    async fn delete(&self, _kind: &Kind, _cx: &CallCx, before: &Known) -> Result<(), Failure> {
        let path = self.path(before);
        let deleted = fs::remove_file(&path).and_then(|()| fs::remove_file(&fs::beside(&path)));
        Ok(deleted.map_err(ProviderError::from)?)
    }

    async fn import(&self, kind: &Kind, cx: &CallCx, id: &str, config: &Value) -> Result<Option<Known>, ProviderError> {
        let Some((config, path)) = imported(&self.0, config, id)? else { return Ok(None) };
        let found = object::taken_over(kind, &config, [("id", Value::from(path.to_string_lossy().into_owned()))]);
        self.read(kind, cx, &found).await
    }

    async fn resolve(&self, _kind: &Kind, _cx: &CallCx, planned: &Value) -> Result<Resolution, ProviderError> {
        if planned.get("path").is_none() {
            return Ok(Resolution::Nothing);
        }
        let path = self.path(planned);
        fs::remove_file(&fs::beside(&path))?;
        let (Some(metadata), Ok(wanted)) = (fs::metadata(&path)?, self.wanted(planned)) else {
            return Ok(Resolution::Nothing);
        };
        let stands = metadata.is_file()
            && metadata.permissions().mode() & 0o7777 == mode::of(planned)?
            && fs::digest(&path)?.is_some_and(|(digest, _)| digest == fs::digest_of(&wanted));
        Ok(if stands { Resolution::Done(object(planned, &path, &wanted)?) } else { Resolution::Nothing })
    }
}

impl File {
    fn id(&self, path: &str) -> String {
        self.0.path(path).to_string_lossy().into_owned()
    }

    /// Returns where the file stands: recorded, or as configuration says.
    fn path(&self, object: &Value) -> PathBuf {
        let recorded = object.get("id").and_then(Value::as_str).map(PathBuf::from);
        let written = || self.0.path(object.get("path").and_then(Value::as_str).unwrap_or_default());
        recorded.unwrap_or_else(written)
    }

    fn content(&self, object: &Value) -> Result<Content, ProviderError> {
        if is_unknown(object, "content") || is_unknown(object, "source") {
            return Ok(Content::Later);
        }
        let text = |name: &str| object.get(name).and_then(Value::as_str);
        match (text("content"), text("source")) {
            (Some(content), None) => Ok(Content::Text(content.as_bytes().to_vec())),
            (None, Some(source)) => Ok(Content::CopyOf(self.0.path(source))),
            (Some(_), Some(_)) => {
                Err(ProviderError::invalid(Path::attribute("source"), "`content` and `source` are both set")
                    .hint("Keep the one that says what the file holds."))
            }
            (None, None) => Err(ProviderError::invalid(Path::attribute("content"), "the file has no content")
                .hint("Set `content` to a text (\"\" for an empty file) or `source` to the path of a file.")),
        }
    }

    /// Returns the bytes to write, which must be those that were planned.
    fn wanted(&self, planned: &Value) -> Result<Vec<u8>, ProviderError> {
        let wanted = match self.content(planned)? {
            Content::Text(text) => text,
            Content::CopyOf(source) => fs::read(&source)?.ok_or_else(|| {
                ProviderError::invalid(
                    Path::attribute("source"),
                    format!("the source file `{}` does not exist", source.display()),
                )
            })?,
            Content::Later => return Err(ProviderError::failed("the file's content is not known")),
        };
        match planned.get("sha256").and_then(Value::as_str) {
            Some(digest) if digest != fs::digest_of(&wanted) => {
                Err(ProviderError::failed("the source file changed after the plan was made").hint("Plan again."))
            }
            Some(_) | None => Ok(wanted),
        }
    }

    fn write(&self, planned: &Value, path: &FilePath, wanted: &[u8]) -> Result<Known, ProviderError> {
        if let Some(parent) = path.parent() {
            fs::make_directory(parent, 0o777)?;
        }
        fs::write(path, wanted, mode::of(planned)?)?;
        object(planned, path, wanted)
    }
}

/// Returns what stands in a file whose text was declared, so that the plan can show what differs. Without it, what is
/// too long or no text is still found by its digest.
fn text_of(current: &Known, path: &FilePath, bytes: u64) -> Result<Option<String>, FileError> {
    if bytes > LONGEST_TEXT || current.get("content").and_then(Value::as_str).is_none() {
        return Ok(None);
    }
    Ok(fs::read(path)?.and_then(|text| String::from_utf8(text).ok()))
}

fn object(planned: &Value, path: &FilePath, content: &[u8]) -> Result<Known, ProviderError> {
    let object = planned
        .with("id", Value::from(path.to_string_lossy().into_owned()))
        .with("sha256", Value::from(fs::digest_of(content)))
        .with("bytes", Value::from(content.len() as u64));
    Known::new(object).map_err(|error| ProviderError::because("failed to record the file", error))
}

fn is_unknown(object: &Value, name: &str) -> bool {
    object.get(name).is_some_and(Value::is_unknown)
}
