//! The corpus, asked of a real Terraform where there is one: its console and loam give the same answers.
//!
//! `LOAM_EXPRESSIONS=FILE cargo test --test corpus differential` compares the lines of a file instead.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::BTreeMap,
    env, fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use loam::eval::functions::{self, Nulls};
use serde_json::Value as Json;

use crate::conformance::World;

/// The line that a console reads is at most 64 KiB long.
const MOST_BYTES: usize = 30_000;
/// What stands for an error.
const ERROR: &str = "@error";

/// Functions of OpenTofu, which Terraform has not.
const OPENTOFU: [&str; 3] = ["base64gunzip", "cidrcontains", "urldecode"];

/// Calls with another result every time.
const CHANGING: [&str; 4] = ["timestamp(", "uuid()", "bcrypt(", "abspath("];

#[test]
fn terraform_gives_the_same_answers() {
    if !is_there() {
        return;
    }
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/conformance");
    let expressions: Vec<String> = match env::var_os("LOAM_EXPRESSIONS") {
        Some(path) => fs::read_to_string(path).unwrap().lines().map(ToOwned::to_owned).collect(),
        None => ["expressions.jsonl", "more.jsonl", "functions.jsonl", "generated.jsonl"]
            .iter()
            .flat_map(|name| of_corpus(&corpus.join(name)))
            .collect(),
    };
    // A console reads an expression from one line.
    let mut expressions: Vec<&str> = expressions.iter().map(String::as_str).collect();
    expressions.retain(|expression| !expression.contains('\n') && !expression.trim().is_empty());
    let console = Console::new(&corpus);
    let world = World::new(&corpus);
    let values = console.values(&expressions);
    let sound = expressions.iter().zip(&values).filter(|(_, value)| *value != ERROR);
    let sound: Vec<&str> = sound.map(|(expression, _)| *expression).collect();
    let types: BTreeMap<&str, String> = sound.iter().copied().zip(console.types(&sound)).collect();
    let mut differences = Vec::new();
    for (expression, value) in expressions.iter().zip(&values) {
        if CHANGING.iter().any(|call| expression.contains(call)) || expression.contains("core::type") {
            continue;
        }
        let text = |expression: String| {
            let value = world.evaluate(&expression).ok()?.value;
            value.as_str().map(ToOwned::to_owned)
        };
        let ours = text(format!("jsonencode({expression})")).unwrap_or_else(|| ERROR.into());
        if &ours != value {
            differences.push(format!("{expression}\n  here      {ours}\n  Terraform {value}"));
            continue;
        }
        let ours = text(format!("type({expression})"));
        if let Some(ty) = types.get(expression)
            && ours.as_ref() != Some(ty)
        {
            differences.push(format!("{expression}\n  type here      {ours:?}\n  type Terraform {ty:?}"));
        }
    }
    assert!(differences.is_empty(), "{} of {}:\n{}", differences.len(), expressions.len(), differences.join("\n"));
}

