use std::{fs, os::unix::fs::PermissionsExt as _, time::SystemTime};

use super::{assert_comes_up, assert_destroyed};
use crate::support::{Project, is_running, kill_now};

fn pid(project: &Project) -> i32 {
    project.object("process.server")["pid"].as_i64().unwrap().try_into().unwrap()
}

#[test]
fn what_was_broken_by_hand_is_found_and_mended() {
    let project = Project::example("drift");
    let before = project.files();
    assert_comes_up(&project);
    assert_eq!(project.read("site/motto.txt"), "As it was declared.\n");
    assert!(is_running(pid(&project)));
    project.assert_settled(&[]);

    let motto = project.path("site/motto.txt");
    fs::File::options().write(true).open(&motto).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    project.write("site/notes.txt", "Written to, and nobody minds.\n");
    project.assert_settled(&[]);

    project.write("site/motto.txt", "By hand.\n");
    kill_now(pid(&project));
    let plan = project.loam(&["plan", "--detailed-exitcode"]);
    assert_eq!(plan.code, 2, "{}", plan.told());
    for shown in ["file.motto", "By hand.", "As it was declared.", "process.server", "Plan: 2 to update."] {
        assert!(plan.stdout.contains(shown), "`{shown}` is not in\n{}", plan.told());
    }
    let unread = project.loam(&["plan", "--detailed-exitcode", "--refresh=false"]);
    assert_eq!(unread.code, 0, "what was recorded is as declared\n{}", unread.told());
    project.apply(&[]);
    assert_eq!(project.read("site/motto.txt"), "As it was declared.\n");
    assert_eq!(project.read("site/notes.txt"), "Written to, and nobody minds.\n");
    assert!(is_running(pid(&project)));
    project.assert_settled(&[]);

    fs::set_permissions(&motto, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(project.loam(&["plan", "--detailed-exitcode"]).code, 2);
    fs::remove_dir_all(project.path("site")).unwrap();
    let plan = project.succeed(&["plan"]);
    assert!(plan.contains("gone since the last apply") && plan.contains("Plan: 3 to create."), "{plan}");
    project.apply(&[]);
    assert_eq!(fs::metadata(&motto).unwrap().permissions().mode() & 0o777, 0o644);
    project.assert_settled(&[]);

    let server = pid(&project);
    assert_destroyed(&project, &before, &[]);
    assert!(!is_running(server) && !project.path("site").exists());
}
