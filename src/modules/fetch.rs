//! Fetches packages: beside, verified, then under their name.

use std::{fs::File, path::Path, sync::Arc};

use jiff::Timestamp;
use loam_bundle::{
    archive::{Place, Trust},
    extract::{Expected, Extraction, Limits, Replace, materialise},
    progress::Report,
    store::Directory,
};
use loam_provider::{ObjectKey, Str};
use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    InstallError, archive,
    git::{Environment, Git},
    source::{Archive, Package, Repository},
    store::{Entry, Installed, archive_name, git_name},
};

/// How many packages are fetched at once.
const AT_ONCE: usize = 8;
/// The archive of a package, while it is built.
const ARCHIVE: &str = "package.tar";
/// What modules may hold.
const LIMITS: Limits = Limits { bytes: 2 << 30, ratio: Some(1000), entries: 200_000, depth: 64, pax_bytes: 1 << 20 };

/// How to fetch.
#[derive(Debug, Clone)]
pub struct Fetch {
    /// What `git` sees of the environment.
    pub environment: Environment,
    /// Whether references that are known already are asked for again.
    pub upgrade: bool,
    /// The time, for the marker of what was extracted.
    pub now: Timestamp,
}

/// What became of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The commit, of a Git repository.
    pub commit: Option<String>,
    /// Whether anything had to be done.
    pub status: Status,
}

/// Whether anything had to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It was there.
    Present,
    /// It was fetched.
    Fetched,
    /// It was fetched, and its reference is another commit now.
    Moved {
        /// The commit that it was.
        from: Str,
    },
}

/// Waits for the right to fetch into a directory. It is held as long as the file is open.
///
/// # Errors
/// When `.loam/modules` cannot be made or locked.
pub fn lock(installed: &Installed, on_wait: impl FnOnce()) -> Result<File, InstallError> {
    installed.lock(on_wait)
}

/// Writes down which commits are used, so that nothing of it is lost if the process dies.
///
/// # Errors
/// When the lock file cannot be written.
pub fn remember(installed: &Installed) -> Result<(), InstallError> {
    installed.write_pins()
}

/// Writes down what is used. An upgrade also forgets the commits of what is no longer used.
///
/// # Errors
/// When a file cannot be written.
pub fn record(installed: &mut Installed, entries: Vec<Entry>, upgrade: bool) -> Result<(), InstallError> {
    if upgrade {
        installed.retain_pins(&entries.iter().map(|entry| entry.source.clone()).collect::<Vec<_>>());
        installed.write_pins()?;
    }
    installed.write_manifest(&entries)
}

/// Fetches packages, several at once, and remembers which commits they are. The right to do so must be held.
/// `begun` is told of each that is not there.
pub async fn fetch(
    installed: &mut Installed,
    packages: Vec<Package>,
    options: &Fetch,
    mut begun: impl FnMut(&Package),
) -> Vec<(Package, Result<Fetched, InstallError>)> {
    let slots = Arc::new(Semaphore::new(AT_ONCE));
    let options = Arc::new(options.clone());
    let mut running = JoinSet::new();
    for (index, package) in packages.iter().enumerate() {
        if installed.find(package).is_none() {
            begun(package);
        }
        let (installed, package) = (installed.clone(), package.clone());
        let (slots, options) = (Arc::clone(&slots), Arc::clone(&options));
        running.spawn(async move {
            // It is never closed.
            let _slot = slots.acquire().await;
            (index, one(&installed, &package, &options).await)
        });
    }
    let mut outcomes: Vec<Option<Result<Fetched, InstallError>>> = packages.iter().map(|_| None).collect();
    while let Some(joined) = running.join_next().await {
        if let Ok((index, outcome)) = joined {
            outcomes[index] = Some(outcome);
        }
    }
    let interrupted = |package: &Package| InstallError::Interrupted { url: package.to_string() };
    let outcomes = packages.into_iter().zip(outcomes);
    outcomes
        .map(|(package, outcome)| {
            let outcome = outcome.unwrap_or_else(|| Err(interrupted(&package)));
            if let Ok(Fetched { commit: Some(commit), .. }) = &outcome {
                installed.pin(&package, commit.clone());
            }
            (package, outcome)
        })
        .collect()
}

async fn one(installed: &Installed, package: &Package, options: &Fetch) -> Result<Fetched, InstallError> {
    match package {
        Package::Git(repository) => git(installed, package, repository, options).await,
        Package::Archive(archive) => from_archive(installed, archive, options).await,
    }
}

