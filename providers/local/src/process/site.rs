//! Where what an object makes stands: a directory that says whose it is.
//!
//! Its name is the object's name and a hash of address and state, so it is found again without
//! a record; `owner.json` inside says which operation made it and whether that one came to its end.

use std::path::{Path, PathBuf};

use loam_provider::{CallCx, ProviderError};
use serde::{Deserialize, Serialize};

use crate::files::{FileError, fs};

/// How many objects of one address can stand side by side: while one replaces another there are two.
const SIDE_BY_SIDE: usize = 100;

/// Whose a directory is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owner {
    pub(crate) address: String,
    pub(crate) state_id: String,
    /// The operation that last changed what is here.
    pub(crate) token: String,
    /// Whether that operation came to its end.
    pub(crate) is_finished: bool,
    /// Whether the first creation came to its end.
    pub(crate) is_made: bool,
    /// Whether the bootstrap has run, where there is one to run.
    #[serde(default)]
    pub(crate) bootstrapped: Option<bool>,
}

/// The directory of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Site(pub(crate) PathBuf);

impl Site {
    /// Returns where a new object of this name stands: where nothing is, or what this operation left unfinished.
    pub(crate) fn free(root: &Path, name: &str, cx: &CallCx) -> Result<Self, FileError> {
        for site in Self::possible(root, name, cx) {
            match site.owner()? {
                Some(owner) if owner.is_of(cx) && (!owner.is_made || owner.token == cx.token.0.as_str()) => {
                    return Ok(site);
                }
                Some(_) => {}
                None if site.is_vacant()? => return Ok(site),
                None => {}
            }
        }
        let source = std::io::Error::other("too many objects of this address stand there already");
        Err(FileError { action: "make directory", path: root.join(name), source })
    }

    /// Returns where the call with this token works or worked; what dead calls had begun to make or to delete
    /// is deleted.
    pub(crate) fn of_token(root: &Path, cx: &CallCx) -> Result<Option<Self>, FileError> {
        let hash = hash(cx);
        for name in fs::names(root)? {
            let site = Self(root.join(&name));
            // The hash says whose it is where no file does: not yet, or no longer.
            if name.contains(&hash) && (fs::is_being_deleted(&name) || site.is_vacant()?) {
                std::fs::remove_dir_all(&site.0).map_err(FileError::on("delete", &site.0))?;
                continue;
            }
            if name.contains(&hash) {
                site.sweep()?;
            }
            if name.contains(&hash)
                && site.owner()?.is_some_and(|owner| owner.is_of(cx) && owner.token == cx.token.0.as_str())
            {
                return Ok(Some(site));
            }
        }
        Ok(None)
    }

    fn possible(root: &Path, name: &str, cx: &CallCx) -> impl Iterator<Item = Self> {
        let first = root.join(format!("{name}-{}", hash(cx)));
        (1..SIDE_BY_SIDE).map(move |number| match number {
            1 => Self(first.clone()),
            number => Self(PathBuf::from(format!("{}-{number}", first.display()))),
        })
    }

    /// Deletes files of this directory and of those in it that a dead call did not write to the end.
    fn sweep(&self) -> Result<(), FileError> {
        fs::sweep(&self.0)?;
        for name in fs::names(&self.0)? {
            if self.0.join(&name).is_dir() {
                fs::sweep(&self.0.join(&name))?;
            }
        }
        Ok(())
    }

    /// Returns whether nothing stands here but what a call that died while it claimed it may have left.
    fn is_vacant(&self) -> Result<bool, FileError> {
        let begun = fs::beside(&self.owner_file());
        Ok(fs::names(&self.0)?.iter().all(|name| begun.file_name().is_some_and(|begun| begun == name.as_str())))
    }

    pub(crate) fn owner(&self) -> Result<Option<Owner>, FileError> {
        Ok(fs::read(&self.owner_file())?.and_then(|text| serde_json::from_slice(&text).ok()))
    }

