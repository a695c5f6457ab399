use std::error::Error as _;

use super::{addr, at, begin, new_step, object, planned, process, slot, start};
use crate::state::{
    Attempt, Ended, Entry, LoggedEvent, Outcome, RunEnd, RunId, RunOutcome, Serial, Start, StateError, Status, StepId,
    StepRecord, Store, Write,
};

fn outcome(step: StepId, ended: Ended, writes: Vec<Write>) -> Outcome {
    Outcome { step, ended, writes }
}

fn put(text: &str) -> Vec<Write> {
    vec![Write::Put(Box::new(object(text, 1, "canary")))]
}

fn doubt() -> Ended {
    Ended::InDoubt { error: "the connection broke".into() }
}

/// Plans a step for each address and returns their names.
fn plan(store: &mut dyn Store, run: RunId, addrs: &[&str]) -> Vec<StepId> {
    let steps: Vec<_> = (0..).zip(addrs).map(|(ordinal, text)| new_step(ordinal, text)).collect();
    store.plan_steps(at(2), run, &steps).unwrap();
    steps.iter().map(|step| StepId { run, ordinal: step.ordinal }).collect()
}

fn statuses(steps: &[StepRecord]) -> Vec<(u32, Status)> {
    steps.iter().map(|step| (step.id.ordinal, step.status)).collect()
}

pub(super) fn a_step_goes_from_plan_to_commit(store: &mut dyn Store) {
    let run = begin(store);
    let id = plan(store, run, &["bucket.a"])[0];
    let step = store.steps(run).unwrap().remove(0);
    assert_eq!((step.status, step.attempts, &step.planned, step.changed_at), (Status::Planned, 0, &None, at(2)));

    assert_eq!(store.start_steps(at(3), &[start(id)]).unwrap(), Serial(0), "a start changes no object");
    let step = store.steps(run).unwrap().remove(0);
    assert_eq!((step.status, step.attempts, step.started_at), (Status::Started, 1, Some(at(3))));
    assert_eq!(step.planned, Some(planned()), "unknowns and secrets come back");
    assert_eq!((step.slot, step.token), (slot("bucket.a"), new_step(0, "bucket.a").token));

    store.finish_steps(at(4), &[outcome(id, Ended::Observed, Vec::new())]).unwrap();
    assert_eq!(store.steps(run).unwrap()[0].status, Status::Observed);
    store.finish_steps(at(5), &[outcome(id, Ended::Committed, put("bucket.a"))]).unwrap();
    let step = store.steps(run).unwrap().remove(0);
    assert_eq!((step.status, step.changed_at, step.error), (Status::Committed, at(5), None));
}

pub(super) fn result_object_and_serial_are_one_commit(store: &mut dyn Store) {
    let run = begin(store);
    let steps = plan(store, run, &["bucket.a", "bucket.b", "bucket.c"]);
    store.start_steps(at(3), &[start(steps[0]), start(steps[1])]).unwrap();
    let failed = Ended::Failed { error: "no quota".into() };
    let serial = store
        .journal(
            at(4),
            &[
                Entry::End(outcome(steps[0], Ended::Committed, put("bucket.a"))),
                Entry::End(outcome(steps[1], failed, put("bucket.b"))),
                Entry::Start(start(steps[2])),
            ],
        )
        .unwrap();
    assert_eq!(serial, Serial(1));
    let objects = store.objects().unwrap();
    assert!(objects.iter().all(|stored| stored.updated.serial == serial && stored.updated.at == at(4)));
    assert_eq!(objects.len(), 2);
    let journal = store.steps(run).unwrap();
    assert_eq!(statuses(&journal), [(0, Status::Committed), (1, Status::Failed), (2, Status::Started)]);
    assert_eq!(journal[1].error.as_deref(), Some("no quota"));
    assert!(store.history(Serial(0)).unwrap().iter().all(|entry| entry.run == Some(run)));
}

