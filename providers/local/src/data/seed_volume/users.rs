//! Who uses a volume: a sidecar beside it, changed under a lock on the folder.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use loam_provider::ProviderError;
use serde::{Deserialize, Serialize};

use super::Site;
use crate::data::{
    json_file::{self, failed},
    marks::Owner,
};

#[derive(Debug, Default, Serialize, Deserialize)]
struct Users {
    users: Vec<Owner>,
}

/// What became of a volume that one of its users left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// It is gone.
    Removed,
    /// The one who left is not among its users, so it stays.
    NotTheirs,
    /// This many others use it.
    Used(usize),
}

impl Site {
    fn sidecar(&self) -> PathBuf {
        self.folder.join(format!(".{}.users.json", self.name))
    }

    /// Where a volume is while it is removed.
    pub(super) fn aside(&self) -> PathBuf {
        self.folder.join(format!(".{}.removed", self.name))
    }
}

/// Returns who uses the volume.
pub(super) fn of(site: &Site) -> Result<Vec<Owner>, ProviderError> {
    Ok(json_file::read::<Users>(&site.sidecar())?.unwrap_or_default().users)
}

/// Records a user; returns whether there was one before.
pub(super) fn add(site: &Site, user: Owner) -> Result<bool, ProviderError> {
    fs::create_dir_all(&site.folder).map_err(|error| failed("create directory", &site.folder, error))?;
    let _lock = lock(&site.folder)?;
    let mut users = of(site)?;
    let was_used = !users.is_empty();
    users.retain(|other| other.state != user.state || other.address != user.address);
    users.push(user);
    json_file::write(&site.sidecar(), &Users { users })?;
    Ok(was_used)
}

/// Records that a user is gone, and removes the volume if it was the last.
pub(super) fn leave(site: &Site, state: &str, id: &str) -> Result<Left, ProviderError> {
    let Some(_lock) = lock_existing(&site.folder)? else { return Ok(Left::Removed) };
    let mut users = of(site)?;
    let before = users.len();
    users.retain(|user| !(user.state.as_str() == state && user.token.0.as_str() == id));
    if users.len() == before {
        crate::data::remove::tree(&site.aside())?;
        return Ok(if site.path().exists() { Left::NotTheirs } else { Left::Removed });
    }
    if !users.is_empty() {
        let others = users.len();
        json_file::write(&site.sidecar(), &Users { users })?;
        return Ok(Left::Used(others));
    }
    set_aside(site)?;
    json_file::remove(&site.sidecar())?;
    crate::data::remove::tree(&site.aside())?;
    // Fails while other volumes are in it.
    let _ = fs::remove_dir(&site.folder);
    Ok(Left::Removed)
}

/// Records that a user is gone who never got the volume filled.
pub(super) fn leave_unfilled(site: &Site, state: &str, id: &str) -> Result<(), ProviderError> {
    let Some(_lock) = lock_existing(&site.folder)? else { return Ok(()) };
    let mut users = of(site)?;
    users.retain(|user| !(user.state.as_str() == state && user.token.0.as_str() == id));
    if users.is_empty() {
        json_file::remove(&site.sidecar())
    } else {
        json_file::write(&site.sidecar(), &Users { users })
    }
}

fn lock(folder: &Path) -> Result<File, ProviderError> {
    let fail = |error| failed("lock", folder, error);
    let file = File::open(folder).map_err(fail)?;
    file.lock().map_err(fail)?;
    Ok(file)
}

fn lock_existing(folder: &Path) -> Result<Option<File>, ProviderError> {
    match fs::metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("look at", folder, error)),
        Ok(_) => lock(folder).map(Some),
    }
}

/// Moves a volume out of the way before it is removed, so that nobody takes a half-removed one for whole.
fn set_aside(site: &Site) -> Result<(), ProviderError> {
    // A removal that broke off left one there.
    crate::data::remove::tree(&site.aside())?;
    match fs::rename(site.path(), site.aside()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", &site.path(), error)),
        Ok(()) | Err(_) => Ok(()),
    }
}
