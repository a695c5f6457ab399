//! Texts with what they are read as, and what is told about those that are none.

use super::{
    Place, body, expression,
    tree::{Element, Expression, Node as _, ObjectKey, Structure, TraversalOperator},
};
use crate::{
    diag::Diagnostics,
    source::{SourceId, Sources},
};

fn source() -> SourceId {
    Sources::default().add("", "")
}

/// Shows an expression with everything in brackets that belongs together.
fn shown(expr: &Expression) -> String {
    let list = |items: &[Expression]| items.iter().map(shown).collect::<Vec<_>>().join(" ");
    match expr {
        Expression::Null(_) => "null".into(),
        Expression::Bool(claim) => claim.value.to_string(),
        Expression::Number(digits) => digits.as_str().into(),
        Expression::String(text) => format!("{:?}", text.as_str()),
        Expression::Array(array) => format!("[{}]", list(&array.items)),
        Expression::Object(object) => {
            let items = object.into_iter().map(|(key, value)| {
                let key = match key {
                    ObjectKey::Ident(name) => format!("`{}`", name.as_str()),
                    ObjectKey::Expression(key) => shown(key),
                };
                format!("{key}={}", shown(value))
            });
            format!("{{{}}}", items.collect::<Vec<_>>().join(" "))
        }
        Expression::StringTemplate(template) => format!("<{}>", elements(&template.elements)),
        Expression::HeredocTemplate(template) => format!("<<{}>>", elements(&template.elements)),
        Expression::Parenthesis(inner) => format!("({})", shown(inner.inner())),
        Expression::Variable(name) => name.as_str().into(),
        Expression::Traversal(found) => {
            let mut text = shown(&found.expr);
            for operator in &found.operators {
                text += &match operator.value() {
                    TraversalOperator::GetAttr(name) => format!(".{}", name.as_str()),
                    TraversalOperator::Index(key) => format!("[{}]", shown(key)),
                    TraversalOperator::LegacyIndex(digits) => format!(".{digits}"),
                    TraversalOperator::AttrSplat => ".*".into(),
                    TraversalOperator::FullSplat => "[*]".into(),
                };
            }
            text
        }
        Expression::Conditional(found) => {
            format!("(? {} {} {})", shown(&found.cond_expr), shown(&found.true_expr), shown(&found.false_expr))
        }
        Expression::FuncCall(call) => {
            let dots = if call.args.expand_final() { "..." } else { "" };
            let names = call.name.namespace.iter().chain([&call.name.name]).map(|name| name.as_str());
            format!("{}({}{dots})", names.collect::<Vec<_>>().join("::"), list(&call.args.args))
        }
        Expression::UnaryOp(unary) => format!("({:?} {})", unary.operator, shown(&unary.expr)),
        Expression::BinaryOp(binary) => {
            let rest = binary.rest.iter().map(|(operator, operand)| format!(" {operator} {}", shown(operand)));
            format!("({}{})", shown(&binary.first), rest.collect::<String>())
        }
        Expression::ForExpr(found) => {
            let key = found.key_var.as_ref().map_or(String::new(), |name| format!("{},", name.as_str()));
            let result = found.key_expr.as_ref().map_or(String::new(), |key| format!("{} => ", shown(key)));
            let dots = if found.grouping { "..." } else { "" };
            let cond = found.cond.as_ref().map_or(String::new(), |cond| format!(" if {}", shown(cond)));
            let (value, collection) = (found.value_var.as_str(), shown(&found.collection_expr));
            format!("(for {key}{value} in {collection}: {result}{}{dots}{cond})", shown(&found.value_expr))
        }
    }
}

fn elements(elements: &[Element]) -> String {
    let shown = elements.iter().map(|element| match element {
        Element::Text(text) => format!("{:?}", text.as_str()),
        Element::Interpolation(expr) => shown(expr),
        Element::If { condition, then, otherwise } => {
            format!("if {} {{{}}} {{{}}}", shown(condition), self::elements(then), self::elements(otherwise))
        }
        Element::For { key, value, collection, body } => {
            let key = key.as_ref().map_or(String::new(), |name| format!("{},", name.as_str()));
            format!("for {key}{} in {} {{{}}}", value.as_str(), self::shown(collection), self::elements(body))
        }
    });
    shown.collect::<Vec<_>>().join(" ")
}

fn read(text: &str) -> String {
    let mut diagnostics = Diagnostics::default();
    match expression(text, Place::Exact { source: source() }, &mut diagnostics) {
        Some(expr) => shown(&expr),
        None => told(&diagnostics),
    }
}

