//! The exit codes of docs/exit-codes.md, each from a real run.

use super::page::page;
use crate::support::Project;

const SMALL: &str =
    "resource \"loam_data\" \"a\" {\n  input = \"one\"\n}\n\noutput \"text\" {\n  value = loam_data.a.input\n}\n";

const PROTECTED: &str =
    "resource \"loam_data\" \"a\" {\n  count = 2\n\n  lifecycle {\n    prevent_destroy = true\n  }\n}\n";

const CHECK: &str = r#"check "never" {
  assert {
    condition     = 1 > 2
    error_message = "It does not hold."
  }
}
"#;

/// In which directory a command runs.
#[derive(Clone, Copy)]
enum Where {
    /// There is a configuration, and nothing was applied.
    Fresh,
    /// It was applied.
    Applied,
    /// It was applied, and then changed.
    Changed,
    /// A saved plan lies there, and the configuration is another one by now.
    Stale,
    /// It was applied, and then one of its objects, which are protected, went from the configuration.
    Protected,
    /// The configuration has a mistake.
    Broken,
    /// A step of the apply fails.
    Failing,
    /// It calls a module of a repository that is nowhere.
    Unfetched,
    /// It was applied, and has a check that does not hold.
    Unhealthy,
    /// Nothing was applied, and a directory that the configuration has is there already.
    Found,
    /// There is nothing.
    Empty,
}

/// Command, when, code: the rows of the page, in its order.
const ROWS: [(&str, &str, i32, Where); 36] = [
    ("loam plan", "there are changes, or none", 0, Where::Fresh),
    ("loam plan --detailed-exitcode", "there are no changes", 0, Where::Applied),
    ("loam plan --detailed-exitcode", "there are changes", 2, Where::Changed),
    ("loam plan --detailed-exitcode", "the configuration is wrong", 1, Where::Broken),
    ("loam plan --detailed-exitcode", "a `check` does not hold, and there are no changes", 0, Where::Unhealthy),
    ("loam plan --destroy --detailed-exitcode", "there is something to destroy", 2, Where::Applied),
    ("loam plan", "an object would be deleted whose block has `prevent_destroy`", 1, Where::Protected),
    ("loam plan --destroy", "an object would be deleted whose block has `prevent_destroy`", 1, Where::Protected),
    ("loam plan", "there is no configuration", 1, Where::Empty),
    ("loam apply --auto-approve", "everything is done", 0, Where::Fresh),
    ("loam apply --auto-approve", "there was nothing to do", 0, Where::Applied),
    ("loam apply --auto-approve", "a step failed; what could be done is done", 1, Where::Failing),
    ("loam apply", "nobody can be asked, because there is no terminal", 1, Where::Changed),
    ("loam apply saved.plan", "the plan is stale", 1, Where::Stale),
    ("loam destroy --auto-approve", "everything is destroyed or kept", 0, Where::Applied),
    ("loam destroy --auto-approve", "there was nothing to destroy", 0, Where::Fresh),
    ("loam validate", "the configuration is valid", 0, Where::Fresh),
    ("loam validate", "it has a mistake", 1, Where::Broken),
    ("loam init", "the directory was empty", 0, Where::Empty),
    ("loam init", "the configuration that is there has a mistake", 1, Where::Broken),
    ("loam get", "everything is there, or was fetched", 0, Where::Fresh),
    ("loam get", "a module cannot be fetched", 1, Where::Unfetched),
    ("loam import directory.data data", "it is taken over", 0, Where::Found),
    ("loam import directory.data missing", "the id names nothing, or not what the block names", 1, Where::Found),
    ("loam fmt --check", "every file is laid out the usual way", 0, Where::Fresh),
    ("loam fmt --check", "some file is laid out differently", 3, Where::Broken),
    ("loam fmt --check missing.hcl", "a file cannot be read, or is not HCL", 1, Where::Fresh),
    ("loam output text", "the state has the output", 0, Where::Applied),
    ("loam output text", "it has not", 1, Where::Fresh),
    ("loam console", "every expression is answered", 0, Where::Fresh),
    ("loam metadata functions join", "there is such a function", 0, Where::Empty),
    ("loam metadata functions joni", "there is not", 1, Where::Empty),
    ("loam state show loam_data.a", "the state has the object", 0, Where::Applied),
    ("loam state show loam_data.a", "it has not", 1, Where::Fresh),
    ("loam no-such-command", "there is no such command or option", 1, Where::Fresh),
    ("loam --help", "help or the version was asked for", 0, Where::Empty),
];

impl Where {
    fn project(self) -> Project {
        let applied = || {
            let project = Project::with(SMALL);
            project.succeed(&["apply", "--auto-approve"]);
            project
        };
        match self {
            Self::Fresh => Project::with(SMALL),
            Self::Applied => applied(),
            Self::Changed => {
                let project = applied();
                project.write("main.loam.hcl", SMALL.replace("one", "two"));
                project
            }
            Self::Stale => {
                let project = Project::with(SMALL);
                project.succeed(&["plan", "--out", "saved.plan"]);
                project.write("main.loam.hcl", SMALL.replace("one", "two"));
                project
            }
            Self::Protected => {
                let project = Project::with(PROTECTED);
                project.succeed(&["apply", "--auto-approve"]);
                project.write("main.loam.hcl", PROTECTED.replace("count = 2", "count = 1"));
                project
            }
            Self::Broken => Project::with("resource \"loam_data\" \"a\" {\n    inptu = \"one\"\n}\n"),
            Self::Failing => {
                Project::with("resource \"process\" \"a\" {\n  command = [\"sh\", \"-c\", \"exit 3\"]\n}\n")
            }
            Self::Unfetched => Project::with("module \"a\" {\n  source = \"git::file:///nowhere/a.git\"\n}\n"),
            Self::Unhealthy => {
                let project = applied();
                project.write("check.loam.hcl", CHECK);
                project
            }
            Self::Found => {
                let project = Project::with("resource \"directory\" \"data\" {\n  path = \"data\"\n}\n");
                project.write("data/one.txt", "one");
                project
            }
            Self::Empty => Project::empty(),
        }
    }
}

#[test]
fn the_page_lists_what_the_program_returns() {
    let written: Vec<Vec<String>> =
        page("docs/exit-codes.md").rows(&["Command", "When", "Code"]).into_iter().map(|(_, cells)| cells).collect();
    let expected: Vec<Vec<String>> = ROWS
        .iter()
        .map(|(command, when, code, _)| vec![format!("`{command}`"), (*when).to_owned(), code.to_string()])
        .collect();
    assert_eq!(written, expected);
}

#[test]
fn every_command_returns_the_code_of_its_row() {
    for (command, when, code, place) in ROWS {
        let arguments: Vec<&str> = command.split(' ').skip(1).collect();
        let ended = place.project().loam(&arguments);
        assert_eq!(ended.code, code, "{command}: {when}\n{}{}", ended.stdout, ended.stderr);
    }
}
