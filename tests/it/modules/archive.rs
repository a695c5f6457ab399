use std::{fs, io::Write as _, path::Path, process::Command};

use insta::assert_snapshot;
use zip::write::SimpleFileOptions;

use super::{
    SITE, calling, fetched,
    server::{Answer, Server},
    told,
};
use crate::support::Project;

/// Returns an archive of a module in `site/`, made by the real `tar`.
fn archive(arguments: &[&str]) -> Vec<u8> {
    let project = Project::empty();
    project.write("site/main.loam.hcl", SITE);
    let mut command = Command::new("tar");
    command.args(arguments).args(["-cf", "archive", "site"]).current_dir(project.path(""));
    assert!(command.status().unwrap().success());
    fs::read(project.path("archive")).unwrap()
}

/// Returns a zip archive of files.
fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn sha256(bytes: &[u8]) -> String {
    loam_bundle::digest::Digest::of(bytes).to_string()
}

#[test]
fn archives_of_every_format_are_fetched() {
    let zipped = zip(&[("site/main.loam.hcl", SITE)]);
    for (name, bytes) in [
        ("a.tar", archive(&[])),
        ("a.tar.gz", archive(&["--gzip"])),
        ("a.tar.bz2", archive(&["--bzip2"])),
        ("a.tar.xz", archive(&["--xz"])),
        ("a.tar.zst", archive(&["--zstd"])),
        ("a.zip", zipped),
    ] {
        let path = format!("/{name}");
        let server =
            Server::start(&[(&path, Answer::Bytes(bytes.clone())), ("/latest", Answer::Redirect(path.clone()))]);
        let checksum = format!("checksum=sha256:{}", sha256(&bytes));
        for source in [format!("{path}//site?{checksum}"), format!("/latest//site?token=x&{checksum}")] {
            let project = Project::with(&calling(&(server.url.clone() + &source)));
            project.succeed(&["get"]);
            project.succeed(&["validate"]);
            let asked = server.requests().len();
            project.succeed(&["get"]);
            assert_eq!(server.requests().len(), asked, "what is there is not asked for");
        }
        assert!(!project_files_hold_token(&server), "{name}");
    }
}

/// A query can hold a secret: it is sent and nothing else.
fn project_files_hold_token(server: &Server) -> bool {
    !server.requests().iter().any(|head| head.starts_with("GET /latest?token=x "))
}

#[test]
fn archives_lie_in_buckets_too() {
    let bucket = Project::empty();
    let bytes = archive(&["--gzip"]);
    bucket.write("modules/site 1.tar.gz", &bytes);
    let url = format!("file://{}/modules/site%201.tar.gz", bucket.path("").display().to_string().trim_end_matches('/'));
    let project = Project::with(&calling(&format!("{url}//site?checksum=sha256:{}", sha256(&bytes))));
    project.succeed(&["get"]);
    project.succeed(&["validate"]);
    let missing = Project::with(&calling(&format!("{}x?checksum=sha256:{}", url, sha256(&bytes))));
    let done = missing.loam(&["get"]);
    assert!(done.code == 1 && done.stderr.contains("does not exist."), "{}", done.told());
}

