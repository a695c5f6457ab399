//! The rules of docs/architecture.md that a compiler does not check.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// No file is longer, tests included.
const MOST_LINES: usize = 600;

/// Words that only one module may use in code.
const RESERVED: [(&str, &str); 3] = [("rusqlite", "state"), ("dyn Provider", "host"), ("std::env::args", "cli")];

#[test]
fn a_module_uses_only_modules_declared_above_it() {
    let root = root();
    let order = declared(&read(&root.join("src/lib.rs")));
    assert!(order.len() >= 12, "the modules of src/lib.rs: {order:?}");
    let breaches = breaches(&order, &modules(&root, &order));
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn a_use_of_a_higher_module_is_found() {
    let order = ["diag", "config", "plan"].map(String::from);
    let file = |path: &str, text: &str| (PathBuf::from(path), text.to_owned());
    let found =
        |module: &str, text: &str| breaches(&order, &[(module.to_owned(), vec![file("src/x.rs", text)])].into());
    assert_eq!(
        found("config", "use crate::plan::Plan;"),
        ["src/x.rs:1: `config` uses `plan`, which is declared below it"]
    );
    assert_eq!(found("config", "use crate::{\n    diag,\n    plan::{self, Plan},\n};").len(), 1);
    assert_eq!(found("diag", "fn f() { crate::config::load() }").len(), 1);
    assert_eq!(found("plan", "use crate::{config, diag::{plan, Diagnostic}};"), [""; 0]);
    assert_eq!(found("diag", "//! See [`crate::plan`].\n// crate::plan\nuse crate::diag;"), [""; 0]);
}

#[test]
fn what_one_module_hides_no_other_names() {
    let root = root();
    let order = declared(&read(&root.join("src/lib.rs")));
    let mut breaches = Vec::new();
    for (module, files) in modules(&root, &order) {
        for (path, text) in files.iter().filter(|(path, _)| !is_test(path)) {
            // Tests stand last in a file, and may look behind the curtain.
            let lines = text.lines().take_while(|line| line.trim() != "#[cfg(test)]");
            for (number, line) in lines.enumerate().map(|(at, line)| (at + 1, code(line))) {
                for (word, owner) in RESERVED {
                    if module != owner && line.contains(word) {
                        breaches.push(format!("{}:{number}: only `{owner}` names `{word}`", path.display()));
                    }
                }
                let prints = ["println!", "eprintln!", "print!(", "stdout()", "stderr()"];
                if !["ui", "cli"].contains(&module.as_str()) && prints.iter().any(|word| line.contains(word)) {
                    breaches.push(format!("{}:{number}: only `ui` prints", path.display()));
                }
            }
        }
    }
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn providers_know_neither_the_engine_nor_each_other() {
    let root = root();
    let mut seen = 0;
    for entry in fs::read_dir(root.join("providers")).expect("the providers are there") {
        let folder = entry.expect("the folder can be read").path();
        let name = folder.file_name().expect("a folder has a name").to_string_lossy().into_owned();
        let allowed: &[&str] = match name.as_str() {
            "contract" | "http" => &[],
            "bundle" => &["loam-provider"],
            _ => &["loam-provider", "loam-bundle", "loam-http"],
        };
        let manifest = read(&folder.join("Cargo.toml"));
        for line in manifest.lines().filter(|line| line.starts_with("loam")) {
            let dependency = line.split(['.', ' ', '=']).next().unwrap_or_default();
            assert!(allowed.contains(&dependency), "{name} depends on {dependency}");
        }
        seen += 1;
    }
    assert!(seen >= 4, "only {seen} providers were looked at");
}

#[test]
fn no_file_is_too_long() {
    let root = root();
    let mut files = Vec::new();
    for folder in ["src", "providers", "demo", "tests"] {
        collect(&root.join(folder), &mut files);
    }
    assert!(files.len() > 50, "only {} files were looked at", files.len());
    let long: Vec<String> = files
        .iter()
        .map(|file| (file, read(file).lines().count()))
        .filter(|(_, lines)| *lines > MOST_LINES)
        .map(|(file, lines)| format!("{}: {lines} lines", file.display()))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

/// Returns the modules of a crate root, in the order of their declaration.
fn declared(text: &str) -> Vec<String> {
    let names = text.lines().filter_map(|line| line.trim_start().strip_prefix("pub mod "));
    names.map(|name| name.trim_end_matches(';').to_owned()).collect()
}

type Files = BTreeMap<String, Vec<(PathBuf, String)>>;

fn modules(root: &Path, order: &[String]) -> Files {
    let files = |module: &String| {
        let mut files = Vec::new();
        collect(&root.join("src").join(module), &mut files);
        assert!(!files.is_empty(), "module `{module}` has no files");
        files.into_iter().map(|file| (file.strip_prefix(root).unwrap_or(&file).to_owned(), read(&file))).collect()
    };
    order.iter().map(|module| (module.clone(), files(module))).collect()
}

/// Returns every use of a module by one that is declared above it.
fn breaches(order: &[String], modules: &Files) -> Vec<String> {
    let rank = |name: &str| order.iter().position(|module| module == name);
    let mut breaches = Vec::new();
    for (module, files) in modules {
        for (path, text) in files {
            for (line, used) in uses(text) {
                if rank(&used) > rank(module) {
                    let path = path.display();
                    breaches.push(format!("{path}:{line}: `{module}` uses `{used}`, which is declared below it"));
                }
            }
        }
    }
    breaches
}

/// Returns the names that follow `crate::`, also those inside its braces, with their lines.
fn uses(text: &str) -> Vec<(usize, String)> {
    let text: String = text.lines().map(|line| format!("{}\n", code(line))).collect();
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let line = text[..at].matches('\n').count() + 1;
        let rest = &text[at + "crate::".len()..];
        if !rest.starts_with('{') {
            found.push((line, identifier(rest)));
            continue;
        }
        let (mut depth, mut is_start) = (0usize, false);
        for (offset, char) in rest.char_indices() {
            match char {
                '{' => {
                    depth += 1;
                    is_start = depth == 1;
                }
                '}' => {
                    depth -= 1;
                    if depth == 0 {
                        break;
                    }
                }
                ',' => is_start = depth == 1,
                char if is_start && !char.is_whitespace() => {
                    let line = line + rest[..offset].matches('\n').count();
                    found.push((line, identifier(&rest[offset..])));
                    is_start = false;
                }
                _ => {}
            }
        }
    }
    found
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect()
}

/// Returns whether a file holds only tests.
fn is_test(path: &Path) -> bool {
    let is_named_so = |part: &std::ffi::OsStr| part == "tests" || part == "suite";
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    path.parent().is_some_and(|parent| parent.iter().any(is_named_so)) || stem == "tests" || stem.ends_with("_test")
}

/// Returns a line without its comment.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
