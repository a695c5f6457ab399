//! The kind `directory`.

use std::{fs::Permissions, os::unix::fs::PermissionsExt, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use loam_provider::{
    Attribute, CallCx, Failure, Kind, Known, OnChange, OnDestroy, Path, PlanRequest, Planned, Provider, ProviderError,
    Resolution, Schema, Type, Value,
};

use super::{FileError, fs, imported, mode};
use crate::{Machine, data::object};

/// Returns the kind `directory`.
pub(crate) fn directory() -> Kind {
    let schema = Schema::new([
        ("path", Attribute::required(Type::String, "Where it stands.").on_change(OnChange::Replace)),
        ("mode", Attribute::default(Type::String, "0755", "Its permissions, in octal.")),
        ("force_destroy", Attribute::default(Type::Bool, false, "Whether destroying it also deletes what is in it.")),
        ("id", Attribute::computed(Type::String, "Its absolute path.")),
    ]);
    Kind { name: "directory".into(), doc: "A directory.".into(), schema, on_destroy: OnDestroy::Delete }
}

/// Directories of this machine.
pub(crate) struct Directory(pub(crate) Arc<Machine>);

#[async_trait]
impl Provider for Directory {
    async fn plan(&self, _kind: &Kind, _cx: &CallCx, request: PlanRequest<'_>) -> Result<Planned, ProviderError> {
        let after = request.proposed;
        if after.get("mode").is_some_and(|mode| !mode.is_unknown()) {
            mode::of(after)?;
        }
        let path = after.get("path").and_then(Value::as_str);
        let id = path
            .map_or(Value::Unknown(Type::String), |path| Value::from(self.0.path(path).to_string_lossy().into_owned()));
        Ok(Planned::new(after.with("id", id)))
    }

    async fn read(&self, _kind: &Kind, _cx: &CallCx, current: &Known) -> Result<Option<Known>, ProviderError> {
        let path = self.path(current);
        let Some(metadata) = fs::metadata(&path)? else { return Ok(None) };
        if !metadata.is_dir() {
            return Err(ProviderError::failed(format!("`{}` is no longer a directory", path.display()))
                .hint("Move what stands there away; the directory is then made again."));
        }
        let mode = mode::shown(current, metadata.permissions().mode() & 0o7777);
        Ok(Some(current.with("mode", Known::new(mode).expect("a mode is text"))))
    }

    async fn create(&self, _kind: &Kind, cx: &CallCx, planned: &Value) -> Result<Known, Failure> {
        let path = self.path(planned);
        match fs::metadata(&path).map_err(ProviderError::from)? {
            Some(metadata) if !metadata.is_dir() => {
                let message = format!("`{}` exists already and is not a directory", path.display());
                return Err(ProviderError::invalid(Path::attribute("path"), message).into());
            }
            Some(_) => cx.progress.note(format!("`{}` was there already", path.display())),
            None => fs::make_directory(&path, 0o777).map_err(ProviderError::from)?,
        }
        Ok(self.finish(planned)?)
    }

    async fn update(&self, _kind: &Kind, _cx: &CallCx, _before: &Known, planned: &Value) -> Result<Known, Failure> {
        Ok(self.finish(planned)?)
    }

    async fn delete(&self, _kind: &Kind, _cx: &CallCx, before: &Known) -> Result<(), Failure> {
        let path = self.path(before);
        let force = before.get("force_destroy").and_then(Value::as_bool) == Some(true);
        if force {
            return Ok(fs::remove_directory(&path).map_err(ProviderError::from)?);
        }
        let inside = fs::names(&path).map_err(ProviderError::from)?;
        if !inside.is_empty() {
            let message = format!("`{}` is not empty: {} entries", path.display(), inside.len());
            let shown = inside.into_iter().take(10);
            return Err(ProviderError::failed(message)
                .hint("Move what is in it away, or set `force_destroy = true` and apply before destroying.")
                .evidence(shown)
                .into());
        }
        match std::fs::remove_dir(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(ProviderError::from(FileError::on("delete", &path)(error)).into())
            }
            Ok(()) | Err(_) => Ok(()),
        }
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
        match fs::metadata(&self.path(planned))? {
            Some(metadata) if metadata.is_dir() && metadata.permissions().mode() & 0o7777 == mode::of(planned)? => {
                Ok(Resolution::Done(self.object(planned)?))
            }
            Some(_) | None => Ok(Resolution::Nothing),
        }
    }
}

impl Directory {
    fn path(&self, object: &Value) -> PathBuf {
        let recorded = object.get("id").and_then(Value::as_str).map(PathBuf::from);
        let written = || self.0.path(object.get("path").and_then(Value::as_str).unwrap_or_default());
        recorded.unwrap_or_else(written)
    }

    fn finish(&self, planned: &Value) -> Result<Known, ProviderError> {
        let path = self.path(planned);
        let permissions = Permissions::from_mode(mode::of(planned)?);
        let set = std::fs::set_permissions(&path, permissions).map_err(FileError::on("set the mode of", &path));
        set?;
        self.object(planned)
    }

    fn object(&self, planned: &Value) -> Result<Known, ProviderError> {
        let object = planned.with("id", Value::from(self.path(planned).to_string_lossy().into_owned()));
        Known::new(object).map_err(|error| ProviderError::because("failed to record the directory", error))
    }
}
