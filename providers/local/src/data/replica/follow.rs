//! Makes a directory from a series and follows it.
//!
//! Whose the target is stands in a sidecar beside it, because the target itself is exchanged whole.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use loam_bundle::{
    series::{self, Applied, Found, Pulled, Restore, Series, SeriesError, Wanted},
    tree::Selection,
};
use loam_provider::{
    CallCx, Cause, Failure, Known, Path as At, PlanRequest, Planned, ProviderError, Remains, Resolution, Value, decode,
};
use serde::{Deserialize, Serialize};

use super::{
    GO_ON_AFTER_RESET, go_on_after_divergence, series_failed,
    spec::{Apply, Mode, Spec, Status, cursor, standing, wanted},
};
use crate::{
    Machine,
    data::{json_file, marks::Owner, object, place, remove, work},
};

/// Whose a target is.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Claim {
    owner: Owner,
    /// The series it is made from.
    url: String,
}

fn target(machine: &Machine, spec: &Spec) -> PathBuf {
    place::path(machine, spec.target.as_deref().unwrap_or_default())
}

fn sidecar(target: &Path) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}.replica.json"))
}

pub(super) async fn plan(
    machine: &Machine,
    cx: &CallCx,
    request: PlanRequest<'_>,
    spec: &Spec,
    mode: Mode,
) -> Result<Planned, ProviderError> {
    let written: Spec = decode(request.config)?;
    let url = spec.url().map_or_else(object::unknown_text, Value::from);
    let after = object::with(request.proposed, [("url", url)]);
    let asks = wanted(written.version, written.as_of.as_deref())?;
    let is_asked_later = object::is_unknown(request.config, "version") || object::is_unknown(request.config, "as_of");
    let stays = object::is_written(request.config, "version") || object::is_written(request.config, "as_of");
    let rests = if stays { Rests::Behind } else { Rests::Newest };
    let Some(prior) = request.prior else {
        if !object::is_unknown(request.proposed, "target") {
            let at = target(machine, spec);
            let cx = cx.clone();
            work::blocking(move || refuse_strangers(&at, &cx)).await?;
        }
        return Ok(Planned::new(coming(&after, written.version, None, rests)));
    };
    let before: Spec = decode(prior)?;
    refuse_another_selection(prior, request.proposed)?;
    if !spec.follows() && mode == Mode::Init {
        return Ok(initialised(after, &before, asks));
    }
    stop_where_lost(machine, prior, spec, &before)?;
    let found = if is_asked_later { None } else { find(cx, spec, asks).await? };
    let goal = match (&found, asks) {
        (Some(found), _) => Some(found.manifest.version),
        (None, Wanted::Version(version)) => Some(version),
        (None, Wanted::Newest | Wanted::AsOf(_)) => None,
    };
    if let (Some(goal), Some(version)) = (goal, before.version)
        && goal < version
        && object::is_written(request.config, "version")
    {
        let message = format!("the target holds version {version}, and a pull never goes back to version {goal}");
        return Err(ProviderError::invalid(At::attribute("version"), message)
            .hint("Move the target away and apply again: it is made anew from the version that is asked for."));
    }
    let is_there = goal.is_none_or(|goal| before.version.is_some_and(|version| goal <= version));
    if is_there && !is_asked_later {
        return Ok(Planned::new(after));
    }
    let mut planned = Planned::new(coming(&after, goal, found.as_ref(), rests));
    if let (Some(version), Some(goal)) = (before.version, goal) {
        planned.notes.push(format!("version {version} → {goal}"));
    }
    Ok(planned)
}

/// Where a target stands when it holds what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rests {
    /// At the newest version.
    Newest,
    /// At a version that others may follow.
    Behind,
}

/// Returns the object with the version that will be there, as far as it is known.
fn coming(after: &Value, version: Option<u64>, found: Option<&Found>, rests: Rests) -> Value {
    let number = |number: Option<u64>| number.map_or_else(object::unknown_number, Value::from);
    let text = |text: Option<String>| text.map_or_else(object::unknown_text, Value::from);
    let unknown = [
        ("version", number(version)),
        ("epoch", number(found.map(|found| found.manifest.epoch))),
        ("source_id", text(found.map(|found| found.manifest.source_id.clone()))),
        ("manifest_sha256", text(found.map(|found| found.sha256.to_string()))),
        ("content_root", object::unknown_text()),
    ];
    let standing = match rests {
        Rests::Newest => standing(Status::UpToDate, 0),
        Rests::Behind => [("status", object::unknown_text()), ("behind", object::unknown_number())],
    };
    object::with(after, unknown.into_iter().chain(standing))
}

