//! Plans as they are shown. `Sample` makes changes of a made-up kind; each test shows one of them.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use loam_provider::{
    Attribute, Block, Cause, ConfigureCx, DataSource, Factory, Kind, Known, Nesting, OnDestroy, Path, Provider,
    ProviderError, Schema, Type, Value,
};

use super::*;
use crate::{
    host::ProviderRef,
    plan::{Basis, Change, CheckResult, CheckStatus, Drift, FORMAT, Move, Origin, Reason, ReplaceOrder},
    ui::{Colour, schema_test},
};

struct Sample {
    kinds: Vec<Kind>,
    data_sources: Vec<DataSource>,
    schema: Schema,
}

impl Sample {
    fn offers() -> Offers {
        let user = Schema::new([
            ("role", Attribute::default(Type::String, "reader", "A role.")),
            ("password", Attribute::optional(Type::String, "A secret.").secret()),
        ]);
        let schema = Schema::new([
            ("name", Attribute::required(Type::String, "A name.")),
            (
                "node_count",
                Attribute::default(Type::Number, Known::new(Value::from(1u64)).unwrap(), "How many.")
                    .written_as("nodes"),
            ),
            ("flags", Attribute::optional(Type::map(Type::String), "Flags.")),
            ("config", Attribute::optional(Type::String, "A text.")),
            ("zones", Attribute::optional(Type::set(Type::String), "Zones.")),
            ("args", Attribute::optional(Type::list(Type::String), "Arguments.")),
            ("password", Attribute::optional(Type::String, "A secret.").secret()),
            ("force", Attribute::default(Type::Bool, false, "A default.")),
            ("nodes", Attribute::computed(Type::map(Type::String), "The nodes.")),
            ("url", Attribute::computed(Type::String, "Where it is.")),
        ])
        .block("user", Block::new(Nesting::Labelled, user, "A user."));
        let source = DataSource { name: "network".into(), doc: "A network.".into(), schema: schema.clone() };
        let kind = Kind { name: "network".into(), doc: "A network.".into(), schema, on_destroy: OnDestroy::Delete };
        Offers::new(vec![Box::new(Self { kinds: vec![kind], data_sources: vec![source], schema: Schema::default() })])
    }
}

#[async_trait]
impl Factory for Sample {
    fn name(&self) -> &'static str {
        "local"
    }
    fn doc(&self) -> &'static str {
        "A sample."
    }
    fn schema(&self) -> &Schema {
        &self.schema
    }
    fn kinds(&self) -> &[Kind] {
        &self.kinds
    }
    fn data_sources(&self) -> &[DataSource] {
        &self.data_sources
    }
    fn extension(&self, _: &str) -> Option<&Schema> {
        None
    }
    fn schemes(&self) -> &[&'static str] {
        &[]
    }
    async fn configure(&self, _: &Known, _: &ConfigureCx) -> Result<Arc<dyn Provider>, ProviderError> {
        Err(ProviderError::failed("a sample does nothing"))
    }
}

fn known(json: serde_json::Value) -> Known {
    let object = Known::from_json(&json, &Type::Any).unwrap();
    let schema = Sample::offers().kind("network").unwrap().schema.ty();
    let Type::Object(types) = schema else { panic!("a schema is an object") };
    let fields = object.entries().unwrap().iter().map(|(name, value)| {
        let ty = types.fields.get(name).map_or(Type::Any, |field| field.ty.clone());
        (name.clone(), Known::from_json(&json[name.as_str()], &ty).unwrap_or(Known::new(value.clone()).unwrap()))
    });
    Known::object(fields)
}

macro_rules! known {
    ($($json:tt)*) => { known(serde_json::json!({ $($json)* })) };
}

mod shapes;

fn change(addr: &str, change: Change) -> ObjectChange {
    ObjectChange {
        addr: addr.parse().unwrap(),
        deposed: None,
        provider: ProviderRef::new("local", None),
        change,
        sensitive: Vec::new(),
        drift: None,
        notes: Vec::new(),
        ineffective: Vec::new(),
        on_destroy: OnDestroy::Delete,
        secret: Vec::new(),
        replace_order: ReplaceOrder::DeleteFirst,
        dependencies: Vec::new(),
        origin: None,
        has_open_conditions: false,
    }
}

