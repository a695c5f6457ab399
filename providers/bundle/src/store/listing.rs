//! Listing a directory as a bucket: keys in byte order, page by page.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use loam_provider::{ObjectKey, ObjectMeta, Page};

use super::directory::{RESERVED, describe};

type Failed = (PathBuf, io::Error);

/// Returns at most `limit` objects whose keys start with `prefix` and sort after `after`.
pub(super) fn page(root: &Path, prefix: &str, after: Option<&str>, limit: usize) -> Result<Page, Failed> {
    let mut listing = Listing { root, prefix, after: after.unwrap_or(""), limit, objects: Vec::new(), is_full: false };
    listing.folder("")?;
    let next = listing.is_full.then(|| listing.objects.last().map(|last| last.key.to_string())).flatten();
    Ok(Page { objects: listing.objects, next })
}

struct Listing<'a> {
    root: &'a Path,
    prefix: &'a str,
    after: &'a str,
    limit: usize,
    objects: Vec<ObjectMeta>,
    /// Whether there was an object more than fits.
    is_full: bool,
}

impl Listing<'_> {
    /// Lists what is in the folder whose keys start with `above`, which is empty or ends with a slash.
    fn folder(&mut self, above: &str) -> Result<(), Failed> {
        let path = self.root.join(above);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            // A folder below the root may be gone since its parent was read.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !above.is_empty() => return Ok(()),
            Err(error) => return Err((path, error)),
        };
        // With its slash a folder sorts as its keys do.
        let mut keys = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| (path.clone(), error))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let Ok(kind) = entry.file_type() else { continue };
            if name.starts_with(RESERVED) || !(kind.is_dir() || kind.is_file()) {
                continue;
            }
            keys.push(if kind.is_dir() { format!("{above}{name}/") } else { format!("{above}{name}") });
        }
        keys.sort_unstable();
        for key in keys {
            if self.is_full {
                break;
            }
            if key.ends_with('/') {
                let may_match = key.starts_with(self.prefix) || self.prefix.starts_with(&key);
                let may_follow = *key > *self.after || self.after.starts_with(&key);
                if may_match && may_follow {
                    self.folder(&key)?;
                }
            } else if key.starts_with(self.prefix) && *key > *self.after {
                self.object(&key)?;
            }
        }
        Ok(())
    }

    fn object(&mut self, key: &str) -> Result<(), Failed> {
        let path = self.root.join(key);
        let Ok(key) = ObjectKey::new(key) else { return Ok(()) };
        let metadata = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err((path, error)),
        };
        if self.objects.len() == self.limit {
            self.is_full = true;
        } else {
            self.objects.push(describe(key, &metadata));
        }
        Ok(())
    }
}