/// Plans a target that was made once and is its user's since.
fn initialised(after: Value, before: &Spec, asks: Wanted) -> Planned {
    match asks {
        Wanted::Version(wanted) if before.version != Some(wanted) => {
            let mut planned = Planned::new(coming(&after, Some(wanted), None, Rests::Behind));
            let because = "the target was made from another version".to_owned();
            planned.replace.push(Cause { path: At::attribute("version"), because });
            planned
        }
        Wanted::Version(_) | Wanted::AsOf(_) | Wanted::Newest => Planned::new(after),
    }
}

/// A target that was filled by another selection would count as changed by hand.
fn refuse_another_selection(prior: &Known, proposed: &Value) -> Result<(), ProviderError> {
    for name in ["include", "exclude"] {
        if prior.get(name) != proposed.get(name) {
            let message = format!("`{name}` cannot change once the target is made");
            return Err(ProviderError::invalid(At::attribute(name), message)
                .hint("Move the target away and apply again: it is made anew."));
        }
    }
    Ok(())
}

/// Stops with what to do where following cannot go on.
fn stop_where_lost(machine: &Machine, prior: &Known, spec: &Spec, before: &Spec) -> Result<(), ProviderError> {
    let target = target(machine, spec);
    let url = prior.get("url").and_then(Value::as_str).unwrap_or_default();
    match before.status {
        Some(Status::Diverged) => {
            let version = before.version.unwrap_or_default();
            let message = format!("`{}` was changed since version {version} was applied", target.display());
            Err(ProviderError::invalid(At::attribute("target"), message)
                .trouble(loam_provider::Trouble::Failed)
                .hint(go_on_after_divergence(&target.display())))
        }
        Some(Status::SourceReset) => {
            let message = format!("series `{url}` was reset: it goes on from another source, or started over");
            Err(ProviderError::invalid(At::attribute("series"), message)
                .trouble(loam_provider::Trouble::Failed)
                .hint(GO_ON_AFTER_RESET))
        }
        Some(Status::UpToDate | Status::Behind | Status::Ahead) | None => Ok(()),
    }
}

async fn find(cx: &CallCx, spec: &Spec, asks: Wanted) -> Result<Option<Found>, ProviderError> {
    let Some(series) = spec.series(cx).await? else { return Ok(None) };
    match series::find(&series, asks).await {
        Ok(found) => Ok(Some(found)),
        // It may be published before it is needed.
        Err(SeriesError::NoVersions { .. } | SeriesError::NoSuchVersion { .. } | SeriesError::NothingAsOf { .. }) => {
            Ok(None)
        }
        Err(error) => Err(series_failed(&format!("failed to read series `{}`", series.url()), error)),
    }
}

/// Checks that the target is empty, or was made by this object.
fn refuse_strangers(target: &Path, cx: &CallCx) -> Result<(), ProviderError> {
    match json_file::read::<Claim>(&sidecar(target))? {
        Some(claim) if claim.owner.is(cx) => return Ok(()),
        Some(claim) => return Err(claim.owner.refuses(&format!("`{}`", target.display()), cx)),
        None => {}
    }
    let is_empty = match fs::read_dir(target) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        Err(error) => return Err(json_file::failed("read directory", target, error)),
    };
    if is_empty {
        return Ok(());
    }
    Err(ProviderError::invalid(At::attribute("target"), format!("`{}` is not empty", target.display()))
        .trouble(loam_provider::Trouble::Failed)
        .hint("Choose another `target`, or move what is there away."))
}

/// Claims a target that is to be made.
fn claim(target: &Path, url: &str, cx: &CallCx) -> Result<(), ProviderError> {
    refuse_strangers(target, cx)?;
    note(target, url, cx)
}

/// Claims a target that is made already; its address may have moved since.
fn claim_again(target: &Path, url: &str, cx: &CallCx) -> Result<(), ProviderError> {
    match json_file::read::<Claim>(&sidecar(target))? {
        Some(claim) if !claim.owner.is_in(cx) => Err(claim.owner.refuses(&format!("`{}`", target.display()), cx)),
        Some(_) | None => note(target, url, cx),
    }
}

