//! Differences between values of every shape.

use super::*;

/// Shows how one attribute changes, without its own lines.
fn changed(before: serde_json::Value, after: impl Into<Value>) -> String {
    let plain = |json: &serde_json::Value| Known::from_json(json, &Type::Any).unwrap();
    let before = Known::object([("x", plain(&before))]);
    let after = Value::object([("x", after.into())]);
    let text = shown(change("loam_data.d", update(before, after)));
    text.split_once('\n').unwrap().1.to_owned()
}

fn json(json: serde_json::Value) -> Known {
    Known::from_json(&json, &Type::Any).unwrap()
}

#[test]
fn objects_in_lists_differ_by_what_is_in_them() {
    let before = serde_json::json!([{"a": 1, "b": 1}, {"a": 2, "b": 2}, {"a": 3, "b": 3}]);
    let after = json(serde_json::json!([{"a": 2, "b": 2}, {"a": 3, "b": 4}, {"a": 5, "b": {"c": [1]}}]));
    insta::assert_snapshot!(changed(before, after.into_value()), @r"
    ~ x = [
        - [0] = { a = 1, b = 1 }
        ~ [1] = {
            ~ b = 3 → 4
              # 1 unchanged entry
          }
        + [2] = { a = 5, b = { c = [1] } }
          # 1 unchanged item
      ]
    ");
}

#[test]
fn another_shape_is_shown_whole_on_both_sides() {
    let text = changed(serde_json::json!({"a": 1}), json(serde_json::json!([1, 2])).into_value());
    assert_eq!(text, "    - x = { a = 1 }\n    + x = [1, 2]");
    let text = changed(serde_json::json!("a"), json(serde_json::json!({"a": null, "b": 1})).into_value());
    assert_eq!(text, "    - x = \"a\"\n    + x = { b = 1 }");
    assert_eq!(changed(serde_json::json!(1), Value::from("1")), "    ~ x = 1 → \"1\"");
}

#[test]
fn unknown_parts_stand_beside_what_was() {
    let list = Value::tuple([Value::from("a"), Value::Unknown(Type::String)]);
    let text = changed(serde_json::json!(["a", "b"]), list);
    assert_eq!(text, "    ~ x = [\n        ~ [1] = \"b\" → (known after apply)\n          # 1 unchanged item\n      ]");
    let text = changed(serde_json::json!({"a": [1, 2]}), Value::Unknown(Type::Any));
    assert_eq!(text, "    ~ x = { a = [1, 2] } → (known after apply)");
    let long: Vec<String> = (0..40).map(|index| format!("item-{index}")).collect();
    assert_eq!(
        changed(serde_json::json!(long), Value::Unknown(Type::Any)),
        "    ~ x = [ 40 items ] → (known after apply)"
    );
}

#[test]
fn a_null_in_a_map_is_an_entry_and_in_an_object_it_is_none() {
    let nullable = |value: Option<&str>| value.map_or(Value::Null(Type::String), Value::from);
    let map = |value| Value::object([("x", Value::map(Type::String, [("k", nullable(value))]))]);
    let show = |before: Value, after| shown(change("loam_data.d", update(Known::new(before).unwrap(), after)));
    assert!(show(map(None), map(Some("a"))).contains("~ \"k\" = null → \"a\""));
    let object = |value| Value::object([("x", Value::object([("k", nullable(value))]))]);
    assert!(show(object(None), object(Some("a"))).contains("+ k = \"a\""));
}

#[test]
fn texts_without_structure_fall_back_to_what_can_be_compared() {
    let text = changed(serde_json::json!("{\"a\": 1}"), Value::from("{\"a\":1}"));
    assert_eq!(text, r#"    ~ x = "{\"a\": 1}" → "{\"a\":1}""#, "only spaces differ");
    let text = changed(serde_json::json!("a\nb\n"), Value::from("a\nc"));
    insta::assert_snapshot!(text, @r"
    ~ x = <<-EOT
          a
        - b
        + c
          # no longer ends in a newline
      EOT
    ");
    let huge = |tail: &str| format!("{}{tail}", "line\n".repeat(6_000));
    assert_eq!(
        changed(serde_json::json!(huge("a")), Value::string(huge("b"))),
        "    ~ x = (6001 lines) → (6001 lines)"
    );
}

#[test]
fn a_line_that_ends_a_text_never_ends_it_early() {
    let after = Value::object([("x", Value::from("EOT\nEOT_\nend\u{1b}[0m\n"))]);
    let text = shown(change("loam_data.d", Change::Create { after, because: Reason::New }));
    assert!(text.contains("x = <<-EOT__\n        EOT\n        EOT_\n        end\\u001b[0m\n      EOT__"), "{text}");
}

#[test]
fn long_texts_that_come_are_cut_and_say_so() {
    let lines: String = (0..100).map(|index| format!("line {index}\n")).collect();
    let after = Value::object([("lines", Value::string(lines)), ("text", Value::string("x".repeat(1_000)))]);
    let text = shown(change("loam_data.d", Change::Create { after, because: Reason::New }));
    assert!(text.contains("… 88 more lines\n") && text.contains("(of 1000 characters)"), "{text}");
}

#[test]
fn only_the_sensitivity_may_change() {
    let before = known! { "name": "CANARY" };
    let mut one = change("network.a", update(before.clone(), before.into_value()));
    one.sensitive = vec![path("name")];
    let text = shown(one);
    assert!(text.contains("# only what is marked sensitive changes") && !text.contains("CANARY"), "{text}");
}

#[test]
fn ascii_surfaces_get_ascii() {
    let before = known! { "name": "a".repeat(60) };
    let mut one = change("network.a", update(before, known! { "name": "b".repeat(60) }.into_value()));
    one.notes = vec!["noted".into()];
    let style = Style { glyphs: crate::ui::Glyphs::Ascii, ..Style::plain() };
    let text = show(style, &plan_of(vec![one]));
    assert!(text.is_ascii() && text.contains("-> \"bbb") && text.contains("* noted"), "{text}");
}

#[test]
fn big_lists_are_compared_in_linear_time() {
    let list = |offset: u64| Value::object([("x", Value::tuple((0..50_000).map(|index| Value::from(index + offset))))]);
    let text = shown(change("loam_data.d", update(Known::new(list(0)).unwrap(), list(1))));
    assert_eq!(text.lines().count(), 50_003);
}

#[test]
fn a_deposed_object_is_told_from_the_one_in_its_place() {
    let mut one = change("network.a", Change::Delete { before: known! { "name": "a" }, because: Reason::Deposed });
    one.deposed = Some(crate::state::DeposedId("4f".into()));
    assert!(shown(one.clone()).starts_with("  - network.a (deposed 4f) (local)  left behind when it was replaced\n"));
    let line = &lines(&plan_of(vec![one]))[0];
    assert!(line.contains(r#""address":"network.a","deposed":"4f""#), "{line}");
    schema_test::assert_valid("plan", line);
}

#[test]
fn where_an_object_comes_from_is_said() {
    let origin = |origin, change: Change| ObjectChange { origin: Some(origin), ..super::change("network.a", change) };
    let moved = || Origin::Moved { from: "module.m[0].network.a".parse().unwrap() };
    let imported = || Origin::Imported { id: "i-1".into() };
    let (before, after) = (known! { "name": "a" }, known! { "name": "b" });
    let keep = || Change::Keep { current: before.clone() };
    let change = || update(before.clone(), after.clone().into_value());
    let text = |one: ObjectChange| {
        let moves = one.origin.iter().filter_map(|origin| match origin {
            Origin::Moved { from } => Some(Move { from: from.clone(), to: one.addr.clone() }),
            Origin::Imported { .. } => None,
        });
        let moves = moves.collect();
        show(Style::plain(), &Plan { moves, ..plan_of(vec![one]) })
    };
    insta::assert_snapshot!(text(origin(moved(), keep())), @r"
        network.a (local)  moved from `module.m[0].network.a`

    Plan: 1 to move.
    ");
    insta::assert_snapshot!(text(origin(imported(), keep())), @r"
        network.a (local)  imported (id `i-1`)

    Plan: 1 to import.
    ");
    insta::assert_snapshot!(text(origin(imported(), change())), @r#"
    loam will:
      ~ update in place

      ~ network.a (local)
          · imported (id `i-1`)
        ~ name = "a" → "b"

    Plan: 1 to import, 1 to update.
    "#);
}

#[test]
fn what_is_read_later_says_why() {
    let after = known! { "name": "a" }.value().with("url", Value::Unknown(Type::String));
    let read = |because| shown(change("data.network.a", Change::Read { after: after.clone(), because }));
    insta::assert_snapshot!(read(Reason::NotKnown { path: path("args[0]") }), @r#"
    < data.network.a (local)  because `args[0]` is not known yet
        name = "a"
        # known after apply: url
    "#);
    insta::assert_snapshot!(read(Reason::Pending { on: "bucket.b".into() }), @r#"
    < data.network.a (local)  because `bucket.b` changes
        name = "a"
        # known after apply: url
    "#);
}
