use insta::assert_snapshot;

use crate::support::{Done, Project};

const PAIR: &str = r#"resource "loam_data" "a" {
  input = "one"
}

resource "loam_data" "b" {
  input = "${loam_data.a.output} two"
}

output "text" {
  value = loam_data.b.output
}

output "list" {
  value = ["x", loam_data.a.output]
}

output "password" {
  value     = "hunter2"
  sensitive = true
}
"#;

#[test]
fn exit_codes_are_terraforms() {
    let project = Project::with(PAIR);
    let code = |arguments: &[&str]| project.loam(arguments).code;
    assert_eq!(code(&["plan"]), 0, "changes are no failure");
    assert_eq!(code(&["plan", "--detailed-exitcode"]), 2);
    assert_eq!(code(&["apply", "--auto-approve"]), 0);
    assert_eq!(code(&["plan", "--detailed-exitcode"]), 0);
    assert_eq!(code(&["plan", "--destroy", "--detailed-exitcode"]), 2);
    assert_eq!(code(&["plan", "--replace", "loam_data.b", "--detailed-exitcode"]), 2);
    assert_eq!(code(&["plan", "--replace", "loam_data.none"]), 1);
    assert_eq!(code(&["no-such-command"]), 1);
    assert_eq!(code(&["--help"]), 0);
    assert_eq!(code(&["destroy", "--auto-approve"]), 0);
    assert_eq!(code(&["plan", "--destroy", "--detailed-exitcode"]), 0);
}

