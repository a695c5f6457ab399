//! What is wrong with the input or the world ends with an error that names the place and the way out, exit code 1, and
//! nothing half done.

use std::{fs, net::TcpListener, process::Command};

use insta::assert_snapshot;

use crate::support::{Done, Project, World, until_exists};

/// What is there before something bad is tried.
const BASE: &str = r#"
resource "loam_data" "base" {
  input = "was here before"
}
"#;

/// Returns a project in which the base was applied.
fn project() -> (Project, World) {
    let project = Project::with(BASE);
    project.apply(&[]);
    let world = project.world();
    (project, world)
}

/// Applies the base with something bad beside it, which must change nothing, and returns what was told.
fn refused(further: &str) -> String {
    let (project, world) = project();
    project.write("bad.loam.hcl", further.trim_start());
    let done = project.loam(&["apply", "--auto-approve"]);
    assert_eq!(done.code, 1, "{}", done.told());
    fs::remove_file(project.path("bad.loam.hcl")).unwrap();
    assert_eq!(project.world(), world, "something was half done\n{}", done.told());
    project.assert_settled(&[]);
    told(&project, &done)
}

/// Runs loam, which must fail, and returns what it tells.
fn fails(project: &Project, arguments: &[&str]) -> String {
    told(project, &project.loam(arguments))
}

/// Returns what a failed command tells beside its plan.
fn told(project: &Project, done: &Done) -> String {
    assert_eq!(done.code, 1, "{}", done.told());
    project.shown(&done.stderr)
}

