//! The programs that the tests use besides Rust's.

use std::{collections::BTreeSet, env, os::unix::fs::PermissionsExt, path::Path};

/// A program and the Debian package that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) package: &'static str,
}

/// Archives are checked with the tools their users have; `script` plays a terminal, `unshare` and `mount` a disk that
/// is full; the etcd example runs real servers.
pub(crate) const NEEDED: &[Program] = &[
    Program { name: "tar", package: "tar" },
    Program { name: "zstd", package: "zstd" },
    Program { name: "sha256sum", package: "coreutils" },
    Program { name: "curl", package: "curl" },
    Program { name: "script", package: "bsdutils" },
    Program { name: "unshare", package: "util-linux" },
    Program { name: "mount", package: "mount" },
    Program { name: "etcd", package: "etcd-server" },
    Program { name: "etcdctl", package: "etcd-client" },
];

/// Returns those of `programs` that `is_present` does not know.
pub(crate) fn missing(programs: &[Program], is_present: impl Fn(&str) -> bool) -> Vec<Program> {
    programs.iter().copied().filter(|program| !is_present(program.name)).collect()
}

/// Returns each package of `programs` once, in order of names.
pub(crate) fn packages(programs: &[Program]) -> BTreeSet<&'static str> {
    programs.iter().map(|program| program.package).collect()
}

/// Returns whether `name` is an executable file in a directory of `PATH`.
pub(crate) fn is_on_path(name: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| is_executable(&directory.join(name)))
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::fs;

    use super::*;

    #[test]
    fn only_what_is_missing_is_asked_for() {
        let asked = |is_present: fn(&str) -> bool| Vec::from_iter(packages(&missing(NEEDED, is_present)));
        assert_eq!(asked(|_| true), Vec::<&str>::new());
        assert_eq!(asked(|name| !name.starts_with("etcd")), ["etcd-client", "etcd-server"]);
        assert_eq!(asked(|_| false).len(), NEEDED.len());
    }

    #[test]
    fn a_package_of_two_programs_is_asked_for_once() {
        let programs = ["a", "b"].map(|name| Program { name, package: "both" });
        assert_eq!(Vec::from_iter(packages(&programs)), ["both"]);
    }

    #[test]
    fn only_executable_files_are_programs() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("program");
        assert!(!is_executable(&path));
        fs::write(&path, "").unwrap();
        assert!(!is_executable(&path));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(is_executable(&path));
        assert!(!is_executable(dir.path()));
    }
}
