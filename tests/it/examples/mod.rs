//! Every example is planned, applied, looked at from outside, planned empty, destroyed, and leaves nothing.

mod bootstrap;
mod drift;
mod etcd;
mod for_each;
mod modules;
mod quickstart;
mod replica;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::{Done, Project, get};

/// Plans and applies an example that was not applied yet.
fn assert_comes_up(project: &Project) {
    let plan = project.loam(&["plan", "--detailed-exitcode"]);
    assert_eq!(plan.code, 2, "{}", plan.told());
    assert!(plan.stdout.contains(" to create."), "{}", plan.told());
    assert_eq!((project.addresses(), project.processes()), (Vec::new(), Vec::new()), "a plan makes nothing");
    project.apply(&[]);
}

/// Destroys everything and checks that no process stays, and no file but those that were there before and those that
/// the plan listed as kept.
fn assert_destroyed(project: &Project, before: &BTreeSet<PathBuf>, kept: &[&str]) {
    let plan = project.succeed(&["plan", "--destroy"]);
    for kept in kept {
        let (address, _) = kept.split_once(' ').unwrap();
        assert!(plan.lines().any(|line| line.contains(address) && line.contains("kept")), "{plan}");
    }
    project.succeed(&["destroy", "--auto-approve"]);
    assert_eq!(project.addresses(), [""; 0]);
    assert_eq!(project.processes(), []);
    let is_kept = |path: &Path| kept.iter().any(|kept| path.starts_with(kept.split_once(' ').unwrap().1));
    let left: Vec<_> = project.files().into_iter().filter(|path| !before.contains(path) && !is_kept(path)).collect();
    assert!(left.is_empty(), "destroy left {left:#?}");
}

/// Checks the answer of a demo node.
fn assert_answers(url: &str, wanted: &str) {
    assert_eq!(get(url).unwrap(), (200, wanted.to_owned()), "{url}");
}

/// Checks an archive with the tools that its users have: its digest, its listing, and that what it holds is the source.
fn assert_ordinary_archive(project: &Project, address: &str, source: &str) {
    let url = project.object(address)["url"].as_str().unwrap().to_owned();
    let archive = PathBuf::from(url.strip_prefix("file://").unwrap());
    let (folder, name) = (archive.parent().unwrap(), archive.file_name().unwrap());
    let tool = |command: &mut Command| {
        let done = Done::of(command.current_dir(folder));
        assert_eq!(done.code, 0, "{command:?}\n{}", done.told());
        done.stdout
    };
    let checked = tool(Command::new("sha256sum").arg("-c").arg(format!("{}.sha256", name.to_string_lossy())));
    assert!(checked.trim_end().ends_with(": OK"), "{checked}");
    let listed = tool(Command::new("tar").args(["--zstd", "-tf"]).arg(name));
    assert!(listed.lines().any(|line| line.ends_with(".db")), "{listed}");

    fs::create_dir(project.path("extracted")).unwrap();
    tool(Command::new("tar").args(["--zstd", "-xf"]).arg(name).arg("-C").arg(project.path("extracted")));
    let entries = |folder: &str| -> Vec<_> {
        let files = project.files().into_iter().filter(|path| path.starts_with(folder) && !path.ends_with("node_id"));
        let content = |path: &PathBuf| fs::read(project.path(path)).unwrap();
        files.map(|path| (path.strip_prefix(folder).unwrap().to_owned(), content(&path))).collect()
    };
    assert!(!entries(source).is_empty());
    assert_eq!(entries("extracted"), entries(source));
    fs::remove_dir_all(project.path("extracted")).unwrap();
}
