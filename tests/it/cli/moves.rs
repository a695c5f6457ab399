//! Renamed and removed blocks: what was made stays, or goes, as the configuration says.

use insta::assert_snapshot;

use crate::support::Project;

/// One object of every kind that writes its address onto what it makes.
const ALL: &str = r#"
resource "bucket" "BUCKET" {
  name = "b"
}

resource "file" "FILE" {
  path    = "data/one.txt"
  content = "one"
}

resource "directory" "DIRECTORY" {
  path = "made"
}

resource "process" "PROCESS" {
  command = ["sleep", "1000"]
}

resource "seed_archive" "ARCHIVE" {
  bucket = bucket.BUCKET
  source = "seed"
}
"#;

const NAMES: [&str; 5] = ["BUCKET", "FILE", "DIRECTORY", "PROCESS", "ARCHIVE"];

fn all(suffix: &str) -> String {
    NAMES.iter().fold(ALL.to_owned(), |text, name| text.replace(name, &format!("{}{suffix}", name.to_lowercase())))
}

fn moved(from: &str, to: &str) -> String {
    format!("\nmoved {{\n  from = {from}\n  to   = {to}\n}}\n")
}

#[test]
fn what_is_renamed_is_kept() {
    let project = Project::with(&all(""));
    project.write("seed/data.txt", "seed");
    project.apply(&[]);
    let processes = project.processes();
    let kinds = ["bucket", "file", "directory", "process", "seed_archive"];
    let moves: String = kinds
        .iter()
        .zip(NAMES)
        .map(|(kind, name)| {
            let name = name.to_lowercase();
            moved(&format!("{kind}.{name}"), &format!("{kind}.{name}_new"))
        })
        .collect();
    project.configure(&(all("_new") + &moves));
    assert_snapshot!(project.shown(&project.succeed(&["plan"])), @r"
        bucket.bucket_new (local)  moved from `bucket.bucket`

        directory.directory_new (local)  moved from `directory.directory`

        file.file_new (local)  moved from `file.file`

        process.process_new (local)  moved from `process.process`

        seed_archive.archive_new (local)  moved from `seed_archive.archive`

    Plan: 5 to move.
    ");
    let plan = project.loam(&["plan", "--detailed-exitcode", "--json"]);
    assert_eq!(plan.code, 2, "{}", plan.told());
    let before = project.files();
    let applied = project.apply(&[]);
    assert_snapshot!(project.shown(&applied.stderr), @r"
    read 5 objects in [DURATION]
    bucket.bucket_new: moved from bucket.bucket
    directory.directory_new: moved from directory.directory
    file.file_new: moved from file.file
    process.process_new: moved from process.process
    seed_archive.archive_new: moved from seed_archive.archive

    Applied: 5 moved in [DURATION].
    ");
    assert_eq!(project.files(), before, "nothing else happens");
    assert_eq!(project.processes(), processes);
    project.assert_settled(&[]);

    // What was made under another name is changed and deleted like anything else.
    let changed = all("_new").replace("\"one\"", "\"two\"").replace("1000", "1001");
    project.configure(&changed);
    project.apply(&[]);
    assert_eq!(project.read("data/one.txt"), "two");
    assert_eq!(project.processes().len(), 1);
    project.assert_settled(&[]);
    project.succeed(&["destroy", "--auto-approve"]);
    assert_eq!(project.processes(), []);
}

#[test]
fn a_saved_plan_moves_what_it_says() {
    let project = Project::with("resource \"loam_data\" \"a\" {\n  input = \"one\"\n}\n");
    project.apply(&[]);
    let id = project.object("loam_data.a")["id"].clone();
    let renamed = "resource \"loam_data\" \"b\" {\n  input = \"two\"\n}\n";
    project.configure(&(renamed.to_owned() + &moved("loam_data.a", "loam_data.b")));
    project.succeed(&["plan", "--out", "saved.plan"]);
    assert_snapshot!(project.shown(&project.succeed(&["show", "saved.plan"])), @r#"
    loam will:
      ~ update in place

      ~ loam_data.b (loam)
          · moved from `loam_data.a`
        ~ input  = "one" → "two"
        ~ output = "one" → "two"
          # 1 unchanged attribute

    Plan: 1 to move, 1 to update.
    "#);
    project.succeed(&["apply", "saved.plan"]);
    assert_eq!(project.addresses(), ["loam_data.b"]);
    let made = project.object("loam_data.b");
    assert_eq!((&made["id"], made["output"].as_str()), (&id, Some("two")));
    project.assert_settled(&[]);
}

#[test]
fn the_first_instance_moves_by_itself() {
    let project = Project::with("resource \"loam_data\" \"a\" {\n}\n");
    project.apply(&[]);
    project.configure("resource \"loam_data\" \"a\" {\n  count = 2\n}\n");
    assert_snapshot!(project.shown(&project.succeed(&["plan"])), @r"
    loam will:
      + create

        loam_data.a[0] (loam)  moved from `loam_data.a`

      + loam_data.a[1] (loam)
          # known after apply: id, output

    Plan: 1 to move, 1 to create.
    ");
    project.apply(&[]);
    project.assert_settled(&[]);
    project.configure("resource \"loam_data\" \"a\" {\n}\n");
    project.apply(&[]);
    assert_eq!(project.addresses(), ["loam_data.a"]);
    project.assert_settled(&[]);
}

#[test]
fn nothing_moves_onto_something_else() {
    let both = "resource \"loam_data\" \"a\" {\n}\n\nresource \"loam_data\" \"b\" {\n}\n";
    let project = Project::with(both);
    project.apply(&[]);
    let refusal = |configuration: &str| {
        project.configure(configuration);
        let done = project.loam(&["plan"]);
        assert_eq!(done.code, 1, "{}", done.told());
        project.shown(&done.stderr)
    };
    let only = "resource \"loam_data\" \"b\" {\n}\n";
    let block = moved("loam_data.a", "loam_data.b");
    assert_snapshot!(refusal(&(only.to_owned() + &block)), @r"
    read 2 objects in [DURATION]
    error: Occupied address
      --> main.loam.hcl:4:1
      |
    4 | moved {
      | ^^^^^
      = `loam_data.a` cannot move to `loam_data.b`: the state has an object there already.
    hint: Give the object that is there another address with `loam state mv 'loam_data.b' ADDRESS`, or forget it with `loam state rm 'loam_data.b'`.
    ");
    assert_snapshot!(refusal(&(both.to_owned() + &moved("loam_data.a", "loam_data.c"))), @r"
    read 2 objects in [DURATION]
    error: Moved and still declared
      --> main.loam.hcl:7:1
      |
    7 | moved {
      | ^^^^^
      = This block says that `loam_data.a` moved to `loam_data.c`, but the configuration still has `loam_data.a`.
    hint: Remove or rename the block of `loam_data.a`, or remove this `moved` block.
    ");
    assert_eq!(project.addresses(), ["loam_data.a", "loam_data.b"]);
}

const BUCKET: &str = "resource \"bucket\" \"a\" {\n  name       = \"b\"\n  on_destroy = \"retain\"\n}\n";

fn removed(destroy: &str) -> String {
    format!("removed {{\n  from = bucket.a\n{destroy}}}\n")
}

#[test]
fn what_is_removed_stays_goes_or_does_as_it_was_told() {
    let made = || {
        let project = Project::with(BUCKET);
        project.apply(&[]);
        let path = project.object("bucket.a")["url"].as_str().unwrap().strip_prefix("file://").unwrap().to_owned();
        (project, std::path::PathBuf::from(path))
    };
    let (project, path) = made();
    project.configure(&removed("  lifecycle {\n    destroy = false\n  }\n"));
    assert_snapshot!(project.shown(&project.succeed(&["plan"])), @r#"
    loam will:
      = keep the real thing, forget its record

      = bucket.a (local)  kept: the real thing stays (a `removed` block says so)
          id   = "[HEX]"
          name = "b"
          path = "[DIR]/.loam/buckets/b"
          url  = "file://[DIR]/.loam/buckets/b"

    Plan: 1 kept.
    "#);
    project.apply(&[]);
    assert_eq!((project.addresses(), path.exists()), (Vec::new(), true));
    project.assert_settled(&[]);

    let (project, path) = made();
    project.configure(&removed("  lifecycle {\n    destroy = true\n  }\n"));
    assert_snapshot!(project.shown(&project.succeed(&["plan"])), @r#"
    loam will:
      - delete

      - bucket.a (local)  a `removed` block says so
          name = "b"
          # 3 exported attributes

    Plan: 1 to delete.
    "#);
    project.apply(&[]);
    assert_eq!((project.addresses(), path.exists()), (Vec::new(), false));

    let (project, path) = made();
    project.configure(&removed(""));
    project.apply(&[]);
    assert_eq!((project.addresses(), path.exists()), (Vec::new(), true), "it was recorded to stay");
}

#[test]
fn what_is_removed_must_not_be_declared() {
    let project = Project::with(BUCKET);
    project.apply(&[]);
    project.configure(&(BUCKET.to_owned() + &removed("")));
    let done = project.loam(&["plan"]);
    assert_eq!(done.code, 1);
    assert_snapshot!(project.shown(&done.stderr), @r"
    read 1 object in [DURATION]
    error: Removed and still declared
      --> main.loam.hcl:5:1
      |
    5 | removed {
      | ^^^^^^^
      = This block says that `bucket.a` was removed, but the configuration still has it.
    hint: Remove the block of `bucket.a`, or this `removed` block.
    ");
}
