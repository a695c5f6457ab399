//! Where on this machine the provider works.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Mutex,
};

use loam_provider::ConfigureCx;

/// The directories that the kinds start from.
#[derive(Debug)]
pub struct Machine {
    base_dir: PathBuf,
    loam_dir: PathBuf,
    executable: PathBuf,
    ports: Mutex<BTreeSet<u16>>,
}

impl Machine {
    /// Returns the machine as the engine describes it.
    #[must_use]
    pub fn new(cx: &ConfigureCx) -> Self {
        let (base_dir, loam_dir) = (cx.base_dir.clone(), cx.loam_dir.clone());
        Self { base_dir, loam_dir, executable: cx.executable.clone(), ports: Mutex::default() }
    }

    /// Returns the directory that relative paths start from.
    #[must_use]
    pub fn base_dir(&self) -> &Path {
        &self.base_dir
    }

    /// Takes a port for this run; false if it was taken before.
    #[must_use]
    pub(crate) fn reserve(&self, port: u16) -> bool {
        self.ports.lock().is_ok_and(|mut ports| ports.insert(port))
    }

    /// Returns a path of the configuration as an absolute one.
    #[must_use]
    pub fn path(&self, written: &str) -> PathBuf {
        self.base_dir.join(written)
    }

    /// Returns the directory of what is loam's own.
    #[must_use]
    pub fn loam_dir(&self) -> &Path {
        &self.loam_dir
    }

    /// Returns the loam executable, whose hidden commands start detached processes.
    #[must_use]
    pub fn executable(&self) -> &Path {
        &self.executable
    }
}
