//! The JSON syntax: it says what the native syntax says.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use loam::{
    config::{self, Config},
    diag::{Diagnostics, plain},
    eval::{self, Files, ModuleValues, Scope},
    source::Sources,
};
use loam_provider::{Attribute, Block, Nesting, Schema, Type};

fn parse(name: &str, text: &str, sources: &mut Sources) -> (Config, Diagnostics) {
    let file = config::File { name: name.into(), bytes: text.into() };
    config::parse(Path::new("."), vec![file], sources)
}

/// Shows a module without the places in it.
fn shown(config: &Config) -> String {
    let text = format!("{:#?}", config.root).replace("notation: Json", "notation: Native");
    let mut out = String::new();
    let mut inside = 0;
    for line in text.lines() {
        if line.ends_with("Span {") {
            inside = line.len() - line.trim_start().len();
            continue;
        }
        if inside > 0 {
            if line.trim_end_matches(',') == format!("{}}}", " ".repeat(inside)) {
                inside = 0;
            }
            continue;
        }
        out += line;
        out.push('\n');
    }
    out
}

#[test]
fn it_says_what_the_native_syntax_says() {
    let mut sources = Sources::default();
    let (native, wrong) = parse("a.loam.hcl", include_str!("json/all.hcl"), &mut sources);
    let told: String = wrong.sorted().iter().map(|found| plain(found, &sources)).collect();
    assert_eq!(told, "");
    let (json, wrong) = parse("a.loam.json", include_str!("json/all.json"), &mut sources);
    let told: String = wrong.sorted().iter().map(|found| plain(found, &sources)).collect();
    assert_eq!(told, "");
    let (native, json) = (shown(&native), shown(&json));
    for (left, right) in native.lines().zip(json.lines()) {
        assert_eq!(left, right, "{json}");
    }
    assert_eq!(native, json);
}

#[test]
fn a_schema_tells_blocks_from_arguments() {
    let port = Schema::new([("number", Attribute::optional(Type::Number, "Its number."))]);
    let stop = Schema::new([("grace", Attribute::optional(Type::String, "How long."))])
        .block("signal", Block::new(Nesting::List, port.clone(), "Which."));
    let schema = Schema::new([("env", Attribute::optional(Type::map(Type::String), "Its environment."))])
        .block("port", Block::new(Nesting::Labelled, port.clone(), "A port."))
        .block("mount", Block::new(Nesting::List, port, "A directory."))
        .block("stop", Block::new(Nesting::Optional, stop, "How it is stopped."));
    let text = r#"{"resource": {"machine": {"a": {
        "env": {"A": "${1 + 1}"},
        "port": {"http": {"number": 80, "//": "a comment"}, "ssh": {"number": "${20 + 2}"}},
        "mount": [{"number": 1}, {"number": 2}],
        "stop": {"grace": "1s", "signal": [{"number": 9}]}
    }}}}"#;
    let mut sources = Sources::default();
    let (config, mut diagnostics) = parse("a.loam.json", text, &mut sources);
    let values = ModuleValues::default();
    let files = Files::new(".", ".");
    let resource = config.root.resources.values().next().unwrap();
    let scope = Scope::new(&values, &files);
    let value = eval::body(&resource.body, &schema, "this", resource.span, &scope, &mut diagnostics);
    let told: String = diagnostics.sorted().iter().map(|found| plain(found, &sources)).collect();
    assert_eq!(told, "");
    assert_eq!(
        format!("{:?}", value.value),
        concat!(
            r#"{"env": {"A": "2"}, "mount": [{"number": 1}, {"number": 2}], "#,
            r#""port": {"http": {"number": 80}, "ssh": {"number": 22}}, "#,
            r#""stop": {"grace": "1s", "signal": [{"number": 9}]}}"#
        )
    );
}

#[test]
fn mistakes_are_placed_in_the_file() {
    for (text, expected) in [
        ("{\"locals\": {\"a\": 1,}}", "1:20 Expected the name of a property in quotes, but found `}`."),
        ("{\"locals\": {\"a\": \"${1 +}\"}}", "1:24 Expected a value here, but found `}`."),
        ("{\"locals\": {\"a\": \"\\n${1 +}\"}}", "1:18 Expected a value here, but found `}`."),
        ("{\"locals\": {\"a\": \"${var.x}\"}}", "1:21 There is no variable `var.x`."),
        ("{\"variable\": {\"a\": {\"type\": \"list(strin)\"}}}", "1:35 There is no type `strin`."),
        ("{\"resuorce\": {\"a\": {\"b\": {}}}}", "1:2 There is no block `resuorce`."),
        ("{\"locals\": 5}", "1:12 `locals` is a block: an object in braces is expected here."),
        ("{\"locals\": {\"a\": 1, \"a\": 2}}", "1:21 The argument `a` was already set here. Each may be set once."),
        (
            "{\"resource\": {\"a\": {\"b\": {\"depends_on\": [\"a.\"]}}}}",
            "1:44 Expected the name of an attribute after the dot, but found the end of the text.",
        ),
        ("[]5", "1:3 Expected the end of the text after the value, but found `5`."),
    ] {
        let mut sources = Sources::default();
        let (_, diagnostics) = parse("a.loam.json", text, &mut sources);
        let told: Vec<String> = diagnostics
            .sorted()
            .into_iter()
            .map(|found| {
                format!("{} {}", sources.place(found.span.unwrap()).trim_start_matches("a.loam.json:"), found.detail)
            })
            .collect();
        assert_eq!(told, [expected], "{text}");
    }
}

#[test]
fn files_of_values_are_literal() {
    let mut sources = Sources::default();
    let file = config::File {
        name: "loam.vars.json".into(),
        bytes: r#"{"a": "${1}", "b": [1, {"c": null}], "d": -1.5}"#.into(),
    };
    let (values, diagnostics) = config::variables_file(file, &mut sources);
    assert!(diagnostics.is_empty());
    let shown: Vec<String> =
        values.iter().map(|value| format!("{} {:?}", value.name, config::constant(&value.expr).unwrap())).collect();
    assert_eq!(shown, [r#"a "${1}""#, r#"b [1, {"c": null}]"#, "d -1.5"]);
}
