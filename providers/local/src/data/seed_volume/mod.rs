//! `seed_volume`: an archive, extracted once, that nodes are cloned from.
//!
//! It is named by the archive's digest, so several objects, also of several states, may share one:
//! [`users`] records who they are, and the last one takes it along. What makes it ready is its
//! marker, which `loam-bundle` writes last.

mod extract;
mod import;
mod users;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use loam_bundle::{
    digest::Digest,
    extract::{Replace, SeedState, seed_state},
};
use loam_provider::{
    CallCx, Cause, Failure, Kind, Known, Path as At, PlanRequest, Planned, Provider, ProviderError, Remains,
    Resolution, Size, Type, Value, decode,
};
use serde::Deserialize;

use super::{marks::Owner, object, place, work};
use crate::Machine;

/// Realises `seed_volume`.
pub(crate) struct SeedVolume {
    machine: Arc<Machine>,
}

#[derive(Debug, Deserialize)]
struct Spec {
    #[serde(default)]
    archive: Archive,
    size: Option<Size>,
    distribution: Option<String>,
    #[serde(default)]
    local: Local,
    id: Option<String>,
    digest: Option<String>,
    ready: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
struct Archive {
    url: Option<String>,
    sha256: Option<String>,
    uncompressed_bytes: Option<u64>,
    files: Option<u64>,
    content_root: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Local {
    path: Option<String>,
}

/// Where a volume is.
#[derive(Debug, Clone)]
struct Site {
    /// The directory that volumes are kept in.
    folder: PathBuf,
    /// `seed-` and 16 digits.
    name: String,
    digest: Digest,
}

impl Site {
    fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }
}

impl SeedVolume {
    pub(crate) fn new(machine: &Arc<Machine>) -> Self {
        Self { machine: Arc::clone(machine) }
    }

    fn site(&self, spec: &Spec) -> Result<Option<Site>, ProviderError> {
        let Some(sha256) = &spec.archive.sha256 else { return Ok(None) };
        let at = At::attribute("archive").name("sha256");
        let digest: Digest = sha256
            .parse()
            .map_err(|error: loam_bundle::digest::InvalidDigest| ProviderError::invalid(at, error.to_string()))?;
        Ok(Some(self.site_of(spec, digest)))
    }

    fn site_of(&self, spec: &Spec, digest: Digest) -> Site {
        let folder = match &spec.local.path {
            Some(path) => place::path(&self.machine, path),
            None => self.machine.loam_dir().join("seeds"),
        };
        Site { folder, name: format!("seed-{}", digest.short()), digest }
    }

    /// Returns where the volume that is recorded is, whatever its archive has become.
    fn recorded_site(&self, object: &Value) -> Result<Site, ProviderError> {
        let spec: Spec = decode(object)?;
        let digest = spec.digest.as_deref().and_then(|digest| digest.parse().ok());
        let digest = digest.ok_or_else(|| ProviderError::failed("the volume's `digest` is not recorded"))?;
        Ok(self.site_of(&spec, digest))
    }

