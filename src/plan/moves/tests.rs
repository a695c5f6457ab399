//! Each test is a configuration's blocks, its moves and a state; the answer is what moves, or what is wrong.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeMap, path::Path, sync::Arc};

use insta::assert_snapshot;
use jiff::Timestamp;
use loam_provider::{Known, Number, OnDestroy, Value};

use super::*;
use crate::{
    addr::ModulePath,
    config::{self, Attribute, Expr, ExprKind, File, ModuleCall, Moved, Target, TargetBlock, TargetStep},
    diag,
    source::Sources,
    state::{Condition, ReplaceOrder, Serial, Stamp},
};

/// A configuration in the making.
struct World {
    sources: Sources,
    root: Module,
}

impl World {
    fn with(blocks: &str) -> Self {
        let mut sources = Sources::default();
        let root = parsed(&mut sources, blocks);
        Self { sources, root }
    }

    /// Calls a module with these blocks and moves.
    fn call(mut self, name: &str, blocks: &str, moves: &[&str]) -> Self {
        let mut called = parsed(&mut self.sources, blocks);
        called.moved = moves.iter().map(|text| moved(&mut self.sources, text)).collect();
        let span = whole(&mut self.sources, "module");
        let source = Expr { kind: ExprKind::Literal(Value::from("./m")), span };
        let source = Attribute { name: "source".into(), name_span: span, expr: source, references: Box::default() };
        let call = ModuleCall {
            name: name.into(),
            source,
            repeat: Repeat::Once,
            arguments: BTreeMap::new(),
            providers: Vec::new(),
            depends_on: Vec::new(),
            module: Some(Arc::new(called)),
            span,
        };
        self.root.calls.insert(name.into(), call);
        self
    }

    fn moving(mut self, moves: &[&str]) -> Self {
        self.root.moved = moves.iter().map(|text| moved(&mut self.sources, text)).collect();
        self
    }

    /// Returns what moves in a state of these addresses, or what is said against it.
    fn moves(&self, state: &[&str]) -> String {
        let objects: Vec<Stored> = state.iter().map(|addr| stored(addr, &[])).collect();
        let (moves, diagnostics) = moves(&self.root, &objects);
        if diagnostics.has_errors() {
            let said = diagnostics.sorted().into_iter().map(|it| diag::plain(&it, &self.sources));
            return said.collect::<Vec<_>>().join("\n");
        }
        moves.iter().map(|it| format!("{} → {}", it.from, it.to)).collect::<Vec<_>>().join("\n")
    }
}

fn parsed(sources: &mut Sources, blocks: &str) -> Module {
    let text: String = blocks
        .split("; ")
        .filter(|block| !block.is_empty())
        .map(|block| {
            let mut words = block.split(' ');
            let (kind, name) = words.next().unwrap().split_once('.').unwrap();
            let repeat = words.next().map(|repeat| format!("{repeat}\n")).unwrap_or_default();
            format!("resource \"{kind}\" \"{name}\" {{\n{repeat}}}\n")
        })
        .collect();
    let file = File { name: "main.loam.hcl".into(), bytes: text.into_bytes() };
    let (config, diagnostics) = config::parse(Path::new("."), vec![file], sources);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    Arc::unwrap_or_clone(config.root)
}

fn whole(sources: &mut Sources, text: &str) -> crate::source::Span {
    let source = sources.add("moved", text);
    crate::source::Span { source, start: 0, end: u32::try_from(text.len()).unwrap() }
}

/// Returns the block that says `from -> to`.
fn moved(sources: &mut Sources, text: &str) -> Moved {
    let span = whole(sources, text);
    let (from, to) = text.split_once(" -> ").unwrap();
    let literal = |key: &Option<InstanceKey>| {
        key.as_ref().map(|key| {
            let value = match key {
                InstanceKey::Index(index) => Value::Number(Number::from(*index)),
                InstanceKey::Key(key) => Value::String(key.clone()),
            };
            Expr { kind: ExprKind::Literal(value), span }
        })
    };
    let target = |text: &str| {
        let (module, block) = match text.parse::<Instance>() {
            Ok(addr) => {
                let block = TargetBlock { name: block_of(&addr), key: literal(&addr.key) };
                (addr.resource.module, Some(block))
            }
            Err(_) => (text.parse::<ModulePath>().unwrap(), None),
        };
        let step = |step: &crate::addr::ModuleStep| TargetStep { name: step.name.clone(), key: literal(&step.key) };
        Target { module: module.steps().iter().map(step).collect(), block, span }
    };
    Moved { from: target(from), to: target(to), span }
}

