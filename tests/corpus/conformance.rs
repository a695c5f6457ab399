//! Expressions with the answers of a real Terraform console (1.11.4): `expressions.jsonl` is a sample of everything,
//! `more.jsonl` has the corners of what is there.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeSet, fs, path::Path};

use loam::{
    config,
    diag::{Diagnostics, plain},
    eval::{self, Evaluated, Files, Inputs, ModuleValues, Scope},
    source::Sources,
};
use loam_provider::{Known, Number, Type};
use serde_json::Value as Json;

/// Functions that are not there yet. The test fails when one of them is, so that this list only gets shorter.
const MISSING: &[&str] = &[
    "base64gzip",
    "bcrypt",
    "cidrhost",
    "cidrnetmask",
    "cidrsubnet",
    "cidrsubnets",
    "csvdecode",
    "filemd5",
    "fileset",
    "filesha1",
    "formatdate",
    "md5",
    "regex",
    "regexall",
    "sha1",
    "templatestring",
    "textdecodebase64",
    "textencodebase64",
    "timeadd",
    "timecmp",
    "uuid",
    "uuidv5",
    "yamldecode",
    "yamlencode",
];

/// `replace` knows no regular expressions yet.
const REGEX_REPLACE: &str = "replace(\"hello\", \"/(?i)L/\", \"x\")";

struct World {
    module: ModuleValues,
    files: Files,
}

impl World {
    fn new(dir: &Path) -> Self {
        let mut sources = Sources::default();
        let (config, mut diagnostics) = config::load(dir, &mut sources);
        let files = Files::new(dir, ".").home(Some("/home/somebody".into()));
        let mut module = ModuleValues::new(".".into(), ".".into(), dir.to_owned());
        let inputs = Inputs::default();
        eval::variables(&config.root, &inputs, &mut module, &files, &mut sources, &mut diagnostics);
        for (name, local) in &config.root.locals {
            let value = eval::expr(&local.expr, &Scope::new(&module, &files), &mut diagnostics);
            module.set(config::Subject::Local(name.clone()), value);
        }
        let told: String = diagnostics.sorted().iter().map(|diagnostic| plain(diagnostic, &sources)).collect();
        assert_eq!(told, "");
        Self { module, files }
    }

    fn evaluate(&self, expr: &str) -> Result<Evaluated, String> {
        let mut sources = Sources::default();
        let (parsed, mut diagnostics) = config::expression("<expression>", expr, &mut sources);
        let mut found = Diagnostics::default();
        let value = eval::expr(&parsed, &Scope::new(&self.module, &self.files), &mut found);
        diagnostics.extend(found);
        // Names are looked up by the configuration, not by the evaluator.
        for reference in parsed.references() {
            use config::Subject;
            let declared = match &reference.subject {
                Subject::Variable(_) | Subject::Local(_) => self.module.get(&reference.subject).is_some(),
                Subject::PathModule | Subject::PathRoot | Subject::PathCwd => true,
                _ => false,
            };
            if !declared {
                return Err(format!("undeclared {}", reference.subject));
            }
        }
        if diagnostics.has_errors() {
            let told = diagnostics.sorted().iter().map(|diagnostic| plain(diagnostic, &sources)).collect();
            return Err(told);
        }
        Ok(value)
    }
}

fn names_missing(expr: &str) -> bool {
    let calls = |name: &str| {
        expr.match_indices(&format!("{name}(")).any(|(at, _)| {
            !expr[..at].chars().next_back().is_some_and(|before| before.is_alphanumeric() || before == '_')
        })
    };
    MISSING.iter().any(|name| calls(name)) || expr == REGEX_REPLACE
}

fn same(left: &Json, right: &Json) -> bool {
    match (left, right) {
        (Json::Number(left), Json::Number(right)) => {
            Number::parse(&left.to_string()).unwrap() == Number::parse(&right.to_string()).unwrap()
        }
        (Json::Array(left), Json::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Json::Object(left), Json::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(name, value)| right.get(name).is_some_and(|other| same(value, other)))
        }
        (left, right) => left == right,
    }
}

#[test]
fn expressions_have_terraforms_answers() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/conformance");
    let world = World::new(&dir);
    let cases = ["expressions.jsonl", "more.jsonl"].map(|name| fs::read_to_string(dir.join(name)).unwrap()).concat();
    let mut failures = Vec::new();
    let mut compared = 0;
    for case in cases.lines() {
        let case: Json = serde_json::from_str(case).unwrap();
        let expr = case["expr"].as_str().unwrap();
        let outcome = world.evaluate(expr);
        if names_missing(expr) && case.get("expect_json").is_some() {
            // `can` turns the error into `false`.
            let json = outcome.ok().and_then(|value| Known::new(value.value).ok()).map(|known| known.to_json());
            assert_ne!(json.as_ref(), case.get("expect_json"), "`{expr}` has its answer: nothing is missing any more");
            continue;
        }
        compared += 1;
        match (outcome, case.get("expect_json")) {
            (Ok(value), None) => failures.push(format!("{expr}\n  is {:?} instead of an error", value.value)),
            (Err(_), None) => {}
            (Err(told), Some(expected)) => failures.push(format!("{expr}\n  should be {expected}, but:\n{told}")),
            (Ok(value), Some(expected)) => {
                let json = Known::new(value.value.clone()).map(|known| known.to_json());
                match json {
                    Ok(json) if same(&json, expected) && types_agree(&value, &case) => {}
                    json => failures.push(format!(
                        "{expr}\n  is        {}\n  should be {expected}\n  console {}\n  type {}",
                        json.map_or_else(|error| error.to_string(), |json| json.to_string()),
                        case["console"],
                        value.value.ty()
                    )),
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} of {compared}:\n{}", failures.len(), failures.join("\n"));
    assert!(compared > 800, "only {compared} cases were compared");
}

/// The console's output tells collections from tuples and objects.
fn types_agree(value: &Evaluated, case: &Json) -> bool {
    let console = case["console"].as_str().unwrap();
    match value.value.ty() {
        _ if console == "(sensitive value)" => value.marks.is_whole(),
        _ if value.value.is_null() => true,
        Type::List(_) => console.starts_with("tolist("),
        Type::Set(_) => console.starts_with("toset("),
        Type::Map(_) => console.starts_with("tomap("),
        Type::Tuple(_) => console.starts_with('['),
        Type::Object(_) => console.starts_with('{'),
        Type::String => console.starts_with('"') || console.starts_with("<<"),
        Type::Number | Type::Bool | Type::Any => true,
    }
}

#[test]
fn functions_that_are_there_are_not_listed_as_missing() {
    let there: BTreeSet<&str> = eval::functions::all().map(|function| function.name).collect();
    let wrong: Vec<&&str> = MISSING.iter().filter(|name| there.contains(**name)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(there.len() >= 80, "{}", there.len());
    assert!(eval::functions::all().all(|function| function.doc.ends_with('.')));
}
