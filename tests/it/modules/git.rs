use std::{fs, path::Path, process::Command};

use insta::assert_snapshot;

use super::{
    SITE, calling, fetched,
    server::{Answer, Server},
    told,
};
use crate::support::{Done, Project};

/// A repository with `site/`, as branch `main` and tag `v1`, which is annotated.
fn repository() -> Project {
    let repository = Project::empty();
    repository.write("site/main.loam.hcl", SITE);
    git(&repository, &["init", "--quiet", "--initial-branch=main"]);
    commit(&repository);
    git(&repository, &["tag", "--annotate", "--message=v1", "v1"]);
    repository
}

fn git(repository: &Project, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=tester", "-c", "user.email=tester@localhost"]).args(arguments);
    repository.bare(&mut command);
    let done = Done::of(&mut command);
    assert_eq!(done.code, 0, "git {arguments:?}: {}", done.told());
    done.stdout.trim().to_owned()
}

fn commit(repository: &Project) -> String {
    git(repository, &["add", "--all"]);
    git(repository, &["commit", "--quiet", "--message=more"]);
    git(repository, &["rev-parse", "HEAD"])
}

fn url(repository: &Project) -> String {
    format!("git::file://{}", repository.path("").display().to_string().trim_end_matches('/'))
}

fn status(project: &Project, arguments: &[&str]) -> Vec<String> {
    let done = project.loam(&[&["get", "--json"], arguments].concat());
    assert_eq!(done.code, 0, "{}", done.told());
    let text = |line: &serde_json::Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    done.lines().iter().map(|line| format!("{} {}", text(line, "address"), text(line, "status"))).collect()
}

#[test]
fn branches_tags_and_commits_are_fetched() {
    let repository = repository();
    let first = git(&repository, &["rev-parse", "HEAD"]);
    repository.write("site/more.loam.hcl", "output \"more\" {\n  value = 2\n}\n");
    commit(&repository);
    let base = url(&repository);
    for reference in ["", "?ref=main", "?ref=v1", "?ref=refs/tags/v1", &format!("?ref={first}"), "?ref=v1&depth=0"] {
        let project = Project::with(&calling(&format!("{base}//site{reference}")));
        let before = project.loam(&["validate"]);
        assert!(before.code == 1 && before.stderr.contains("hint: Run `loam get`."), "{}", before.told());
        assert_eq!(status(&project, &[]), ["module.site fetched"], "{reference}");
        project.succeed(&["validate"]);
        let is_newer = project.loam(&["get"]).stdout.contains(&first[..12]);
        assert_eq!(is_newer, !["", "?ref=main"].contains(&reference), "{reference}");
        // Servers of the old protocol give out no commit by its name alone.
        let old = Project::with(&calling(&format!("{base}//site{reference}")));
        let mut command = old.command(&["get"]);
        command.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "protocol.version").env("GIT_CONFIG_VALUE_0", "0");
        let done = Done::of(&mut command);
        assert_eq!(done.code, 0, "{}", done.told());
        assert_eq!(fetched(&old), fetched(&project), "{reference}");
        let module = project.path(".loam/modules").join(&fetched(&project)[0]);
        assert!(module.join("site/main.loam.hcl").exists() && !module.join(".git").exists());
    }
}

#[test]
fn a_branch_stays_where_it_was_until_it_is_upgraded() {
    let repository = repository();
    let project = Project::with(&calling(&format!("{}//site?ref=main", url(&repository))));
    assert_eq!(status(&project, &[]), ["module.site fetched"]);
    let locked = project.read(".loam.lock.json");
    repository.write("site/main.loam.hcl", SITE.replace(" in ", " at "));
    let second = commit(&repository);
    assert_eq!(status(&project, &[]), ["module.site present"]);
    assert_eq!(project.read(".loam.lock.json"), locked);
    fs::remove_dir_all(project.path(".loam")).unwrap();
    assert_eq!(status(&project, &[]), ["module.site fetched"]);
    assert_eq!(project.read(".loam.lock.json"), locked, "another checkout gets the same commit");
    assert_eq!(status(&project, &["--upgrade"]), ["module.site moved"]);
    assert!(project.read(".loam.lock.json").contains(&second));
    assert_eq!(status(&project, &["--upgrade"]), ["module.site present"]);
    assert_eq!(fetched(&project).len(), 2, "what is replaced stays for those who read it");
}

