//! Where docs/language.md says that the values of variables come from.

use super::page::page;
use crate::support::{Done, Project};

const CONFIGURATION: &str = r#"
variable "v" {
  type    = string
  default = "default"
}

output "v" {
  value = var.v
}
"#;

/// The sources in rising precedence: how the document begins its line, and the value that each gives.
const SOURCES: [(&str, &str); 6] = [
    ("1. its `default`", "default"),
    ("2. the environment variable `LOAM_VAR_name`", "environment"),
    ("3. `loam.vars.hcl`, then `loam.vars.json`", "JSON file"),
    ("4. every file there whose name ends in `.auto.vars.hcl` or `.auto.vars.json`", "second automatic file"),
    ("5. `--var-file FILE`", "second named file"),
    ("6. `--var NAME=VALUE`", "second argument"),
];

#[test]
fn each_source_wins_over_those_before_it() {
    for (at, (line, value)) in SOURCES.iter().enumerate() {
        let text = page("docs/language.md").text;
        assert!(text.lines().any(|written| written.starts_with(line)), "docs/language.md does not say `{line}`");
        let project = Project::with(CONFIGURATION);
        let set = |name: &str, value: &str| {
            let text = if name.ends_with(".json") {
                format!("{{\"v\": \"{value}\"}}\n")
            } else {
                format!("v = \"{value}\"\n")
            };
            project.write(name, text);
        };
        set("named.vars.hcl", "named file");
        set("other.vars.json", "second named file");
        let mut arguments = vec!["apply", "--auto-approve"];
        if at >= 2 {
            set("loam.vars.hcl", "file");
            set("loam.vars.json", "JSON file");
        }
        if at >= 3 {
            set("b.auto.vars.json", "second automatic file");
            set("a.auto.vars.hcl", "automatic file");
        }
        if at >= 5 {
            // Before the files, and still read after them.
            arguments.extend(["--var", "v=argument", "--var", "v=second argument"]);
        }
        if at >= 4 {
            arguments.extend(["--var-file", "named.vars.hcl", "--var-file", "other.vars.json"]);
        }
        let mut command = project.command(&arguments);
        if at >= 1 {
            command.env("LOAM_VAR_v", "environment");
        }
        let done = Done::of(&mut command);
        assert_eq!(done.code, 0, "{}", done.told());
        assert_eq!(project.succeed(&["output", "v", "--raw"]).trim(), *value, "{line}");
    }
}
