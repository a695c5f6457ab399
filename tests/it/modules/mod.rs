//! Modules: local directories, Git repositories and archives, each from something real.

mod archive;
mod git;
mod local;
mod server;

use crate::support::Project;

/// A module with a variable and an output.
const SITE: &str = r#"variable "name" {
  type = string
}

output "text" {
  value = "${var.name} in ${path.module}"
}
"#;

/// Returns a configuration that calls a module at a source.
fn calling(source: &str) -> String {
    format!(
        "module \"site\" {{\n  source = \"{source}\"\n  name   = \"eu\"\n}}\n\noutput \"text\" {{\n  value = module.site.text\n}}\n"
    )
}

/// Returns what is told, without what differs from run to run: carets are as long as a path or a port.
fn told(project: &Project, arguments: &[&str]) -> String {
    let told = project.shown(&project.loam(arguments).told());
    told.lines().filter(|line| !line.contains("| ") || !line.trim_end().ends_with("^^^")).collect::<Vec<_>>().join("\n")
}

/// Returns where what was fetched is kept.
fn fetched(project: &Project) -> Vec<String> {
    let entries = std::fs::read_dir(project.path(".loam/modules")).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name != ".lock" && name != "modules.json").collect();
    names.sort();
    names
}
