//! `loam fmt`: which files it lays out, and what it tells of them.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    process::Stdio,
};

use insta::assert_snapshot;

use crate::support::Project;

const ODD: &str = "locals {\n    a   = 1\n  bbb=2\n}\n";
const USUAL: &str = "locals {\n  a   = 1\n  bbb = 2\n}\n";

#[test]
fn it_lays_out_and_tells_what_it_would() {
    let project = Project::with(ODD);
    let check = project.loam(&["fmt", "--check"]);
    assert_eq!((check.code, check.stdout.as_str()), (3, "main.loam.hcl\n"), "{}", check.told());
    assert_eq!(project.read("main.loam.hcl"), ODD);
    assert_eq!(project.succeed(&["fmt"]), "main.loam.hcl\n");
    assert_eq!(project.read("main.loam.hcl"), USUAL);
    assert_eq!(project.succeed(&["fmt", "--check"]), "");
}

#[test]
fn what_is_printed_and_what_is_written_can_be_chosen() {
    let project = Project::with(ODD);
    assert_snapshot!(project.succeed(&["fmt", "--diff", "--write=false", "--list=false"]), @"
    --- old/main.loam.hcl
    +++ new/main.loam.hcl
    @@ -1,4 +1,4 @@
     locals {
    -    a   = 1
    -  bbb=2
    +  a   = 1
    +  bbb = 2
     }
    ");
    assert_eq!(project.succeed(&["fmt", "--write=false"]), "main.loam.hcl\n");
    assert_eq!(project.succeed(&["fmt", "--write=false", "--list=false"]), USUAL, "nothing else asks for the text");
    assert_eq!(project.read("main.loam.hcl"), ODD);
    assert_eq!(project.succeed(&["fmt", "--list=false"]), "");
    assert_eq!(project.read("main.loam.hcl"), USUAL);
}

#[test]
fn it_looks_into_directories_for_configuration_and_variables() {
    let project = Project::with(ODD);
    let odd = ["loam.vars.hcl", "x.auto.vars.hcl", "sub/more.loam.hcl", "sub/deep/vars.vars.hcl"];
    let untouched = [".hidden/x.loam.hcl", "sub/.x.loam.hcl", "other.hcl", "sub/notes.txt"];
    for path in odd.iter().chain(&untouched) {
        project.write(path, "a=1\n");
    }
    let json = "{\"locals\":{\"a\":1}}\n";
    project.write("data.loam.json", json);
    symlink(project.path("sub"), project.path("sub/deep/loop")).unwrap();

    assert_eq!(project.succeed(&["fmt"]), "loam.vars.hcl\nmain.loam.hcl\nx.auto.vars.hcl\n");
    assert_eq!(project.succeed(&["fmt", "sub/deep"]), "sub/deep/vars.vars.hcl\n");
    assert_eq!(project.succeed(&["fmt", "--recursive"]), "sub/more.loam.hcl\n");
    assert_eq!(project.succeed(&["fmt", "other.hcl", "sub"]), "other.hcl\n");
    for path in odd {
        assert_eq!(project.read(path), "a = 1\n", "{path}");
    }
    assert_eq!(project.read(".hidden/x.loam.hcl"), "a=1\n");
    assert_eq!(project.read("data.loam.json"), json);
    assert_snapshot!(project.loam(&["fmt", "data.loam.json"]).told(), @"
    exit 1
    --- stderr
    error: `data.loam.json` is JSON
    hint: Only HCL is laid out by loam.
    ");
}

#[test]
fn a_file_keeps_its_mode_and_a_link_its_target() {
    let project = Project::empty();
    project.write("real/a.loam.hcl", ODD);
    let file = project.path("real/a.loam.hcl");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    symlink("real/a.loam.hcl", project.path("link.loam.hcl")).unwrap();
    assert_eq!(project.succeed(&["fmt"]), "link.loam.hcl\n");
    assert!(fs::symlink_metadata(project.path("link.loam.hcl")).unwrap().is_symlink());
    let metadata = fs::metadata(&file).unwrap();
    assert_eq!((metadata.mode() & 0o7777, project.read("real/a.loam.hcl").as_str()), (0o600, USUAL));
    assert_eq!(fs::read_dir(project.path("real")).unwrap().count(), 1, "nothing is left beside");
}

#[test]
fn one_file_that_is_wrong_keeps_no_other_from_being_laid_out() {
    let project = Project::with(ODD);
    let wrong = "locals {\n   a=\n";
    project.write("bad.loam.hcl", wrong);
    fs::write(project.path("latin.loam.hcl"), b"# caf\xe9\na=1\n").unwrap();
    let done = project.loam(&["fmt", ".", "missing.loam.hcl"]);
    assert_eq!((done.code, done.stdout.as_str()), (1, "main.loam.hcl\n"), "{}", done.told());
    for told in [
        "failed to lay out `bad.loam.hcl`: ",
        "failed to read `latin.loam.hcl`: ",
        "failed to read `missing.loam.hcl`: ",
    ] {
        assert!(done.stderr.contains(told), "{}", done.told());
    }
    assert_eq!((project.read("bad.loam.hcl").as_str(), project.read("main.loam.hcl").as_str()), (wrong, USUAL));
    // That something is wrong is told before that something is laid out differently.
    project.write("main.loam.hcl", ODD);
    assert_eq!(project.loam(&["fmt", "--check"]).code, 1);
}

#[test]
fn standard_input_is_laid_out_to_standard_output() {
    let project = Project::empty();
    let piped = |arguments: &[&str], text: &[u8]| {
        let mut command = project.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap(), output.stderr)
    };
    assert_eq!(piped(&["fmt", "-"], ODD.as_bytes()), (0, USUAL.to_owned(), Vec::new()));
    assert_eq!(piped(&["fmt", "--check", "-"], ODD.as_bytes()), (3, String::new(), Vec::new()));
    assert_eq!(piped(&["fmt", "--check", "-"], USUAL.as_bytes()), (0, String::new(), Vec::new()));
    assert_eq!(piped(&["fmt", "-"], b"").1, "");
    let (code, stdout, stderr) = piped(&["fmt", "-"], b"a = = 1\n");
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(String::from_utf8(stderr).unwrap().starts_with("error: failed to lay out `standard input`: "));
}

#[test]
fn every_example_is_laid_out() {
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let project = Project::empty();
    let done = project.loam(&["fmt", "--check", "--recursive", "--diff", &examples.to_string_lossy()]);
    assert_eq!(done.code, 0, "{}", done.told());
}
