//! What expressions mean, beyond what the conformance sample shows.

use loam::{
    config::{self, Subject},
    diag::plain,
    eval::{self, Evaluated, Files, ModuleValues, Scope},
    source::Sources,
};
use loam_provider::{Type, Value};

fn evaluate(text: &str) -> String {
    let mut sources = Sources::default();
    let files = Files::new(".", ".");
    let mut values = ModuleValues::default();
    let users = Value::list(
        Type::object([("name", Type::String)]),
        ["ada", "bob"].map(|name| Value::object([("name", Value::from(name))])),
    );
    for (name, value) in [
        ("users", users),
        ("none", Value::Null(Type::list(Type::String))),
        ("nothing", Value::Null(Type::String)),
        ("set", Value::set(Type::String, [Value::from("b"), Value::from("a")])),
        ("map", Value::map(Type::Number, [("x", Value::from(1u64))])),
    ] {
        values.set(Subject::Local(name.into()), Evaluated::from(value));
    }
    let (expr, mut diagnostics) = config::expression("<test>", text, &mut sources);
    let value = eval::expr(&expr, &Scope::new(&values, &files), &mut diagnostics);
    if !diagnostics.has_errors() {
        return format!("{:?}", value.value);
    }
    diagnostics.sorted().iter().map(|diagnostic| plain(diagnostic, &sources)).collect()
}

fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(evaluate(text), *expected, "{text}");
    }
}