#[test]
fn an_archive_needs_a_checksum_and_is_told_the_right_one() {
    let bytes = archive(&["--gzip"]);
    let server = Server::start(&[("/a.tar.gz", Answer::Bytes(bytes.clone()))]);
    let project = Project::with(&calling(&format!("{}/a.tar.gz//site", server.url)));
    let shown = |text: String| text.replace(&server.url, "http://HOST");
    assert_snapshot!(shown(told(&project, &["get"])), @r#"
    exit 1
    --- stderr
    Fetching http://HOST/a.tar.gz…
    error: Module not fetched
      --> main.loam.hcl:2:12
      |
    2 |   source = "http://HOST/a.tar.gz//site"
      = `module.site` is `http://HOST/a.tar.gz`, and it was not fetched.
      = The source says no checksum of `http://HOST/a.tar.gz`, which has sha256 `[HEX]`.
    hint: If this is the archive that you mean, add `?checksum=sha256:[HEX]` to the source.
    "#);
    assert!(project.loam(&["get"]).stderr.contains(&format!("`?checksum=sha256:{}`", sha256(&bytes))));
    assert_eq!(fetched(&project), [""; 0], "nothing is kept that nobody vouches for");
    project.configure(&calling(&format!("{}/a.tar.gz//site?checksum=sha256:{}", server.url, "0".repeat(64))));
    assert_snapshot!(shown(told(&project, &["get"])), @r#"
    exit 1
    --- stderr
    Fetching http://HOST/a.tar.gz?checksum=sha256:[HEX]…
    error: Module not fetched
      --> main.loam.hcl:2:12
      |
    2 |   source = "http://HOST/a.tar.gz//site?checksum=sha256:[HEX]"
      = `module.site` is `http://HOST/a.tar.gz?checksum=sha256:[HEX]`, and it was not fetched.
      = `http://HOST/a.tar.gz` has sha256 `[HEX]` instead of `[HEX]`.
    hint: Either the archive was replaced, or the checksum is of another one. Find out which before you change it.
    "#);
    assert_eq!(fetched(&project), [""; 0]);
    project.configure(&calling(&format!("{}/a.tar.gz//site?checksum=sha256:{}", server.url, sha256(&bytes))));
    project.succeed(&["get"]);
}

#[test]
fn archives_that_lead_out_are_refused() {
    let project = Project::empty();
    project.write("x", "canary");
    let tar =
        Command::new("tar").args(["-cPf", "-", "--transform=s,^,../../,", "x"]).current_dir(project.path("")).output();
    std::os::unix::fs::symlink("/etc/passwd", project.path("main.loam.hcl")).unwrap();
    let link = Command::new("tar").args(["-cf", "-", "main.loam.hcl"]).current_dir(project.path("")).output();
    for (bytes, because) in [
        (tar.unwrap().stdout, "`../../x`"),
        (link.unwrap().stdout, "`main.loam.hcl`"),
        (zip(&[("../../x", "canary")]), "`../../x` leads out of it"),
        (b"<html>no archive</html>".to_vec(), "cannot be extracted"),
        (archive(&["--gzip"])[..100].to_vec(), ""),
    ] {
        let server = Server::start(&[("/a", Answer::Bytes(Vec::new())), ("/x/a", Answer::Bytes(bytes.clone()))]);
        project.configure(&calling(&format!("{}/x/a?checksum=sha256:{}", server.url, sha256(&bytes))));
        let done = project.loam(&["get"]);
        assert!(done.code == 1 && done.stderr.contains(because), "{because}: {}", done.told());
        assert_eq!(fetched(&project), [""; 0]);
        assert!(!Path::new(&project.path(".loam/x")).exists());
    }
}

#[test]
fn servers_that_do_not_have_it_are_told() {
    let server = Server::start(&[]);
    let project = Project::with(&calling(&format!("{}/x/a.tar?checksum=sha256:{}", server.url, "0".repeat(64))));
    let done = project.loam(&["get"]);
    assert!(done.code == 1 && done.stderr.contains("was answered with status 404"), "{}", done.told());
    project.configure(&calling(&format!("http://127.0.0.1:1/x/a.tar?checksum=sha256:{}", "0".repeat(64))));
    let done = project.loam(&["get"]);
    assert!(done.code == 1 && done.stderr.contains("Failed to ask `http://127.0.0.1:1/x/a.tar`"), "{}", done.told());
}

#[test]
fn what_a_killed_get_left_goes_with_the_next() {
    let bytes = archive(&[]);
    let server = Server::start(&[("/x/a", Answer::Stalled(bytes.clone())), ("/x/b", Answer::Bytes(bytes.clone()))]);
    let checksum = sha256(&bytes);
    let project = Project::with(&calling(&format!("{}/x/a//site?checksum=sha256:{checksum}", server.url)));
    let running = project.start(&["get"]);
    crate::support::until(|| {
        let left = fetched(&project);
        if left.iter().any(|name| name.starts_with(".get-")) { Ok(()) } else { Err(format!("{left:?}")) }
    });
    running.kill_after(std::time::Duration::ZERO);
    assert!(!fetched(&project).is_empty(), "it was killed in the middle");
    project.configure(&calling(&format!("{}/x/b//site?checksum=sha256:{checksum}", server.url)));
    project.succeed(&["get"]);
    assert!(fetched(&project).iter().all(|name| !name.starts_with('.')), "{:?}", fetched(&project));
    project.succeed(&["validate"]);
}
