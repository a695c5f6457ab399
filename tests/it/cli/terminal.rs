//! What a person at a terminal is asked and shown; `script` plays the terminal.

use std::{
    io::{Read as _, Write as _},
    process::{Command, Stdio},
};

use crate::support::Project;

const ONE: &str = "resource \"loam_data\" \"a\" {\n  input = \"one\"\n}\n";

/// Runs loam at a terminal, types something when it asks, and returns its exit code and all that was shown.
fn answer(project: &Project, arguments: &str, typed: &str) -> (i32, String) {
    let mut command = Command::new("script");
    project.bare(&mut command);
    command.args(["--quiet", "--return", "--command", &format!("exec \"$IT_LOAM\" {arguments}"), "/dev/null"]);
    command
        .env("IT_LOAM", env!("CARGO_BIN_EXE_loam"))
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut shown, mut bytes) = (String::new(), [0; 4096]);
    let mut has_asked = false;
    loop {
        let length = stdout.read(&mut bytes).unwrap();
        if length == 0 {
            break;
        }
        shown.push_str(&String::from_utf8_lossy(&bytes[..length]));
        if !has_asked && shown.contains("is accepted: ") {
            has_asked = true;
            stdin.write_all(typed.as_bytes()).unwrap();
        }
    }
    assert!(has_asked, "nothing was asked: {shown}");
    (child.wait().unwrap().code().unwrap(), shown)
}

#[test]
fn yes_applies() {
    let project = Project::with(ONE);
    let (code, shown) = answer(&project, "apply", "yes\n");
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("\u{1b}["), "a terminal has colours: {shown}");
    assert_eq!(project.addresses(), ["loam_data.a"]);
    let (code, shown) = answer(&project, "--no-color destroy", "yes\n");
    assert_eq!(code, 0, "{shown}");
    assert_eq!(project.addresses(), [""; 0]);
}

#[test]
fn anything_else_does_not() {
    let project = Project::with(ONE);
    for typed in ["y\n", "no\n", "\n", "\u{4}"] {
        let (code, shown) = answer(&project, "apply", typed);
        assert_eq!(code, 1, "{shown}");
        assert!(shown.contains("not confirmed; nothing was changed"), "{shown}");
        assert_eq!(project.addresses(), [""; 0]);
    }
}

#[test]
fn an_interrupt_is_an_answer() {
    let project = Project::with(ONE);
    let (code, shown) = answer(&project, "apply", "\u{3}");
    assert_eq!(code, 1, "{shown}");
    assert!(shown.contains("nothing was changed"), "{shown}");
    assert_eq!(project.addresses(), [""; 0]);
}
