//! Bad configurations with everything that is said about them.
//!
//! Each `diag/NAME.loam.hcl` has its messages beside it in `diag/NAME.txt`. `UPDATE_CORPUS=1` writes them anew; read
//! the difference as a newcomer would. Those whose name begins with `plan_` are planned by the program itself.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeSet, env, fs, path::Path, sync::Arc};

use loam::{
    config::{self, Config, Member, Needs, Subject},
    diag::{Diagnostics, plain},
    eval::{self, Each, Evaluated, Files, Inputs, InstanceValues, Marks, ModuleValues, Scope, WhenUndeclared},
    source::Sources,
};
use loam_provider::{Attribute, Block, Format, Nesting, Schema, Type, Value, kinds};

use crate::planned;

/// A kind with one of everything.
fn machine() -> Schema {
    let port = Schema::new([
        ("number", Attribute::required(Type::Number, "The port's number.")),
        ("protocol", Attribute::optional(Type::String, "How it is spoken to.").format(Format::OneOf(&["tcp", "udp"]))),
    ]);
    let stop = Schema::new([("grace", Attribute::optional(Type::String, "How long to wait.").format(Format::Period))]);
    Schema::new([
        ("command", Attribute::required(Type::list(Type::String), "What is run.")),
        ("memory", Attribute::optional(Type::String, "How much it may use.").format(Format::Size)),
        ("rate", Attribute::optional(Type::String, "How fast it may read.").format(Format::Rate)),
        ("env", Attribute::optional(Type::map(Type::String), "Its environment.")),
        ("token", Attribute::optional(Type::String, "A secret.").secret()),
        ("node_count", Attribute::optional(Type::Number, "How many there are.").written_as("nodes")),
        ("pid", Attribute::computed(Type::Number, "Its process.")),
    ])
    .block("port", Block::new(Nesting::Labelled, port, "A port it listens on."))
    .block("stop", Block::new(Nesting::Optional, stop, "How it is stopped."))
}

/// Evaluates everything of a module, in an order in which what is needed comes first; resources are unknown.
fn evaluate(config: &Config, name: &str, sources: &mut Sources, diagnostics: &mut Diagnostics) {
    let module = &config.root;
    let tree = config::Tree::of(module);
    let needs = config::needs(&tree);
    diagnostics.extend(config::cycles(&tree, &needs));
    diagnostics.extend(config::configurations(&tree));
    let files = Files::new(env!("CARGO_MANIFEST_DIR"), "tests/corpus/conformance");
    let mut values = ModuleValues::new(".".into(), ".".into(), "/project".into());
    let mut inputs = Inputs::default();
    if name.starts_with("input_") {
        inputs.text("size", "big", "--var size", WhenUndeclared::Error);
        inputs.text("ports", "[80, \"x\"]", "--var ports", WhenUndeclared::Error);
        if name == "input_wrong" {
            inputs.text("regoin", "eu", "--var regoin", WhenUndeclared::Error);
        }
        inputs.text("token", "hunter2", "LOAM_VAR_token", WhenUndeclared::Ignore);
        inputs.text("HOME", "/root", "LOAM_VAR_HOME", WhenUndeclared::Ignore);
    }
    eval::variables(module, &inputs, &mut values, &files, sources, diagnostics);
    let mut done: BTreeSet<usize> = BTreeSet::new();
    for node in 0..needs.nodes.len() {
        locals_first(node, &needs, &mut done, module, &mut values, &files, diagnostics);
    }
    let scope = Scope::new(&values, &files);
    eval::validations(module, &scope, diagnostics);
    for resource in module.resources.values() {
        let unknown = || Evaluated::from(Value::Unknown(Type::Any));
        let mut instance = InstanceValues { self_object: Some(unknown()), ..InstanceValues::default() };
        match &resource.repeat {
            config::Repeat::Once => {}
            config::Repeat::Count(count) => {
                eval::expr(&count.expr, &scope, diagnostics);
                instance.count_index = Some(unknown());
            }
            config::Repeat::ForEach(each) => {
                eval::expr(&each.expr, &scope, diagnostics);
                instance.each = Some(Each { key: unknown(), value: unknown() });
            }
        }
        let schema = match resource.name.kind.as_str() {
            "bucket" => kinds::bucket().schema,
            _ => machine(),
        };
        let inner = scope.with_instance(&instance);
        let mut own = Diagnostics::default();
        let what = format!("`{}`", resource.name);
        let value = eval::body(&resource.body, &schema, &what, resource.span, &inner, &mut own);
        assert!(value.value.convert(&schema.ty()).is_ok(), "{:?}", value.value);
        own.extend(eval::ephemeral(&value, &resource.body, &schema, &what));
        own.set_address(&resource.name);
        diagnostics.extend(own);
    }
    for output in module.outputs.values() {
        eval::expr(&output.value.expr, &scope, diagnostics);
        for check in &output.preconditions {
            eval::check(check, &scope, diagnostics);
        }
    }
}