pub(super) fn a_failing_entry_undoes_the_whole_commit(store: &mut dyn Store) {
    let run = begin(store);
    let steps = plan(store, run, &["bucket.a", "bucket.b", "bucket.c"]);
    store.start_steps(at(3), &[start(steps[0]), start(steps[1])]).unwrap();
    let (journal, objects) = (store.steps(run).unwrap(), store.objects().unwrap());
    let refused = store.journal(
        at(4),
        &[
            Entry::Start(start(steps[2])),
            Entry::End(outcome(steps[0], Ended::Committed, put("bucket.a"))),
            Entry::End(outcome(steps[1], Ended::Committed, vec![Write::Drop(slot("bucket.b"))])),
        ],
    );
    assert!(matches!(refused, Err(StateError::NoSuchObject { .. })));
    assert_eq!(store.steps(run).unwrap(), journal);
    assert_eq!(store.objects().unwrap(), objects);
    assert_eq!(store.meta().unwrap().serial, Serial(0));
    assert_eq!(store.history(Serial(0)).unwrap(), []);
    store.finish_steps(at(5), &[outcome(steps[0], Ended::Committed, put("bucket.a"))]).unwrap();
    assert_eq!(store.objects_of(&addr("bucket.a")).unwrap().len(), 1, "the next commit is fine");
}

pub(super) fn illegal_transitions_are_refused(store: &mut dyn Store) {
    let run = begin(store);
    let id = plan(store, run, &["bucket.a"])[0];
    let refused = store.finish_steps(at(3), &[outcome(id, Ended::Committed, put("bucket.a"))]).unwrap_err();
    assert_eq!(refused.to_string(), "illegal transition of step 1/0");
    assert_eq!(refused.source().unwrap().to_string(), "a step that is planned cannot `observe`");
    assert_eq!(store.objects().unwrap(), []);
    let again = Start { attempt: Attempt::Again, ..start(id) };
    assert!(matches!(store.start_steps(at(3), &[again]), Err(StateError::Transition { .. })));
    store.start_steps(at(3), &[start(id)]).unwrap();
    assert!(matches!(store.start_steps(at(4), &[start(id)]), Err(StateError::Transition { .. })));
    store.finish_steps(at(5), &[outcome(id, Ended::Committed, put("bucket.a"))]).unwrap();
    for ended in [Ended::Committed, doubt(), Ended::Abandoned { reason: "no".into() }] {
        let refused = store.finish_steps(at(6), &[outcome(id, ended, Vec::new())]);
        assert!(matches!(refused, Err(StateError::Transition { .. })));
    }
    assert_eq!(store.steps(run).unwrap()[0].changed_at, at(5));
}

pub(super) fn steps_and_tokens_are_unique(store: &mut dyn Store) {
    let run = begin(store);
    plan(store, run, &["bucket.a"]);
    let same_place = new_step(0, "bucket.b");
    let same_token = crate::state::NewStep { ordinal: 5, ..new_step(0, "bucket.a") };
    for step in [same_place, same_token] {
        let refused = store.plan_steps(at(3), run, &[new_step(1, "bucket.c"), step]);
        assert!(matches!(refused, Err(StateError::StepExists { .. })));
    }
    let twice = store.plan_steps(at(3), run, &[new_step(2, "bucket.d"), new_step(2, "bucket.e")]);
    assert!(matches!(twice, Err(StateError::StepExists { .. })));
    let other = begin(store);
    let elsewhere = store.plan_steps(at(3), other, &[new_step(0, "bucket.a")]);
    assert!(matches!(elsewhere, Err(StateError::StepExists { .. })), "tokens are unique in the whole state");
    assert_eq!(store.steps(run).unwrap().len(), 1);
    assert_eq!(store.steps(other).unwrap().len(), 0);
}

pub(super) fn what_a_dead_run_left_is_found(store: &mut dyn Store) {
    let run = begin(store);
    let addrs = ["bucket.a", "bucket.b", "bucket.c", "bucket.d", "bucket.e"];
    let steps = plan(store, run, &addrs);
    let starts: Vec<_> = steps[..4].iter().copied().map(start).collect();
    store.start_steps(at(3), &starts).unwrap();
    store
        .finish_steps(
            at(4),
            &[
                outcome(steps[1], Ended::Observed, put("bucket.b")),
                outcome(steps[2], Ended::Committed, put("bucket.c")),
                outcome(steps[3], doubt(), Vec::new()),
            ],
        )
        .unwrap();
    let left = store.unfinished_steps().unwrap();
    assert_eq!(statuses(&left), [(0, Status::Started), (1, Status::Observed), (3, Status::InDoubt)]);
    assert_eq!(left[2].error.as_deref(), Some("the connection broke"));
    assert_eq!(left[0].planned, Some(planned()));
    let dead = store.runs().unwrap().remove(0);
    assert_eq!((dead.id, dead.end, dead.process, dead.command.as_str()), (run, None, process(), "apply"));

    begin(store);
    store
        .finish_steps(
            at(6),
            &[
                outcome(steps[0], Ended::Abandoned { reason: "it had no effect".into() }, Vec::new()),
                outcome(steps[1], Ended::Committed, Vec::new()),
                outcome(steps[3], Ended::Committed, put("bucket.d")),
            ],
        )
        .unwrap();
    store.finish_run(at(7), run, RunOutcome::Died).unwrap();
    assert_eq!(store.unfinished_steps().unwrap(), []);
    assert_eq!(store.steps(run).unwrap()[4].status, Status::Abandoned);
}

