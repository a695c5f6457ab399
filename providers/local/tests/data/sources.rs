//! Data sources, read from real files, programs and servers.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    os::unix::fs::symlink,
    thread,
    time::{Duration, Instant},
};

use loam_provider::{Known, ProviderError, Trouble, Value};
use serde_json::{Value as Json, json};

use crate::world::{World, number, said, set_mode, text};

async fn fetch(world: &World, source: &str, block: Json) -> Result<Known, ProviderError> {
    world.fetch(&world.cx(&format!("data.{source}.main")), source, &block).await
}

async fn read(world: &World, source: &str, block: Json) -> Known {
    fetch(world, source, block).await.unwrap_or_else(|error| panic!("{}", said(&error)))
}

async fn refused(world: &World, source: &str, block: Json) -> String {
    said(&fetch(world, source, block).await.unwrap_err()).replace(world.path("").to_str().unwrap(), "")
}

/// Returns whether an attribute is there and null.
fn is_null(object: &Known, name: &str) -> bool {
    object.get(name).unwrap().is_null()
}

#[tokio::test]
async fn a_file_is_read_with_its_digest_its_mode_and_its_time() {
    let world = World::new().await;
    world.write([("notes.txt", "héllo\n")]);
    set_mode(&world.path("notes.txt"), 0o640);
    symlink("notes.txt", world.path("link")).unwrap();
    world.shell("touch -d 2024-02-29T12:00:00.5Z notes.txt");
    for path in ["notes.txt", "./link"] {
        let file = read(&world, "file", json!({ "path": path })).await;
        assert_eq!((text(&file, "content"), number(&file, "bytes")), ("héllo\n".into(), 7));
        assert_eq!((text(&file, "mode"), text(&file, "modified")), ("0640".into(), "2024-02-29T12:00:00.5Z".into()));
        assert_eq!(text(&file, "content_base64"), world.shell("base64 notes.txt").trim());
        assert_eq!(text(&file, "sha256"), world.shell("sha256sum < notes.txt")[..64]);
    }

    fs::write(world.path("image"), [0xff, 0xfe, 0]).unwrap();
    let image = read(&world, "file", json!({ "path": "image" })).await;
    assert!(is_null(&image, "content"));
    assert_eq!(text(&image, "content_base64"), "//4A");
    assert_eq!(text(&read(&world, "file", json!({ "path": "/dev/../proc/self/comm" })).await, "mode"), "0644");
}

#[tokio::test]
async fn what_is_no_file_to_read_says_why() {
    let world = World::new().await;
    world.write([("long", "12345"), ("dir/a", "")]);
    world.shell("mkfifo fifo");
    let refused = async |block| refused(&world, "file", block).await;
    assert_eq!(refused(json!({ "path": "absent" })).await, "`absent` does not exist [path]");
    assert_eq!(refused(json!({ "path": "dir" })).await, "`dir` is a directory [path]");
    assert_eq!(refused(json!({ "path": "fifo" })).await, "`fifo` is not a regular file [path]");
    let long = json!({ "path": "long", "max_size": "4B" });
    assert_eq!(refused(long).await, "`long` is longer than 4 B [max_size]");
    assert_eq!(number(&read(&world, "file", json!({ "path": "long", "max_size": "5B" })).await, "bytes"), 5);
}

