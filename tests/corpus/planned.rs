//! Bad configurations that only a plan finds out about, as the program itself tells of them.
//!
//! A line `# file: NAME` begins another file than `main.loam.hcl`. What stands between `# before` and `# now` is applied
//! first.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

/// Returns what `loam plan` tells of a case.
pub(crate) fn told(text: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap();
    let mut now = String::new();
    let mut files: Vec<(&str, String)> = Vec::new();
    for line in text.split_inclusive('\n') {
        if let Some(name) = line.strip_prefix("# file: ") {
            files.push((name.trim_end(), String::new()));
        } else if line == "# now\n" {
            fs::write(path.join("main.loam.hcl"), &now).unwrap();
            let (applied, told) = loam(&path, &["apply", "--auto-approve"]);
            assert!(applied, "{text}\n{told}");
            now.clear();
        } else if line != "# before\n" {
            files.last_mut().map_or(&mut now, |(_, text)| text).push_str(line);
        }
    }
    if !now.is_empty() {
        files.push(("main.loam.hcl", now));
    }
    for (name, text) in files {
        let file = path.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let (planned, told) = loam(&path, &["plan"]);
    if planned {
        return String::new();
    }
    // How long reading took differs.
    let lines = told.lines().filter(|line| !line.starts_with("read "));
    let line = |line: &str| format!("{}\n", line.replace(&path.display().to_string(), "/project").replace(", sim", ""));
    lines.map(line).collect()
}

/// Runs loam, and returns whether it succeeded and what it told.
fn loam(dir: &Path, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loam"));
    command.args(arguments).current_dir(dir).stdin(Stdio::null()).env("LC_ALL", "C.UTF-8").env("COLUMNS", "400");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("LOAM_")) {
        command.env_remove(name);
    }
    let output = command.output().unwrap();
    (output.status.success(), String::from_utf8(output.stderr).unwrap())
}