    /// Makes the directory, or takes up what the same object's operation began; returns its owner as it is now.
    pub(crate) fn claim(&self, cx: &CallCx) -> Result<Owner, ProviderError> {
        let token = cx.token.0.to_string();
        let (address, state_id) = (cx.address.to_string(), cx.state_id.to_string());
        let found = self.owner()?;
        let owner = match found {
            Some(owner) if !owner.is_of(cx) || (owner.is_made && owner.token != token) => {
                let message = format!("`{}` belongs to `{}`", self.0.display(), owner.address);
                return Err(ProviderError::failed(message).hint("Plan again; if it is left over, delete it."));
            }
            Some(owner) => Owner { token, is_finished: false, ..owner },
            None if !self.is_vacant()? => {
                let message = format!("`{}` is there already, and nothing says whose it is", self.0.display());
                return Err(ProviderError::failed(message).hint("Move it away."));
            }
            None => {
                fs::make_directory(&self.0, 0o700)?;
                Owner { address, state_id, token, is_finished: false, is_made: false, bootstrapped: None }
            }
        };
        self.write(&owner)?;
        Ok(owner)
    }

    /// Checks that what stands here is this object's, and notes which operation changes it.
    pub(crate) fn change(&self, cx: &CallCx) -> Result<Owner, ProviderError> {
        self.check(cx)?;
        fs::make_directory(&self.0, 0o700)?;
        let (address, state_id) = (cx.address.to_string(), cx.state_id.to_string());
        let token = cx.token.0.to_string();
        // Without its owner's file there is nothing but what the object says, and that was made once.
        let (is_made, bootstrapped) = self.owner()?.map_or((true, None), |owner| (owner.is_made, owner.bootstrapped));
        let owner = Owner { address, state_id, token, is_finished: false, is_made, bootstrapped };
        self.write(&owner)?;
        Ok(owner)
    }

    /// Checks that what stands here is of this state.
    pub(crate) fn check(&self, cx: &CallCx) -> Result<(), ProviderError> {
        match self.owner()? {
            Some(owner) if owner.state_id != cx.state_id.as_str() => {
                let message = format!("`{}` belongs to `{}` of another state", self.0.display(), owner.address);
                Err(ProviderError::failed(message)
                    .hint("loam never touches what another state has made: destroy it from there, or move it away."))
            }
            Some(_) | None => Ok(()),
        }
    }

    pub(crate) fn write(&self, owner: &Owner) -> Result<(), FileError> {
        fs::write(&self.owner_file(), &serde_json::to_vec_pretty(owner).expect("an owner is JSON"), 0o600)
    }

    /// Deletes the directory with all in it, and its parent if that is loam's own and empty now.
    pub(crate) async fn remove(&self, loam_dir: &Path) -> Result<(), FileError> {
        fs::remove_large_directory(&self.0).await?;
        if let Some(parent) = self.0.parent()
            && parent.starts_with(loam_dir)
        {
            // It may hold others; then it stays.
            let _ = std::fs::remove_dir(parent);
        }
        Ok(())
    }

    fn owner_file(&self) -> PathBuf {
        self.0.join("owner.json")
    }
}

impl Owner {
    fn is_of(&self, cx: &CallCx) -> bool {
        self.address == cx.address.as_str() && self.state_id == cx.state_id.as_str()
    }
}

fn hash(cx: &CallCx) -> String {
    fs::digest_of(format!("{}\0{}", cx.address, cx.state_id).as_bytes())[..10].to_owned()
}

/// Returns a name made of an address: `module.a.network.bench["eu"]` is `bench-eu`.
pub(crate) fn name_of(address: &str) -> String {
    let (mut depth, mut start) = (0, 0);
    for (at, char) in address.char_indices() {
        match char {
            '[' => depth += 1,
            ']' => depth -= 1,
            '.' if depth == 0 => start = at + 1,
            _ => {}
        }
    }
    plain(&address[start..])
}

/// Returns a text as a name for a directory: letters, digits and hyphens.
pub(crate) fn plain(text: &str) -> String {
    let plain: String = text.chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '-' }).collect();
    let mut name = String::new();
    for part in plain.split('-').filter(|part| !part.is_empty()) {
        if !name.is_empty() {
            name.push('-');
        }
        name.push_str(part);
    }
    name.truncate(40);
    if name.is_empty() { "unnamed".into() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_last_part_of_an_address() {
        let table = [
            ("network.bench", "bench"),
            ("module.a.network.bench[0]", "bench-0"),
            (r#"module.a["x.y"].network.bench_2["eu.west"]"#, "bench-2-eu-west"),
            (r#"module.a["x.y"].process.p"#, "p"),
        ];
        for (address, name) in table {
            assert_eq!(name_of(address), name);
        }
    }
}
