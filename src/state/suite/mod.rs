//! What holds for every [`Store`]: one suite, run for each implementation.

#![expect(clippy::unwrap_used, reason = "tests")]

mod journal;
mod objects;

use jiff::Timestamp;
use loam_provider::{Known, OnDestroy, OpToken, Path, Value};

use super::{
    Action, Condition, DeposedId, Key, Lock, Memory, NewRun, NewStep, Object, Planned, Process, ReplaceOrder, RunId,
    Seal, Slot, Sqlite, Start, StepId, Store, Wait,
};
use crate::addr::Instance;

/// Declares the tests of the suite for both stores.
macro_rules! suite {
    ($($rules:ident: $($rule:ident,)+;)+) => {
        mod memory {
            $($(#[test] fn $rule() { super::$rules::$rule(&mut super::Memory::new("a-state", super::at(0))); })+)+
        }
        mod sqlite {
            $($(#[test] fn $rule() {
                let dir = tempfile::tempdir().expect("a directory");
                let mut store = super::sqlite_in(dir.path());
                super::$rules::$rule(&mut store);
                super::Store::verify(&store).expect("the file is sound");
            })+)+
        }
    };
}

suite! {
    objects:
        a_new_state_is_empty,
        an_object_is_put_changed_and_dropped,
        an_equal_object_changes_nothing,
        secrets_come_back_and_stay_marked,
        an_address_has_one_current_and_many_deposed_objects,
        an_address_moves_with_all_it_holds,
        many_addresses_move_in_one_commit,
        an_address_is_forgotten_with_all_it_holds,
        only_what_is_there_is_dropped_and_only_free_slots_are_taken,
        every_serial_can_be_shown_again,
        history_says_what_each_commit_did,
        outputs_are_replaced_as_a_whole,
    ;
    journal:
        a_step_goes_from_plan_to_commit,
        result_object_and_serial_are_one_commit,
        a_failing_entry_undoes_the_whole_commit,
        illegal_transitions_are_refused,
        steps_and_tokens_are_unique,
        what_a_dead_run_left_is_found,
        a_step_in_doubt_can_be_tried_again_and_settled,
        a_run_ends_once_and_abandons_what_was_only_planned,
        a_run_with_open_calls_cannot_end,
        events_are_kept_in_order,
        unknown_runs_and_steps_are_refused,
    ;
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

pub(super) fn addr(text: &str) -> Instance {
    text.parse().unwrap()
}

pub(super) fn slot(text: &str) -> Slot {
    Slot::current(addr(text))
}

pub(super) fn deposed(text: &str, id: &str) -> Slot {
    Slot::deposed(addr(text), DeposedId(id.into()))
}

pub(super) fn test_seal() -> Seal {
    Seal::with_key(Key::new([7; 32]), "the test's key")
}

pub(super) fn test_lock(dir: &std::path::Path) -> Lock {
    let holder = super::Holder { process: process(), command: "apply".into(), since: at(0), run: None };
    Lock::acquire(dir, holder, Wait::No).unwrap()
}

pub(super) fn sqlite_in(dir: &std::path::Path) -> Sqlite {
    Sqlite::open(test_lock(dir), test_seal(), at(0)).unwrap()
}

pub(super) fn process() -> Process {
    Process { pid: 7, started: Some(42), boot_id: Some("boot".into()), host: "host".into(), user: "ann".into() }
}

/// Returns an object with a `size` and a secret `token`.
pub(super) fn object(text: &str, size: u64, token: &str) -> Object {
    let attributes = Value::object([
        ("size", Value::from(size)),
        ("token", Value::from(token)),
        ("tags", Value::set(loam_provider::Type::String, ["b", "a"].map(Value::from))),
        ("none", Value::Null(loam_provider::Type::String)),
    ]);
    Object {
        slot: slot(text),
        kind: "bucket".into(),
        kind_version: 3,
        provider: "kube.ci".into(),
        attributes: Known::new(attributes).unwrap(),
        sensitive: vec![Path::attribute("token")],
        condition: Condition::Ready,
        dependencies: vec!["network.n".parse().unwrap(), "module.m.bucket.b".parse().unwrap()],
        on_destroy: OnDestroy::Retain,
        replace_order: ReplaceOrder::CreateFirst,
    }
}

fn begin(store: &mut dyn Store) -> RunId {
    store.begin_run(at(1), &NewRun { command: "apply".into(), process: process() }).unwrap()
}

fn new_step(ordinal: u32, text: &str) -> NewStep {
    NewStep {
        ordinal,
        slot: slot(text),
        action: Action::Create,
        kind: "bucket".into(),
        provider: "local".into(),
        token: OpToken(format!("token-{ordinal}-{text}").into()),
        terms: crate::state::Terms {
            dependencies: vec!["network.n".parse().unwrap()],
            on_destroy: OnDestroy::Retain,
            replace_order: ReplaceOrder::DeleteFirst,
        },
    }
}

fn planned() -> Planned {
    let value = Value::object([
        ("size", Value::from(1u64)),
        ("token", Value::from("planned-canary")),
        ("url", Value::Unknown(loam_provider::Type::String)),
    ]);
    Planned { value, sensitive: vec![Path::attribute("token")] }
}

fn start(step: StepId) -> Start {
    Start { step, attempt: super::Attempt::First, planned: planned() }
}