#[test]
fn nothing_is_asked_when_all_is_there() {
    let repository = repository();
    let project = Project::with(&calling(&format!("{}//site", url(&repository))));
    project.succeed(&["get"]);
    drop(repository);
    assert_eq!(status(&project, &[]), ["module.site present"]);
    project.succeed(&["init"]);
    project.succeed(&["validate"]);
}

#[test]
fn a_module_of_a_repository_reaches_its_neighbours_and_nothing_outside() {
    let repository = repository();
    repository.write("pair/main.loam.hcl", calling("../site").replace("\"eu\"", "\"${path.module}\""));
    repository.write("out/main.loam.hcl", calling("../../../../site"));
    repository.write(
        "deep/main.loam.hcl",
        calling(&format!("{}//pair?ref=v2", url(&repository))).replace("  name   = \"eu\"\n", ""),
    );
    std::os::unix::fs::symlink("/etc", repository.path("etc")).unwrap();
    commit(&repository);
    git(&repository, &["tag", "v2"]);
    fs::remove_file(repository.path("etc")).unwrap();
    git(&repository, &["rm", "--quiet", "etc"]);
    commit(&repository);
    let project = Project::with(&calling(&format!("{}//pair", url(&repository))).replace("  name   = \"eu\"\n", ""));
    project.write("site/main.loam.hcl", SITE);
    project.succeed(&["get"]);
    project.succeed(&["validate"]);
    project.configure(&calling(&format!("{}//out", url(&repository))).replace("  name   = \"eu\"\n", ""));
    let out = project.loam(&["get"]);
    assert!(out.code == 1 && out.stderr.contains("leads out of what this module was fetched with"), "{}", out.told());
    project.configure(&calling(&format!("{}//deep", url(&repository))).replace("  name   = \"eu\"\n", ""));
    let link = project.loam(&["get"]);
    assert!(link.code == 1 && link.stderr.contains("it holds `etc`"), "{}", link.told());
}

#[test]
fn nothing_of_a_repository_runs_or_changes_what_was_committed() {
    let repository = repository();
    let canary = repository.path("canary");
    repository.write(".gitattributes", "site/* export-ignore filter=evil text eol=crlf\n");
    repository.write(".gitmodules", "[submodule \"x\"]\n  path = x\n  url = file:///nowhere\n");
    commit(&repository);
    let project = Project::with(&calling(&format!("{}//site", url(&repository))));
    let template = project.path("template/hooks");
    fs::create_dir_all(&template).unwrap();
    for hook in ["post-checkout", "post-index-change", "reference-transaction"] {
        project.write(format!("template/hooks/{hook}"), format!("#!/bin/sh\ntouch {}\n", canary.display()));
        Command::new("chmod").args(["+x"]).arg(template.join(hook)).status().unwrap();
    }
    let mut command = project.command(&["get"]);
    command.env("GIT_TEMPLATE_DIR", project.path("template")).env("GIT_DIR", "/nowhere");
    command
        .env("GIT_CONFIG_COUNT", "2")
        .env("GIT_CONFIG_KEY_0", "filter.evil.smudge")
        .env("GIT_CONFIG_KEY_1", "init.templateDir");
    command.env("GIT_CONFIG_VALUE_0", format!("touch {}", canary.display()));
    command.env("GIT_CONFIG_VALUE_1", project.path("template"));
    let done = Done::of(&mut command);
    assert_eq!(done.code, 0, "{}", done.told());
    assert!(!canary.exists(), "something of the repository ran");
    let module = project.path(".loam/modules").join(&fetched(&project)[0]);
    assert_eq!(fs::read_to_string(module.join("site/main.loam.hcl")).unwrap(), SITE);
}

