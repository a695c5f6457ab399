//! `loam metadata functions`, beside Terraform's command of this name.

use std::{collections::BTreeMap, process::Command};

use insta::assert_snapshot;
use serde_json::{Map, Value as Json};

use crate::support::Project;

/// Functions of OpenTofu, which Terraform has not.
const NOT_IN_TERRAFORM: [&str; 3] = ["base64gunzip", "cidrcontains", "urldecode"];

/// Functions of which Terraform does not say what they return, although it never depends on the arguments.
const SAYS_MORE: [(&str, &str); 7] = [
    ("contains", r#""bool""#),
    ("format", r#""string""#),
    ("formatlist", r#"["list","string"]"#),
    ("index", r#""number""#),
    ("parseint", r#""number""#),
    ("sum", r#""number""#),
    ("templatefile", r#""string""#),
];

fn signatures(text: &str) -> Map<String, Json> {
    let json: Json = serde_json::from_str(text).unwrap();
    let top = json.as_object().unwrap();
    assert_eq!(top.keys().collect::<Vec<_>>(), ["format_version", "function_signatures"]);
    assert_eq!(top["format_version"], "1.0");
    top["function_signatures"].as_object().unwrap().clone()
}

/// Checks the keys of an object, and that those that must be there are.
fn assert_keys(json: &Json, needed: &[&str], possible: &[&str]) {
    let keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert!(needed.iter().all(|key| keys.contains(key)), "{json}");
    assert!(keys.iter().all(|key| needed.contains(key) || possible.contains(key)), "{json}");
}

fn assert_parameter(parameter: &Json) {
    assert_keys(parameter, &["name", "type"], &["is_nullable"]);
    assert!(parameter["name"].is_string() && is_type(&parameter["type"]), "{parameter}");
    assert!(parameter.get("is_nullable").is_none_or(|claim| *claim == true), "{parameter}");
}

fn is_type(json: &Json) -> bool {
    match json {
        Json::String(name) => ["bool", "dynamic", "number", "string"].contains(&name.as_str()),
        Json::Array(parts) => match parts.as_slice() {
            [Json::String(name), element] => ["list", "map", "set"].contains(&name.as_str()) && is_type(element),
            _ => false,
        },
        _ => false,
    }
}

#[test]
fn programs_read_signatures_as_terraform_writes_them() {
    let told = Project::empty().succeed(&["metadata", "functions", "--json"]);
    assert_eq!(told.lines().count(), 1);
    let ours = signatures(&told);
    assert_eq!(ours.len(), 2 * 121);
    for (name, signature) in &ours {
        assert_keys(signature, &["description", "return_type"], &["parameters", "variadic_parameter"]);
        assert!(signature["description"].as_str().unwrap().ends_with('.'), "{name}");
        assert!(is_type(&signature["return_type"]), "{name}: {signature}");
        let parameters = signature.get("parameters").map(|all| all.as_array().unwrap());
        assert!(parameters.is_none_or(|all| !all.is_empty()), "{name}");
        parameters.into_iter().flatten().chain(signature.get("variadic_parameter")).for_each(assert_parameter);
        assert_eq!(ours[&format!("core::{}", name.trim_start_matches("core::"))], *signature);
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "who runs the test must see that it compared nothing")]
fn terraform_tells_the_same_functions() {
    let project = Project::empty();
    let mut terraform = Command::new("terraform");
    terraform.args(["metadata", "functions", "-json"]).current_dir(project.path("."));
    let Ok(done) = terraform.env("TF_CLI_CONFIG_FILE", "/dev/null").output() else {
        eprintln!("`terraform` is not installed: nothing was compared with it");
        return;
    };
    let theirs = signatures(&String::from_utf8(done.stdout).unwrap());
    let mut ours = signatures(&project.succeed(&["metadata", "functions", "--json"]));
    for name in NOT_IN_TERRAFORM {
        assert!(ours.remove(name).is_some() && ours.remove(&format!("core::{name}")).is_some());
    }
    let more: BTreeMap<&str, &str> = SAYS_MORE.into();
    let plain = |parameter: &Json| {
        let mut parameter = parameter.clone();
        parameter.as_object_mut().unwrap().remove("description");
        parameter
    };
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (name, theirs) in &theirs {
        let ours = &ours[name];
        match more.get(name.trim_start_matches("core::")) {
            Some(ty) => {
                assert_eq!((ours["return_type"].to_string().as_str(), &theirs["return_type"]), (*ty, &"dynamic".into()))
            }
            None => assert_eq!(ours["return_type"], theirs["return_type"], "{name}"),
        }
        let parameters = |signature: &Json| -> Vec<Json> {
            signature.get("parameters").and_then(Json::as_array).into_iter().flatten().map(plain).collect()
        };
        assert_eq!(parameters(ours), parameters(theirs), "{name}");
        let variadic = |signature: &Json| signature.get("variadic_parameter").map(plain);
        assert_eq!(variadic(ours), variadic(theirs), "{name}");
    }
}

#[test]
fn people_read_a_table_or_one_function() {
    let project = Project::empty();
    let table = project.succeed(&["metadata", "functions"]);
    assert_eq!(table.lines().count(), 1 + 121);
    let row = table.lines().find(|line| line.starts_with("join(")).unwrap();
    let words: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(words[..4], ["join(separator,", "lists...)", "string", "Puts"]);
    let one = project.loam(&["metadata", "functions", "core::coalesce"]);
    assert_snapshot!(one.told(), @r"
    exit 0
    --- stdout
    coalesce(vals...)
    Returns the first argument that is neither null nor an empty string.

      vals...  any, may be null
      returns  any
    ");
    let one = signatures(&project.succeed(&["metadata", "functions", "join", "--json"]));
    assert_eq!(one.keys().collect::<Vec<_>>(), ["core::join", "join"]);
    assert_snapshot!(project.loam(&["metadata", "functions", "joni"]).told(), @r"
    exit 1
    --- stderr
    error: there is no function `joni`
    hint: Did you mean `join`?
    ");
}
