//! A state whose files were damaged ends with an error that names the file and the way out, and changes nothing.

use std::fs;

use crate::support::Project;

const CONFIGURATION: &str = r#"
variable "password" {
  sensitive = true
  default   = "c4nary"
}
resource "file" "card" {
  path    = "card.txt"
  content = "of ${var.password}"
}
resource "process" "sleeper" {
  command = ["sleep", "1000"]
}
"#;

/// Applies, spoils a file of the state, and checks what every command says; then puts the file back.
fn spoiled(name: &str, spoil: impl Fn(&[u8]) -> Option<Vec<u8>>, message: &str, hint: &str) {
    let project = Project::with(CONFIGURATION);
    project.apply(&[]);
    let before = project.world();
    let path = project.path(name);
    let kept = fs::read(&path).unwrap();
    match spoil(&kept) {
        Some(content) => fs::write(&path, content).unwrap(),
        None => fs::remove_file(&path).unwrap(),
    }
    for command in [&["plan"][..], &["show"], &["apply", "--auto-approve"], &["destroy", "--auto-approve"]] {
        let done = project.loam(command);
        let shown = project.shown(&done.stderr);
        assert_eq!(done.code, 1, "{command:?}: {}", done.told());
        assert!(shown.contains(message) && shown.contains(hint), "{command:?}: {shown}");
    }
    fs::write(&path, kept).unwrap();
    assert_eq!(project.world(), before);
    project.assert_settled(&[]);
}

#[test]
fn a_state_that_was_cut_off() {
    let message = "the state file `[DIR]/.loam/state.db` is damaged";
    spoiled(".loam/state.db", |state| Some(state[..30_000].to_vec()), message, "put a backup in their place");
    spoiled(".loam/state.db", |state| Some(state[..100].to_vec()), message, "put a backup in their place");
    let message = "the state file `[DIR]/.loam/state.db` is empty, although there was a state";
    spoiled(".loam/state.db", |_| Some(Vec::new()), message, "Put a backup in the place of");
}

#[test]
fn a_state_with_garbage_in_the_middle() {
    let garbage = |state: &[u8]| {
        let mut state = state.to_vec();
        state[12_288..20_480].fill(0xa5);
        Some(state)
    };
    let message = "the state file `[DIR]/.loam/state.db` is damaged";
    spoiled(".loam/state.db", garbage, message, "put a backup in their place");
}

#[test]
fn a_key_that_is_missing_or_another() {
    let message = "the key of the state's secrets is missing: `[DIR]/.loam/key` does not exist";
    spoiled(".loam/key", |_| None, message, "Restore `[DIR]/.loam/key` from where it is backed up");
    let message = "`[DIR]/.loam/key` does not hold a key of 64 hexadecimal digits";
    spoiled(".loam/key", |_| Some(b"00ff".to_vec()), message, "Restore the key");
    let another = |_: &[u8]| Some("5a".repeat(32).into_bytes());
    spoiled(".loam/key", another, "`[DIR]/.loam/key` holds key", "Use the key whose fingerprint is");
}

#[test]
fn a_file_where_the_directory_should_be() {
    let project = Project::with(CONFIGURATION);
    project.write(".loam", "");
    for command in [&["plan"][..], &["apply", "--auto-approve"]] {
        let done = project.loam(command);
        assert_eq!(done.code, 1, "{}", done.told());
        assert!(done.stderr.contains("hint: Move away what stands there"), "{}", done.stderr);
    }
    assert!(!project.path("card.txt").exists());
}
