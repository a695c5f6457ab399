//! Installs missing programs from Debian's packages.
//!
//! What is done as root is all in `install.sh`, so that it can be read, and run by hand
//! where this program may not.

use std::process::{Command, Stdio};

use crate::{
    StepError,
    programs::{Program, is_on_path, missing, packages},
};

const SCRIPT: &str = include_str!("../install.sh");

/// Why the programs are not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InstallError {
    #[error("the tests need {}, and installing takes root; run\n\n    sudo {}\n", names(missing), by_hand(missing))]
    NotRoot { missing: Vec<Program> },
    #[error("the tests need {}, and this machine has no `apt-get`; install them and try again", names(missing))]
    NotDebian { missing: Vec<Program> },
    #[error("the tests need {}, not on PATH although the packages are installed", names(missing))]
    StillMissing { missing: Vec<Program> },
    #[error("failed to install {}", names(missing))]
    Failed { missing: Vec<Program>, source: StepError },
}

/// Who runs the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Privilege {
    Root,
    Sudo,
}

/// Installs what is missing of `needed`.
pub(crate) fn ensure(needed: &[Program]) -> Result<(), InstallError> {
    let missing_now = missing(needed, is_on_path);
    if missing_now.is_empty() {
        return Ok(());
    }
    if !is_on_path("apt-get") {
        return Err(InstallError::NotDebian { missing: missing_now });
    }
    let Some(privilege) = privilege() else { return Err(InstallError::NotRoot { missing: missing_now }) };
    eprintln!("xtask: the tests need {}: installing", names(&missing_now));
    install(privilege, &missing_now).map_err(|source| InstallError::Failed { missing: missing_now.clone(), source })?;
    let missing_still = missing(needed, is_on_path);
    if missing_still.is_empty() { Ok(()) } else { Err(InstallError::StillMissing { missing: missing_still }) }
}

/// Returns how to become root without being asked for a password.
fn privilege() -> Option<Privilege> {
    if rustix::process::geteuid().is_root() {
        return Some(Privilege::Root);
    }
    let sudo = Command::new("sudo").args(["-n", "true"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    sudo.is_ok_and(|status| status.success()).then_some(Privilege::Sudo)
}

fn install(privilege: Privilege, programs: &[Program]) -> Result<(), StepError> {
    let mut command = match privilege {
        Privilege::Root => Command::new("sh"),
        Privilege::Sudo => {
            let mut sudo = Command::new("sudo");
            sudo.args(["-n", "sh"]);
            sudo
        }
    };
    eprintln!("xtask: {}", by_hand(programs));
    let status = command
        .args(["-c", SCRIPT, "install.sh"])
        .args(packages(programs))
        .stdin(Stdio::null())
        .status()
        .map_err(|source| StepError::Start { program: "sh".to_owned(), source })?;
    if status.success() { Ok(()) } else { Err(StepError::Failed { command: by_hand(programs), status }) }
}

/// Returns the command, typed in the workspace, that installs `programs`.
fn by_hand(programs: &[Program]) -> String {
    let packages = Vec::from_iter(packages(programs));
    format!("sh tests/harness/install.sh {}", packages.join(" "))
}

fn names(programs: &[Program]) -> String {
    let names: Vec<_> = programs.iter().map(|program| format!("`{}`", program.name)).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MISSING: [Program; 2] =
        [Program { name: "zstd", package: "zstd" }, Program { name: "sha256sum", package: "coreutils" }];

    #[test]
    fn who_may_not_install_is_told_what_to_run() {
        let error = InstallError::NotRoot { missing: MISSING.to_vec() };
        assert_eq!(
            error.to_string(),
            "the tests need `zstd`, `sha256sum`, and installing takes root; run\n\n    \
             sudo sh tests/harness/install.sh coreutils zstd\n"
        );
    }

    #[test]
    fn every_failure_names_the_programs() {
        let missing = MISSING.to_vec();
        let source = StepError::Start { program: "sh".to_owned(), source: std::io::ErrorKind::NotFound.into() };
        let errors = [
            InstallError::NotDebian { missing: missing.clone() },
            InstallError::StillMissing { missing: missing.clone() },
            InstallError::Failed { missing, source },
        ];
        for error in errors {
            assert!(error.to_string().contains("`zstd`, `sha256sum`"), "{error}");
        }
    }

    #[test]
    fn nothing_is_installed_where_nothing_is_missing() {
        assert!(ensure(&[Program { name: "sh", package: "no-such-package-anywhere" }]).is_ok());
    }
}