    fn known_site(&self, planned: &Value) -> Result<Site, ProviderError> {
        let site = self.site(&decode(planned)?)?;
        site.ok_or_else(|| ProviderError::failed("the archive's `sha256` is not known"))
    }
}

fn check(spec: &Spec) -> Result<(), ProviderError> {
    let distribution = spec.distribution.as_deref().unwrap_or("auto");
    if !matches!(distribution, "auto" | "clone" | "copy") {
        let message = format!("`local` cannot distribute a volume by `{distribution}`");
        return Err(ProviderError::invalid(At::attribute("distribution"), message)
            .hint("Write `auto`, `clone` or `copy`; the others need a provider with volumes of its own."));
    }
    if let (Some(size), Some(bytes)) = (spec.size, spec.archive.uncompressed_bytes)
        && size.0 < bytes
    {
        let message = format!("a volume of {size} is too small for the archive's files, {}", Size(bytes));
        return Err(ProviderError::invalid(At::attribute("size"), message)
            .hint("Leave `size` out to have a tenth more than the files take."));
    }
    Ok(())
}

/// Returns the default size: a tenth more than the files take.
fn default_size(bytes: u64) -> String {
    format!("{}B", bytes.saturating_add(bytes.div_ceil(10)))
}

/// Returns what is known of a volume before it is made.
fn predicted(spec: &Spec, site: Option<&Site>) -> Result<[(&'static str, Value); 7], ProviderError> {
    let text = |text: Option<String>| text.map_or_else(object::unknown_text, Value::from);
    let number = |number: Option<u64>| number.map_or_else(object::unknown_number, Value::from);
    let path = site.map(|site| place::text(&site.path())).transpose()?;
    Ok([
        ("name", text(site.map(|site| site.name.clone()))),
        ("path", text(path)),
        ("digest", text(site.map(|site| site.digest.to_string()))),
        ("content_root", text(spec.archive.content_root.clone())),
        ("bytes", number(spec.archive.uncompressed_bytes)),
        ("files", number(spec.archive.files)),
        ("ready", Value::from(true)),
    ])
}

/// Returns a volume that is to be made: without what making it tells.
fn untold(volume: &Value) -> Value {
    volume.with("id", object::unknown_text()).with("bootstrapped", Value::Unknown(Type::Bool))
}

/// Tells what is at a volume's path.
fn state(path: &Path, digest: &Digest) -> Result<SeedState, ProviderError> {
    seed_state(path, digest)
        .map_err(|error| ProviderError::because(format!("failed to look at `{}`", path.display()), error))
}

#[async_trait]
impl Provider for SeedVolume {
    async fn plan(&self, _kind: &Kind, _cx: &CallCx, request: PlanRequest<'_>) -> Result<Planned, ProviderError> {
        let spec: Spec = decode(request.proposed)?;
        let is_sized = object::is_written(request.config, "size");
        check(&Spec { size: spec.size.filter(|_| is_sized), ..decode(request.proposed)? })?;
        let is_placed = !object::is_unknown(request.proposed, "local");
        let site = if is_placed { self.site(&spec)? } else { None };
        let mut after = object::with(request.proposed, predicted(&spec, site.as_ref())?);
        if !is_sized {
            let size = spec.archive.uncompressed_bytes.map(default_size);
            after = after.with("size", size.map_or_else(object::unknown_text, Value::from));
        }
        let Some(prior) = request.prior else {
            let mut planned = Planned::new(untold(&after));
            if let Some(site) = site {
                let path = site.path();
                let found = work::blocking(move || state(&path, &site.digest)).await?;
                if let SeedState::Ready(_) = found {
                    planned.notes.push("the archive is extracted there already and is used again".to_owned());
                }
            }
            return Ok(planned);
        };
        let before: Spec = decode(prior)?;
        let digest = site.as_ref().map(|site| site.digest.to_string());
        let mut planned = Planned::new(after);
        if digest.is_none() || digest != before.digest {
            let because = if digest.is_some() { "it is another archive" } else { "the archive is made anew" };
            let path = At::attribute("archive").name("sha256");
            planned.replace.push(Cause { path, because: because.to_owned() });
            planned.after = untold(&planned.after);
        } else if before.id.is_none() {
            planned.after = planned.after.with("id", object::unknown_text());
            planned.notes.push("it becomes one of those who use the volume; its data stays as it is".to_owned());
        } else if before.ready != Some(true) {
            planned.notes.push("its marker is missing or damaged: the archive is extracted again".to_owned());
        }
        Ok(planned)
    }

    async fn read(&self, _kind: &Kind, _cx: &CallCx, current: &Known) -> Result<Option<Known>, ProviderError> {
        let site = self.recorded_site(current)?;
        let at = site.clone();
        let found = work::blocking(move || state(&at.path(), &at.digest)).await?;
        match found {
            // While something of it is left, deleting it is not done.
            SeedState::Absent if !site.aside().exists() => Ok(None),
            SeedState::Ready(_) => object::completed(current, [("ready", Value::from(true))]).map(Some),
            SeedState::Absent | SeedState::Partial | SeedState::Other(_) => {
                object::completed(current, [("ready", Value::from(false))]).map(Some)
            }
        }
    }

    async fn create(&self, _kind: &Kind, cx: &CallCx, planned: &Value) -> Result<Known, Failure> {
        let site = self.known_site(planned)?;
        let user = Owner::of(cx);
        let (at, added) = (site.clone(), user.clone());
        let was_used = work::blocking(move || users::add(&at, added)).await?;
        // What users of it have left half-done is theirs to replace; a stranger's directory is not.
        let replace = if was_used { Replace::Existing } else { Replace::Never };
        let made = extract::materialise(&self.machine, cx, planned, &site, replace).await;
        match made {
            Ok(bootstrapped) => Ok(made_of(planned, &site, &user, bootstrapped)?),
            Err(error) => Err(abandoned(cx, planned, site, user, error).await),
        }
    }

    async fn update(&self, _kind: &Kind, cx: &CallCx, before: &Known, planned: &Value) -> Result<Known, Failure> {
        let spec: Spec = decode(before)?;
        if spec.id.is_none() {
            return Ok(import::take_over(&self.machine, cx, planned, &self.known_site(planned)?).await?);
        }
        if spec.ready != Some(true) {
            let site = self.known_site(planned)?;
            extract::materialise(&self.machine, cx, planned, &site, Replace::Existing).await?;
        }
        Ok(object::completed(planned, [])?)
    }

    async fn delete(&self, _kind: &Kind, cx: &CallCx, before: &Known) -> Result<(), Failure> {
        let spec: Spec = decode(before)?;
        let site = self.recorded_site(before)?;
        let (state, id) = (cx.state_id.clone(), spec.id.unwrap_or_default());
        let path = site.path();
        work::tidy(&path).await?;
        let left = work::blocking(move || users::leave(&site, &state, &id)).await;
        let left = left.map_err(|error| Failure { error, remains: Remains::InDoubt })?;
        let whose = match left {
            users::Left::Removed => return Ok(()),
            users::Left::NotTheirs => "which is not recorded as used by this object".to_owned(),
            users::Left::Used(1) => "which another object uses".to_owned(),
            users::Left::Used(others) => format!("which {others} others use"),
        };
        cx.progress.note(format!("kept `{}`, {whose}", path.display()));
        Ok(())
    }

    async fn import(&self, kind: &Kind, cx: &CallCx, id: &str, config: &Value) -> Result<Option<Known>, ProviderError> {
        let site = self.site(&decode(config)?)?;
        import::find(&self.machine, kind, cx, id, config, site).await
    }

    async fn resolve(&self, _kind: &Kind, cx: &CallCx, planned: &Value) -> Result<Resolution, ProviderError> {
        if planned.is_null() {
            return Ok(Resolution::Nothing);
        }
        let site = self.known_site(planned)?;
        let id = planned.get("id").and_then(Value::as_str).map(str::to_owned);
        let at = site.clone();
        let (users, found) = work::blocking(move || Ok((users::of(&at)?, state(&at.path(), &at.digest)?))).await?;
        work::tidy(&site.path()).await?;
        // A repair does not know its token from the volume; the volume itself tells whether it is done.
        let user = users.into_iter().find(|user| match &id {
            Some(id) => user.is_in(cx) && user.token.0.as_str() == id,
            None => user.did(cx),
        });
        Ok(match (user, found) {
            (Some(user), SeedState::Ready(_)) => {
                let bootstrapped = extract::bootstrapped(&self.machine, cx, planned, &site).await?;
                Resolution::Done(made_of(planned, &site, &user, bootstrapped)?)
            }
            (Some(user), SeedState::Absent | SeedState::Partial | SeedState::Other(_)) => {
                Resolution::Partial(partly(planned, &site, &user)?)
            }
            (None, _) => Resolution::Nothing,
        })
    }
}

fn made_of(planned: &Value, site: &Site, user: &Owner, bootstrapped: Option<bool>) -> Result<Known, ProviderError> {
    let spec: Spec = decode(planned)?;
    let size = spec.archive.uncompressed_bytes.map(default_size);
    let size = planned.get("size").filter(|size| !size.is_unknown()).cloned().unwrap_or_else(|| object::text(size));
    let id = ("id", Value::from(user.token.0.as_str()));
    let said = planned.get("bootstrapped").and_then(Value::as_bool).or(bootstrapped);
    let said = ("bootstrapped", said.map_or(Value::Null(Type::Bool), Value::from));
    object::completed(planned, predicted(&spec, Some(site))?.into_iter().chain([id, said, ("size", size)]))
}

fn partly(planned: &Value, site: &Site, user: &Owner) -> Result<Known, ProviderError> {
    let spec: Spec = decode(planned)?;
    let rest = [("id", Value::from(user.token.0.as_str())), ("ready", Value::from(false))];
    Ok(object::partial(planned, predicted(&spec, Some(site))?.into_iter().chain(rest)))
}

/// Takes back what a create that failed has written beside the volume.
async fn abandoned(cx: &CallCx, planned: &Value, site: Site, user: Owner, error: ProviderError) -> Failure {
    let (at, state, id) = (site.clone(), cx.state_id.clone(), user.token.0.to_string());
    let left = work::blocking(move || users::leave_unfilled(&at, &state, &id)).await;
    let remains = match left {
        Ok(()) => Remains::Nothing,
        Err(_) => partly(planned, &site, &user).map_or(Remains::InDoubt, Remains::Partial),
    };
    Failure { error, remains }
}