fn note(target: &Path, url: &str, cx: &CallCx) -> Result<(), ProviderError> {
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).map_err(|error| json_file::failed("create directory", parent, error))?;
    }
    json_file::write(&sidecar(target), &Claim { owner: Owner::of(cx), url: url.to_owned() })
}

fn restore(cx: &CallCx, spec: &Spec, wanted: Wanted) -> Result<Restore, ProviderError> {
    let selection = Selection::new(&spec.include, &spec.exclude)
        .map_err(|error| ProviderError::invalid(At::attribute("include"), error.to_string()))?;
    Ok(Restore { wanted, selection, applied_at: work::now(cx)? })
}

pub(super) async fn create(machine: &Machine, cx: &CallCx, planned: &Value, spec: &Spec) -> Result<Known, Failure> {
    let target = target(machine, spec);
    let series = spec.known_series(cx).await?;
    let restore = restore(cx, spec, wanted(spec.version, spec.as_of.as_deref())?)?;
    let (at, url, for_call) = (target.clone(), series.url(), cx.clone());
    work::blocking(move || claim(&at, &url, &for_call)).await?;
    let made = async {
        let what = format!("failed to make `{}` from series `{}`", target.display(), series.url());
        // What an earlier run of this object made is gone on with.
        match series::applied(&target).map_err(|error| series_failed(&what, error))? {
            Some(_) => applied_by(series::pull(&series, &target, &restore, &work::report(cx)).await),
            None => series::init(&series, &target, &restore, &work::report(cx)).await,
        }
        .map_err(|error| series_failed(&what, error))
    };
    match work::until_cancelled(cx, made).await {
        Ok(applied) => Ok(finished(planned, spec, &series, &applied).await?),
        Err(error) => {
            let at = target.clone();
            // Only what nothing was put into is given up; the rest is looked at again.
            let given_up = work::blocking(move || give_up(&at)).await;
            Err(Failure { error, remains: if given_up.is_ok() { Remains::Nothing } else { Remains::InDoubt } })
        }
    }
}

fn give_up(target: &Path) -> Result<(), ProviderError> {
    let is_empty = match fs::read_dir(target) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    if is_empty { json_file::remove(&sidecar(target)) } else { Err(ProviderError::failed("the target is not empty")) }
}

fn applied_by(pulled: Result<Pulled, SeriesError>) -> Result<Applied, SeriesError> {
    pulled.map(|pulled| match pulled {
        Pulled::UpToDate(applied) | Pulled::Applied { applied, .. } => applied,
    })
}

async fn finished(planned: &Value, spec: &Spec, series: &Series, applied: &Applied) -> Result<Known, ProviderError> {
    let root = applied.content_root.to_string();
    let url = ("url", object::text(spec.url()));
    let newest = standing(Status::UpToDate, 0);
    let standing = if object::is_unknown(planned, "behind") {
        let found = series::find(series, Wanted::Newest).await;
        let found =
            found.map_err(|error| series_failed(&format!("failed to read series `{}`", series.url()), error))?;
        match found.manifest.version.saturating_sub(applied.cursor.version) {
            0 => newest,
            behind => standing(Status::Behind, behind),
        }
    } else {
        newest
    };
    object::completed(planned, cursor(&applied.cursor, &root).into_iter().chain(standing).chain([url]))
}

pub(super) async fn pull(
    machine: &Machine,
    cx: &CallCx,
    planned: &Value,
    spec: &Spec,
    before: &Spec,
) -> Result<Known, Failure> {
    let target = target(machine, spec);
    let series = spec.known_series(cx).await?;
    let goal = wanted(spec.version, spec.as_of.as_deref())?;
    let (at, url, for_call) = (target.clone(), series.url(), cx.clone());
    work::blocking(move || claim_again(&at, &url, &for_call)).await?;
    let pulled = async {
        let what = format!("failed to bring `{}` to the series' version", target.display());
        let steps = steps(&series, spec, before, goal).await.map_err(|error| series_failed(&what, error))?;
        let mut applied = None;
        for step in steps {
            let restore = restore(cx, spec, step)?;
            let pulled = series::pull(&series, &target, &restore, &work::report(cx)).await;
            applied = Some(applied_by(pulled).map_err(|error| series_failed(&what, error))?);
        }
        applied.ok_or_else(|| ProviderError::failed(what))
    };
    let pulled = work::until_cancelled(cx, pulled).await;
    let applied = pulled.map_err(|error| Failure { error, remains: Remains::InDoubt })?;
    Ok(finished(planned, spec, &series, &applied).await?)
}