#[test]
fn templates_trim_and_indent_as_hcl_does() {
    check(&[
        (r#""a ${~ "b" ~} c""#, r#""abc""#),
        (r#""a %{ if true ~} b %{~ else } c %{ endif } d""#, r#""a b d""#),
        (r#""%{ if true }a\nb\t\"c\"%{ endif }""#, r#""a\nb\t\"c\"""#),
        (r#""%{ for i, x in ["a", "b"] }${i}=${x};%{ endfor }""#, r#""0=a;1=b;""#),
        (r#""$${a} %%{b} $ % $$ %%""#, r#""${a} %{b} $ % $$ %%""#),
        (r#""\u00e9\U0001F44D""#, r#""é👍""#),
        ("<<EOT\n  a\n\n    b\nEOT\n", r#""  a\n\n    b\n""#),
        ("<<-EOT\n    a\n\n      b\n    EOT\n", r#""a\n\n  b\n""#),
        ("<<-EOT\n    a\n  ${\"b\"}\n    c\n  EOT\n", r#""  a\nb\n  c\n""#),
        ("<<-EOT\n    ${\"a\"}\n      b\n  EOT\n", r#""a\n  b\n""#),
        ("<<-EOT\n${\"a\"}\n      b\n  EOT\n", r#""a\n      b\n""#),
        ("<<EOT\n%{ for x in [1, 2] ~}\n  - ${x}\n%{ endfor ~}\nend\nEOT\n", r#""  - 1\n  - 2\nend\n""#),
        ("<<EOT\nno \\n escape \\\"\nEOT\n", r#""no \\n escape \\\"\n""#),
        ("<<EOT\nEOT\n", r#""""#),
        ("<<EOT\nnot EOT here\n EOTX\nEOT\n", r#""not EOT here\n EOTX\n""#),
    ]);
}

#[test]
fn splats_and_steps_go_into_values() {
    check(&[
        ("local.users[*].name", r#"["ada", "bob"]"#),
        ("local.users.*.name", r#"["ada", "bob"]"#),
        ("local.users.*.name[0]", r#""ada""#),
        (
            "local.users[*].name[0]",
            "error: Invalid index\n  --> <test>:1:21\n  |\n1 | local.users[*].name[0]\n  |                     ^\n  = This value is a string, whose elements have no index.\n  = local.users is a list of object with 2 elements\nhint: For a part of a text use `substr(TEXT, START, LENGTH)`.\n",
        ),
        ("local.nothing[*]", "[]"),
        (
            "local.none[*]",
            "error: Null value\n  --> <test>:1:1\n  |\n1 | local.none[*]\n  | ^^^^^^^^^^\n  = This list is null, so `*` has no elements to go through.\n  = local.none is null\nhint: Where it may be null, write `coalesce(LIST, [])`.\n",
        ),
        ("local.set[*]", r#"["a", "b"]"#),
        ("local.map.x", "1"),
        (r#"local.map["x"]"#, "1"),
        ("local.users[\"1\"].name", r#""bob""#),
        ("[[1, 2], [3]][*][0]", "[1, 3]"),
    ]);
}

#[test]
fn for_expressions_build_and_group() {
    check(&[
        ("[for i, u in local.users : \"${i}${u.name}\"]", r#"["0ada", "1bob"]"#),
        ("{ for u in local.users : u.name => length(u.name) }", r#"{"ada": 3, "bob": 3}"#),
        ("{ for u in local.users : length(u.name) => u.name... }", r#"{"3": ["ada", "bob"]}"#),
        ("[for k, v in local.map : k]", r#"["x"]"#),
        ("[for k, v in local.set : \"${k}${v}\"]", r#"["aa", "bb"]"#),
        ("[for x in [1, 2, 3] : [for y in range(x) : x * y] if x > 1]", "[[0, 2], [0, 3, 6]]"),
        ("[for x in [\"a\"] : [for x in [\"b\"] : x][0]]", r#"["b"]"#),
        ("{ for k, v in { for i in range(2) : i => i } : v => k }", r#"{"0": "0", "1": "1"}"#),
    ]);
}

#[test]
fn operators_bind_as_in_hcl() {
    check(&[
        ("1 + 2 * 3 - 4 / 2", "5"),
        ("-2 * -3", "6"),
        ("!true || true && false == false", "true"),
        ("1 < 2 == true", "true"),
        ("true ? false ? 1 : 2 : 3", "2"),
        ("7 % 3 + -7 % 3", "0"),
        ("1 == 1.0 && \"1\" != 1", "true"),
        ("[1, 2] == [1, 2]", "true"),
        ("tolist([1]) == [1]", "false"),
        ("null != 1", "true"),
        ("\"2\" * \"3\"", "6"),
        ("0.1 + 0.2 == 0.3", "true"),
    ]);
}

#[test]
fn functions_compute() {
    check(&[
        (r#"format("%s is %d%%, %5.2f, %v", "x", 5, 1.005, [1, "a"])"#, r#""x is 5%,  1.00, [1,\"a\"]""#),
        (r#"formatlist("%s-%d", ["a", "b"], 1)"#, r#"["a-1", "b-1"]"#),
        (r#"merge({ a = 1, b = 2 }, null, { b = 3 })"#, r#"{"a": 1, "b": 3}"#),
        ("setsubtract([\"a\", \"b\"], [\"a\"])", r#"{"b"}"#),
        ("setunion([1], [\"x\"])", r#"{"1", "x"}"#),
        ("zipmap([\"a\", \"b\"], [1, true])", r#"{"a": 1, "b": true}"#),
        ("flatten([[1, [2]], [], 3])", "[1, 2, 3]"),
        ("concat([1], tolist([\"a\"]))", r#"[1, "a"]"#),
        ("range(5, 0, -2)", "[5, 3, 1]"),
        ("element([1, 2, 3], 4)", "2"),
        ("{ a = 1, \"b\" = 2, a = 3, \"b\" = 4 }", r#"{"a": 3, "b": 4}"#),
        ("chunklist([1, 2, 3], 2)", "[[1, 2], [3]]"),
        ("one([])", "null"),
        ("alltrue([])", "true"),
        ("sum([1, 2.5])", "3.5"),
        ("substr(\"e\u{301}xyz\", -2, 1)", r#""y""#),
        (r#"split("", "añ")"#, r#"["a", "ñ"]"#),
        (r#"title("hello wORLD it's")"#, r#""Hello WORLD It'S""#),
        (
            r#"jsonencode({ b = "<&>", a = [1, null, true] })"#,
            r#""{\"a\":[1,null,true],\"b\":\"\\u003c\\u0026\\u003e\"}""#,
        ),
        (r#"jsondecode("{\"a\":[1,2.50,null]}")"#, r#"{"a": [1, 2.5, null]}"#),
        (r#"tomap({ a = 1, b = "x" })"#, r#"{"a": "1", "b": "x"}"#),
        ("tolist(toset([\"b\", \"a\", \"b\"]))", r#"["a", "b"]"#),
        ("coalesce(null, \"\", \"x\")", r#""x""#),
        ("lookup({ a = 1 }, \"b\", null)", "null"),
        ("try({}.a, [][0], \"x\")", r#""x""#),
        ("can({}.a)", "false"),
        ("max([1, 3, 2]...)", "3"),
        ("core::upper(\"x\")", r#""X""#),
        (r#"dirname("a/b/../c/d")"#, r#""a/c""#),
        (r#"basename("/a/b/")"#, r#""b""#),
        ("parseint(\"ff\", 16)", "255"),
        ("setproduct([1, 2], [\"a\"])", r#"[[1, "a"], [2, "a"]]"#),
        ("transpose({ a = [\"x\", \"y\"], b = [\"x\"] })", r#"{"x": ["a", "b"], "y": ["a"]}"#),
    ]);
}

#[test]
fn deep_but_legal_expressions_are_quick() {
    for (open, middle, close) in [
        ("(", "1", ")"),
        ("[", "1", "]"),
        ("{ a = ", "1", "}"),
        ("\"${", "1", "}\""),
        ("upper(", "\"x\"", ")"),
        ("-", "1", ""),
        ("!", "true", ""),
        ("true ? 1 : ", "1", ""),
        ("[for x in [1] : ", "x", "]"),
    ] {
        let text = format!("{}{middle}{}", open.repeat(240), close.repeat(240));
        let found = evaluate(&text);
        assert!(!found.starts_with("error"), "{text}: {found}");
        let text = format!("{}{middle}{}", open.repeat(260), close.repeat(260));
        assert!(evaluate(&text).starts_with("error: Nesting too deep"), "{text}");
    }
    let directives = format!("\"{}x{}\"", "%{ if true }".repeat(240), "%{ endif }".repeat(240));
    assert_eq!(evaluate(&directives), r#""x""#);
}

#[test]
fn chains_of_operators_are_as_long_as_one_likes() {
    check(&[
        (&format!("0{}", " + 1".repeat(10_000)), "10000"),
        (&format!("10000{} * 2 + 5", " - 1 * 1".repeat(10_000)), "4"),
        (&format!("true{}", " && true || false".repeat(10_000)), "true"),
        (&format!("[{}][9999]", "1, ".repeat(10_000)), "1"),
    ]);
}