fn plan_of(changes: Vec<ObjectChange>) -> Plan {
    let basis = Basis {
        format: FORMAT,
        loam: "0".into(),
        state_id: "s".into(),
        serial: 1,
        config: "c".into(),
        planned: jiff::Timestamp::UNIX_EPOCH,
    };
    let (outputs, variables) = (BTreeMap::new(), BTreeMap::new());
    let (moves, data, checks) = (Vec::new(), Vec::new(), Vec::new());
    Plan {
        basis,
        mode: Mode::Apply,
        changes,
        unchanged: 2,
        outputs,
        steps: Vec::new(),
        variables,
        ephemeral: BTreeSet::new(),
        moves,
        data,
        checks,
    }
}

fn show(style: Style, shown: &Plan) -> String {
    let mut out = Vec::new();
    plan(&mut out, style, shown, &Sample::offers()).unwrap();
    String::from_utf8(out).unwrap()
}

fn lines(shown: &Plan) -> Vec<String> {
    let mut out = Vec::new();
    plan_json(&mut out, shown).unwrap();
    String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
}

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

fn update(before: Known, after: impl Into<Value>) -> Change {
    Change::Update { before, after: after.into() }
}

/// Shows one change without the legend and the summary.
fn shown(one: ObjectChange) -> String {
    let text = show(Style::plain(), &plan_of(vec![one]));
    let body = text.split_once("\n\n").unwrap().1;
    body.rsplit_once("\n\n").unwrap().0.to_owned()
}