pub(super) fn a_step_in_doubt_can_be_tried_again_and_settled(store: &mut dyn Store) {
    let run = begin(store);
    let id = plan(store, run, &["bucket.a"])[0];
    store.start_steps(at(3), &[start(id)]).unwrap();
    store.finish_steps(at(4), &[outcome(id, doubt(), Vec::new())]).unwrap();
    store.finish_run(at(5), run, RunOutcome::Interrupted).unwrap();
    store.start_steps(at(6), &[Start { attempt: Attempt::Again, ..start(id) }]).unwrap();
    let step = store.unfinished_steps().unwrap().remove(0);
    assert_eq!((step.status, step.attempts, &step.error), (Status::Started, 2, &None));
    store.finish_steps(at(7), &[outcome(id, Ended::Committed, put("bucket.a"))]).unwrap();
    assert_eq!(store.unfinished_steps().unwrap(), []);
}

pub(super) fn a_run_ends_once_and_abandons_what_was_only_planned(store: &mut dyn Store) {
    let run = begin(store);
    plan(store, run, &["bucket.a", "bucket.b"]);
    store.finish_run(at(3), run, RunOutcome::Failed).unwrap();
    let steps = store.steps(run).unwrap();
    assert_eq!(statuses(&steps), [(0, Status::Abandoned), (1, Status::Abandoned)]);
    assert_eq!(steps[0].changed_at, at(3));
    assert_eq!(store.runs().unwrap()[0].end, Some(RunEnd { at: at(3), outcome: RunOutcome::Failed }));
    let again = store.finish_run(at(4), run, RunOutcome::Succeeded).unwrap_err();
    assert_eq!(again.to_string(), "run 1 has ended");
    assert!(matches!(store.plan_steps(at(4), run, &[]), Err(StateError::RunEnded { .. })));
    assert!(matches!(store.write(at(4), Some(run), &put("bucket.c")), Err(StateError::RunEnded { .. })));
    assert!(begin(store) > run);
}

pub(super) fn a_run_with_open_calls_cannot_end(store: &mut dyn Store) {
    let run = begin(store);
    let steps = plan(store, run, &["bucket.a", "bucket.b"]);
    store.start_steps(at(3), &[start(steps[0])]).unwrap();
    let refused = store.finish_run(at(4), run, RunOutcome::Failed).unwrap_err();
    assert_eq!(refused.to_string(), "run 1 cannot end: 1 of its steps are still started");
    assert_eq!(statuses(&store.steps(run).unwrap()), [(0, Status::Started), (1, Status::Planned)]);
    assert_eq!(store.runs().unwrap()[0].end, None);
}

pub(super) fn events_are_kept_in_order(store: &mut dyn Store) {
    let run = begin(store);
    let other = begin(store);
    let event = |number: i64| LoggedEvent { at: at(number), body: serde_json::json!({ "number": number }) };
    store.append_events(run, &[event(1), event(2)]).unwrap();
    store.append_events(other, &[event(9)]).unwrap();
    store.append_events(run, &[event(3)]).unwrap();
    assert_eq!(store.events(run).unwrap(), [event(1), event(2), event(3)]);
    assert_eq!(store.events(other).unwrap(), [event(9)]);
}

pub(super) fn unknown_runs_and_steps_are_refused(store: &mut dyn Store) {
    let nobody = RunId(99);
    let step = StepId { run: nobody, ordinal: 0 };
    let no_run = |refused: Result<(), StateError>| {
        assert_eq!(refused.unwrap_err().to_string(), "there is no run 99 in the state");
    };
    no_run(store.plan_steps(at(1), nobody, &[]));
    no_run(store.finish_run(at(1), nobody, RunOutcome::Failed));
    no_run(store.append_events(nobody, &[]));
    no_run(store.events(nobody).map(drop));
    no_run(store.steps(nobody).map(drop));
    no_run(store.write(at(1), Some(nobody), &put("bucket.a")).map(drop));
    let refused = store.start_steps(at(1), &[start(step)]).unwrap_err();
    assert_eq!(refused.to_string(), "there is no step 99/0 in the journal");
    assert_eq!(store.objects().unwrap(), []);
}
