//! The corpus of expressions with Terraform's answers, through the real binary: as JSON lines and as people see them.

use std::{fs, path::PathBuf};

use serde_json::{Value as Json, json};

use super::console::ask;
use crate::{schema, support::Project};

/// What stands between the answers that people see.
const BETWEEN: &str = "\"@@ between @@\"";

/// What stands for a secret in what people see.
const SECRET: &str = "(sensitive value)";

/// So many digits of a number are compared: Terraform's are made of 512 bits.
const DIGITS: usize = 150;

struct Corpus {
    project: Project,
    cases: Vec<Json>,
}

impl Corpus {
    fn new() -> Self {
        let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/conformance");
        let project = Project::empty();
        for folder in ["files", "files/dir", "files/dir/sub", "tpl"] {
            fs::create_dir(project.path(folder)).unwrap();
            for entry in fs::read_dir(dir.join(folder)).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_file() {
                    fs::copy(entry.path(), project.path(folder).join(entry.file_name())).unwrap();
                }
            }
        }
        fs::copy(dir.join("main.loam.hcl"), project.path("main.loam.hcl")).unwrap();
        // Nothing is known of what was never applied.
        project.write("unknown.loam.hcl", "resource \"loam_data\" \"u\" {\n}\n");
        let mut cases = Vec::new();
        let mut names: Vec<PathBuf> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
        names.sort();
        for name in names {
            let text = fs::read_to_string(name).unwrap();
            cases.extend(text.lines().map(|line| serde_json::from_str::<Json>(line).unwrap()));
        }
        // Those that are no expressions are whole texts.
        cases.retain(|case| case.get("expr").is_some());
        assert!(cases.len() > 2100, "{}", cases.len());
        Self { project, cases }
    }

    fn run(&self, arguments: &[&str], input: String) -> String {
        let mut command = self.project.command(&[&["console"], arguments].concat());
        // What the functions of paths say depends on it.
        command.env("HOME", "/home/somebody");
        let done = ask(command, input);
        assert!(done.code == 0 && !done.stderr.contains("error: "), "{}", done.stderr);
        done.stdout
    }
}

fn expr(case: &Json) -> &str {
    case["expr"].as_str().unwrap()
}

/// Returns the expression as it is read from lines: only brackets keep lines together.
fn whole(case: &Json) -> String {
    let expr = expr(case);
    if expr.contains('\n') { format!("(\n{expr}\n)") } else { expr.to_owned() }
}

#[test]
fn programs_get_terraforms_values() {
    let corpus = Corpus::new();
    let requests: String = corpus.cases.iter().map(|case| format!("{}\n", json!({ "expr": case["expr"] }))).collect();
    let told = corpus.run(&["--jsonl"], requests);
    assert_eq!(told.lines().count(), corpus.cases.len());
    let mut wrong = Vec::new();
    for (case, line) in corpus.cases.iter().zip(told.lines()) {
        schema::assert_valid("console", line);
        let answer: Json = serde_json::from_str(line).unwrap();
        let is_right = match case.get("expect_json") {
            None if case.get("type").is_some() => {
                // What is known of it is seen in what people see.
                answer.get("value").is_some()
            }
            None => case["error"] == true && answer.get("error").is_some(),
            Some(_) if case["console"] == SECRET => answer["sensitive"] == true && answer["value"].is_null(),
            Some(expected) => {
                let has_secrets = case["console"].as_str().unwrap().contains(SECRET);
                answer["sensitive"] == has_secrets && same(&answer["value"], expected, has_secrets)
            }
        };
        if !is_right {
            wrong.push(format!(
                "{}\n  {line}\n  {}",
                expr(case),
                case.get("expect_json").unwrap_or(&"an error".into())
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), corpus.cases.len(), wrong.join("\n"));
}

#[test]
fn people_see_what_terraforms_console_shows() {
    let corpus = Corpus::new();
    let cases: Vec<&Json> = corpus.cases.iter().filter(|case| case.get("console").is_some()).collect();
    let input: String = cases.iter().map(|case| format!("{}\n{BETWEEN}\n", whole(case))).collect();
    let told = corpus.run(&[], input);
    let between = format!("{BETWEEN}\n");
    let answers: Vec<&str> = told.split_terminator(&between).collect();
    assert_eq!(answers.len(), cases.len());
    let wrong = cases.iter().zip(answers).filter_map(|(case, answer)| {
        let expected = case["console"].as_str().unwrap();
        (answer != format!("{expected}\n")).then(|| format!("{}\n{answer}\n{expected}", expr(case)))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn types_are_terraforms() {
    let corpus = Corpus::new();
    let cases: Vec<&Json> = corpus.cases.iter().filter(|case| case.get("type").is_some()).collect();
    assert!(cases.len() > 300, "{}", cases.len());
    let input: String = cases.iter().map(|case| format!("type({})\n{BETWEEN}\n", expr(case))).collect();
    let told = corpus.run(&[], input);
    let between = format!("{BETWEEN}\n");
    let answers: Vec<&str> = told.split_terminator(&between).collect();
    assert_eq!(answers.len(), cases.len());
    let wrong = cases.iter().zip(answers).filter_map(|(case, answer)| {
        let expected = case["type"].as_str().unwrap();
        (answer != format!("{expected}\n")).then(|| format!("{}\n{answer}\n{expected}", expr(case)))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Returns whether an answer has a value. Where there are secrets, null stands for each.
fn same(answer: &Json, value: &Json, has_secrets: bool) -> bool {
    match (answer, value) {
        (Json::Null, _) if has_secrets => true,
        (Json::Number(left), Json::Number(right)) => digits(&left.to_string()) == digits(&right.to_string()),
        (Json::Array(left), Json::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right, has_secrets))
        }
        (Json::Object(left), Json::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(name, value)| right.get(name).is_some_and(|other| same(value, other, has_secrets)))
        }
        (left, right) => left == right,
    }
}

/// Returns the sign of a decimal number, its first significant digits, and where its point is after the first of them.
fn digits(text: &str) -> (bool, String, i64) {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) =
        mantissa.trim_start_matches('-').split_once('.').unwrap_or((mantissa.trim_start_matches('-'), ""));
    let all = format!("{whole}{fraction}");
    let significant = all.trim_start_matches('0');
    let zeros = i64::try_from(all.len() - significant.len()).unwrap();
    if significant.is_empty() {
        return (false, String::new(), 0);
    }
    let point = exponent.parse::<i64>().unwrap() + i64::try_from(whole.len()).unwrap() - zeros;
    let kept = &significant[..significant.len().min(DIGITS)];
    (text.starts_with('-'), kept.trim_end_matches('0').to_owned(), point)
}

#[test]
fn numbers_are_compared_as_decimals() {
    assert_eq!(digits("0.00120"), digits("12e-4"));
    assert_eq!(digits("-1200"), digits("-1.2E3"));
    assert_eq!(digits("-0.0"), digits("0"));
    assert_ne!(digits("12"), digits("1.2"));
    assert_ne!(digits("1"), digits("-1"));
    let (long, other) = (format!("0.{}1", "3".repeat(149)), format!("0.{}2", "3".repeat(149)));
    assert_ne!(digits(&long), digits(&other));
    assert_eq!(digits(&format!("0.{}1", "3".repeat(150))), digits(&format!("0.{}2", "3".repeat(150))));
}
