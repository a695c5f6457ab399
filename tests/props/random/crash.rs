//! A run that dies at any commit or at any event, and the next one.

use jiff::Timestamp;
use loam::{
    addr::Instance,
    state::{
        Entry, HistoryEntry, LoggedEvent, Meta, NewRun, NewStep, Output, Run, RunId, RunOutcome, Serial, StateError,
        StepRecord, Store, Stored, Write,
    },
};

use super::{check, for_each};
use crate::project::{Ask, Project};

/// A state whose process dies at a commit.
struct Dying {
    inner: Box<dyn Store>,
    /// How many commits there will be.
    left: usize,
    /// Whether the last one is still made.
    moment: Moment,
}

#[derive(Clone, Copy)]
enum Moment {
    BeforeCommit,
    AfterCommit,
}

impl Dying {
    fn commit<T>(&mut self, work: impl FnOnce(&mut dyn Store) -> Result<T, StateError>) -> Result<T, StateError> {
        let died = || Err(StateError::NoSuchRun { run: RunId(u64::MAX) });
        match (self.left, self.moment) {
            (0, _) | (1, Moment::BeforeCommit) => {
                self.left = 0;
                died()
            }
            (1, Moment::AfterCommit) => {
                self.left = 0;
                work(&mut *self.inner)?;
                died()
            }
            (_, _) => {
                self.left -= 1;
                work(&mut *self.inner)
            }
        }
    }
}

impl Store for Dying {
    fn meta(&self) -> Result<Meta, StateError> {
        self.inner.meta()
    }
    fn each_object(&self, visit: &mut dyn FnMut(Stored)) -> Result<(), StateError> {
        self.inner.each_object(visit)
    }
    fn objects_of(&self, addr: &Instance) -> Result<Vec<Stored>, StateError> {
        self.inner.objects_of(addr)
    }
    fn outputs(&self) -> Result<Vec<Output>, StateError> {
        self.inner.outputs()
    }
    fn begin_run(&mut self, at: Timestamp, run: &NewRun) -> Result<RunId, StateError> {
        self.commit(|store| store.begin_run(at, run))
    }
    fn plan_steps(&mut self, at: Timestamp, run: RunId, steps: &[NewStep]) -> Result<(), StateError> {
        self.commit(|store| store.plan_steps(at, run, steps))
    }
    fn journal(&mut self, at: Timestamp, entries: &[Entry]) -> Result<Serial, StateError> {
        self.commit(|store| store.journal(at, entries))
    }
    fn write(&mut self, at: Timestamp, run: Option<RunId>, writes: &[Write]) -> Result<Serial, StateError> {
        self.commit(|store| store.write(at, run, writes))
    }
    fn set_outputs(&mut self, at: Timestamp, outputs: &[Output]) -> Result<Serial, StateError> {
        self.commit(|store| store.set_outputs(at, outputs))
    }
    fn append_events(&mut self, run: RunId, events: &[LoggedEvent]) -> Result<(), StateError> {
        self.commit(|store| store.append_events(run, events))
    }
    fn finish_run(&mut self, at: Timestamp, run: RunId, outcome: RunOutcome) -> Result<(), StateError> {
        self.commit(|store| store.finish_run(at, run, outcome))
    }
    fn unfinished_steps(&self) -> Result<Vec<StepRecord>, StateError> {
        self.inner.unfinished_steps()
    }
    fn steps(&self, run: RunId) -> Result<Vec<StepRecord>, StateError> {
        self.inner.steps(run)
    }
    fn runs(&self) -> Result<Vec<Run>, StateError> {
        self.inner.runs()
    }
    fn events(&self, run: RunId) -> Result<Vec<LoggedEvent>, StateError> {
        self.inner.events(run)
    }
    fn history(&self, since: Serial) -> Result<Vec<HistoryEntry>, StateError> {
        self.inner.history(since)
    }
    fn objects_at(&self, serial: Serial) -> Result<Vec<Stored>, StateError> {
        self.inner.objects_at(serial)
    }
    fn verify(&self) -> Result<(), StateError> {
        self.inner.verify()
    }
    fn close(self: Box<Self>) -> Result<(), StateError> {
        self.inner.close()
    }
}

#[test]
fn a_run_that_dies_at_any_commit_is_finished_by_the_next() {
    for_each(4000..4020, Project::on_disk, |case| {
        let mut text = case.edit();
        if case.dice.one_in(2) {
            case.settle(&text);
            text = case.edit();
        }
        for _ in 0..2 {
            let left = case.dice.between(1, 24);
            let moment = [Moment::BeforeCommit, Moment::AfterCommit][case.dice.below(2)];
            case.project.wrap(|inner| Box::new(Dying { inner, left, moment }));
            let ask = Ask { parallelism: case.dice.between(1, 5), ..Ask::default() };
            // It may be over before it dies.
            let _ = case.project.run(&text, &ask);
            case.project.reopen();
            case.project.store().verify().unwrap();
            if case.dice.one_in(2) {
                text = case.edit();
            }
        }
        case.settle(&text);
        case.end(&text);
    });
}

#[test]
fn a_run_that_is_dropped_at_any_event_is_finished_by_the_next() {
    for_each(5000..5040, Project::new, |case| {
        let mut text = case.edit();
        for _ in 0..3 {
            let abort_after = Some(case.dice.between(3, 24));
            let ask = Ask { parallelism: case.dice.between(1, 5), abort_after, ..Ask::default() };
            // It may be over before it is dropped.
            let _ = case.project.run(&text, &ask);
            check::quiet(&case.project);
            if case.dice.one_in(2) {
                text = case.edit();
            }
        }
        case.settle(&text);
        case.end(&text);
    });
}

#[test]
fn a_replacement_that_dies_before_its_call_leaves_the_old_object_where_it_was() {
    let text = |color: &str| {
        format!(
            "resource \"sim_thing\" \"a\" {{\n  name = \"a\"\n  color = \"{color}\"\n  \
             lifecycle {{\n    create_before_destroy = true\n  }}\n}}\n"
        )
    };
    let mut before_the_call = 0;
    for left in 1..12 {
        let mut project = Project::on_disk();
        project.apply(&text("red")).complete();
        project.wrap(|inner| Box::new(Dying { inner, left, moment: Moment::AfterCommit }));
        let died = project.run(&text("blue"), &Ask::default()).is_err();
        project.reopen();
        if died && project.world.effects().unwrap().len() == 1 {
            before_the_call += 1;
            assert_eq!(project.apply(&text("red")).complete().done(), [""; 0], "after {left} commits");
        }
        project.apply(&text("blue")).complete();
        assert_eq!(project.world.objects().unwrap().len(), 1, "after {left} commits");
        assert!(project.plan(&text("blue")).changes.is_empty());
    }
    assert!(before_the_call >= 3, "{before_the_call}");
}