#[tokio::test]
async fn a_directory_has_the_digest_of_the_archive_that_is_built_of_it() {
    let world = World::new().await;
    world.write([("db/a.sst", "one"), ("db/sub/b.log", "two"), ("db/node_key.json", "CANARY")]);
    let bucket = world.bucket("archives").await;
    let archive = json!({ "source": "db", "bucket": { "name": bucket["name"], "url": bucket["url"] } });
    let archive = world.made("seed_archive.main", &archive).await;

    let directory = read(&world, "directory", json!({ "path": "db" })).await;
    assert_eq!(text(&directory, "content_root"), text(&archive, "content_root"));
    assert_eq!((number(&directory, "entries"), number(&directory, "bytes")), (3, 6));
    let files = directory.to_json()["files"].clone();
    let paths: Vec<&str> = files.as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["a.sst", "sub/b.log"]);
    assert_eq!(files[1]["sha256"], world.shell("sha256sum < db/sub/b.log")[..64]);
    assert_eq!((&files[1]["bytes"], &files[1]["mode"]), (&json!(3), &json!("0644")));
    assert!(!directory.to_json().to_string().contains("node_key"));

    let some = read(&world, "directory", json!({ "path": "db", "exclude": ["*.log", "!node_key.json"] })).await;
    assert_eq!((number(&some, "bytes"), number(&some, "entries")), (9, 3));
    let unlisted = read(&world, "directory", json!({ "path": "db", "list_files": false })).await;
    assert!(is_null(&unlisted, "files"));
    assert_eq!(text(&unlisted, "content_root"), text(&archive, "content_root"));

    let refused = async |block| refused(&world, "directory", block).await;
    assert_eq!(refused(json!({ "path": "absent" })).await, "directory `absent` does not exist [path]");
    assert_eq!(refused(json!({ "path": "db/a.sst" })).await, "`db/a.sst` is not a directory [path]");
    let wrong = refused(json!({ "path": "db", "exclude": ["[a"] })).await;
    assert!(wrong.starts_with("`[a` is not a valid pattern") && wrong.ends_with("[exclude]"), "{wrong}");
}

#[tokio::test]
async fn the_manifests_of_archives_and_versions_are_read() {
    let world = World::new().await;
    world.write([("db/a.sst", "one"), ("db/sub/b.log", "two")]);
    let bucket = world.bucket("archives").await;
    let archive = json!({
        "source": "db", "bucket": { "name": bucket["name"], "url": bucket["url"] },
        "metadata": { "height": "42", "bootstrapped": "true" },
    });
    let archive = world.made("seed_archive.main", &archive).await;
    let path = format!(".loam/buckets/archives/{}", text(&archive, "key"));
    for url in [text(&archive, "url"), path.clone()] {
        let manifest = read(&world, "archive_manifest", json!({ "url": url })).await;
        for name in ["sha256", "content_root"] {
            assert_eq!(text(&manifest, name), text(&archive, name), "{name}");
        }
        for name in ["bytes", "files", "uncompressed_bytes"] {
            assert_eq!(number(&manifest, name), number(&archive, name), "{name}");
        }
        assert_eq!(number(&manifest, "frames"), 1);
        assert_eq!(text(&manifest, "compression"), "tar.zst");
        assert_eq!(manifest.to_json()["metadata"], json!({ "height": "42", "bootstrapped": "true" }));
        assert_eq!(manifest.get("bootstrapped"), Some(&Value::from(true)));
        assert!(is_null(&manifest, "version"));
        assert!(text(&manifest, "created_at").ends_with('Z'));
    }

    let push = json!({ "mode": "push", "source": "db", "bucket": bucket, "series": "main" });
    let first = world.made("replica.push", &push).await;
    world.write([("db/a.sst", "new")]);
    world.apply("replica.push", &push, Some(&first)).await.unwrap();
    let series = json!({ "url": format!("{}/main", bucket["url"].as_str().unwrap()) });
    let newest = read(&world, "archive_manifest", series.clone()).await;
    assert_eq!((number(&newest, "version"), number(&newest, "files")), (2, 2));
    assert!(is_null(&newest, "sha256") && text(&newest, "content_root") != text(&archive, "content_root"));
    let first = json!({ "url": series["url"], "version": 1 });
    let first = read(&world, "archive_manifest", first).await;
    assert_eq!(text(&first, "content_root"), text(&archive, "content_root"));

    let refused = async |block| refused(&world, "archive_manifest", block).await;
    let missing = refused(json!({ "url": series["url"], "version": 3 })).await;
    assert!(missing.contains("has no version 3") && missing.ends_with("[version]"), "{missing}");
    let unversioned = refused(json!({ "url": path, "version": 1 })).await;
    assert!(unversioned.ends_with("is not a series of versions [version]"), "{unversioned}");
    assert_eq!(
        refused(json!({ "url": "nowhere/x.tar" })).await,
        "there is no archive and no series at `nowhere/x.tar` [url]"
    );
    fs::write(world.path("plain.tar"), "").unwrap();
    assert_eq!(refused(json!({ "url": "plain.tar" })).await, "the archive `plain.tar` has no manifest beside it [url]");

    let manifest = world.text(&format!("{path}.manifest.json"));
    let origin = serve(move |path| match path {
        "/x.tar.zst.manifest.json" => ("200 OK", manifest.clone()),
        _ => ("404 Not Found", String::new()),
    });
    let remote = read(&world, "archive_manifest", json!({ "url": format!("{origin}/x.tar.zst") })).await;
    assert_eq!(text(&remote, "sha256"), text(&archive, "sha256"));
    let gone = refused(json!({ "url": format!("{origin}/y") })).await;
    assert!(gone.ends_with("the server answered 404 [url]"), "{gone}");
}