async fn git(
    installed: &Installed,
    package: &Package,
    repository: &Repository,
    options: &Fetch,
) -> Result<Fetched, InstallError> {
    let known = installed.commit(package);
    let is_present = |commit: &str| installed.directory().join(git_name(&repository.url, commit)).is_dir();
    let is_settled = !options.upgrade || repository.pinned().is_some();
    if let Some(commit) = known.as_ref().filter(|commit| is_settled && is_present(commit)) {
        return Ok(Fetched { commit: Some(commit.clone()), status: Status::Present });
    }
    let staging = installed.staging()?;
    let git = Git::begin(repository, &options.environment, staging.path()).await?;
    let commit = match &known {
        Some(commit) if is_settled => commit.clone(),
        Some(_) | None => git.resolve().await?,
    };
    let status = match known {
        Some(from) if from != commit => Status::Moved { from: from.as_str().into() },
        Some(_) if is_present(&commit) => Status::Present,
        Some(_) | None => Status::Fetched,
    };
    if !is_present(&commit) {
        git.write(&commit, &staging.path().join(ARCHIVE)).await?;
        extract(staging.path(), &repository.url, Trust::Unverified, options.now).await?;
        installed.install(&staging.path().join(TREE), &git_name(&repository.url, &commit))?;
    }
    Ok(Fetched { commit: Some(commit), status })
}

async fn from_archive(installed: &Installed, source: &Archive, options: &Fetch) -> Result<Fetched, InstallError> {
    if let Some(checksum) = &source.checksum
        && installed.directory().join(archive_name(checksum)).is_dir()
    {
        return Ok(Fetched { commit: None, status: Status::Present });
    }
    let staging = installed.staging()?;
    let file = staging.path().join(ARCHIVE);
    let found = archive::fetch(source, &file).await?;
    let url = source.shown.clone();
    let trust = match source.checksum {
        None => return Err(InstallError::NoChecksum { url, found }),
        Some(expected) if expected != found => return Err(InstallError::WrongChecksum { url, expected, found }),
        Some(expected) => Trust::Sha256(expected),
    };
    let trust = if archive::is_zip(&file)? {
        let zip = staging.path().join("package.zip");
        let renamed = std::fs::rename(&file, &zip);
        renamed.map_err(|source| InstallError::Io { operation: "rename", path: zip.clone(), source })?;
        let (url, zip) = (url.clone(), zip.clone());
        let converted = tokio::task::spawn_blocking(move || archive::zip_to_tar(&url, &zip, &file));
        converted.await.unwrap_or_else(|_| Err(InstallError::Interrupted { url: source.shown.clone() }))?;
        // The checksum was the zip archive's.
        Trust::Unverified
    } else {
        trust
    };
    extract(staging.path(), &url, trust, options.now).await?;
    installed.install(&staging.path().join(TREE), &archive_name(&found))?;
    Ok(Fetched { commit: None, status: Status::Fetched })
}

/// Where a package is extracted, while it is built.
const TREE: &str = "tree";

async fn extract(staging: &Path, url: &str, trust: Trust, now: Timestamp) -> Result<(), InstallError> {
    let key = ObjectKey::new(ARCHIVE)
        .map_err(|error| InstallError::Malformed { url: url.to_owned(), because: error.to_string() })?;
    let place = Place { store: Arc::new(Directory::at(staging)?), key };
    let expected = Expected { trust, content_root: None, size: None };
    let extraction = Extraction { expected, limits: LIMITS, replace: Replace::Never, created_at: now };
    let extracted = materialise(&place, &staging.join(TREE), &extraction, &Report::none()).await;
    let (from, to) = (place.url(), url.to_owned());
    match extracted {
        Ok(_) => Ok(()),
        // What is read is a copy: the user knows where it came from.
        Err(error) => Err(named(error, &from, &to)),
    }
}

fn named(error: loam_bundle::extract::ExtractError, from: &str, to: &str) -> InstallError {
    use loam_bundle::extract::ExtractError;
    let url = to.to_owned();
    match error {
        ExtractError::Malformed { because, .. } => InstallError::Malformed { url, because },
        ExtractError::Refused { entry, because, .. } => {
            InstallError::Malformed { url, because: format!("it holds `{entry}`, and {because}") }
        }
        ExtractError::TooLarge { what, limit, .. } => {
            InstallError::Malformed { url, because: format!("it exceeds the limit of {limit} {what}") }
        }
        ExtractError::Damaged { source, .. } => InstallError::BrokeOff { url, source },
        other => match other.to_string().contains(from) {
            true => InstallError::Malformed { url, because: other.to_string().replace(from, to) },
            false => InstallError::Extract { url, source: other },
        },
    }
}
