//! Random worlds: whatever is configured, changed and broken, what always holds does.

mod check;
mod crash;
mod dice;
mod program;

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
};

use loam::{apply::Stop, plan::Mode};
use loam_sim::{Fault, Rule, Verb};

use self::{dice::Dice, program::Program};
use crate::project::{Ask, Project, Run};

/// One random world, and all that was ever configured in it.
struct Case {
    dice: Dice,
    project: Project,
    program: Program,
    texts: Vec<String>,
    /// The addresses of blocks whose things may have been left in the world on purpose.
    retained: BTreeSet<String>,
}

impl Case {
    fn new(seed: u64, project: Project) -> Self {
        let (program, texts, retained) = (Program::default(), Vec::new(), BTreeSet::new());
        Self { dice: Dice::new(seed), project, program, texts, retained }
    }

    /// Changes the program and returns it.
    fn edit(&mut self) -> String {
        self.program.edit(&mut self.dice);
        self.retained.extend(self.program.retained());
        let text = self.program.text();
        self.texts.push(text.clone());
        text
    }

    /// Applies or destroys while things go wrong.
    fn suffer(&mut self, text: &str, mode: Mode) -> Option<Run> {
        let rules: Vec<Rule> = (0..self.dice.between(1, 4)).map(|_| rule(&mut self.dice)).collect();
        self.project.world.set_faults(rules);
        let mut ask = Ask { mode, parallelism: self.dice.between(1, 6), ..Ask::default() };
        match self.dice.below(4) {
            0 => ask.stop = vec![("step_started".into(), self.dice.between(1, 6), Stop::Finish)],
            1 => ask.stop = vec![("step_done".into(), self.dice.between(1, 6), Stop::Cancel)],
            2 => ask.cancel_after_effects = Some(self.project.world.effects().unwrap().len() + self.dice.between(1, 5)),
            _ => {}
        }
        let run = self.project.run(text, &ask).ok();
        self.project.world.set_faults([]);
        run
    }

    /// Applies without faults and checks all that holds then.
    fn settle(&mut self, text: &str) {
        let run = self.project.apply(text).complete();
        check::kept_its_word(&self.project, &run);
        let plan = self.project.plan(text);
        assert!(plan.changes.is_empty() && plan.steps.is_empty() && plan.outputs.is_empty(), "not empty: {plan:#?}");
        check::world_is_state(&self.project, &self.retained);
        check::once(&self.project);
        check::quiet(&self.project);
    }

    /// Destroys everything and checks that nothing is left.
    fn end(&mut self, text: &str) {
        let run = self.project.destroy(text).complete();
        check::kept_its_word(&self.project, &run);
        assert_eq!(self.project.addresses(), [""; 0]);
        assert!(self.project.store().outputs().unwrap().is_empty());
        check::world_is_state(&self.project, &self.retained);
        check::once(&self.project);
        check::quiet(&self.project);
    }
}

fn rule(dice: &mut Dice) -> Rule {
    let changing = [Verb::Create, Verb::Update, Verb::Update, Verb::Delete, Verb::Delete, Verb::Delete];
    let looking = [Verb::Plan, Verb::Read, Verb::Resolve];
    let verb = if dice.one_in(10) { looking[dice.below(3)] } else { changing[dice.below(6)] };
    let faults = [Fault::FailBefore, Fault::FailAfter, Fault::Partial, Fault::Transient, Fault::WrongAnswer];
    let mut fault = faults[dice.below(faults.len())].clone();
    if matches!(verb, Verb::Plan | Verb::Read | Verb::Resolve) && fault == Fault::WrongAnswer {
        fault = Fault::Transient;
    }
    let rule = Rule::every(verb, fault);
    let rule = if dice.one_in(2) { rule.at(&format!("*.b{}*", dice.below(8))) } else { rule };
    Rule { percent: Some([25, 50, 100][dice.below(3)]), ..rule }
}

/// Runs a case for each seed; one that fails tells its seed and its programs.
fn for_each(seeds: std::ops::Range<u64>, project: impl Fn() -> Project, run: impl Fn(&mut Case)) {
    for seed in seeds {
        let mut case = Case::new(seed, project());
        if catch_unwind(AssertUnwindSafe(|| run(&mut case))).is_err() {
            panic!("seed {seed} fails after these programs:\n{}", case.texts.join("\n# then\n"));
        }
    }
}

#[test]
fn whatever_goes_wrong_it_converges_and_nothing_is_lost_or_made_twice() {
    for_each(0..100, Project::new, |case| {
        let mut text = String::new();
        for round in 0..case.dice.between(3, 6) {
            text = case.edit();
            for _ in 0..if round == 0 { 0 } else { case.dice.between(1, 4) } {
                case.suffer(&text, Mode::Apply);
                check::quiet(&case.project);
                if case.dice.one_in(3) {
                    text = case.edit();
                }
            }
            case.settle(&text);
        }
        if case.dice.one_in(2) {
            case.suffer(&text, Mode::Destroy);
        }
        case.end(&text);
    });
}

#[test]
fn a_state_on_disk_holds_no_secret() {
    for_each(1000..1012, Project::on_disk, |case| {
        for _ in 0..2 {
            let text = case.edit();
            case.suffer(&text, Mode::Apply);
            check::quiet(&case.project);
            case.settle(&text);
        }
    });
}

#[test]
fn any_parallelism_gives_the_same_state_by_the_same_effects() {
    for seed in 2000..2025 {
        let mut ends = Vec::new();
        let mut texts = Vec::new();
        for parallelism in [1, 3, 16] {
            let mut case = Case::new(seed, Project::new());
            let mut end = String::new();
            for _ in 0..3 {
                let text = case.edit();
                case.project.run(&text, &Ask { parallelism, ..Ask::default() }).unwrap().complete();
                end += &check::end(&case.project);
            }
            ends.push(end);
            texts = case.texts;
        }
        assert!(ends.windows(2).all(|pair| pair[0] == pair[1]), "seed {seed}: {ends:#?}\n{}", texts.join("\n# then\n"));
    }
}

#[test]
fn the_same_inputs_give_the_same_plan() {
    for_each(3000..3030, Project::new, |case| {
        let text = case.edit();
        case.project.apply(&text).complete();
        let text = case.edit();
        let bytes = |case: &mut Case| serde_json::to_vec(&case.project.plan(&text)).unwrap();
        let first = bytes(case);
        assert_eq!(first, bytes(case));
        let read: loam::plan::Plan = serde_json::from_slice(&first).unwrap();
        assert_eq!(read, case.project.plan(&text));
    });
}
