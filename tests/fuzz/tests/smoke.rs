//! A few texts of each target, always the same.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{fs, path::Path, process::Command};

fn fuzz(arguments: &[&str], folder: &Path) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_loam-fuzz")).args(arguments).current_dir(folder).output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr))
}

fn finds_nothing(target: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (is_well, told) = fuzz(&[target, "--count", "400", "--seed", "7", "--folder", "."], folder.path());
    let text = fs::read_to_string(folder.path().join(format!("{target}-7.hcl"))).unwrap_or_default();
    assert!(is_well, "{told}\n{text}");
    assert!(told.contains("400 texts"), "{told}");
}

#[test]
fn no_text_breaks_the_parser() {
    finds_nothing("parse");
}

#[test]
fn no_text_breaks_the_evaluator() {
    finds_nothing("eval");
}

#[test]
fn no_text_breaks_the_formatter_nor_is_broken_by_it() {
    finds_nothing("fmt");
}
