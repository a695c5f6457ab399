//! Examples of configuration.
//!
//! A block of `hcl` is a whole configuration: it is laid out the usual way, valid, and can be planned. A block of
//! `hcl fragment` is part of one, and is only laid out. A block of `hcl wrong` is refused, with the words of the block
//! of `text` that follows it. A block with `file=NAME`, such as `hcl file=modules/site/main.loam.hcl`, is a
//! further file of the whole or wrong example before it: a module, an override, values of variables.

use std::collections::BTreeMap;

use super::page::{Fence, is_update, pages, rewrite};
use crate::support::Project;

/// What examples may refer to: a directory of data, and files.
const FIXTURES: [(&str, &str); 2] = [("seed/data.txt", "data\n"), ("files/genesis.json", "{\"chain\": \"bench\"}\n")];

/// An example of configuration, and what stands around it in its document.
struct Example {
    fence: Fence,
    /// Its further files, by their names.
    files: Vec<(String, Fence)>,
    /// The block that follows.
    next: Option<Fence>,
}

impl Example {
    fn project(&self) -> Project {
        let project = project(&self.fence.text);
        for (name, fence) in &self.files {
            project.write(name, &fence.text);
        }
        project
    }
}

fn project(configuration: &str) -> Project {
    let project = Project::with(configuration);
    for (name, text) in FIXTURES {
        project.write(name, text);
    }
    project
}

fn examples() -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    for page in pages() {
        let fences = page.fences();
        let mut whole = None;
        for (at, fence) in fences.iter().enumerate() {
            if let Some((_, name)) = fence.info.split_once(" file=") {
                let whole = whole.unwrap_or_else(|| panic!("{}: no example stands before this file", fence.place));
                let example: &mut Example = &mut examples[whole];
                example.files.push((name.to_owned(), fence.clone()));
                continue;
            }
            if !fence.info.starts_with("hcl") {
                continue;
            }
            let known = ["hcl", "hcl fragment", "hcl wrong"];
            assert!(known.contains(&fence.info.as_str()), "{}: `{}` is none of {known:?}", fence.place, fence.info);
            if fence.info != "hcl fragment" {
                whole = Some(examples.len());
            }
            examples.push(Example { fence: fence.clone(), files: Vec::new(), next: fences.get(at + 1).cloned() });
        }
    }
    examples
}

#[test]
fn whole_examples_can_be_planned() {
    let mut whole = 0;
    for example in examples().iter().filter(|example| example.fence.info == "hcl") {
        let (fence, project) = (&example.fence, example.project());
        for arguments in [&["validate"][..], &["plan"]] {
            let ended = project.loam(arguments);
            assert!(ended.code == 0 && !ended.stderr.contains("warning"), "{}\n{}", fence.place, ended.stderr);
        }
        whole += 1;
    }
    assert!(whole > 20, "only {whole} whole examples were found");
}

#[test]
fn examples_are_laid_out_the_usual_way() {
    for example in examples().iter().filter(|example| example.fence.info != "hcl wrong") {
        let (fence, project) = (&example.fence, Project::empty());
        project.write("example.loam.hcl", &fence.text);
        for (name, file) in &example.files {
            project.write(name, &file.text);
        }
        let ended = project.loam(&["fmt", "--check", "--diff", "--recursive"]);
        assert_eq!(ended.code, 0, "{}\n{}{}", fence.place, ended.stdout, ended.stderr);
    }
}

#[test]
fn wrong_examples_are_refused_in_the_words_shown() {
    let mut wrong = 0;
    for example in examples().iter().filter(|example| example.fence.info == "hcl wrong") {
        let (fence, shown) = (&example.fence, &example.next);
        let shown = shown.as_ref().filter(|shown| shown.info == "text");
        let shown = shown.unwrap_or_else(|| panic!("{}: no block of `text` follows", fence.place));
        let project = example.project();
        let ended = super::loam(&project, &["plan"]);
        let base = project.path("").display().to_string().trim_end_matches('/').to_owned();
        let said = format!("{}\n", ended.stderr.replace(&base, "DIR").trim());
        assert_eq!(ended.code, 1, "{}", fence.place);
        if is_update() && said != shown.text {
            rewrite(fence, &said);
        } else {
            assert_eq!(said, shown.text, "{}: UPDATE_DOCS=1 writes it anew", fence.place);
        }
        wrong += 1;
    }
    assert!(wrong > 8, "only {wrong} wrong examples were found");
}

/// Every row of a table of expressions has the value that is shown; `(unknown)` and the like are not for such tables.
#[test]
fn expressions_have_the_values_shown() {
    let mut rows = Vec::new();
    for page in pages() {
        rows.extend(page.rows(&["Expression", "Value"]));
    }
    assert!(rows.len() > 30, "only {} rows were found", rows.len());
    let code = |cell: &str| cell.trim_matches('`').to_owned();
    let configuration: String = rows
        .iter()
        .enumerate()
        .map(|(at, (_, cells))| format!("output \"row_{at}\" {{\n  value = jsonencode({})\n}}\n", code(&cells[0])))
        .collect();
    let project = project(&configuration);
    project.succeed(&["apply", "--auto-approve"]);
    let outputs: BTreeMap<String, String> = project
        .succeed(&["output", "--json"])
        .lines()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = |name: &str| line[name].as_str().unwrap_or_else(|| panic!("{line}")).to_owned();
            (text("name"), text("value"))
        })
        .collect();
    for (at, (place, cells)) in rows.iter().enumerate() {
        assert_eq!(outputs[&format!("row_{at}")], code(&cells[1]), "{place}: {}", cells[0]);
    }
}
