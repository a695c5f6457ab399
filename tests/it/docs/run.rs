//! The program in a directory of its own.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

/// What examples may refer to: a directory of data, and a file.
const FIXTURES: [(&str, &str); 3] = [
    ("seed/data.txt", "data\n"),
    ("files/genesis.json", "{\"chain\": \"bench\"}\n"),
    ("files/node.conf.tftpl", "name = ${name}\n"),
];

/// A directory with a configuration and what examples refer to.
pub(super) struct Directory(TempDir);

/// How a command ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) code: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Directory {
    pub(super) fn empty() -> Self {
        Self(tempfile::Builder::new().prefix("loam-docs-").tempdir().unwrap())
    }

    pub(super) fn with(configuration: &str) -> Self {
        let directory = Self::empty();
        for (name, text) in FIXTURES {
            directory.write(name, text);
        }
        directory.write("main.loam.hcl", configuration);
        directory
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Runs loam here, with nothing of the environment that would change what it says.
    pub(super) fn loam(&self, arguments: &[&str]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_loam"));
        command.args(arguments).current_dir(self.path()).stdin(Stdio::null());
        command.env("LC_ALL", "C.UTF-8").env_remove("COLUMNS").env_remove("NO_COLOR");
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("LOAM_")) {
            command.env_remove(name);
        }
        Ended::of(command.output().unwrap())
    }

    /// Runs loam, which must succeed, and returns what it printed.
    pub(super) fn succeed(&self, arguments: &[&str]) -> String {
        let ended = self.loam(arguments);
        assert_eq!(ended.code, 0, "loam {}\n{}{}", arguments.join(" "), ended.stdout, ended.stderr);
        ended.stdout
    }
}

impl Ended {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}