#[test]
fn functions_have_terraforms_signatures() {
    if !is_there() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let told = terraform(&["metadata", "functions", "-json"], "", dir.path()).unwrap();
    let told: Json = serde_json::from_str(&told).unwrap();
    let theirs = told["function_signatures"].as_object().unwrap();
    let mut ours = BTreeMap::new();
    for function in functions::all().filter(|function| !OPENTOFU.contains(&function.name)) {
        let parameter = |param: &functions::Param| {
            let mut json = serde_json::json!({ "name": param.name, "type": Json::from(param.want.ty()) });
            if param.nulls == Nulls::Taken {
                json["is_nullable"] = true.into();
            }
            json
        };
        let parameters: Vec<Json> = function.params.iter().map(parameter).collect();
        let returns = Json::from(function.returns.ty());
        ours.insert(function.name, (parameters, function.rest.as_ref().map(parameter), returns));
    }
    let (mut differences, dynamic) = (Vec::new(), Json::from("dynamic"));
    for (name, signature) in theirs.iter().filter(|(name, _)| !name.starts_with("core::")) {
        let plain = |param: &Json| {
            let mut param = param.clone();
            param.as_object_mut().unwrap().remove("description");
            param
        };
        let parameters: Vec<Json> =
            signature["parameters"].as_array().map(|all| all.iter().map(plain).collect()).unwrap_or_default();
        let theirs = (parameters, signature.get("variadic_parameter").map(plain), signature["return_type"].clone());
        match ours.remove(name.as_str()) {
            // Where they do not say what a function returns, we may.
            Some(ours) if (&ours.0, &ours.1) == (&theirs.0, &theirs.1) && [&ours.2, &dynamic].contains(&&theirs.2) => {}
            ours => differences.push(format!("{name}\n  here      {ours:?}\n  Terraform {theirs:?}")),
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(ours.is_empty(), "{ours:?}");
}

#[expect(clippy::print_stderr, reason = "who runs the test must see that it compared nothing")]
fn is_there() -> bool {
    let is_there = Command::new("terraform").arg("version").output().is_ok();
    if !is_there {
        eprintln!("`terraform` is not installed: nothing was compared with it");
    }
    is_there
}

fn of_corpus(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str::<Json>(line).unwrap()["expr"].as_str().unwrap().to_owned()).collect()
}

/// Runs Terraform and returns what it says, or `None` where it fails.
fn terraform(args: &[&str], input: &str, dir: &Path) -> Option<String> {
    let mut command = Command::new("terraform");
    command.args(args).current_dir(dir).env("TF_CLI_CONFIG_FILE", "/dev/null").env("HOME", "/home/somebody");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it is there");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

/// Terraform's console in a copy of the corpus.
struct Console {
    dir: tempfile::TempDir,
}

impl Console {
    fn new(corpus: &Path) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::copy(corpus.join("main.loam.hcl"), dir.path().join("main.tf")).unwrap();
        for folder in ["files", "tpl"] {
            std::os::unix::fs::symlink(corpus.join(folder), dir.path().join(folder)).unwrap();
        }
        Self { dir }
    }

    fn ask(&self, line: &str) -> Option<String> {
        terraform(&["console", "-no-color"], &format!("{line}\n"), self.dir.path())
    }

    /// Returns the JSON of every expression.
    fn values(&self, expressions: &[&str]) -> Vec<String> {
        let wrap = |expression: &str| format!("try(nonsensitive(jsonencode({expression})), \"{ERROR}\")");
        self.batches(expressions, &|batch| {
            let all: Vec<String> = batch.iter().map(|expression| wrap(expression)).collect();
            let told = self.ask(&format!("base64encode(nonsensitive(jsonencode([{}])))", all.join(", ")))?;
            let Some(encoded) = told.trim().strip_prefix('"') else {
                // One of them is not known, and so nothing is.
                return (batch.len() == 1).then(|| vec![told.trim().to_owned()]);
            };
            let json = String::from_utf8(unbase64(encoded.trim_end_matches('"'))).unwrap();
            Some(serde_json::from_str(&json).unwrap())
        })
    }

    /// Returns the type of every expression.
    fn types(&self, expressions: &[&str]) -> Vec<String> {
        self.batches(expressions, &|batch| {
            let all: Vec<String> = batch.iter().map(|expression| format!("try({expression}, \"{ERROR}\")")).collect();
            let told = self.ask(&format!("type([{}])", all.join(", ")))?;
            let inner = told.trim_end().strip_prefix("tuple([\n").unwrap().strip_suffix("])").unwrap();
            let mut types: Vec<String> = Vec::new();
            let mut is_open = false;
            for line in inner.lines() {
                let line = line.strip_prefix("    ").unwrap_or(line);
                match types.last_mut().filter(|_| is_open) {
                    Some(ty) => {
                        ty.push('\n');
                        ty.push_str(line);
                    }
                    None => types.push(line.to_owned()),
                }
                is_open = line.starts_with(' ') || !line.ends_with(',');
            }
            let types: Vec<String> = types.iter().map(|ty| ty.trim_end_matches(',').to_owned()).collect();
            match batch {
                // A name with a line break in it looks like several types.
                [_] => Some(vec![types.join("\n")]),
                batch => (types.len() == batch.len()).then_some(types),
            }
        })
    }

    /// Asks in as few calls as possible: a call that fails is cut in two, until one expression is found to be wrong.
    fn batches(&self, expressions: &[&str], ask: &dyn Fn(&[&str]) -> Option<Vec<String>>) -> Vec<String> {
        if expressions.is_empty() {
            return Vec::new();
        }
        let bytes: usize = expressions.iter().map(|expression| expression.len() + 64).sum();
        if bytes <= MOST_BYTES || expressions.len() == 1 {
            match ask(expressions) {
                Some(answers) => return answers,
                None if expressions.len() == 1 => return vec![ERROR.into()],
                None => {}
            }
        }
        let (first, second) = expressions.split_at(expressions.len() / 2);
        [self.batches(first, ask), self.batches(second, ask)].concat()
    }
}

fn unbase64(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}
