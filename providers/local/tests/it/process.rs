use loam_provider::{Known, Remains, Resolution, Trouble};
use serde_json::json;

use crate::world::{World, config, kill, number, runs, text};

#[tokio::test]
async fn a_process_is_started_brought_back_and_stopped() {
    let mut world = World::new("process.p").await;
    let wanted = config(json!({ "command": ["sh", "-c", "echo up; exec sleep 1000"], "env": { "A": "1" } }));
    let made = world.create(&wanted).await.unwrap();
    let pid = number(&made, "pid");
    assert!(runs(pid));
    assert_eq!(std::fs::read_to_string(text(&made, "log")).unwrap(), "up\n");
    world.assert_settled(&wanted, &made).await;

    kill(pid);
    let read = world.read(&made).await.unwrap();
    assert_eq!((text(&read, "status"), number(&read, "pid")), ("dead", 0));
    let (notes, back) = world.apply(&wanted, &made).await.unwrap();
    assert_eq!(notes, ["the process is dead"]);
    assert!(number(&back, "pid") != pid && runs(number(&back, "pid")));

    let changed = config(json!({ "command": ["sh", "-c", "exec sleep 1000"], "env": { "A": "2" } }));
    let (_, after) = world.apply(&changed, &back).await.unwrap();
    assert!(!runs(number(&back, "pid")));
    world.assert_settled(&changed, &after).await;
    world.delete(&after).await.unwrap();
    assert!(!runs(number(&after, "pid")) && world.read(&after).await.is_none());
    assert_eq!(world.left(), [""; 0]);
}

#[tokio::test]
async fn a_process_has_a_clean_environment_and_a_session_of_its_own() {
    let mut world = World::new("process.p").await;
    let script = "env > env.txt; cut -d' ' -f6 /proc/$$/stat > session.txt; echo $$ > pid.txt; exec sleep 1000";
    let wanted = config(json!({ "command": ["sh", "-c", script], "env": { "DECLARED": "yes" } }));
    let made = world.create(&wanted).await.unwrap();
    let read = |name: &str| std::fs::read_to_string(world.path(name)).unwrap();
    let environment = read("env.txt");
    assert!(environment.contains("DECLARED=yes\n") && environment.contains("PATH="), "{environment}");
    assert!(!environment.contains("CARGO"), "{environment}");
    assert_eq!(read("session.txt"), read("pid.txt"));
    world.delete(&made).await.unwrap();
}

#[tokio::test]
async fn a_command_that_does_not_exist_leaves_nothing() {
    let world = World::new("process.p").await;
    let failure = world.create(&config(json!({ "command": ["no-such-command", "canary"] }))).await.unwrap_err();
    assert_eq!(failure.to_string(), "failed to start the process: cannot run `no-such-command`");
    assert!(failure.error.hint.as_deref().unwrap().starts_with("Install it"));
    assert_eq!(failure.remains, Remains::Nothing);
    assert_eq!(world.left(), [""; 0]);
}

#[tokio::test]
async fn a_process_that_ends_at_once_shows_its_last_lines() {
    let world = World::new("process.p").await;
    let script = "for i in $(seq 30); do echo line $i; done; exit 3";
    let failure = world.create(&config(json!({ "command": ["sh", "-c", script] }))).await.unwrap_err();
    assert_eq!(failure.to_string(), "the process ended before it was ready: exit status: 3");
    assert_eq!(failure.error.evidence.len(), 20);
    assert_eq!(failure.error.evidence.last().map(String::as_str), Some("line 30"));
    assert_eq!(world.left(), [""; 0]);
}

#[tokio::test]
async fn a_sign_of_failure_in_the_log_ends_the_wait() {
    let world = World::new("process.p").await;
    let ready = json!({ "tcp": { "port": "1" }, "failure_log": "FATAL*disk" });
    let script = "echo $$ > pid.txt; echo 'FATAL: no disk'; exec sleep 1000";
    let wanted = config(json!({ "command": ["sh", "-c", script], "ready": ready }));
    let failure = world.create(&wanted).await.unwrap_err();
    assert_eq!(failure.to_string(), "the process logged `FATAL*disk`, its sign of failure");
    assert_eq!(failure.error.evidence, ["FATAL: no disk"]);
    let pid: u32 = std::fs::read_to_string(world.path("pid.txt")).unwrap().trim().parse().unwrap();
    assert!(!runs(pid));
}