#[test]
fn a_syntax_error() {
    assert_snapshot!(refused(r#"
resource "bucket" "archives" {
  name = "archives
}
"#), @r#"
    error: Unclosed string
      --> bad.loam.hcl:2:10
      |
    2 |   name = "archives
      |          ^^^^^^^^^
      = This string is not closed before the end of the line.
    hint: Add `"` where it ends. For text of several lines, write \n or use a heredoc: <<EOT
    "#);
}

#[test]
fn an_unknown_attribute() {
    assert_snapshot!(refused(r#"
resource "bucket" "archives" {
  name  = "archives"
  qouta = "1GiB"
}
"#), @r#"
    read 1 object in [DURATION]
    error: Unknown argument
      --> bad.loam.hcl:3:3
      |
    3 |   qouta = "1GiB"
      |   ^^^^^
      = in bucket.archives
      = There is no argument `qouta` in bucket.
    hint: Did you mean `quota`?
    "#);
}

#[test]
fn a_wrong_type() {
    assert_snapshot!(refused(r#"
resource "network" "bench" {
  nodes   = "three"
  command = ["sleep", "1000"]
}
"#), @r#"
    read 1 object in [DURATION]
    error: Wrong type
      --> bad.loam.hcl:2:13
      |
    2 |   nodes   = "three"
      |             ^^^^^^^
      = in network.bench
      = The value of `nodes` does not fit: a number is required, but this is a string.
    hint: `nodes` is number.
    "#);
}

#[test]
fn a_missing_variable() {
    assert_snapshot!(refused(r#"
variable "region" {
  type = string
}

resource "loam_data" "region" {
  input = var.region
}
"#), @r#"
    error: Missing variable
      --> bad.loam.hcl:1:1
      |
    1 | variable "region" {
      | ^^^^^^^^^^^^^^^^^
      = The variable `region` has no default and was given no value.
    hint: Give it one: `--var region=…`, LOAM_VAR_region, or `region = …` in `loam.vars.hcl`.
    "#);
}

#[test]
fn a_reference_cycle() {
    assert_snapshot!(refused(r#"
resource "loam_data" "a" {
  input = loam_data.b.output
}

resource "loam_data" "b" {
  input = local.c
}

locals {
  c = loam_data.a.output
}
"#), @"
    error: Reference cycle
       --> bad.loam.hcl:10:7
       |
    10 |   c = loam_data.a.output
       |       ^^^^^^^^^^^ `local.c` needs `loam_data.a`
       ::: bad.loam.hcl:2:11
       |
     2 |   input = loam_data.b.output
       |           ^^^^^^^^^^^ `loam_data.a` needs `loam_data.b`
       ::: bad.loam.hcl:6:11
       |
     6 |   input = local.c
       |           ^^^^^^^ `loam_data.b` needs `local.c`
       = Each of these needs the value of the next: `local.c` → `loam_data.a` → `loam_data.b` → `local.c`.
    hint: Take one of these references out, or pass the value another way, for example by a variable.
    ");
}

#[test]
fn a_port_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let told = refused(&format!(
        r#"
resource "network" "bench" {{
  nodes   = 1
  command = ["sleep", "1000"]
  ports   = {{ client = {port} }}
}}
"#
    ));
    assert_snapshot!(told.replace(&port.to_string(), "[PORT]"), @r"
    read 1 object in [DURATION]
    network.bench: creating…
    network.bench: failed to create after [DURATION]

    error: network.bench: failed to create: port [PORT] (`client` of node `0`) is in use by process [NUMBER] (`[TEST]`)
    hint: Stop what listens there, or write another number in `ports`; 0 chooses a free one for a new node.

    Not everything was applied: 1 failed in [DURATION].
    ");
}

#[test]
fn a_command_that_does_not_exist() {
    assert_snapshot!(refused(r#"
resource "network" "bench" {
  command = ["no-such-program", "--data-dir", "$(DATA_DIR)"]
}
"#), @r"
    read 1 object in [DURATION]
    network.bench: creating…
    network.bench: failed to create after [DURATION]

    error: network.bench: failed to create: failed to start node `0`: cannot run `no-such-program`
      caused by: No such file or directory
    hint: Install it, or write its path; relative paths start from the configuration's directory.

    Not everything was applied: 1 failed in [DURATION].
    ");
}

#[test]
fn a_node_that_dies_at_once() {
    assert_snapshot!(refused(r#"
resource "network" "bench" {
  nodes   = 2
  command = ["sh", "-c", "test $0 = 1 && exec sleep 1000; echo genesis is malformed >&2; exit 3", "$(NODE_NAME)"]
}
"#), @r"
    read 1 object in [DURATION]
    network.bench: creating…
    network.bench: failed to create after [DURATION]

    error: network.bench: failed to create: node `0` ended before it was ready: exit status: 3
        | genesis is malformed
    hint: Above is what it printed last. Correct its command, its files or its data, and apply again.

    Not everything was applied: 1 failed in [DURATION].
    ");
}

#[test]
fn a_source_directory_that_is_missing() {
    assert_snapshot!(refused(r#"
resource "bucket" "archives" {
  name = "archives"
}

resource "seed_archive" "mainnet" {
  source = "no/such/directory"
  bucket = bucket.archives
}
"#), @r#"
    read 1 object in [DURATION]
    error: Invalid value
      --> bad.loam.hcl:6:12
      |
    6 |   source = "no/such/directory"
      |            ^^^^^^^^^^^^^^^^^^^
      = in seed_archive.mainnet
      = Directory `[DIR]/no/such/directory` does not exist.
    hint: Relative paths start from the directory of the configuration.
    "#);
}

/// A directory on a file system of its own, seen only by the commands that are run with it.
enum Disk {
    /// It holds 64 KiB.
    Tiny,
    /// It cannot be written to.
    ReadOnly,
}

impl Disk {
    /// Runs loam with this disk in a directory. Takes either the right to mount, or user namespaces.
    fn loam(&self, project: &Project, directory: &str, arguments: &[&str]) -> Done {
        let path = project.path(directory);
        fs::create_dir_all(&path).unwrap();
        let mount = match self {
            Self::Tiny => r#"mount -t tmpfs -o size=64k tmpfs "$0""#,
            Self::ReadOnly => r#"mount --bind "$0" "$0" && mount -o remount,bind,ro "$0""#,
        };
        let may_mount = |flags: &[&str]| {
            let mut command = Command::new("unshare");
            command.args(flags).args(["sh", "-c", mount]).arg(&path);
            command.output().is_ok_and(|output| output.status.success())
        };
        let ways: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];
        let way = ways.into_iter().find(|flags| may_mount(flags));
        let way = way.expect("this test mounts a small disk: run it as root, or allow user namespaces");
        let mut command = Command::new("unshare");
        command.args(way).args(["sh", "-c", &format!(r#"{mount} && exec "$@""#)]).arg(&path);
        command.arg(env!("CARGO_BIN_EXE_loam")).args(arguments);
        project.bare(&mut command);
        Done::of(&mut command)
    }
}

/// Returns bytes that no archive makes shorter.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    std::iter::repeat_with(byte).take(length).collect()
}

#[test]
fn a_full_disk() {
    let (project, _) = project();
    project.write("source/noise", noise(200_000));
    let before = project.files();
    project.write(
        "bad.loam.hcl",
        r#"resource "bucket" "archives" {
  name = "archives"
  local {
    path = "disk/archives"
  }
}

resource "seed_archive" "noise" {
  source = "source"
  bucket = bucket.archives
}
"#,
    );
    let done = Disk::Tiny.loam(&project, "disk", &["apply", "--auto-approve"]);
    let told = told(&project, &done);
    let told: Vec<&str> = told.lines().map(|line| line.split(" at path").next().unwrap()).collect();
    assert_snapshot!(told.join("\n"), @r"
    read 1 object in [DURATION]
    bucket.archives: creating…
    bucket.archives: created in [DURATION]
    seed_archive.noise: creating…
    seed_archive.noise: failed to create after [DURATION]

    error: seed_archive.noise: failed to create: failed to archive `[DIR]/source`
      caused by: no space left for `file://[DIR]/disk/archives/noise/[HEX].tar.zst`
      caused by: No space left on device
    hint: Free some space on that disk, or choose a place on another one, and apply again.

    Not everything was applied: 1 created, 1 failed in [DURATION].
    ");
    assert_eq!(project.addresses(), ["bucket.archives", "loam_data.base"], "the bucket was made, and is known");
    fs::remove_file(project.path("bad.loam.hcl")).unwrap();
    // With its disk the bucket is gone too, as the next plan finds.
    project.apply(&[]);
    assert_eq!(project.files(), before);
}

#[test]
fn a_read_only_disk_under_a_bucket() {
    let (project, world) = project();
    project.write(
        "bad.loam.hcl",
        r#"resource "bucket" "archives" {
  name = "archives"
  local {
    path = "disk/archives"
  }
}
"#,
    );
    let done = Disk::ReadOnly.loam(&project, "disk", &["apply", "--auto-approve"]);
    assert_snapshot!(told(&project, &done), @r"
    read 1 object in [DURATION]
    bucket.archives: creating…
    bucket.archives: failed to create after [DURATION]

    error: bucket.archives: failed to create: failed to make directory `[DIR]/disk/archives`
      caused by: Read-only file system
    hint: That file system is mounted read-only; choose another place.

    Not everything was applied: 1 failed in [DURATION].
    ");
    fs::remove_file(project.path("bad.loam.hcl")).unwrap();
    assert_eq!(project.world(), world);
}

#[test]
fn a_read_only_disk_under_the_state() {
    let (project, world) = project();
    project.configure(&BASE.replace("was here before", "is new"));
    let done = Disk::ReadOnly.loam(&project, ".loam", &["apply", "--auto-approve"]);
    assert_snapshot!(told(&project, &done), @"
    error: failed to open the lock file `[DIR]/.loam/lock`
      caused by: Read-only file system
    hint: Make the disk that holds `[DIR]/.loam/lock` writable; nothing was changed.
    ");
    assert_eq!(project.world(), world);
    // Looking is possible.
    let done = Disk::ReadOnly.loam(&project, ".loam", &["plan", "--detailed-exitcode"]);
    assert_eq!(done.code, 2, "{}", done.told());
}

#[test]
fn a_full_disk_under_the_state() {
    let project = Project::with(&BASE.replace("was here before", &"long ".repeat(40_000)));
    let done = Disk::Tiny.loam(&project, ".loam", &["apply", "--auto-approve"]);
    assert_snapshot!(told(&project, &done), @"
    error: the disk is full, the state file `[DIR]/.loam/state.db` cannot grow
    hint: Free some space on the disk that holds `[DIR]/.loam/state.db` and run loam again; what was recorded before is safe.
    ");
}

#[test]
fn a_state_that_is_not_sqlite() {
    let project = Project::with(BASE);
    let text = "{\"version\": 4, \"this is\": \"some other program's state\"}\n".repeat(100);
    project.write(".loam/state.db", &text);
    let told = fails(&project, &["apply", "--auto-approve"]);
    assert_snapshot!(told, @"
    error: `[DIR]/.loam/state.db` is not a loam state: it is not a SQLite database
    hint: Move `[DIR]/.loam/state.db` away if it does not belong there, or run loam in another directory.
    ");
    for arguments in [&["plan"][..], &["state", "list"], &["output"], &["destroy", "--auto-approve"]] {
        assert_eq!(fails(&project, arguments), told, "{arguments:?}");
    }
    assert_eq!(project.read(".loam/state.db"), text, "it is somebody's, and stays as it is");
}

#[test]
fn a_state_of_a_later_loam() {
    let (project, _) = project();
    let file = project.path(".loam/state.db");
    let set = |version: u32| {
        let db = rusqlite::Connection::open(&file).unwrap();
        let before: u32 = db.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        db.pragma_update(None, "user_version", version).unwrap();
        before
    };
    let version = set(4711);
    assert_snapshot!(fails(&project, &["apply", "--auto-approve"]), @"
    error: `[DIR]/.loam/state.db` has state format 4711, and this loam knows formats up to 1
    hint: Use the version of loam that last wrote this state, or a later one.
    ");
    for arguments in [&["plan"][..], &["state", "list"], &["state", "rm", "loam_data.base"], &["output"]] {
        assert!(fails(&project, arguments).contains("4711"), "{arguments:?}");
    }
    assert_eq!(set(version), 4711, "it was not touched");
    project.assert_settled(&[]);
}

#[test]
fn a_second_loam_on_the_same_state() {
    let (project, _) = project();
    // The first loam waits for a process to be ready, which it is when this test says so.
    project.configure(&format!(
        r#"{BASE}
resource "process" "slow" {{
  command = ["sleep", "1000"]

  ready {{
    exec {{
      command = ["sh", "-c", "touch asked; test -e answer"]
    }}
  }}
}}
"#
    ));
    let first = project.start(&["apply", "--auto-approve"]);
    until_exists(&project.path("asked"));
    let told = fails(&project, &["apply", "--auto-approve"]);
    assert_snapshot!(told, @"
    error: the state in `[DIR]/.loam` is locked by `loam apply` (run [NUMBER]) of user `tester` on [HOST], process [NUMBER], since [TIME]
    hint: Wait until it ends, or let loam wait with `--lock-timeout`. The lock ends with its process; there is nothing to unlock by hand.
    ");
    assert!(fails(&project, &["state", "rm", "loam_data.base"]).contains("is locked by"));
    project.succeed(&["plan"]);
    let waits = project.start(&["apply", "--auto-approve", "--lock-timeout", "60s"]);
    project.write("answer", "");
    let (first, waits) = (first.finish(), waits.finish());
    assert_eq!((first.code, waits.code), (0, 0), "{}\n{}", first.told(), waits.told());
    assert_eq!(project.processes().len(), 1, "made once");
}

#[test]
fn a_directory_that_is_missing() {
    let project = Project::empty();
    assert_snapshot!(fails(&project, &["-C", "no/such/directory", "plan"]), @"
    error: failed to enter the directory `no/such/directory`: No such file or directory
    hint: Name an existing directory with `-C DIR`.
    ");
}

#[test]
fn a_directory_without_a_configuration() {
    let project = Project::empty();
    assert_snapshot!(fails(&project, &["plan"]), @"
    error: No configuration
     = There is no file ending in `.loam.hcl` in `.`.
    hint: `loam init` writes a first one. To use another directory, add `-C DIR`.
    ");
    assert!(!project.path(".loam").exists());
}

#[test]
fn files_that_are_no_configuration() {
    let (project, world) = project();
    project.write("big.loam.hcl", vec![b'#'; 50 << 20]);
    project.write("folder.loam.hcl/x", "");
    project.write("latin.loam.hcl", b"locals {\n  town = \"K\xf6ln\"\n}\n");
    assert_snapshot!(fails(&project, &["plan"]), @r#"
    error: Unreadable file
     = `./big.loam.hcl` cannot be read: it is larger than 32 MiB.

    error: Unreadable file
     = `./folder.loam.hcl` cannot be read: it is a directory.

    error: Invalid encoding
      --> latin.loam.hcl:2:12
      |
    2 |   town = "K�ln"
      |            ^
      = The bytes here are not UTF-8 text.
    hint: Save the file as UTF-8.

    3 errors.
    "#);
    fs::remove_file(project.path("big.loam.hcl")).unwrap();
    fs::remove_file(project.path("latin.loam.hcl")).unwrap();
    fs::remove_dir_all(project.path("folder.loam.hcl")).unwrap();
    assert_eq!(project.world(), world);
}

#[test]
fn ten_thousand_parentheses() {
    let nested = format!("locals {{\n  x = {}1{}\n}}\n", "(".repeat(10_000), ")".repeat(10_000));
    let told = refused(&nested);
    // The line itself is 20 000 characters wide.
    let short: String = told.lines().filter(|line| line.len() < 200).map(|line| format!("{line}\n")).collect();
    assert_snapshot!(short, @r"
    error: Nesting too deep
      --> bad.loam.hcl:2:256
      |
      |                                                                                                     ^
      = More than 250 brackets, signs, conditions or blocks stand inside each other here.
    hint: Give a part of the expression a name in a `locals` block.
    ");
    assert!(told.len() < 2000, "{} bytes are told", told.len());
}
