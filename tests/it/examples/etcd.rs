use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use super::{assert_comes_up, assert_destroyed, assert_ordinary_archive};
use crate::support::{Done, Project, assert_silent, kill_now};

fn up() -> (Project, BTreeSet<PathBuf>) {
    let project = Project::example("etcd");
    let mut prepare = Command::new("./prepare.sh");
    project.bare(&mut prepare);
    let done = Done::of(&mut prepare);
    assert_eq!(done.code, 0, "{}", done.told());
    let before = project.files();
    assert_comes_up(&project);
    (project, before)
}

fn etcdctl(endpoints: &str, arguments: &[&str]) -> Done {
    Done::of(Command::new("etcdctl").env("ETCDCTL_API", "3").args(["--endpoints", endpoints]).args(arguments))
}

/// Returns what each member itself holds for a key, without asking the others.
fn held(project: &Project, key: &str) -> BTreeMap<String, String> {
    let get = |endpoint: &str| etcdctl(endpoint, &["get", key, "--print-value-only", "--consistency", "s"]);
    let endpoints = project.output_map("endpoints");
    endpoints.into_iter().map(|(name, endpoint)| (name, get(&endpoint).stdout.trim_end().to_owned())).collect()
}

fn everywhere(names: &[&str], value: &str) -> BTreeMap<String, String> {
    names.iter().map(|name| ((*name).to_owned(), value.to_owned())).collect()
}

fn pids(project: &Project) -> BTreeMap<String, i32> {
    project.nodes("network.etcd").into_iter().map(|(name, node)| (name, node.pid)).collect()
}

/// Reads a key again and again until it is told to stop, and notes every read that failed.
struct Reader {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<(usize, Vec<String>)>,
}

impl Reader {
    fn of(project: &Project) -> Self {
        let endpoints = project.succeed(&["output", "--raw", "all"]);
        let is_over = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&is_over);
        let thread = thread::spawn(move || {
            let (mut reads, mut failures) = (0, Vec::new());
            while !until.load(Ordering::Relaxed) {
                let done = etcdctl(&endpoints, &["get", "greeting", "--print-value-only"]);
                reads += 1;
                if done.code != 0 || done.stdout != "hello\n" {
                    failures.push(done.told());
                }
            }
            (reads, failures)
        });
        Self { is_over, thread }
    }

    fn assert_always_answered(self) {
        self.is_over.store(true, Ordering::Relaxed);
        let (reads, failures) = self.thread.join().unwrap();
        assert!(reads > 0 && failures.is_empty(), "{} of {reads} reads failed: {failures:#?}", failures.len());
    }
}

#[test]
fn members_hold_the_seed_and_a_killed_one_comes_back() {
    let (project, before) = up();
    assert_eq!(held(&project, "greeting"), everywhere(&["0", "1", "2"], "hello"));
    project.assert_settled(&[]);
    assert_ordinary_archive(&project, "seed_archive.etcd", "seed");

    let (was, endpoints) = (pids(&project), project.output_map("endpoints"));
    kill_now(was["2"]);
    let plan = project.loam(&["plan", "--detailed-exitcode"]);
    assert_eq!(plan.code, 2, "{}", plan.told());
    assert!(plan.stdout.contains("node `2` is not running"), "{}", plan.told());
    // Written while it is dead: it goes on with its data and catches up.
    assert_eq!(etcdctl(&endpoints["0"], &["put", "later", "after the seed"]).code, 0);
    project.apply(&[]);
    let is = pids(&project);
    assert_eq!((is["0"], is["1"]), (was["0"], was["1"]));
    assert_ne!(is["2"], was["2"]);
    assert_eq!(project.output_map("endpoints"), endpoints);
    crate::support::until(|| {
        let held = held(&project, "later");
        if held == everywhere(&["0", "1", "2"], "after the seed") { Ok(()) } else { Err(format!("{held:?}")) }
    });
    assert_eq!(held(&project, "greeting"), everywhere(&["0", "1", "2"], "hello"));
    project.assert_settled(&[]);

    assert_destroyed(&project, &before, &[]);
    endpoints.values().for_each(|endpoint| assert_silent(endpoint));
}

#[test]
fn members_come_and_go_and_restart_while_the_cluster_answers() {
    let (project, _) = up();
    let was = pids(&project);
    let reader = Reader::of(&project);

    project.apply(&["--var", "nodes=4"]);
    assert_eq!(held(&project, "greeting"), everywhere(&["0", "1", "2", "3"], "hello"));
    assert_eq!(members(&project), 4);
    project.assert_settled(&["--var", "nodes=4"]);

    project.apply(&[]);
    assert_eq!(held(&project, "greeting"), everywhere(&["0", "1", "2"], "hello"));
    assert_eq!(members(&project), 3);
    project.assert_settled(&[]);

    let flag = ["--var", "snapshot_count=5000"];
    let plan = project.succeed(&["plan", flag[0], flag[1]]);
    assert!(plan.contains("are restarted one at a time"), "{plan}");
    project.apply(&flag);
    let is = pids(&project);
    assert!(was.iter().all(|(name, pid)| is[name] != *pid), "every member was restarted: {was:?} {is:?}");
    assert_eq!(held(&project, "greeting"), everywhere(&["0", "1", "2"], "hello"));
    project.assert_settled(&flag);
    reader.assert_always_answered();
}

fn members(project: &Project) -> usize {
    let list = etcdctl(&project.succeed(&["output", "--raw", "all"]), &["member", "list"]);
    assert_eq!(list.code, 0, "{}", list.told());
    list.stdout.lines().filter(|line| line.contains("started")).count()
}