fn told(diagnostics: &Diagnostics) -> String {
    let lines = diagnostics.clone().sorted().into_iter().map(|found| {
        let span = found.span.map_or(String::new(), |span| format!("{}..{}", span.start, span.end));
        format!("{span} {}", found.detail)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Shows a text's attributes and blocks, what was lost, and what is told.
fn read_body(text: &str) -> String {
    fn show(body: &super::Body) -> String {
        let kept = body.into_iter().map(|structure| match structure {
            Structure::Attribute(attribute) => format!("{}={}", attribute.key.as_str(), shown(&attribute.value)),
            Structure::Block(block) => {
                let labels: String = block.labels.iter().map(|label| format!(" {:?}", label.as_str())).collect();
                format!("{}{labels} {{{}}}", block.ident.as_str(), show(&block.body))
            }
        });
        let lost = body.broken.iter().map(|broken| {
            let labels: String = broken.labels.iter().map(|label| format!(" {:?}", label.as_str())).collect();
            format!("lost {}{labels}", broken.ident.as_ref().map_or("?", |ident| ident.as_str()))
        });
        kept.chain(lost).collect::<Vec<_>>().join("; ")
    }
    let (body, diagnostics) = body(text, source(), |word| matches!(word, "resource" | "locals" | "output"));
    assert_eq!(body.is_complete, diagnostics.is_empty(), "{text}");
    let told = told(&diagnostics);
    if told.is_empty() { show(&body) } else { format!("{}\n{told}", show(&body)) }
}

#[test]
fn operators_bind_by_precedence_from_left_to_right() {
    for (text, expected) in [
        ("1 + 2 - 3", "(1 + 2 - 3)"),
        ("1 + 2 * 3 - 4", "(1 + (2 * 3) - 4)"),
        ("1 * 2 + 3 * 4", "((1 * 2) + (3 * 4))"),
        ("a || b && c == d < e + f * -g", "(a || (b && (c == (d < (e + (f * (Negate g)))))))"),
        ("a * b + c < d == e && f || g", "((((((a * b) + c) < d) == e) && f) || g)"),
        ("!a.b == c", "((Not a.b) == c)"),
        ("a ? b : c ? d : e", "(? a b (? c d e))"),
        ("a ? b ? c : d : e", "(? a (? b c d) e)"),
        ("a || b ? c + 1 : d", "(? (a || b) (c + 1) d)"),
        ("a-b - c", "(a-b - c)"),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn line_ends_mean_nothing_in_an_expression_alone() {
    for (text, expected) in [
        ("\n1\n+\n2\n", "(1 + 2)"),
        ("f\n(\n1\n,\n)", "f(1)"),
        ("{\na = 1\nb = 2,\n}", "{`a`=1 `b`=2}"),
        ("{for\nk\n,\nv in m : k => v +\n1}", "(for k,v in m: k => (v + 1))"),
        ("\"${\n1\n}\"", "<1>"),
        ("# c\n1 // d\n/* e */", "1"),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn values_of_every_kind_are_read() {
    for (text, expected) in [
        ("[null, true, false, nil]", "[null true false nil]"),
        ("{ a = 1, (b) = 2, \"c\" = 3, null = 4, d.e = 5, 6 = 7 }", "{`a`=1 (b)=2 \"c\"=3 `null`=4 d.e=5 6=7}"),
        ("a.b[0].1.*.c[*].d", "a.b[0].1.*.c[*].d"),
        ("a::b::c(x, y...)", "a::b::c(x y...)"),
        ("[for x in y : x if x]", "(for x in y: x if x)"),
        ("{for x in y : x => x...}", "(for x in y: x => x...)"),
        ("\"a${b}c\"", "<\"a\" b \"c\">"),
        ("\"%{ if a ~} b %{~ else } c %{ endif }\"", "<if a {\"b\"} {\" c \"}>"),
        ("\"%{ for i, x in y }${i}%{ endfor }\"", "<for i,x in y {i}>"),
        ("<<-E\n    a\n      ${b}\n    E\n", "<<\"a\\n  \" b \"\\n\">>"),
        ("\"\\u00e9$${x}%%{y}\"", "\"é${x}%{y}\""),
        ("1.50e+3", "1.50e+3"),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn each_part_of_a_tree_has_its_place() {
    let text = "f(a.b, [1 + 2], { c = \"x${d}\" })";
    let mut diagnostics = Diagnostics::default();
    let found = expression(text, Place::Exact { source: source() }, &mut diagnostics);
    let Some(Expression::FuncCall(call)) = found else { panic!("{diagnostics:?}") };
    let slice = |expr: &Expression| &text[expr.span().start as usize..expr.span().end as usize];
    let args: Vec<&str> = call.args.iter().map(slice).collect();
    assert_eq!(args, ["a.b", "[1 + 2]", "{ c = \"x${d}\" }"]);
    let Expression::Array(array) = &call.args.args[1] else { panic!("{args:?}") };
    assert_eq!(slice(&array.items[0]), "1 + 2");
}

#[test]
fn all_mistakes_of_an_expression_are_told() {
    for (text, expected) in [
        (
            "[1 2, 'x', +]",
            "3..4 Expected `,` or `]` after this item, but found `2`.\n6..7 Strings are written in double quotes.\n11..12 Expected a value here, but found `+`.",
        ),
        ("f(1 +) + g(,)", "5..6 Expected a value here, but found `)`.\n11..12 Expected a value here, but found `,`."),
        (
            "\"${1 2}${}\"",
            "5..6 Expected `}` at the end of this template expression, but found `2`.\n9..10 Expected a value here, but found `}`.",
        ),
        ("(1]", "2..3 Here `)` is expected, but `]` found."),
        ("a.", "1..2 Expected the name of an attribute after the dot, but found the end of the text."),
        ("1 2", "2..3 `2` has no meaning here."),
        ("", "0..0 Expected a value, but the text ends here."),
        (
            "\"\\q\\w\"",
            "1..3 A backslash in a string starts one of \\n, \\r, \\t, \\\", \\\\, \\uNNNN and \\UNNNNNNNN.\n3..5 A backslash in a string starts one of \\n, \\r, \\t, \\\", \\\\, \\uNNNN and \\UNNNNNNNN.",
        ),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn a_mistake_takes_nothing_with_it_but_its_statement() {
    for (text, expected) in [
        ("a = 1\nb = = 2\nc = 3\n", "a=1; c=3; lost b\n10..11 Expected a value here, but found `=`."),
        ("locals {\n  a = [1\n  b = 2\n}\n", "locals {b=2; lost a}\n15..16 The bracket opened here is never closed."),
        (
            "locals {\n  a = f(\"x\n  b = 2\n}\n",
            "locals {b=2; lost a}\n16..17 The parenthesis opened here is never closed.\n17..19 This string is not closed before the end of the line.",
        ),
        (
            "locals {\n  a = [\"x]\n  b = 2\n}\n",
            "locals {b=2; lost a}\n16..19 This string is not closed before the end of the line.",
        ),
        (
            "locals {\n  a = {\n    b = \"x\n  }\n  c = 1\n}\n",
            "locals {c=1; lost a}\n25..27 This string is not closed before the end of the line.",
        ),
        (
            "locals {\n  a = (1\n  b \"c\" {\n  }\n}\n",
            "locals {b \"c\" {}; lost a}\n15..16 The parenthesis opened here is never closed.",
        ),
        (
            "locals {\n  a = <<E\n  x\n}\noutput \"a\" {\n}\n",
            "locals {lost a}; output \"a\" {}\n15..18 The heredoc opened here is never closed.",
        ),
        (
            "locals {\n  a = {\n    b = 1\n\nlocals {\n  c = 1\n}\n",
            "locals {c=1}; lost locals\n7..8 The brace opened here is never closed.",
        ),
        (
            "resource \"a\" \"b {\n  c = 1\n}\nd = 1\n",
            "d=1; lost ?\n13..17 This string is not closed before the end of the line.",
        ),
        ("}\na = 1\n", "a=1; lost ?\n0..1 Nothing is open here that `}` could close."),
        ("a = 1 +\n  2\nb = 3\n", "b=3; lost a\n7..7 Expected a value here, but found the end of the line."),
        (
            "a = b\n  && c\n  || d\ne = 3\n",
            "a=b; e=3; lost ?\n8..10 Expected an argument or a block here, but found `&&`.",
        ),
        ("a b c\nd = 1\n", "d=1; lost a\n5..5 Expected `{` for this `a` block, but found the end of the line."),
        ("a { b = 1, c = 2 }\nd = 1\n", "a {b=1}; d=1\n9..10 Expected `}` in the line of its `{`, but found `,`."),
        ("a {\n  /* x\n}\n", "lost a\n6..8 The comment opened here is never closed."),
    ] {
        assert_eq!(read_body(text), expected, "{text}");
    }
}

#[test]
fn what_only_looks_unclosed_is_left_alone() {
    for (text, expected) in [
        ("check \"x\" {\nresource \"a\" \"b\" {\n}\n}\n", "check \"x\" {resource \"a\" \"b\" {}}"),
        ("a = <<E\n}\nlocals {\nE\n", "a=<<\"}\\nlocals {\\n\">>"),
        ("a = \"}\" # }\nb = \"${\"}\"}\"\n", "a=\"}\"; b=<\"}\">"),
    ] {
        assert_eq!(read_body(text), expected, "{text}");
    }
}

#[test]
fn time_grows_with_the_text() {
    for text in [
        "x = ".to_owned() + &"(".repeat(200_000),
        "x = ".to_owned() + &"[".repeat(100_000) + &")".repeat(100_000),
        "a = \"x\n".repeat(20_000),
        "a = [1\n".repeat(20_000),
        "a = <<E\n".repeat(20_000),
        "}\n".repeat(100_000),
        "a = \"".to_owned() + &"${1}".repeat(100_000) + "\"\n",
        "a {\n".repeat(100_000),
        "a = 1 2\n".repeat(20_000),
        format!("a = {}1\n", "1 + ".repeat(100_000)),
    ] {
        let (_, diagnostics) = body(&text, source(), |word| word == "locals");
        let start: String = text.chars().take(20).collect();
        let is_right = start.starts_with("a = \"$") || start.starts_with("a = 1 +");
        assert_eq!(diagnostics.is_empty(), is_right, "{start}");
    }
}
