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

/// Runs loam at a terminal, types a line at each prompt in turn, and returns its exit code and all that was shown.
fn converse(project: &Project, arguments: &str, typed: &[(&str, &str)]) -> (i32, String) {
    at_terminal(project, &format!("exec \"$IT_LOAM\" {arguments}"), typed)
}

fn at_terminal(project: &Project, line: &str, typed: &[(&str, &str)]) -> (i32, String) {
    let mut command = Command::new("script");
    project.bare(&mut command);
    command.args(["--quiet", "--return", "--command", line, "/dev/null"]);
    command
        .env("IT_LOAM", env!("CARGO_BIN_EXE_loam"))
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut shown, mut seen, mut bytes) = (String::new(), 0, [0; 4096]);
    let mut typed = typed.iter();
    let mut next = typed.next();
    loop {
        let length = stdout.read(&mut bytes).unwrap();
        if length == 0 {
            break;
        }
        shown.push_str(&String::from_utf8_lossy(&bytes[..length]));
        while let Some((prompt, line)) = next
            && let Some(at) = shown[seen..].find(prompt)
        {
            seen += at + prompt.len();
            stdin.write_all(line.as_bytes()).unwrap();
            next = typed.next();
        }
    }
    assert!(next.is_none(), "{next:?} was not asked for: {shown}");
    (child.wait().unwrap().code().unwrap(), shown)
}

const ASKING: &str = r#"
variable "region" {
  description = "Where it stands."
}
variable "ports" {
  type = list(number)
  validation {
    condition     = length(var.ports) > 0
    error_message = "There must be a port."
  }
}
variable "token" {
  sensitive = true
}
variable "given" {
  default = "yes"
}
resource "loam_data" "a" {
  input = { region = var.region, ports = var.ports, length = length(var.token) }
}
output "region" {
  value = "${var.region} ${join(",", var.ports)} ${nonsensitive(length(var.token))}"
}
"#;

#[test]
fn what_is_missing_is_asked_for_until_it_fits() {
    let project = Project::with(ASKING);
    let answers = [
        ("var.ports = ", "80\n"),
        ("var.ports = ", "[80,\n"),
        ("var.ports = ", "[]\n"),
        ("var.ports = ", "[80, 443]\n"),
        ("var.region = ", "eu\n"),
        ("var.token = ", "huntre\u{7f}\u{7f}er2\n"),
        ("is accepted: ", "yes\n"),
    ];
    let (code, shown) = converse(&project, "--no-color apply", &answers);
    assert_eq!(code, 0, "{shown}");
    for told in ["Where it stands.", "a list of number is required", "There must be a port.", "eu 80,443 7"] {
        assert!(shown.contains(told), "{told}: {shown}");
    }
    assert!(!shown.contains("hunt"), "a secret was shown: {shown}");
    // With all values given nothing is asked.
    let (code, shown) = converse(&project, "plan --var region=eu --var ports=[80,443] --var token=hunter2", &[]);
    assert_eq!(code, 0, "{shown}");
}

#[test]
fn nobody_is_asked_who_did_not_want_to_be() {
    let project = Project::with("variable \"region\" {}\n");
    for arguments in ["plan --input=false", "plan --json"] {
        let (code, shown) = converse(&project, arguments, &[]);
        assert_eq!(code, 1, "{shown}");
        assert!(shown.contains("was given no value"), "{shown}");
    }
    let (code, shown) = converse(&project, "plan", &[("var.region = ", "\u{4}")]);
    assert_eq!(code, 1, "{shown}");
    assert!(shown.contains("was given no value"), "{shown}");
}

#[test]
fn an_interrupted_question_leaves_the_terminal_as_it_was() {
    let project = Project::with("variable \"token\" {\n  ephemeral = true\n}\n");
    let line = "\"$IT_LOAM\" plan; echo \"ended with $?\"; stty -a | tr ' ' '\\n' | grep -x -e '-*echo' -e '-*icanon' -e '-*isig'";
    let (_, shown) = at_terminal(&project, line, &[("var.token = ", "hun\u{3}")]);
    assert!(shown.contains("interrupted; nothing was changed") && shown.contains("ended with 1"), "{shown}");
    let modes: Vec<&str> = shown.lines().rev().take(3).map(str::trim).collect();
    assert_eq!(modes, ["echo", "icanon", "isig"], "{shown}");
}