fn locals_first(
    node: usize,
    needs: &Needs,
    done: &mut BTreeSet<usize>,
    module: &config::Module,
    values: &mut ModuleValues,
    files: &Files,
    diagnostics: &mut Diagnostics,
) {
    if !done.insert(node) {
        return;
    }
    for need in &needs.edges[node] {
        locals_first(need.node, needs, done, module, values, files, diagnostics);
    }
    let config::Node { module: at, member } = &needs.nodes[node];
    if let (&config::ModuleId::ROOT, Member::Local(name)) = (at, member) {
        let value = eval::expr(&module.locals[name].expr, &Scope::new(values, files), diagnostics);
        values.set(Subject::Local(name.clone()), value);
    }
}

/// Lines like `# module: a b` begin the text of a module that the calls `a` and `b` lead to, and a line `# override`
/// that of a file of overrides.
fn told(name: &str, text: &[u8]) -> String {
    let mut sources = Sources::default();
    let marker = b"\n# module: ";
    let at = text.windows(marker.len()).position(|window| window == marker).unwrap_or(text.len());
    let marked = b"\n# override\n";
    let over = text[..at].windows(marked.len()).position(|window| window == marked).unwrap_or(at);
    let mut files = vec![config::File { name: format!("{name}.loam.hcl"), bytes: text[..over].to_vec() }];
    if let Some(bytes) = text[..at].get(over + marked.len()..) {
        files.push(config::File { name: format!("{name}_override.loam.hcl"), bytes: bytes.to_vec() });
    }
    let (mut config, mut diagnostics) = config::parse(Path::new("."), files, &mut sources);
    let called = String::from_utf8_lossy(text.get(at + marker.len()..).unwrap_or_default()).into_owned();
    for part in called.split("\n# module: ").filter(|part| !part.is_empty()) {
        let (names, text) = part.split_once('\n').unwrap_or((part, ""));
        let names: Vec<&str> = names.split(' ').collect();
        let file = config::File { name: format!("{}/main.loam.hcl", names[0]), bytes: text.into() };
        let (child, _) = config::parse(Path::new(names[0]), vec![file], &mut sources);
        let root = Arc::make_mut(&mut config.root);
        for name in names {
            root.calls.get_mut(name).unwrap().module = Some(Arc::clone(&child.root));
        }
    }
    diagnostics.extend(config::check_calls(&config.root));
    evaluate(&config, name, &mut sources, &mut diagnostics);
    let told: String = diagnostics.sorted().iter().map(|diagnostic| plain(diagnostic, &sources) + "\n").collect();
    told.replace(env!("CARGO_MANIFEST_DIR"), "/project")
}