#[test]
fn results_go_to_standard_output_and_the_rest_to_standard_error() {
    let project = Project::with(PAIR);
    assert_snapshot!(project.shown(&project.loam(&["plan"]).told()), @r#"
    exit 0
    --- stdout
    loam will:
      + create

      + loam_data.a (loam)
          input = "one"
          # known after apply: id, output

      + loam_data.b (loam)
          input = (known after apply)
          # known after apply: id, output

    Outputs:
      + list     = ["x", (known after apply)]
      + password = (sensitive)
      + text     = (known after apply)

    Plan: 2 to create.
    "#);
    assert_snapshot!(project.shown(&project.apply(&[]).told()), @r#"
    exit 0
    --- stdout
    loam will:
      + create

      + loam_data.a (loam)
          input = "one"
          # known after apply: id, output

      + loam_data.b (loam)
          input = (known after apply)
          # known after apply: id, output

    Outputs:
      + list     = ["x", (known after apply)]
      + password = (sensitive)
      + text     = (known after apply)

    Plan: 2 to create.
    list     = [
      "x",
      "one",
    ]
    password = (sensitive)
    text     = "one two"
    --- stderr
    loam_data.a: creating…
    loam_data.a: created in [DURATION]
    loam_data.b: creating…
    loam_data.b: created in [DURATION]

    Applied: 2 created in [DURATION].

    Outputs:
    "#);
}

#[test]
fn without_a_terminal_nothing_is_confirmed() {
    let project = Project::with(PAIR);
    let told = |done: Done| {
        assert_eq!(done.code, 1);
        done.stderr
    };
    let refusal = told(project.loam(&["apply"]));
    assert_snapshot!(refusal, @"error: there is no terminal to ask on; pass --auto-approve to go on without being asked");
    assert_eq!(project.addresses(), [""; 0]);
    project.apply(&[]);
    project.succeed(&["apply"]);
    assert!(told(project.loam(&["destroy"])).ends_with(&refusal));
    assert_eq!(project.addresses(), ["loam_data.a", "loam_data.b"]);
}

#[test]
fn an_output_is_one_value_for_a_script() {
    let project = Project::with(PAIR);
    project.apply(&[]);
    assert_eq!(project.succeed(&["output", "text", "--raw"]), "one two");
    assert_eq!(project.succeed(&["output", "text", "--json"]), "\"one two\"\n");
    assert_eq!(project.succeed(&["output", "list", "--json"]), "[\"x\",\"one\"]\n");
    assert_snapshot!(project.succeed(&["output"]), @r#"
    list     = [
      "x",
      "one",
    ]
    password = (sensitive)
    text     = "one two"
    "#);
    let raw = project.loam(&["output", "list", "--raw"]);
    assert_eq!((raw.code, raw.stdout.as_str()), (1, ""), "{}", raw.told());
    let misspelt = project.loam(&["output", "txet"]);
    assert_snapshot!(misspelt.told(), @"
    exit 1
    --- stderr
    error: there is no output `txet` in the state
    hint: Did you mean `text`?
    ");
}

#[test]
fn a_secret_is_shown_only_when_it_is_asked_for_by_name() {
    let project = Project::with(PAIR);
    for arguments in [&["plan"][..], &["plan", "--json"], &["apply", "--auto-approve", "--json"]] {
        let told = project.loam(arguments).told();
        assert!(!told.contains("hunter2"), "{told}");
    }
    for arguments in [&["output"][..], &["output", "--json"], &["show"], &["show", "--json"], &["output", "password"]] {
        let told = project.loam(arguments).told();
        assert!(!told.contains("hunter2"), "{told}");
    }
    assert_eq!(project.succeed(&["output", "password", "--raw"]), "hunter2");
    let state = std::fs::read(project.path(".loam/state.db")).unwrap();
    assert!(!String::from_utf8_lossy(&state).contains("hunter2"));
}

#[test]
fn init_writes_a_configuration_that_works() {
    let project = Project::empty();
    project.succeed(&["init"]);
    let written = project.read("main.loam.hcl");
    project.succeed(&["fmt", "--check"]);
    project.succeed(&["validate"]);
    project.apply(&[]);
    let endpoints = project.output_map("endpoints");
    assert_eq!(endpoints.len(), 3);
    crate::support::put(&format!("{}/kv/greeting", endpoints["0"]), "hello");
    project.assert_settled(&[]);
    project.succeed(&["init"]);
    assert_eq!(project.read("main.loam.hcl"), written, "a second init changes nothing");
    project.succeed(&["destroy", "--auto-approve"]);
    assert_eq!(project.processes(), []);
}

#[test]
fn what_is_empty_says_so_and_results_stay_empty() {
    let project = Project::with(PAIR);
    for arguments in [&["show"][..], &["state", "list"], &["output"]] {
        let done = project.loam(arguments);
        assert_eq!((done.code, done.stdout.as_str()), (0, ""), "{}", done.told());
        assert_eq!(done.stderr.lines().count(), 1, "{}", done.told());
    }
    project.apply(&[]);
    let again = project.apply(&[]);
    assert!(again.stdout.starts_with("No changes. The world is as the configuration says.\n"), "{}", again.told());
    assert!(!again.stderr.contains("Applied"), "{}", again.told());
}

#[test]
fn a_misused_command_line_is_answered_as_every_other_error() {
    let project = Project::with(PAIR);
    let done = project.loam(&["plan", "-out=saved.plan"]);
    assert_snapshot!(done.told(), @"
    exit 1
    --- stderr
    error: `-out=saved.plan` has one dash
    hint: Write `--out=saved.plan`.
    ");
    let json = project.loam(&["--json", "paln"]);
    assert_eq!((json.code, json.stderr.as_str()), (1, ""), "{}", json.told());
    assert!(
        json.stdout.starts_with(r#"{"type":"error","#) && json.stdout.contains("Did you mean `plan`?"),
        "{}",
        json.told()
    );
    let help = project.succeed(&["--help"]);
    for variable in ["LOAM_VAR_", "LOAM_STATE_KEY", "NO_COLOR", "LOAM_LOG"] {
        assert!(help.contains(variable), "{variable} is not in\n{help}");
    }
    assert!(!project.path("ut=saved.plan").exists());
}

#[test]
fn every_shell_can_complete() {
    let project = Project::empty();
    for (shell, sign) in [("bash", "complete -F"), ("zsh", "#compdef loam"), ("fish", "complete -c loam")] {
        let script = project.succeed(&["completions", shell]);
        assert!(script.contains(sign) && script.contains("detailed-exitcode"), "{shell}: {script}");
    }
}

#[test]
fn version_and_providers_tell_what_is_built_in() {
    let project = Project::empty();
    let version = project.succeed(&["version"]);
    assert!(version.starts_with(concat!("loam ", env!("CARGO_PKG_VERSION"), "\n")), "{version}");
    let providers = project.succeed(&["providers"]);
    for kind in ["bucket", "seed_archive", "seed_volume", "network", "snapshot", "replica", "process", "loam_data"] {
        assert!(providers.lines().any(|line| line.trim_start().starts_with(kind)), "{kind} is not in\n{providers}");
    }
}

#[test]
fn results_that_cannot_be_written_are_a_failure() {
    let project = Project::with(PAIR);
    project.apply(&[]);
    let before = project.world();
    for arguments in [&["plan"][..], &["show", "--json"], &["apply", "--replace", "loam_data.a", "--auto-approve"]] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let done = project.command(arguments).stdout(full).stderr(std::process::Stdio::piped()).spawn().unwrap();
        let output = done.wait_with_output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {told}");
        assert!(told.contains("failed to write to standard output"), "{arguments:?}: {told}");
    }
    assert_eq!(project.world(), before);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let project = Project::with(PAIR);
    project.apply(&[]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let done = project.command(&["show"]).stdout(writer).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let output = done.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""));
}