#[test]
fn what_is_made_shows_what_was_asked_for() {
    let after = known! { "name": "bench", "node_count": 3, "flags": {"--log": "info", "--x.y": "1"}, "force": false,
    "args": ["run", "--all"], "config": "{\"a\":[1,2],\"b\":null}", "user": {"ada": {"role": "admin"}} };
    let after =
        after.value().with("nodes", Value::Unknown(Type::map(Type::String))).with("url", Value::Unknown(Type::String));
    insta::assert_snapshot!(shown(change("network.bench", Change::Create { after, because: Reason::New })), @r#"
    + network.bench (local)
        args   = ["run", "--all"]
        config = jsonencode({ a = [1, 2], b = null })
        flags  = { "--log" = "info", "--x.y" = "1" }
        name   = "bench"
        nodes  = 3
        user   = { "ada" = { role = "admin" } }
        # known after apply: nodes (exported), url
    "#);
}

#[test]
fn what_is_updated_shows_only_what_differs() {
    let before = known! { "name": "bench", "node_count": 3, "flags": {"--a": "1", "--b": "2", "--c": "3"}, "url": "http://a",
    "zones": ["a", "b", "c"], "args": ["run", "--all", "--fast", "now"], "config": "x" };
    let after = known! { "name": "bench", "node_count": 5, "flags": {"--a": "1", "--b": "9", "--d": "4"}, "url": "http://a",
    "zones": ["b", "c", "d"], "args": ["--all", "--fast", "--now"], "config": null };
    let mut one = change("network.bench", update(before, after.into_value()));
    one.notes =
        vec!["node `1` is not running; it will be started with the data it has, as soon as the others answer".into()];
    insta::assert_snapshot!(shown(one), @r#"
    ~ network.bench (local)
        · node `1` is not running; it will be started with the data it has, as
          soon as the others answer
      ~ args   = [
          - [0] = "run"
          ~ [2] = "now" → "--now"
            # 2 unchanged items
        ]
      - config = "x"
      ~ flags  = {
          ~ "--b" = "2" → "9"
          - "--c" = "3"
          + "--d" = "4"
            # 1 unchanged entry
        }
      ~ nodes  = 3 → 5
      ~ zones  = [
          - "a"
          + "d"
            # 2 unchanged items
        ]
        # 2 unchanged attributes
    "#);
}

#[test]
fn long_strings_differ_by_line_json_by_structure_and_others_by_what_is_between() {
    let text = |middle: &str| format!("{}{middle}\n{}", "top\n".repeat(9), "end\n".repeat(9));
    let before = known! { "name": format!("sha256:{}aaaa", "0".repeat(80)), "config": text("workers = 2"),
    "extra": "{\"a\": [1, 2], \"b\": {\"c\": \"${x}\"}, \"same\": 1}" };
    let after = known! { "name": format!("sha256:{}bbbb", "0".repeat(80)), "config": text("workers = 4"),
    "extra": "{\"a\": [1, 3], \"b\": {\"c\": \"${y}\"}, \"same\": 1}" };
    insta::assert_snapshot!(shown(change("network.bench", update(before, after.into_value()))), @r#"
    ~ network.bench (local)
      ~ config = <<-EOT
            … 6 unchanged lines
            top
            top
            top
          - workers = 2
          + workers = 4
            end
            end
            end
            … 6 unchanged lines
        EOT
      ~ extra  = jsonencode({
          ~ a = [
              ~ [1] = 2 → 3
                # 1 unchanged item
            ]
          ~ b = {
              ~ c = "$${x}" → "$${y}"
            }
            # 1 unchanged entry
        })
      ~ name   = "sha256:000000000000000000000…000000000000000000000000000000aaaa"
               → "sha256:000000000000000000000…000000000000000000000000000000bbbb"
    "#);
}

#[test]
fn replacements_say_why_and_mark_what_forces_them() {
    let cause = |path: &str, because: &str| Reason::CannotUpdate {
        cause: Cause { path: path.parse().unwrap(), because: because.into() },
    };
    let before = known! { "name": "a", "node_count": 1, "url": "http://a", "user": {"ada": {"role": "reader"}} };
    let after = known! { "name": "b", "node_count": 1, "user": {"ada": {"role": "admin"}} };
    let after = after.value().with("url", Value::Unknown(Type::String));
    let because = vec![cause("name", ""), cause("node_count", "the ports are taken"), cause("user.ada.role", "")];
    let replace = |order, because| Change::Replace { before: before.clone(), after: after.clone(), order, because };
    let first = shown(change("network.bench", replace(ReplaceOrder::DeleteFirst, because)));
    insta::assert_snapshot!(first, @r#"
    -/+ network.bench (local)
          because `name` changed; the ports are taken (`nodes`); `user.ada.role`
          changed
        ~ name = "a" → "b"  (forces replacement)
        ~ url  = "http://a" → (known after apply)
        ~ user = {
            ~ "ada" = {
                ~ role = "reader" → "admin"  (forces replacement)
              }
          }
          # 1 unchanged attribute
    "#);
    let second = shown(change(
        r#"module.site["a"].network.bench[0]"#,
        replace(ReplaceOrder::CreateFirst, vec![Reason::Tainted]),
    ));
    assert!(
        second.starts_with(
            "+/- module.site[\"a\"].network.bench[0] (local)\n      because an earlier run did not finish it\n"
        ),
        "{second}"
    );
    let mut retained = change("bucket.archive", replace(ReplaceOrder::DeleteFirst, vec![Reason::Requested]));
    retained.on_destroy = OnDestroy::Retain;
    assert!(shown(retained).contains("· the one before is kept: the real thing stays"));
}

#[test]
fn every_reason_has_its_words() {
    let before = known! { "name": "a" };
    let other = ProviderRef::new("kube", Some("ci".into()));
    let reasons = [
        Reason::BlockRemoved,
        Reason::InstanceRemoved,
        Reason::Destroy,
        Reason::Tainted,
        Reason::Requested,
        Reason::Triggered { by: "bucket.a.url".into() },
        Reason::ProviderChanged { from: other },
        Reason::Deposed,
        Reason::New,
        Reason::Gone,
        Reason::CannotUpdate { cause: Cause { path: Path::root(), because: "the source's content changed".into() } },
    ];
    let said = reasons.map(|because| {
        let text = shown(change("network.x", Change::Delete { before: before.clone(), because }));
        text.lines().next().unwrap().to_owned()
    });
    insta::assert_snapshot!(said.join("\n"), @r"
    - network.x (local)  because its block was removed
    - network.x (local)  because its block no longer has this instance
    - network.x (local)  because it is to be destroyed
    - network.x (local)  because an earlier run did not finish it
    - network.x (local)  because --replace names it
    - network.x (local)  because `bucket.a.url` changes (replace_triggered_by)
    - network.x (local)  because its provider was `kube.ci`
    - network.x (local)  left behind when it was replaced
    - network.x (local)
    - network.x (local)  gone since the last apply
    - network.x (local)  because the source's content changed
    ");
}

#[test]
fn a_destroy_lists_what_goes_and_what_is_kept() {
    let before =
        known! { "name": "a", "node_count": 1, "flags": {"--a": "1"}, "url": "file:///data/a", "nodes": {"0": "x"} };
    let keep = Change::Forget { before: before.clone(), because: Reason::Destroy };
    let gone = Change::Delete { before, because: Reason::Destroy };
    let mut plan = plan_of(vec![change("network.b", keep), change("network.a", gone)]);
    plan.mode = Mode::Destroy;
    insta::assert_snapshot!(show(Style::plain(), &plan), @r#"
    loam destroy will:
      - delete
      = keep the real thing, forget its record

      - network.a (local)
          flags = { "--a" = "1" }
          name  = "a"
          # 2 exported attributes

      = network.b (local)  kept: the real thing stays
          flags = { "--a" = "1" }
          name  = "a"
          url   = "file:///data/a"
          # 1 exported attribute

    Plan: 1 to delete, 1 kept.
    "#);
    plan.changes.clear();
    assert_eq!(show(Style::plain(), &plan), "No changes. There is nothing to destroy.\n");
}

#[test]
fn drift_is_told_before_anything_else() {
    let found = known! { "name": "a", "url": "http://b", "force": true };
    let recorded = known! { "name": "a", "url": "http://a", "force": true };
    let mut kept = change("network.a", Change::Keep { current: found.clone() });
    kept.drift = Some(Drift { recorded: recorded.clone() });
    let mut mended = change("network.a", update(found, recorded.value().clone()));
    mended.drift = kept.drift.clone();
    let after = known! { "name": "b" }.into_value();
    let mut gone = change("network.b", Change::Create { after, because: Reason::Gone });
    gone.drift = Some(Drift { recorded });
    insta::assert_snapshot!(show(Style::plain(), &plan_of(vec![mended, gone])), @r#"
    Changed outside of loam since the last apply:

      network.a
        ~ url = "http://a" → "http://b"

      network.b  is gone

    loam will:
      + create
      ~ update in place

      ~ network.a (local)
        ~ url = "http://b" → "http://a"
          # 2 unchanged attributes

      + network.b (local)  gone since the last apply
          name = "b"

    Plan: 1 to create, 1 to update.
    "#);
    // What is as it should be even so is no news.
    assert_eq!(show(Style::plain(), &plan_of(vec![kept])), "No changes. The world is as the configuration says.\n");
}

#[test]
fn what_has_no_effect_is_said() {
    let current = known! { "name": "a", "config": "x" };
    let mut keep = change("network.a", Change::Keep { current: current.clone() });
    keep.ineffective = vec![path("node_count")];
    assert_eq!(
        show(Style::plain(), &plan_of(vec![keep])),
        "    network.a (local)\n      · `nodes` changed and has no effect without --replace\n\n\
         No changes. The world is as the configuration says.\n"
    );
    let mut changed = change("network.a", update(current, known! { "name": "b", "config": "y" }.into_value()));
    changed.ineffective = vec![path("config")];
    insta::assert_snapshot!(shown(changed), @r#"
    ~ network.a (local)
      ~ config = "x" → "y"  (no effect without --replace)
      ~ name   = "a" → "b"
    "#);
}

#[test]
fn outputs_that_change_are_shown() {
    let mut plan = plan_of(Vec::new());
    let output = |before: Option<&str>, after: Option<Value>, sensitive| OutputChange {
        before: before.map(Known::from),
        after,
        sensitive,
    };
    plan.outputs.insert("endpoint".into(), output(Some("http://a"), Some(Value::Unknown(Type::String)), vec![]));
    plan.outputs.insert("gone".into(), output(Some("x"), None, vec![]));
    plan.outputs.insert("new".into(), output(None, Some(Value::list(Type::String, [Value::from("a")])), vec![]));
    plan.outputs.insert("same".into(), output(Some("x"), Some(Value::from("x")), vec![]));
    plan.outputs.insert("token".into(), output(Some("old-canary"), Some(Value::from("canary")), vec![Path::root()]));
    insta::assert_snapshot!(show(Style::plain(), &plan), @r#"
    Outputs:
      ~ endpoint = "http://a" → (known after apply)
      - gone     = "x"
      + new      = ["a"]
      ~ token    = (sensitive)

    Plan: only outputs change.
    "#);
}

/// Every variant of a change, with a secret everywhere a secret can stand.
fn everything() -> Plan {
    let secret = |tail: &str| format!("CANARY-{tail}");
    let object = |tail: &str| {
        known! { "name": tail, "password": secret(tail), "zones": ["a", secret(tail)], "args": ["x", secret(tail), "y"],
        "flags": {"--key": secret(tail), "--n": tail}, "user": {"ada": {"role": "admin", "password": secret(tail)}},
        "config": format!("a\n{tail}\nc\n") }
    };
    let because =
        Reason::CannotUpdate { cause: Cause { path: path("password"), because: format!("it was {}", secret("1")) } };
    let all = [
        Change::Keep { current: object("1") },
        Change::Read { after: object("1").into_value(), because: Reason::NotKnown { path: path("name") } },
        Change::Create { after: object("1").value().with("url", Value::Unknown(Type::String)), because: Reason::New },
        update(object("1"), object("2").into_value()),
        Change::Replace {
            before: object("1"),
            after: object("2").into_value(),
            order: ReplaceOrder::CreateFirst,
            because: vec![because, Reason::Requested],
        },
        Change::Delete { before: object("1"), because: Reason::Triggered { by: "a.b".into() } },
        Change::Forget { before: object("1"), because: Reason::ProviderChanged { from: ProviderRef::new("a", None) } },
    ];
    let sensitive: Vec<Path> =
        ["password", "zones[1]", "args[1]", r#"flags["--key"]"#, "user.ada.password"].map(path).into();
    let changes = all.into_iter().enumerate().map(|(index, change)| ObjectChange {
        sensitive: sensitive.clone(),
        drift: Some(Drift { recorded: object("3") }),
        notes: vec![format!("the password is {}", secret("1"))],
        ineffective: vec![path("password")],
        ..self::change(&format!("network.n[{index}]"), change)
    });
    let mut plan = plan_of(changes.collect());
    let output = |before, after| OutputChange { before, after, sensitive: vec![path("key"), path("zones[0]")] };
    let value = |tail: &str| known! { "key": secret(tail), "zones": [secret(tail)] };
    plan.outputs.insert("all".into(), output(Some(value("1")), Some(value("2").into_value())));
    plan.outputs.insert("new".into(), output(None, Some(value("2").into_value())));
    plan
}

#[test]
fn no_secret_is_in_any_rendering() {
    let plan = everything();
    let coloured = Style { colour: Colour::Ansi, ..Style::plain() };
    let mut texts =
        vec![show(Style::plain(), &plan), show(coloured, &plan), show(Style::plain().with_width(20), &plan)];
    texts.extend(lines(&plan));
    for text in texts {
        assert!(!text.contains("CANARY"), "{text}");
        assert!(
            text.contains("network.n") || text.contains("\"output_change\"") || text.contains("plan_summary"),
            "{text}"
        );
    }
    assert!(show(Style::plain(), &plan).contains("~ password = (sensitive)"));
}

#[test]
fn every_line_of_json_is_as_the_schema_says() {
    let mut plan = everything();
    let before = known! { "name": "a" };
    let (removed, pending) = (Reason::RemovedBlock, Reason::Pending { on: "bucket.a".into() });
    for because in [Reason::Gone, Reason::BlockRemoved, Reason::InstanceRemoved, removed, pending].into_iter().chain([
        Reason::Destroy,
        Reason::Tainted,
        Reason::Deposed,
    ]) {
        plan.changes.push(change("network.x", Change::Delete { before: before.clone(), because }));
    }
    let origins = [Origin::Moved { from: "network.y".parse().unwrap() }, Origin::Imported { id: "y".into() }];
    let keep = Change::Keep { current: before };
    plan.changes
        .extend(origins.map(|origin| ObjectChange { origin: Some(origin), ..change("network.z", keep.clone()) }));
    let status = [CheckStatus::Pass, CheckStatus::Unknown, CheckStatus::Fail, CheckStatus::Error];
    plan.checks.extend(status.map(|status| CheckResult {
        module: "module.m[0]".parse().unwrap(),
        name: "healthy".into(),
        status,
        problems: vec!["It is not.".to_owned()],
    }));
    let lines = lines(&plan);
    lines.iter().for_each(|line| schema_test::assert_valid("plan", line));
    for r#type in schema_test::types("plan") {
        assert!(lines.iter().any(|line| line.starts_with(&format!("{{\"type\":\"{type}\""))), "no line of type {type}");
    }
    let first: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(first["after"]["password"], serde_json::Value::Null);
    assert_eq!(first["after"]["name"], "1");
}

#[test]
fn colours_stand_beside_the_text_and_change_nothing_else() {
    let before = known! { "name": "a" };
    let plan = plan_of(vec![change("network.a", update(before, known! { "name": "b" }.into_value()))]);
    let text = show(Style { colour: Colour::Ansi, ..Style::plain() }, &plan);
    assert!(
        text.contains("\x1b[33m~\x1b[0m name = \x1b[31m\"a\"\x1b[0m \x1b[2m→\x1b[0m \x1b[32m\"b\"\x1b[0m\n"),
        "{text:?}"
    );
    assert!(!show(Style::plain(), &plan).contains('\x1b'));
}

#[test]
fn it_fits_80_columns_and_counts_wide_characters() {
    let before = known! { "name": "日本".repeat(12), "url": "é".repeat(60), "args": ["一".repeat(30), "b"] };
    let after = known! { "name": "日本語".repeat(9), "url": "é".repeat(61), "args": ["二".repeat(30), "b"] };
    let mut one = change("network.bench", update(before, after.into_value()));
    one.notes = vec!["語 ".repeat(70)];
    let text = shown(one);
    assert!(text.lines().all(|line| crate::ui::text::width(line) <= 80), "{text}");
    insta::assert_snapshot!(text, @r#"
    ~ network.bench (local)
        · 語 語 語 語 語 語 語 語 語 語 語 語 語 語 語 語 語 語 語 語 語 語 語 語
          語 語 語 語 語 語 語 語 語 語 語 語 語 語 語 語 語 語 語 語 語 語 語 語
          語 語 語 語 語 語 語 語 語 語 語 語 語 語 語 語 語 語 語 語 語 語
      ~ args = [
          ~ [0] = "一一一一一一一一一一一一一一一一一一一一一一一一一一一一一一"
                → "二二二二二二二二二二二二二二二二二二二二二二二二二二二二二二"
            # 1 unchanged item
        ]
      ~ name = "日本日本日本日本日本日本日本日本日本日本日本日本"
             → "日本語日本語日本語日本語日本語日本語日本語日本語日本語"
      ~ url  = "éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"
             → "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"
    "#);
}

#[test]
fn a_hundred_thousand_changes_are_written_as_they_come() {
    struct Counted(usize, usize);
    impl Write for Counted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            (self.0, self.1) = (self.0 + bytes.len(), self.1.max(bytes.len()));
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let after = known! { "name": "a" }.into_value();
    let changes = (0..100_000).map(|index| {
        change(&format!("network.n[{index}]"), Change::Create { after: after.clone(), because: Reason::New })
    });
    let mut out = Counted(0, 0);
    plan(&mut out, Style::plain(), &plan_of(changes.collect()), &Sample::offers()).unwrap();
    assert!(out.0 > 3_000_000 && out.1 < 200, "{} bytes, at most {} at once", out.0, out.1);
}