/// Returns the versions to go through.
async fn steps(series: &Series, spec: &Spec, before: &Spec, goal: Wanted) -> Result<Vec<Wanted>, SeriesError> {
    match (spec.apply, before.version) {
        (Some(Apply::Each), Some(version)) => {
            let newest = series::find(series, goal).await?.manifest.version;
            let versions = series::versions(series).await?;
            let between = versions.into_iter().filter(|number| (version + 1..=newest).contains(number));
            Ok(between.map(Wanted::Version).collect())
        }
        (Some(Apply::Each), None) | (Some(Apply::Jump) | None, _) => Ok(vec![goal]),
    }
}

pub(super) async fn read(
    machine: &Machine,
    cx: &CallCx,
    current: &Known,
    spec: &Spec,
) -> Result<Option<Known>, ProviderError> {
    let target = target(machine, spec);
    let failed = |error| series_failed(&format!("failed to look at `{}`", target.display()), error);
    if !spec.follows() {
        let at = target.clone();
        let is_gone =
            work::blocking(move || Ok(fs::read_dir(&at).map_or(true, |mut all| all.next().is_none()))).await?;
        return Ok((!is_gone).then(|| current.clone()));
    }
    let Some(applied) = series::applied(&target).map_err(failed)? else { return Ok(None) };
    let root = applied.content_root.to_string();
    let object = object::with(current, cursor(&applied.cursor, &root));
    let Some(series) = spec.series(cx).await? else {
        return object::completed(&object, standing(Status::Ahead, 0)).map(Some);
    };
    let (status, behind) = match series::status(&series, &target, &work::report(cx)).await {
        Ok(series::Status::UpToDate) => (Status::UpToDate, 0),
        Ok(series::Status::Behind { versions }) => (Status::Behind, versions),
        Ok(series::Status::Ahead) | Err(SeriesError::NoVersions { .. }) => (Status::Ahead, 0),
        Ok(series::Status::Diverged { .. }) => (Status::Diverged, 0),
        Ok(series::Status::SourceReset { .. })
        | Err(SeriesError::SourceReset { .. } | SeriesError::Rewritten { .. }) => (Status::SourceReset, 0),
        Err(error) => return Err(failed(error)),
    };
    object::completed(&object, standing(status, behind)).map(Some)
}

/// Removes the target, if it is this state's.
pub(super) async fn delete(machine: &Machine, cx: &CallCx, spec: &Spec) -> Result<(), Failure> {
    let target = target(machine, spec);
    let (for_call, follows) = (cx.clone(), spec.follows());
    let removed = work::blocking(move || {
        let Some(claim) = json_file::read::<Claim>(&sidecar(&target))? else { return Ok(()) };
        if !claim.owner.is_in(&for_call) {
            for_call.progress.note(format!("kept `{}`, which another state has made", target.display()));
        } else if follows && series::applied(&target).map_err(|error| series_failed("damaged marker", error))?.is_none()
        {
            for_call.progress.note(format!("kept `{}`, which no longer is what loam made", target.display()));
        } else {
            remove::tree(&target)?;
            json_file::remove(&sidecar(&target))?;
        }
        Ok(())
    });
    removed.await.map_err(|error| Failure { error, remains: Remains::InDoubt })
}

pub(super) async fn resolve(
    machine: &Machine,
    cx: &CallCx,
    planned: &Value,
    spec: &Spec,
) -> Result<Resolution, ProviderError> {
    let target = target(machine, spec);
    let at = target.clone();
    let claim = work::blocking(move || json_file::read::<Claim>(&sidecar(&at))).await?;
    if !claim.is_some_and(|claim| claim.owner.did(cx)) {
        return Ok(Resolution::Nothing);
    }
    work::tidy(&target).await?;
    let failed = |error| series_failed(&format!("failed to look at `{}`", target.display()), error);
    let Some(applied) = series::applied(&target).map_err(failed)? else {
        let nothing = object::partial(planned, [("url", object::text(spec.url()))]);
        return Ok(Resolution::Partial(nothing));
    };
    let is_planned = planned
        .get("version")
        .and_then(Value::as_number)
        .is_none_or(|planned| planned.to_string() == applied.cursor.version.to_string());
    let series = spec.known_series(cx).await?;
    let known = finished(planned, spec, &series, &applied).await?;
    Ok(if is_planned { Resolution::Done(known) } else { Resolution::Partial(known) })
}