#[tokio::test]
async fn a_program_answers_with_what_it_prints() {
    let world = World::new().await;
    world.write([("sub/x", "")]);
    let ran = read(
        &world,
        "process",
        json!({
            "command": ["sh", "-c", r#"printf '{"n": [1, null], "in": "%s", "v": "%s", "at": "%s"}' "$(cat)" "$V" "${PWD##*/}"; echo note >&2"#],
            "env": { "V": "value" }, "stdin": "given", "working_dir": "sub",
        }),
    )
    .await;
    assert_eq!(ran.to_json()["result"], json!({ "n": [1, null], "in": "given", "v": "value", "at": "sub" }));
    assert_eq!((text(&ran, "stderr"), number(&ran, "exit_code")), ("note\n".into(), 0));

    let plain = read(&world, "process", json!({ "command": ["echo", "$HOME", "a b"] })).await;
    assert_eq!(text(&plain, "stdout"), "$HOME a b\n");
    assert!(is_null(&plain, "result"));
    let failed = json!({ "command": ["sh", "-c", "echo out; exit 3"], "allow_failure": true });
    assert_eq!(number(&read(&world, "process", failed).await, "exit_code"), 3);
    // It need not read what it is given.
    let deaf = json!({ "command": ["true"], "stdin": "x".repeat(1 << 20) });
    assert_eq!(number(&read(&world, "process", deaf).await, "exit_code"), 0);
}

#[tokio::test]
async fn a_program_that_fails_is_told_with_what_it_said_and_without_its_secrets() {
    let world = World::new().await;
    let refused = async |block| refused(&world, "process", block).await;
    let failing = json!({
        "command": ["sh", "-c", "echo out; echo bad >&2; exit 3", "CANARY"], "env": { "TOKEN": "CANARY" }, "stdin": "CANARY",
    });
    assert_eq!(refused(failing).await, "`sh` failed: exit code 3 [command] | bad");
    let ended = json!({ "command": ["sh", "-c", "kill -9 $$"] });
    assert_eq!(refused(ended).await, "`sh` was ended from outside: signal: 9 (SIGKILL) [command]");
    assert!(refused(json!({ "command": ["no-such-program"] })).await.starts_with("failed to run `no-such-program`: "));
    assert_eq!(refused(json!({ "command": [] })).await, "the command is empty [command]");
    let nowhere = json!({ "command": ["true"], "working_dir": "absent" });
    assert_eq!(refused(nowhere).await, "`absent` is not a directory [working_dir]");
    let loud = json!({ "command": ["yes"], "max_output": "1KiB" });
    assert_eq!(refused(loud).await, "the standard output of `yes` is longer than 1 KiB [max_output]");
    let binary = json!({ "command": ["printf", "\\377"] });
    assert_eq!(refused(binary).await, "the standard output of `printf` is not UTF-8 [command]");
}

#[tokio::test]
async fn a_program_that_is_late_or_cancelled_goes_with_all_it_started() {
    let world = World::new().await;
    // Both wait for a FIFO that nobody writes to, and say who they are first.
    world.shell("mkfifo never");
    let command = ["sh", "-c", "(echo $$ >> pids; cat never) & echo $$ >> pids; cat never"];
    let pids = || world.text("pids").lines().map(str::to_owned).collect::<Vec<_>>();
    let is_running = |pid: &String| {
        let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        !state.is_empty() && !state.contains(") Z ")
    };
    let all_end = async || {
        let started = Instant::now();
        while pids().iter().any(is_running) {
            assert!(started.elapsed() < Duration::from_secs(10), "{:?} run on", pids());
            tokio::task::yield_now().await;
        }
    };

    let late = fetch(&world, "process", json!({ "command": command, "timeout": "300ms" })).await.unwrap_err();
    assert_eq!(late.trouble, Trouble::TimedOut);
    assert_eq!(said(&late), "`sh` did not end within 300ms, so it was killed [timeout]");
    assert_eq!(pids().len(), 2);
    all_end().await;

    fs::remove_file(world.path("pids")).unwrap();
    let cx = world.cx("data.process.main");
    let cancel = cx.cancel.clone();
    let block = json!({ "command": command });
    let watch = async {
        while fs::read_to_string(world.path("pids")).is_ok_and(|text| text.lines().count() < 2)
            || !world.path("pids").exists()
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        cancel.cancel();
    };
    let (ran, ()) = tokio::join!(world.fetch(&cx, "process", &block), watch);
    assert_eq!(ran.unwrap_err().trouble, Trouble::Cancelled);
    all_end().await;
}

/// Serves what a function answers to paths; returns where.
fn serve(answer: impl Fn(&str) -> (&'static str, String) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut first, mut line) = (String::new(), String::new());
            stream.read_line(&mut first).unwrap();
            while line != "\r\n" {
                line.clear();
                stream.read_line(&mut line).unwrap();
                if line.to_ascii_lowercase().starts_with("x-echo: ") {
                    first.push_str(&line);
                }
            }
            let (status, body) = answer(first.split(' ').nth(1).unwrap());
            let echo = first.lines().nth(1).unwrap_or("x-echo: none");
            let length = body.len();
            // A client that saw enough hangs up.
            let _ = write!(
                stream.get_mut(),
                "HTTP/1.1 {status}\r\n{echo}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
    });
    origin
}

#[tokio::test]
async fn a_server_answers_and_its_answer_is_checked() {
    let world = World::new().await;
    let origin = serve(|path| match path {
        "/hello?token=CANARY" => ("200 OK", "hello".to_owned()),
        _ => ("404 Not Found", "nothing here".to_owned()),
    });
    let digest = world.shell("printf hello | sha256sum")[..64].to_owned();
    let block = json!({
        "url": format!("{origin}/hello?token=CANARY"),
        "request_headers": { "X-Echo": "echoed" },
        "checksum": format!("sha256:{digest}"),
    });
    let answer = read(&world, "http", block.clone()).await;
    assert_eq!((number(&answer, "status_code"), text(&answer, "body")), (200, "hello".into()));
    assert_eq!(text(&answer, "body_base64"), "aGVsbG8=");
    assert_eq!(answer.to_json()["response_headers"]["X-Echo"], "echoed");

    let lost = read(&world, "http", json!({ "url": format!("{origin}/x") })).await;
    assert_eq!((number(&lost, "status_code"), text(&lost, "body")), (404, "nothing here".into()));

    let refused = async |block| refused(&world, "http", block).await;
    let mut other = block.clone();
    other["checksum"] = json!(format!("sha256:{}", "0".repeat(64)));
    assert_eq!(
        refused(other).await,
        format!("the answer of `{origin}/hello`, with status 200, has sha256 `{digest}` [checksum]")
    );
    let mut other = block.clone();
    other["checksum"] = json!("md5:00");
    assert_eq!(refused(other).await, "`md5:00` does not start with `sha256:` [checksum]");
    let mut other = block.clone();
    other["max_size"] = json!("4B");
    assert_eq!(refused(other).await, format!("the answer of `{origin}/hello` is longer than 4 B [max_size]"));
    let mut other = block.clone();
    other["ca_certificate"] = json!("none");
    assert!(refused(other).await.ends_with("there is no certificate in the text [ca_certificate]"));
    let wrong = refused(json!({ "url": "ftp://x" })).await;
    assert!(wrong.ends_with("its scheme is neither `http` nor `https` [url]"), "{wrong}");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nobody = refused(json!({ "url": format!("http://127.0.0.1:{port}/?token=CANARY") })).await;
    assert!(nobody.starts_with(&format!("failed to ask `http://127.0.0.1:{port}/`: ")), "{nobody}");
    assert!(nobody.ends_with("[url]") && !nobody.contains("CANARY"), "{nobody}");
}