#[test]
fn bad_configurations_are_explained() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/diag");
    let update = env::var_os("UPDATE_CORPUS").is_some();
    let mut names: Vec<String> = fs::read_dir(&dir)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_suffix(".loam.hcl").map(str::to_owned))
        .collect();
    names.sort();
    let mut wrong = Vec::new();
    for name in &names {
        let text = fs::read(dir.join(format!("{name}.loam.hcl"))).unwrap();
        let found = match name.starts_with("plan_") {
            true => planned::told(str::from_utf8(&text).unwrap()),
            false => told(name, &text),
        };
        if found.is_empty() {
            wrong.push(format!("=== {name} has no diagnostics"));
        }
        if found.contains("hunter2") {
            wrong.push(format!("=== {name} tells a secret\n{found}"));
        }
        let path = dir.join(format!("{name}.txt"));
        if update {
            fs::write(&path, &found).unwrap();
        } else if fs::read_to_string(&path).unwrap_or_default() != found {
            wrong.push(format!("=== {name}\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ (UPDATE_CORPUS=1 accepts them):\n{}", wrong.len(), wrong.join("\n"));
    assert!(names.len() >= 130, "{}", names.len());
}

#[test]
fn what_the_corpus_takes_for_granted_has_no_diagnostics() {
    let text = include_bytes!("good.hcl");
    assert_eq!(told("good", text), "");
}

#[test]
fn hostile_texts_end_with_a_message() {
    let nested =
        |open: &str, close: &str| format!("locals {{\n  x = {}1{}\n}}\n", open.repeat(10_000), close.repeat(10_000));
    for text in [
        nested("(", ")"),
        nested("[", "]"),
        nested("{ a = ", "}"),
        nested("-", ""),
        nested("!", ""),
        nested("true ? 1 : ", ""),
        nested("f(", ")"),
        nested("\"${", "}\""),
        nested("\"%{ if true }", "%{ endif }\""),
        "a {\n".repeat(10_000),
        "\"".repeat(9_999),
        "<<EOT\n".repeat(1000),
        "/*".into(),
        "\u{feff}".into(),
        "\0".into(),
        "resource".into(),
        "x = ".into(),
        "locals { a = 1, b = 2 }".into(),
        "}".repeat(1000),
    ] {
        let found = told("hostile", text.as_bytes());
        let start: String = text.chars().take(40).collect();
        assert!(!found.is_empty() || text.trim_start_matches('\u{feff}').is_empty(), "{start}");
    }
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let found = told("binary", b"locals {\n  a = \"\xff\xfe\"\n}\n");
    assert!(found.contains("binary.loam.hcl:2:8") && found.contains("UTF-8"), "{found}");
}

#[test]
fn secrets_ride_along() {
    let mut sources = Sources::default();
    let files = Files::new(".", ".");
    let mut values = ModuleValues::default();
    values.set(Subject::Variable("s".into()), Evaluated::new(Value::from("hunter2"), Marks::whole()));
    let object = Value::object([("open", Value::from("x")), ("shut", Value::from("hunter2"))]);
    let marks = Marks::at_paths(["shut".parse().unwrap()]);
    values.set(Subject::Local("o".into()), Evaluated::new(object, marks));
    let mut marked = |text: &str| {
        let (expr, mut diagnostics) = config::expression("<test>", text, &mut sources);
        let value = eval::expr(&expr, &Scope::new(&values, &files), &mut diagnostics);
        assert!(diagnostics.is_empty(), "{text}: {diagnostics:?}");
        value.marks.paths().map(|path| format!("/{path}")).collect::<Vec<_>>().join(" ")
    };
    for (text, expected) in [
        ("\"a${var.s}\"", "/"),
        ("upper(var.s)", "/"),
        ("[1, var.s]", "/[1]"),
        ("{ a = var.s, b = 1 }", "/a"),
        ("{ a = var.s, b = 1 }.b", ""),
        ("local.o.open", ""),
        ("local.o.shut", "/"),
        ("local.o", "/shut"),
        ("merge(local.o, { shut = 1 })", ""),
        ("merge(local.o, { open = 1 })", "/shut"),
        ("var.s == \"x\" ? 1 : 2", "/"),
        ("true ? local.o : local.o", "/shut"),
        ("[for k, v in local.o : v]", "/[1]"),
        ("{ for k, v in local.o : k => v }", "/shut"),
        ("[for k, v in local.o : k if v != \"\"]", "/"),
        ("[local.o][*].shut", "/[0]"),
        ("keys(local.o)", ""),
        ("values(local.o)", "/[1]"),
        ("length(local.o)", ""),
        ("length(var.s)", "/"),
        ("concat([var.s], [1])", "/[0]"),
        ("toset([var.s])", "/"),
        ("tolist([\"a\", var.s])", "/[1]"),
        ("jsonencode(local.o)", "/"),
        ("coalesce(\"\", var.s)", "/"),
        ("lookup(local.o, \"open\", 1)", ""),
        ("try(var.s, 1)", "/"),
        ("nonsensitive(var.s)", ""),
        ("sensitive(1) + 1", "/"),
        ("issensitive(var.s)", ""),
        ("!(var.s == \"\") && true", "/"),
    ] {
        assert_eq!(marked(text), expected, "{text}");
    }
}

#[test]
fn unknowns_are_carried_through() {
    let mut sources = Sources::default();
    let files = Files::new(".", ".");
    let mut values = ModuleValues::default();
    for (name, ty) in [
        ("b", Type::Bool),
        ("n", Type::Number),
        ("s", Type::String),
        ("l", Type::list(Type::String)),
        ("o", Type::object([("a", Type::Number)])),
        ("m", Type::map(Type::Number)),
    ] {
        values.set(Subject::Local(name.into()), Value::Unknown(ty).into());
    }
    let mut value = |text: &str| {
        let (expr, mut diagnostics) = config::expression("<test>", text, &mut sources);
        let value = eval::expr(&expr, &Scope::new(&values, &files), &mut diagnostics);
        assert!(diagnostics.is_empty(), "{text}: {diagnostics:?}");
        format!("{:?}", value.value)
    };
    for (text, expected) in [
        ("local.b && false", "false"),
        ("false && local.b", "false"),
        ("true || local.b", "true"),
        ("local.b && true", "unknown(bool)"),
        ("local.n + 1", "unknown(number)"),
        ("local.n < 1", "unknown(bool)"),
        ("local.n == 1", "unknown(bool)"),
        ("local.n == \"x\"", "false"),
        ("[local.n, 1] == [2, 2]", "false"),
        ("-local.n", "unknown(number)"),
        ("\"a${local.s}\"", "unknown(string)"),
        ("local.l[0]", "unknown(string)"),
        ("local.l[*]", "unknown(list(string))"),
        ("local.o.a", "unknown(number)"),
        ("local.m.x", "unknown(number)"),
        ("local.b ? 1 : 2", "unknown(number)"),
        ("local.b ? \"x\" : 2", "unknown(string)"),
        ("[for x in local.l : x]", "unknown(any)"),
        ("[for x in [1, local.n] : x]", "[1, unknown(number)]"),
        ("{ (local.s) = 1 }", "unknown(any)"),
        ("upper(local.s)", "unknown(string)"),
        ("length([local.s])", "1"),
        ("length(local.l)", "unknown(number)"),
        ("keys({ a = local.n })", "[\"a\"]"),
        ("merge({ a = 1 }, { b = local.n })", "{\"a\": 1, \"b\": unknown(number)}"),
        ("jsonencode({ a = local.n })", "unknown(string)"),
        ("can(local.s)", "unknown(bool)"),
        ("try(local.o.a, 1)", "unknown(any)"),
        ("toset([\"a\", local.s])", "{\"a\", unknown(string)}"),
        ("bucket.a.url", "unknown(any)"),
    ] {
        assert_eq!(value(text), expected, "{text}");
    }
}

#[test]
fn what_is_ephemeral_stays_so() {
    let mut sources = Sources::default();
    let files = Files::new(".", ".");
    let mut values = ModuleValues::default();
    let object = Value::object([("open", Value::from("x")), ("gone", Value::from("y")), ("shut", Value::from("z"))]);
    let [gone, shut] = ["gone", "shut"].map(|name| loam_provider::Step::Name(name.into()));
    let marks = Marks::ephemeral().under(gone).and(&Marks::whole().under(shut));
    values.set(Subject::Local("o".into()), Evaluated::new(object, marks));
    values.set(Subject::Variable("e".into()), Evaluated::new(Value::from("y"), Marks::ephemeral()));
    let mut marked = |text: &str| {
        let (expr, mut diagnostics) = config::expression("<test>", text, &mut sources);
        let value = eval::expr(&expr, &Scope::new(&values, &files), &mut diagnostics);
        assert!(diagnostics.is_empty(), "{text}: {diagnostics:?}");
        let told = |marks: &Marks| marks.paths().map(|path| format!("/{path}")).collect::<Vec<_>>().join(" ");
        (told(&value.marks.ephemeral_only()), told(&value.marks.secrets_only()))
    };
    for (text, ephemeral, secret) in [
        ("var.e", "/", ""),
        ("\"a${var.e}\"", "/", ""),
        ("local.o", "/gone", "/shut"),
        ("local.o.open", "", ""),
        ("[local.o.gone, local.o.shut]", "/[0]", "/[1]"),
        ("{ for k, v in local.o : k => v }", "/gone", "/shut"),
        ("jsonencode(local.o)", "/", "/"),
        ("values(local.o)", "/[0]", "/[2]"),
        ("[local.o][*].gone", "/[0]", ""),
        ("toset([var.e])", "/", ""),
        ("merge({ a = var.e }, local.o)", "/a /gone", "/shut"),
        ("var.e == \"y\" ? 1 : 2", "/", ""),
        ("sensitive(var.e)", "/", "/"),
        ("nonsensitive(sensitive(var.e))", "/", ""),
        ("issensitive(var.e)", "", ""),
        ("concat([var.e], [1])", "/[0]", ""),
        ("split(\",\", var.e)", "/", ""),
        ("[for c in split(\",\", var.e) : c]", "/ /[0]", ""),
        ("length(split(\",\", var.e))", "/", ""),
        ("ephemeralasnull(local.o)", "", "/shut"),
        ("ephemeralasnull(local.o).gone == null", "", ""),
        ("ephemeralasnull([var.e, [1, var.e]]) == [null, [1, null]]", "", ""),
        ("ephemeralasnull(var.e) == null ? 1 : 2", "", ""),
    ] {
        assert_eq!(marked(text), (ephemeral.to_owned(), secret.to_owned()), "{text}");
    }
}