fn stored(addr: &str, dependencies: &[&str]) -> Stored {
    let stamp = Stamp { serial: Serial(1), at: Timestamp::UNIX_EPOCH };
    let addr: Instance = addr.parse().unwrap();
    let object = Object {
        kind: addr.resource.kind.clone(),
        slot: Slot::current(addr),
        kind_version: 1,
        provider: "sim".into(),
        attributes: Known::object([("x", Known::from(true))]),
        sensitive: Vec::new(),
        condition: Condition::Ready,
        dependencies: dependencies.iter().map(|needed| needed.parse().unwrap()).collect(),
        on_destroy: OnDestroy::Delete,
        replace_order: ReplaceOrder::DeleteFirst,
    };
    Stored { object, created: stamp, updated: stamp }
}

#[test]
fn blocks_and_their_instances_are_renamed() {
    let world = |blocks: &str, moves: &[&str]| World::with(blocks).moving(moves);
    assert_snapshot!(world("t.b", &["t.a -> t.b"]).moves(&["t.a"]), @"t.a → t.b");
    assert_snapshot!(world("t.b count=2", &["t.a -> t.b"]).moves(&["t.a[0]", "t.a[1]"]), @r"
    t.a[0] → t.b[0]
    t.a[1] → t.b[1]
    ");
    assert_snapshot!(
        world("t.b for_each={}", &[r#"t.a["x"] -> t.b["y"]"#]).moves(&[r#"t.a["x"]"#, r#"t.a["z"]"#]),
        @r#"t.a["x"] → t.b["y"]"#
    );
    assert_snapshot!(world("t.a for_each={}", &[r#"t.a -> t.a["k"]"#]).moves(&["t.a"]), @r#"t.a → t.a["k"]"#);
    assert_snapshot!(world("t.a", &["t.a[3] -> t.a"]).moves(&["t.a[0]", "t.a[3]"]), @"t.a[3] → t.a");
}

#[test]
fn one_instance_counts_before_its_block() {
    let world = World::with("t.b; t.c").moving(&["t.a -> t.b", "t.a[1] -> t.c[7]"]);
    assert_snapshot!(world.moves(&["t.a[0]", "t.a[1]"]), @r"
    t.a[0] → t.b[0]
    t.a[1] → t.c[7]
    ");
}

#[test]
fn moves_follow_each_other_in_any_order() {
    let world = World::with("t.d").moving(&["t.c -> t.d", "t.a -> t.b", "t.b -> t.c"]);
    assert_snapshot!(world.moves(&["t.a"]), @"t.a → t.d");
    assert_snapshot!(world.moves(&["t.c"]), @"t.c → t.d");
    assert_snapshot!(world.moves(&["t.d"]), @"");
}

#[test]
fn modules_move_with_all_that_is_in_them() {
    let inside = "t.x; t.y";
    let world = World::with("t.r").call("b", inside, &[]);
    let world = world.moving(&["module.a -> module.b", "module.old.t.r -> t.r", "t.s -> module.b.t.y"]);
    assert_snapshot!(
        world.moves(&["module.a.t.x", r#"module.a["k"].module.i[0].t.x[1]"#, "module.old.t.r", "t.s"]),
        @r#"
    t.s → module.b.t.y
    module.a.t.x → module.b.t.x
    module.a["k"].module.i[0].t.x[1] → module.b["k"].module.i[0].t.x[1]
    module.old.t.r → t.r
    "#
    );
    let world = World::with("").call("a", inside, &[]).moving(&[r#"module.a -> module.a["eu"]"#]);
    assert_snapshot!(world.moves(&["module.a.t.x", "module.a[0].t.x"]), @r#"module.a.t.x → module.a["eu"].t.x"#);
}

#[test]
fn a_module_moves_what_is_its_own_in_every_instance() {
    let world = World::with("").call("a", "t.y", &["t.x -> t.y"]).moving(&["module.z -> module.a[1]"]);
    assert_snapshot!(world.moves(&["module.a[0].t.x", "module.b.t.x", "module.z.t.x", "t.x"]), @r"
    module.a[0].t.x → module.a[0].t.y
    module.z.t.x → module.a[1].t.y
    ");
}

#[test]
fn the_first_instance_moves_by_itself_when_count_comes_or_goes() {
    assert_snapshot!(World::with("t.a count=2").moves(&["t.a"]), @"t.a → t.a[0]");
    assert_snapshot!(World::with("t.a").moves(&["t.a[0]", "t.a[1]"]), @"t.a[0] → t.a");
    assert_snapshot!(World::with("t.a for_each={}").moves(&["t.a"]), @"");
    assert_snapshot!(World::with("t.a count=2").moves(&["t.a", "t.a[0]"]), @"");
    assert_snapshot!(World::with("").call("m", "t.a count=1", &[]).moves(&["module.m[2].t.a"]), @"module.m[2].t.a → module.m[2].t.a[0]");
    // Who says anything about the block says all.
    let said = World::with("t.a count=2").moving(&["t.a -> t.a[1]"]);
    assert_snapshot!(said.moves(&["t.a"]), @"t.a → t.a[1]");
}

#[test]
fn a_kind_never_changes() {
    assert_snapshot!(World::with("").moving(&["t.a -> u.a"]).moves(&[]), @r"
    error: Kind changed by a move
      --> moved:1:1
      |
    1 | t.a -> u.a
      | ^^^^^^^^^^
      = A `t` cannot become a `u`.
    hint: Only the name, the key and the module can change. To let go of `t.a` without destroying it, use a `removed` block.
    ");
    assert_snapshot!(World::with("").moving(&["t.a -> module.m"]).moves(&[]), @r"
    error: Invalid move
      --> moved:1:1
      |
    1 | t.a -> module.m
      | ^^^^^^^^^^^^^^^
      = `t.a` is a resource, and `module.m` is a module.
    hint: Move a resource to a resource, or a module to a module.
    ");
    assert_snapshot!(World::with("").moving(&["data.t.a -> data.t.b"]).moves(&[]), @r"
    error: Invalid move
      --> moved:1:1
      |
    1 | data.t.a -> data.t.b
      | ^^^^^^^^^^^^^^^^^^^^
      = `data.t.a` is a data source: it is read anew each time, so it cannot move.
    hint: Remove this `moved` block; rename the data source without it.
    ");
}

#[test]
fn moves_that_disagree_are_refused() {
    assert_snapshot!(World::with("").moving(&["t.a -> t.b", "t.a -> t.c"]).moves(&[]), @r"
    error: Contradictory moves
      --> moved:1:1
      |
    1 | t.a -> t.c
      | ^^^^^^^^^^
      ::: moved:1:1
      |
    1 | t.a -> t.b
      | ^^^^^^^^^^ the other one
      = `t.a` cannot move both to `t.b` and to `t.c`.
    hint: Keep the block that says what happened, and remove the other.
    ");
    assert_snapshot!(World::with("").moving(&["t.a -> t.c", "t.b -> t.c"]).moves(&[]), @r"
    error: Contradictory moves
      --> moved:1:1
      |
    1 | t.b -> t.c
      | ^^^^^^^^^^
      ::: moved:1:1
      |
    1 | t.a -> t.c
      | ^^^^^^^^^^ the other one
      = `t.a` and `t.b` cannot both become `t.c`.
    hint: Move one of them to another address.
    ");
    assert_snapshot!(World::with("").moving(&["t.a -> t.b", "t.a -> t.b"]).moves(&["t.a"]), @"t.a → t.b");
}

#[test]
fn moves_that_go_round_are_refused() {
    assert_snapshot!(World::with("").moving(&["t.a -> t.b", "t.b -> t.a"]).moves(&[]), @r"
    error: Circular move
      --> moved:1:1
      |
    1 | t.a -> t.b
      | ^^^^^^^^^^
      ::: moved:1:1
      |
    1 | t.b -> t.a
      | ^^^^^^^^^^ from `t.b`
      = These moves lead back to where they began: `t.a` → `t.b` → `t.a`.
    hint: Keep only the move that was made last. To swap two names, move one of them away first and apply.
    ");
    assert_snapshot!(World::with("").moving(&["t.a -> t.a"]).moves(&[]), @r"
    error: Circular move
      --> moved:1:1
      |
    1 | t.a -> t.a
      | ^^^^^^^^^^
      = `t.a` would move to where it is.
    hint: Remove this block.
    ");
    assert_snapshot!(World::with("").moving(&["module.a -> module.a.module.b"]).moves(&["module.a.t.x"]), @r"
    error: Circular move
      --> moved:1:1
      |
    1 | module.a -> module.a.module.b
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = `module.a.t.x` would move again and again: it comes to `module.a.module.b.t.x`, which moves once more.
    hint: Move it to an address that no `moved` block is about.
    ");
}

#[test]
fn nothing_moves_onto_something_else() {
    assert_snapshot!(World::with("t.b").moving(&["t.a -> t.b"]).moves(&["t.a", "t.b"]), @r"
    error: Occupied address
      --> moved:1:1
      |
    1 | t.a -> t.b
      | ^^^^^^^^^^
      = `t.a` cannot move to `t.b`: the state has an object there already.
    hint: Give the object that is there another address with `loam state mv 't.b' ADDRESS`, or forget it with `loam state rm 't.b'`.
    ");
    let world = World::with("t.b count=1").moving(&["t.a -> t.b", "t.c[0] -> t.b[0]"]);
    assert_snapshot!(world.moves(&["t.a[0]", "t.c[0]"]), @r"
    error: Occupied address
      --> moved:1:1
      |
    1 | t.c[0] -> t.b[0]
      | ^^^^^^^^^^^^^^^^
      = `t.a[0]` and `t.c[0]` cannot both move to `t.b[0]`.
    hint: Move one of them to another address.
    ");
}

#[test]
fn what_moved_must_not_be_declared_any_more() {
    let world = World::with("t.a; t.b").moving(&["t.a -> t.b"]);
    let mut diagnostics = Diagnostics::default();
    let declared = ["t.a", "t.b"].map(|addr| addr.parse().unwrap());
    still_declared(&world.root, &declared.into(), &mut diagnostics);
    let said: Vec<String> = diagnostics.sorted().iter().map(|it| diag::plain(it, &world.sources)).collect();
    assert_snapshot!(said.join("\n"), @r"
    error: Moved and still declared
      --> moved:1:1
      |
    1 | t.a -> t.b
      | ^^^^^^^^^^
      = This block says that `t.a` moved to `t.b`, but the configuration still has `t.a`.
    hint: Remove or rename the block of `t.a`, or remove this `moved` block.
    ");
}

#[test]
fn what_is_made_from_something_that_moves_follows_it() {
    let objects = [stored("t.a[0]", &[]), stored("t.a[1]", &[]), stored("t.user", &["t.a", "t.z"]), stored("t.z", &[])];
    let moves = |all: &[(&str, &str)]| -> Vec<Move> {
        all.iter().map(|(from, to)| Move { from: from.parse().unwrap(), to: to.parse().unwrap() }).collect()
    };
    let needed = |moves: &[Move]| {
        let moved = Relocation::of(moves, &objects).objects(&objects);
        let user = moved.iter().find(|stored| *stored.object.slot.addr.resource.name == *"user").unwrap();
        user.object.dependencies.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(needed(&moves(&[("t.a[0]", "t.b[0]"), ("t.a[1]", "t.b[1]")])), "t.b, t.z");
    assert_eq!(needed(&moves(&[("t.a[0]", "t.b")])), "t.a, t.b, t.z");
    assert_eq!(needed(&moves(&[("t.a[0]", "t.a[5]")])), "t.a, t.z");
    let all = moves(&[("t.a[0]", "t.b")]);
    assert_eq!(Relocation::of(&all, &objects).writes(&objects).len(), 2, "one rename, one list that follows");
}