#[tokio::test]
async fn a_wait_ends_when_its_time_is_over_or_it_is_cancelled() {
    let world = World::new("process.p").await;
    let ready =
        json!({ "exec": { "command": ["sh", "-c", "echo not yet; exit 1"] }, "timeout": "200ms", "interval": "20ms" });
    let wanted = config(json!({ "command": ["sleep", "1000"], "ready": ready }));
    let failure = world.create(&wanted).await.unwrap_err();
    assert_eq!(failure.error.trouble, Trouble::TimedOut);
    assert!(failure.to_string().ends_with("its probe failed: exit status: 1 (not yet)"), "{failure}");

    let cancel = world.cx.cancel.clone();
    let ready = json!({ "exec": { "command": ["sh", "-c", "echo asked > asked.txt; exit 1"] } });
    let wanted = config(json!({ "command": ["sleep", "1000"], "ready": ready }));
    let asked = world.path("asked.txt");
    let (failure, ()) = tokio::join!(world.create(&wanted), async {
        while !asked.exists() {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    });
    assert_eq!(failure.unwrap_err().error.trouble, Trouble::Cancelled);
    assert_eq!(world.left(), ["asked.txt"]);
}

#[tokio::test]
async fn what_ignores_its_signal_is_killed_with_all_it_started() {
    let mut world = World::new("process.p").await;
    let script = "trap '' TERM; setsid sleep 1000 & echo $! > child.txt; while :; do sleep 1; done";
    let stop = json!({ "grace": "100ms" });
    let wanted = config(json!({ "command": ["sh", "-c", script], "stop": stop }));
    let made = world.create(&wanted).await.unwrap();
    let child: u32 = std::fs::read_to_string(world.path("child.txt")).unwrap().trim().parse().unwrap();
    assert!(runs(child));
    world.delete(&made).await.unwrap();
    assert!(!runs(number(&made, "pid")) && !runs(child));
}

#[tokio::test]
async fn a_reused_pid_is_never_signalled() {
    let mut world = World::new("process.p").await;
    let wanted = config(json!({ "command": ["sleep", "1000"] }));
    let made = world.create(&wanted).await.unwrap();
    let pid = number(&made, "pid");
    // The same pid with another start time is what a record of a process long gone looks like.
    let record = world.path(".loam/processes").read_dir().unwrap().next().unwrap().unwrap().path().join("record.json");
    let text_of = std::fs::read_to_string(&record).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&text_of).unwrap();
    json["identity"]["start_time"] = 1.into();
    std::fs::write(&record, json.to_string()).unwrap();
    let stranger = made.with("process", Known::null());
    assert_eq!(text(&world.read(&stranger).await.unwrap(), "status"), "dead");
    world.delete(&stranger).await.unwrap();
    assert!(runs(pid));
    kill(pid);
}

#[tokio::test]
async fn a_lost_answer_is_found_again_by_its_token() {
    let mut world = World::new("process.p").await;
    let wanted = config(json!({ "command": ["sleep", "1000"] }));
    let planned = world.plan(&wanted, None).await.unwrap().after;
    assert_eq!(world.resolve(&planned).await, Resolution::Nothing);
    let made = world.create(&wanted).await.unwrap();
    assert_eq!(world.resolve(&planned).await, Resolution::Done(made.clone()));
    // The same call again finds what it made before.
    assert_eq!(number(&world.create(&wanted).await.unwrap(), "pid"), number(&made, "pid"));
    let token = world.cx.token.clone();
    world.next_operation();
    assert_eq!(world.resolve(&planned).await, Resolution::Nothing);
    world.delete(&made).await.unwrap();
    world.cx.token = token;
    assert_eq!(world.resolve(&Known::null()).await, Resolution::Done(Known::null()));
}

#[tokio::test]
async fn a_process_that_may_end_stays_ended() {
    let mut world = World::new("process.p").await;
    let wanted = config(json!({ "command": ["sleep", "1000"], "restart": "never" }));
    let made = world.create(&wanted).await.unwrap();
    kill(number(&made, "pid"));
    let read = world.read(&made).await.unwrap();
    assert_eq!(world.plan(&wanted, Some(&read)).await.unwrap().after, *read.value());
    world.delete(&read).await.unwrap();
    assert_eq!(world.left(), [""; 0]);
}

#[tokio::test]
async fn a_call_that_died_before_its_process_ran_had_no_effect() {
    let world = World::new("process.p").await;
    let wanted = config(json!({ "command": ["sleep", "1000"] }));
    let planned = world.plan(&wanted, None).await.unwrap().after;
    let made = world.create(&wanted).await.unwrap();
    kill(number(&made, "pid"));
    // What is left when the launcher is killed before it could write the record.
    let dir = std::path::PathBuf::from(text(&made, "dir"));
    std::fs::remove_file(dir.join("record.json")).unwrap();
    let owner = std::fs::read_to_string(dir.join("owner.json")).unwrap().replace("true", "false");
    std::fs::write(dir.join("owner.json"), owner).unwrap();
    assert_eq!(world.resolve(&planned).await, Resolution::Nothing);
    assert_eq!(world.left(), [""; 0]);
}

#[tokio::test]
async fn declared_secrets_are_written_nowhere() {
    let mut world = World::new("process.p").await;
    let command = ["sh", "-c", "exec sleep 1000", "canary-argument"];
    let wanted = config(json!({ "command": command, "env": { "TOKEN": "canary-variable" } }));
    let made = world.create(&wanted).await.unwrap();
    let files: Vec<String> = world.left().into_iter().filter(|name| world.path(name).is_file()).collect();
    assert!(files.iter().any(|name| name.ends_with("record.json")), "{files:?}");
    for name in files {
        let text = std::fs::read_to_string(world.path(&name)).unwrap();
        assert!(!text.contains("canary"), "{name}: {text}");
    }
    world.delete(&made).await.unwrap();
}

#[tokio::test]
async fn what_a_dead_call_began_to_make_or_to_delete_is_not_left() {
    let mut world = World::new("process.p").await;
    let wanted = config(json!({ "command": ["sleep", "1000"] }));
    let planned = world.plan(&wanted, None).await.unwrap().after;
    let dir = std::path::PathBuf::from(text(&planned, "dir"));
    let begin = || {
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join(".owner.json.loam-new"), "{").unwrap();
    };
    begin();
    assert_eq!(text(&world.plan(&wanted, None).await.unwrap().after, "dir"), dir.to_str().unwrap());
    let made = world.create(&wanted).await.unwrap();
    assert_eq!(text(&made, "dir"), dir.to_str().unwrap());
    begin();
    assert_eq!(world.resolve(&planned).await, Resolution::Done(made.clone()));
    assert!(!dir.join(".owner.json.loam-new").exists());
    kill(number(&made, "pid"));
    std::fs::rename(&dir, dir.with_extension("gone")).unwrap();
    begin();
    world.next_operation();
    assert_eq!(world.resolve(&planned).await, Resolution::Nothing);
    assert_eq!(world.left(), [".loam/processes"]);
}
