use std::{fs, path::PathBuf};

use super::{assert_comes_up, assert_destroyed};
use crate::support::Project;

/// Returns the files of a directory with their content.
fn content(project: &Project, folder: &str) -> Vec<(PathBuf, String)> {
    let files = project.files().into_iter().filter(|path| path.starts_with(folder));
    let files = files.filter(|path| !path.starts_with("copy/.loam"));
    files.map(|path| (path.strip_prefix(folder).unwrap().to_owned(), project.read(&path))).collect()
}

#[test]
fn a_copy_follows_and_goes() {
    let project = Project::example("replica");
    let before = project.files();
    assert_comes_up(&project);
    assert_eq!(content(&project, "copy"), content(&project, "origin"));
    assert!(content(&project, "copy").len() >= 2);
    project.assert_settled(&[]);

    project.write("origin/third.txt", "third note\n");
    project.write("origin/half.tmp", "left out\n");
    fs::remove_file(project.path("origin/archive/second.txt")).unwrap();
    let plan = project.loam(&["plan", "--detailed-exitcode"]);
    assert_eq!(plan.code, 2, "{}", plan.told());
    project.apply(&[]);
    fs::remove_file(project.path("origin/half.tmp")).unwrap();
    assert_eq!(content(&project, "copy"), content(&project, "origin"));
    assert_eq!(project.output("version"), 2);
    assert_eq!(project.output("status"), "up_to_date");
    project.assert_settled(&[]);

    fs::remove_file(project.path("origin/third.txt")).unwrap();
    let before: std::collections::BTreeSet<_> =
        before.into_iter().filter(|path| !path.ends_with("second.txt")).collect();
    assert_destroyed(&project, &before, &[]);
    assert_eq!(project.files(), before, "the origin was there before and stays");
}

#[test]
fn a_copy_that_was_changed_by_hand_is_never_overwritten() {
    let project = Project::example("replica");
    project.apply(&[]);
    project.write("copy/first.txt", "by hand\n");
    project.write("origin/third.txt", "third note\n");
    let done = project.loam(&["apply", "--auto-approve"]);
    assert_eq!(done.code, 1, "{}", done.told());
    let told = done.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("was changed since version 1 was applied"), "{}", done.told());
    assert!(told.contains("Keep the changes by copying"), "{}", done.told());
    assert_eq!(project.read("copy/first.txt"), "by hand\n");
}
