//! What always holds.

use std::collections::{BTreeMap, BTreeSet};

use loam::{plan::Change, state::Serial};
use loam_provider::{Str, Value};
use loam_sim::Extent;

use super::program::CANARY;
use crate::project::{Project, Run};

/// Checks that what the plan showed as known is what apply made, and that the summary counts what the plan said.
pub(crate) fn kept_its_word(project: &Project, run: &Run) {
    let objects: BTreeMap<String, Value> =
        project.objects().into_iter().map(|object| (object.slot.to_string(), object.attributes.into_value())).collect();
    for change in &run.plan.changes {
        match &change.change {
            Change::Create { after, .. } | Change::Update { after, .. } | Change::Replace { after, .. } => {
                let made = &objects[&change.addr.to_string()];
                assert!(agrees(after, made), "{}: planned {after:?}, made {made:?}", change.addr);
            }
            Change::Keep { .. } | Change::Read { .. } | Change::Delete { .. } | Change::Forget { .. } => {}
        }
    }
    let (counts, summary) = (run.plan.counts(), run.applied.as_ref().unwrap().summary);
    assert_eq!(
        [counts.create, counts.update, counts.replace, counts.delete, counts.retain],
        [summary.created, summary.updated, summary.replaced, summary.deleted, summary.retained]
    );
}

fn agrees(planned: &Value, made: &Value) -> bool {
    if planned.is_unknown() || planned == made {
        return true;
    }
    if let (Some(planned), Some(made)) = (planned.entries(), made.entries()) {
        return planned.len() == made.len()
            && planned.iter().all(|(name, item)| made.get(name).is_some_and(|made| agrees(item, made)));
    }
    match (planned, made) {
        (Value::List(_) | Value::Tuple(_), Value::List(_) | Value::Tuple(_)) => {
            let (planned, made) = (planned.items().unwrap(), made.items().unwrap());
            planned.len() == made.len() && planned.iter().zip(made).all(|(item, made)| agrees(item, made))
        }
        _ => false,
    }
}

fn id(attributes: &Value) -> Option<Str> {
    attributes.get("id").and_then(Value::as_str).map(Str::from)
}

/// Checks that the state has what is in the world, as it is, and the world what is in the state; only what was to be
/// retained, and was known once, is in the world alone.
pub(crate) fn world_is_state(project: &Project, retained: &BTreeSet<String>) {
    let objects = project.objects();
    let mut known: BTreeMap<Str, &Value> = objects
        .iter()
        .filter(|object| object.kind.as_str() != "loam_data")
        .filter_map(|object| Some((id(object.attributes.value())?, object.attributes.value())))
        .collect();
    let history = project.store().history(Serial(0)).unwrap();
    let once_known: BTreeSet<Str> =
        history.iter().filter_map(|entry| id(entry.before.as_ref()?.object.attributes.value())).collect();
    for object in project.world.objects().unwrap() {
        match known.remove(&object.id) {
            Some(attributes) => {
                assert_eq!(object.attributes.value(), attributes, "{}", object.address);
                assert_eq!(object.extent, Extent::Whole, "{}", object.address);
            }
            None => {
                let block = object.address.split('[').next().unwrap_or_default();
                assert!(retained.contains(block), "{} is left in the world", object.address);
                assert!(once_known.contains(&object.id), "{} was made and never known", object.address);
            }
        }
    }
    assert!(known.is_empty(), "lost: {known:?}");
    assert!(objects.iter().all(|object| object.slot.deposed.is_none()), "{:?}", project.addresses());
}

/// Checks that no operation had its effect twice.
pub(crate) fn once(project: &Project) {
    let mut seen = BTreeSet::new();
    for effect in project.world.effects().unwrap() {
        let whole = effect.extent == Extent::Whole;
        assert!(!whole || seen.insert(effect.token.clone()), "{} of {} twice", effect.token.0, effect.address);
    }
}

/// Checks that the secret is neither in what was shown nor in the files of the state.
pub(crate) fn quiet(project: &Project) {
    let at = project.shown.find(CANARY);
    assert_eq!(at.map(|at| project.shown[..at + 20].lines().last()), None);
    let Ok(files) = std::fs::read_dir(project.dir.path().join("loam")) else { return };
    for file in files {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
        assert!(!found, "{}", path.display());
    }
}

/// Returns the state, the outputs and the effects, with each id replaced by what bears it.
pub(crate) fn end(project: &Project) -> String {
    let mut text = String::new();
    let mut names = BTreeMap::new();
    for object in project.objects() {
        text += &format!("{} {:?} {:?} {:?}\n", object.slot, object.attributes, object.dependencies, object.sensitive);
        names.extend(id(object.attributes.value()).map(|id| (id, object.slot.to_string())));
    }
    for output in project.store().outputs().unwrap() {
        text += &format!("{} = {:?}\n", output.name, output.value);
    }
    let effects = project.world.effects().unwrap();
    let mut effects: Vec<String> =
        effects.iter().map(|effect| format!("{:?} {}\n", effect.verb, effect.address)).collect();
    effects.sort();
    text += &effects.concat();
    names.iter().fold(text, |text, (id, name)| text.replace(&format!("\"{id}\""), name).replace(id.as_str(), name))
}
