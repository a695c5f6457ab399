//! Where on this machine the provider works.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    },
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use loam_provider::ConfigureCx;

/// The directories that the kinds start from.
#[derive(Debug)]
pub struct Machine {
    base_dir: PathBuf,
    loam_dir: PathBuf,
    executable: PathBuf,
    ports: Mutex<BTreeMap<u16, UnixDatagram>>,
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

    /// Takes a port for as long as this run lasts; false if this run or another one has it.
    ///
    /// Between the choice of a port and the moment at which its node listens, nothing shows that it is taken. The
    /// name of a socket does: the kernel gives it to one process only, among those who share the ports, and takes
    /// it back when that process ends in whatever way.
    #[must_use]
    pub(crate) fn reserve(&self, port: u16) -> bool {
        let mut ports = self.ports.lock().unwrap_or_else(PoisonError::into_inner);
        let Entry::Vacant(free) = ports.entry(port) else { return false };
        let name = SocketAddr::from_abstract_name(format!("loam-port-{port}"));
        match name.and_then(|name| UnixDatagram::bind_addr(&name)) {
            Ok(held) => {
                free.insert(held);
                true
            }
            Err(_) => false,
        }
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
