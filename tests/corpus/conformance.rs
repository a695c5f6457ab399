//! Expressions with the answers of a real Terraform console (1.11.4): `expressions.jsonl` is a sample of everything,
//! `more.jsonl` has the corners of the language, `functions.jsonl` those of every function and `syntax.jsonl` those of the
//! syntax; `generated.jsonl` is what a generator came upon. `bodies.jsonl` has whole texts, with whether `terraform validate` reads them.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeSet, fs, path::Path};

use jiff::Timestamp;
use loam::{
    config,
    diag::{Diagnostics, plain},
    eval::{self, Evaluated, Files, Inputs, ModuleValues, Scope, Stage},
    source::Sources,
};
use loam_provider::{Known, Number, Type};
use serde_json::Value as Json;

/// As in a console: what changes from call to call has a value too.
const STAGE: Stage = Stage::Console { now: Timestamp::UNIX_EPOCH };

/// What the expressions of the corpus are evaluated in.
pub(super) struct World {
    module: ModuleValues,
    files: Files,
}

impl World {
    pub(super) fn new(dir: &Path) -> Self {
        let mut sources = Sources::default();
        let (config, mut diagnostics) = config::load(dir, &mut sources);
        let files = Files::new(dir, ".").home(Some("/home/somebody".into()));
        let mut module = ModuleValues::new(".".into(), ".".into(), dir.to_owned());
        let inputs = Inputs::default();
        eval::variables(&config.root, &inputs, &mut module, &files, &mut sources, &mut diagnostics);
        for (name, local) in &config.root.locals {
            let value = eval::expr(&local.expr, &Scope::new(&module, &files).at(STAGE), &mut diagnostics);
            module.set(config::Subject::Local(name.clone()), value);
        }
        let told: String = diagnostics.sorted().iter().map(|diagnostic| plain(diagnostic, &sources)).collect();
        assert_eq!(told, "");
        Self { module, files }
    }

    pub(super) fn evaluate(&self, expr: &str) -> Result<Evaluated, String> {
        let mut sources = Sources::default();
        let (parsed, mut diagnostics) = config::expression("<expression>", expr, &mut sources);
        let mut found = Diagnostics::default();
        let value = eval::expr(&parsed, &Scope::new(&self.module, &self.files).at(STAGE), &mut found);
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
    let cases = ["expressions.jsonl", "more.jsonl", "functions.jsonl", "syntax.jsonl", "generated.jsonl"]
        .map(|name| fs::read_to_string(dir.join(name)).unwrap())
        .concat();
    let mut failures = Vec::new();
    let mut compared = 0;
    for case in cases.lines() {
        let case: Json = serde_json::from_str(case).unwrap();
        let expr = case["expr"].as_str().unwrap();
        let outcome = world.evaluate(expr);
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
    assert!(compared > 1500, "only {compared} cases were compared");
}

#[test]
fn texts_are_read_or_refused_as_by_terraform() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/conformance");
    let cases = fs::read_to_string(dir.join("bodies.jsonl")).unwrap();
    let mut failures = Vec::new();
    for case in cases.lines() {
        let case: Json = serde_json::from_str(case).unwrap();
        let text = case["text"].as_str().unwrap();
        let mut sources = Sources::default();
        let file = config::File { name: "main.loam.hcl".into(), bytes: text.into() };
        let (_, diagnostics) = config::parse(Path::new("."), vec![file], &mut sources);
        if diagnostics.has_errors() == case["accepted"].as_bool().unwrap() {
            let told: String = diagnostics.sorted().iter().map(|found| plain(found, &sources)).collect();
            failures.push(format!("{text:?} {} {}\n{told}", case["accepted"], case["message"]));
        }
    }
    assert!(failures.is_empty(), "{}:\n{}", failures.len(), failures.join("\n"));
    assert!(cases.lines().count() > 120);
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
fn what_changes_from_call_to_call_is_known_when_changes_are_made() {
    let (module, files) = (ModuleValues::default(), Files::new(".", "."));
    let (planned, now) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(86_400).unwrap());
    let told = |expr: &str, stage: Stage| {
        let (parsed, mut found) = config::expression("<test>", expr, &mut Sources::default());
        let value = eval::expr(&parsed, &Scope::new(&module, &files).at(stage), &mut found).value;
        assert!(!found.has_errors(), "{expr}");
        value.as_str().map(ToOwned::to_owned)
    };
    let (epoch, next) = (Some("1970-01-01T00:00:00Z".to_owned()), Some("1970-01-02T00:00:00Z".to_owned()));
    let (plan, apply) = (Stage::Plan { planned }, Stage::Apply { planned, now });
    assert_eq!([Stage::Check, plan, apply].map(|stage| told("timestamp()", stage)), [None, None, next]);
    assert_eq!([Stage::Check, plan, apply].map(|stage| told("plantimestamp()", stage)), [None, epoch.clone(), epoch]);
    for (call, length) in [("uuid()", 36), ("bcrypt(\"x\", 4)", 60)] {
        let lengths = [Stage::Check, plan, apply].map(|stage| told(call, stage).map(|text| text.len()));
        assert_eq!(lengths, [None, None, Some(length)], "{call}");
        assert_ne!(told(call, apply), told(call, apply));
    }
}

#[test]
fn every_function_is_described() {
    let all: BTreeSet<&str> = eval::functions::all().map(|function| function.name).collect();
    assert_eq!(all.len(), eval::functions::all().count(), "a name comes twice");
    assert_eq!(all.len(), 121);
    assert!(eval::functions::all().all(|function| function.doc.ends_with('.')));
}
