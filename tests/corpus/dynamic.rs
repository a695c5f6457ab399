//! What `dynamic` makes of a collection.

use std::path::Path;

use loam::{
    config::{self, Subject},
    diag::plain,
    eval::{self, Evaluated, Files, Marks, ModuleValues, Scope},
    source::Sources,
};
use loam_provider::{Attribute, Block, Nesting, Schema, Type, Value};

fn schema() -> Schema {
    let leaf = || Attribute::optional(Type::String, "A text.");
    let inner = Schema::new([("name", leaf())]);
    let rule = Schema::new([("text", leaf()), ("at", Attribute::optional(Type::Number, "A number."))])
        .block("inner", Block::new(Nesting::List, inner, "A block inside."));
    Schema::new([("token", leaf())])
        .block("rule", Block::new(Nesting::List, rule.clone(), "A rule."))
        .block("port", Block::new(Nesting::Labelled, rule.clone(), "A port."))
        .block("stop", Block::new(Nesting::Optional, rule, "At most one."))
}

/// Evaluates the body of a block; returns its value without what is null or empty, and where it is secret.
fn evaluate(body: &str) -> String {
    let mut sources = Sources::default();
    let text = format!("resource \"thing\" \"a\" {{\n{body}\n}}\n");
    let file = config::File { name: "main.loam.hcl".into(), bytes: text.into() };
    let (config, mut diagnostics) = config::parse(Path::new("."), vec![file], &mut sources);
    // Names are looked up in the values below.
    diagnostics = diagnostics.into_iter().filter(|found| found.summary != "Undeclared name").collect();
    let mut values = ModuleValues::default();
    let secret = Evaluated::new(Value::from("hunter2"), Marks::whole());
    let partly = Evaluated::new(
        Value::object([("a", Value::from("open")), ("b", Value::from("hunter2"))]),
        Marks::at_paths(["b".parse().expect("a path")]),
    );
    for (name, value) in [
        ("ports", Value::list(Type::Number, [Value::from(80u64), Value::from(443u64)]).into()),
        ("names", Value::set(Type::String, [Value::from("b"), Value::from("a")]).into()),
        ("map", Value::map(Type::String, [("x", Value::from("1")), ("y", Value::from("2"))]).into()),
        ("unknown", Value::Unknown(Type::list(Type::String)).into()),
        ("half", Value::tuple([Value::from("a"), Value::Unknown(Type::String)]).into()),
        ("none", Value::Null(Type::list(Type::String)).into()),
        ("secret", secret),
        ("partly", partly),
    ] {
        values.set(Subject::Local(name.into()), value);
    }
    let files = Files::new(".", ".");
    let resource = config.root.resources.values().next().expect("one block");
    let scope = Scope::new(&values, &files);
    let found = eval::body(&resource.body, &schema(), "`thing.a`", resource.span, &scope, &mut diagnostics);
    assert!(found.value.convert(&schema().ty()).is_ok(), "{:?}", found.value);
    if !diagnostics.is_empty() {
        let told: String = diagnostics.sorted().iter().map(|diagnostic| plain(diagnostic, &sources)).collect();
        return told
            .lines()
            .filter(|line| line.starts_with("error") || line.starts_with("  = "))
            .collect::<Vec<_>>()
            .join("\n");
    }
    let marks: Vec<String> = found.marks.paths().map(|path| format!(" secret:{path}")).collect();
    format!("{}{}", short(&found.value), marks.concat())
}

fn short(value: &Value) -> String {
    let list = |items: &[Value]| format!("[{}]", items.iter().map(short).collect::<Vec<_>>().join(", "));
    match value {
        Value::Object(_) | Value::Map(_) => {
            let entries = value.entries().into_iter().flatten();
            let told =
                entries.map(|(name, value)| (name, short(value))).filter(|(_, told)| told != "null" && told != "[]");
            format!("{{{}}}", told.map(|(name, told)| format!("{name}: {told}")).collect::<Vec<_>>().join(", "))
        }
        Value::List(_) | Value::Tuple(_) => list(value.items().unwrap_or_default()),
        Value::Unknown(_) => "?".into(),
        Value::Null(_) => "null".into(),
        other => format!("{other:?}"),
    }
}

fn rules(for_each: &str, content: &str) -> String {
    evaluate(&format!("dynamic \"rule\" {{\n for_each = {for_each}\n content {{\n {content}\n }}\n}}"))
}

