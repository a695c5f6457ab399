use super::{assert_answers, assert_comes_up, assert_destroyed};
use crate::support::{Project, assert_silent, put};

#[test]
fn what_a_bootstrap_wrote_seeds_another_network() {
    let project = Project::example("bootstrap");
    let before = project.files();
    assert_comes_up(&project);
    let origin = project.succeed(&["output", "--raw", "origin"]);
    let endpoints = project.output_map("endpoints");
    assert_eq!(endpoints.len(), 2);
    for endpoint in endpoints.values().chain([&origin]) {
        assert_answers(&format!("{endpoint}/count"), "20");
        assert_answers(&format!("{endpoint}/kv/key-7"), "value 7");
    }
    project.assert_settled(&[]);

    // It ran once: what was written since is not overwritten by the next apply.
    put(&format!("{origin}/kv/key-7"), "changed");
    // Neither does another network that starts from the snapshot run it: it would fail.
    project.write("fill.sh", "#!/bin/sh\nexit 3\n");
    project.apply(&["--replace", "network.followers"]);
    assert_eq!(project.object("network.followers")["bootstrapped"], true);
    assert_answers(&format!("{origin}/kv/key-7"), "changed");
    assert_answers(&format!("{}/kv/key-7", project.output_map("endpoints")["0"]), "value 7");
    project.assert_settled(&[]);

    assert_destroyed(&project, &before, &[]);
    assert_silent(&origin);
}

#[test]
fn a_bootstrap_that_fails_is_told_and_runs_again() {
    let project = Project::example("bootstrap");
    let script = project.read("fill.sh");
    project.write("fill.sh", "#!/bin/sh\necho 'the subnet is not there' >&2\nexit 3\n");
    let done = project.loam(&["apply", "--auto-approve"]);
    assert_eq!(done.code, 1, "{}", done.told());
    assert!(done.stderr.contains("the subnet is not there"), "{}", done.told());
    assert_eq!(project.addresses(), ["bucket.archives"], "nothing that needs the data was made");
    assert_eq!(project.processes(), [], "what the failed step started is stopped");

    project.write("fill.sh", script);
    project.apply(&[]);
    assert_answers(&format!("{}/count", project.output_map("endpoints")["1"]), "20");
    project.assert_settled(&[]);
}
