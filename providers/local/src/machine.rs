//! Where on this machine the provider works.

use std::path::{Path, PathBuf};

use loam_provider::ConfigureCx;

/// The directories that the kinds start from.
#[derive(Debug, Clone)]
pub struct Machine {
    base_dir: PathBuf,
    loam_dir: PathBuf,
    executable: PathBuf,
}

impl Machine {
    /// Returns the machine as the engine describes it.
    #[must_use]
    pub fn new(cx: &ConfigureCx) -> Self {
        Self { base_dir: cx.base_dir.clone(), loam_dir: cx.loam_dir.clone(), executable: cx.executable.clone() }
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