#[test]
fn a_block_is_made_for_each_item_of_a_collection() {
    for (for_each, expected) in [
        ("[]", "{port: {}}"),
        ("[\"x\", \"y\"]", r#"{port: {}, rule: [{text: "0=x"}, {text: "1=y"}]}"#),
        ("local.ports", r#"{port: {}, rule: [{text: "0=80"}, {text: "1=443"}]}"#),
        ("local.names", r#"{port: {}, rule: [{text: "a=a"}, {text: "b=b"}]}"#),
        ("local.map", r#"{port: {}, rule: [{text: "x=1"}, {text: "y=2"}]}"#),
        ("{ b = 1, a = true }", r#"{port: {}, rule: [{text: "a=true"}, {text: "b=1"}]}"#),
    ] {
        assert_eq!(rules(for_each, "text = \"${rule.key}=${rule.value}\""), expected, "{for_each}");
    }
}

#[test]
fn blocks_keep_their_order() {
    let body =
        "rule {\n text = \"first\"\n}\ndynamic \"rule\" {\n for_each = [1, 2]\n content {\n at = rule.value\n }\n}
        rule {\n text = \"last\"\n}";
    assert_eq!(evaluate(body), r#"{port: {}, rule: [{text: "first"}, {at: 1}, {at: 2}, {text: "last"}]}"#);
}

#[test]
fn the_inner_dynamic_sees_both_items() {
    let body = "dynamic \"rule\" {
        for_each = { a = [1, 2], b = [] }
        iterator = outer
        content {
          text = outer.key
          dynamic \"inner\" {
            for_each = outer.value
            content {
              name = \"${outer.key}${inner.value}${join(\"\", [for outer in [\"!\"] : outer])}\"
            }
          }
        }
      }";
    assert_eq!(
        evaluate(body),
        r#"{port: {}, rule: [{inner: [{name: "a1!"}, {name: "a2!"}], text: "a"}, {text: "b"}]}"#
    );
}

#[test]
fn labels_name_what_is_labelled() {
    let port = |labels: &str, for_each: &str| {
        evaluate(&format!(
            "dynamic \"port\" {{\n for_each = {for_each}\n labels = {labels}\n content {{\n text = port.value\n }}\n}}"
        ))
    };
    assert_eq!(port("[port.key]", "local.map"), r#"{port: {x: {text: "1"}, y: {text: "2"}}}"#);
    assert_eq!(port("[port.value]", "local.half"), "{port: ?}");
    assert_eq!(
        port("[\"same\"]", "local.map"),
        "error: Duplicate block\n  = There is already a `port` block labelled \"same\"."
    );
    assert_eq!(
        port("[port.key, \"more\"]", "{ a = 1 }"),
        "error: Wrong number of labels\n  = A `port` block has one label: its name. `labels` gives it 2."
    );
    assert_eq!(
        port("[local.secret]", "{ a = 1 }"),
        "error: Invalid label\n  = A label is a secret, and labels are shown in a plan.\n  = local.secret is sensitive"
    );
}

#[test]
fn what_is_not_known_leaves_the_blocks_open() {
    assert_eq!(rules("local.unknown", "text = rule.value"), "{port: {}, rule: ?}");
    assert_eq!(rules("local.half", "text = rule.value"), r#"{port: {}, rule: [{text: "a"}, {text: ?}]}"#);
    assert_eq!(rules("toset(local.half)", "text = rule.value"), "{port: {}, rule: ?}");
    let stop = "dynamic \"stop\" {\n for_each = local.unknown\n content {}\n}";
    assert_eq!(evaluate(stop), "{port: {}, stop: ?}");
    // What is wrong in any case is said even so.
    assert!(rules("local.unknown", "txet = 1").starts_with("error: Unknown argument"));
}

#[test]
fn secrets_stand_where_they_are_used() {
    assert_eq!(
        rules("local.partly", "text = rule.value"),
        r#"{port: {}, rule: [{text: "open"}, {text: "hunter2"}]} secret:rule[1].text"#
    );
    assert!(rules("local.secret", "text = rule.value").contains("`for_each` is a secret"));
    assert!(rules("toset([local.secret])", "text = rule.value").contains("`for_each` is a secret"));
}

#[test]
fn what_is_no_collection_is_refused() {
    assert!(rules("local.none", "text = rule.value").contains("`for_each` is null"));
    assert!(rules("3", "text = rule.value").contains("but this is a number"));
    let stop = "dynamic \"stop\" {\n for_each = [1, 2]\n content {}\n}";
    assert_eq!(evaluate(stop), "error: Duplicate block\n  = There can be one `stop` block in `thing.a`.");
}