#[test]
fn a_reference_that_is_not_there_is_told_with_what_is() {
    let repository = repository();
    git(&repository, &["branch", "v1.0"]);
    let project = Project::with(&calling(&format!("{}//site?ref=v10", url(&repository))));
    assert_snapshot!(told(&project, &["get"]).replace(&url(&repository), "git::URL").replace(&url(&repository)[5..], "URL"), @r#"
    exit 1
    --- stderr
    Fetching git::URL?ref=v10…
    error: Module not fetched
      --> main.loam.hcl:2:12
      |
    2 |   source = "git::URL//site?ref=v10"
      = `module.site` is `git::URL?ref=v10`, and it was not fetched.
      = `URL` has no branch, tag or commit `v10`.
    hint: Did you mean `v1.0`?
    "#);
    assert_eq!(fetched(&project), [""; 0], "nothing is left");
    git(&repository, &["branch", "v1"]);
    repository.write("x", "");
    commit(&repository);
    git(&repository, &["branch", "--force", "v1"]);
    project.configure(&calling(&format!("{}//site?ref=v1", url(&repository))));
    let both = project.loam(&["get"]);
    assert!(
        both.code == 1 && both.stderr.contains("hint: Write `?ref=refs/heads/v1` or `?ref=refs/tags/v1`."),
        "{}",
        both.told()
    );
    let short = git(&repository, &["rev-parse", "--short", "HEAD"]);
    project.configure(&calling(&format!("{}//site?ref={short}", url(&repository))));
    let abbreviated = project.loam(&["get"]);
    assert!(abbreviated.stderr.contains("hint: Write a commit in full, with its 40 digits."), "{}", abbreviated.told());
    project.configure(&calling(&format!("{}//sites", url(&repository))));
    let subdir = project.loam(&["get"]);
    assert!(subdir.code == 1 && subdir.stderr.contains("hint: Did you mean `site`?"), "{}", subdir.told());
}

#[test]
fn git_that_fails_or_is_missing_is_told() {
    let project = Project::with(&calling("git::file:///nowhere/at/all.git?ref=v1"));
    let done = project.loam(&["get"]);
    assert!(done.code == 1 && done.stderr.contains("`git` failed to list the references of"), "{}", done.told());
    assert!(done.stderr.contains("does not appear to be a git repository"), "{}", done.told());
    let mut command = project.command(&["get"]);
    command.env("PATH", project.path("bin"));
    let done = Done::of(&mut command);
    assert!(
        done.code == 1 && done.stderr.contains("hint: Install Git, and see that it is in PATH."),
        "{}",
        done.told()
    );
}

#[test]
fn a_password_is_given_to_its_host_and_shown_nowhere() {
    let server = Server::start(&[("/r.git/info/refs", Answer::Secret)]);
    let source = server.url.replace("http://", "git::http://bot:canary%40@") + "/r.git";
    let project = Project::with(&calling(&source));
    let done = project.loam(&["get"]);
    assert_eq!(done.code, 1);
    assert!(server.requests().iter().any(|head| head.contains("Basic Ym90OmNhbmFyeUA=")), "{:?}", server.requests());
    // The line of the configuration itself is shown as it was written.
    let others: Vec<&str> = done.stderr.lines().filter(|line| !line.contains("source =")).collect();
    assert!(!others.join("\n").contains("canary") && !done.stdout.contains("canary"), "{}", done.told());
    let found = Command::new("grep").arg("-r").arg("canary").arg(project.path(".loam")).output().unwrap();
    assert!(found.stdout.is_empty(), "{}", String::from_utf8_lossy(&found.stdout));
}

#[test]
fn two_that_fetch_at_once_agree() {
    let repository = repository();
    let project = Project::with(&calling(&format!("{}//site?ref=main", url(&repository))));
    let running: Vec<_> = (0..4).map(|_| project.start(&["get"])).collect();
    for running in running {
        let done = running.finish();
        assert_eq!(done.code, 0, "{}", done.told());
    }
    assert_eq!(fetched(&project).len(), 1);
    project.succeed(&["validate"]);
}

#[test]
fn a_lock_file_that_cannot_be_read_is_named() {
    let repository = repository();
    let project = Project::with(&calling(&format!("{}//site?ref=main", url(&repository))));
    project.write(".loam.lock.json", "{\"format\": \"loam-lock/9\", \"other\": 1}");
    let newer = project.loam(&["get"]);
    assert!(newer.code == 1 && newer.stderr.contains("has the format `loam-lock/9`"), "{}", newer.told());
    project.write(".loam.lock.json", "<<<<<<< HEAD\n");
    let torn = project.loam(&["validate"]);
    assert!(torn.code == 1 && torn.stderr.contains("hint: Restore it from version control"), "{}", torn.told());
    assert!(Path::new(&project.path(".loam.lock.json")).exists());
}
