//! What an object should be, from what the configuration says and what it is now.

use loam_provider::{Attribute, Known, OnChange, Path, Role, Schema, Step, Str, Type, Value};

use crate::{config::IgnoreChanges, eval};

/// What is asked for.
pub(super) struct Proposal {
    /// The configuration with defaults, and what is computed as it was before, or unknown.
    pub(super) proposed: Value,
    /// Attributes that are written differently than they are, and stay, because they only matter at creation.
    pub(super) ineffective: Vec<Path>,
}

/// Fills a configured object up to a proposal.
pub(super) fn propose(schema: &Schema, config: &Value, prior: Option<&Known>) -> Proposal {
    let config = &eval::with_defaults(config, schema);
    let mut ineffective = Vec::new();
    let attributes = schema.attributes.iter().map(|(name, attribute)| {
        let written = config.get(name).filter(|value| !value.is_null());
        let prior = prior.and_then(|prior| prior.get(name));
        (name.clone(), attribute_value(name, attribute, written, prior, &mut ineffective))
    });
    let attributes: Vec<(Str, Value)> = attributes.collect();
    let blocks = schema.blocks.iter().map(|(name, block)| {
        let written = config.get(name).cloned().unwrap_or_else(|| Value::Null(block.ty()));
        let value = match prior.and_then(|prior| prior.get(name)) {
            Some(prior) if block.on_change == OnChange::CreationOnly => {
                if differs(Some(prior), Some(&written)) && written.is_wholly_known() {
                    ineffective.push(Path::attribute(name.clone()));
                }
                prior.clone()
            }
            _ => written,
        };
        (name.clone(), value)
    });
    let blocks: Vec<(Str, Value)> = blocks.collect();
    Proposal { proposed: Value::object(attributes.into_iter().chain(blocks)), ineffective }
}

fn attribute_value(
    name: &Str,
    attribute: &Attribute,
    written: Option<&Value>,
    prior: Option<&Value>,
    ineffective: &mut Vec<Path>,
) -> Value {
    let wanted = match (&attribute.role, written) {
        (Role::Computed, _) | (Role::OptionalComputed, None) => None,
        (_, Some(written)) => Some(written.clone()),
        (Role::Optional { .. } | Role::Required, None) => Some(Value::Null(attribute.ty.clone())),
    };
    match (wanted, prior) {
        (Some(wanted), Some(prior)) if attribute.on_change == OnChange::CreationOnly => {
            if differs(Some(prior), Some(&wanted)) && wanted.is_wholly_known() {
                ineffective.push(Path::attribute(name.clone()));
            }
            prior.clone()
        }
        (Some(wanted), _) => wanted,
        (None, Some(prior)) => prior.clone(),
        (None, None) => Value::Unknown(attribute.ty.clone()),
    }
}

/// Returns the configuration with what `ignore_changes` names as it is now.
pub(super) fn ignoring(config: &Value, prior: &Known, ignore: &IgnoreChanges) -> Value {
    match ignore {
        IgnoreChanges::Nothing => config.clone(),
        IgnoreChanges::All => config.transform(&mut |path, value| match prior.at(path) {
            Some(prior) if path.steps().len() == 1 => prior.clone(),
            Some(_) | None => value,
        }),
        IgnoreChanges::Paths(paths) => paths.iter().fold(config.clone(), |config, (path, _)| {
            as_it_is(&config, Some(prior.value()), path.steps()).unwrap_or(config)
        }),
    }
}

/// Returns a value with one place as it is now; `None` where nothing stands in that place.
///
/// A member of a map that is not there now stays away, and one that is there stays, whatever is written.
fn as_it_is(written: &Value, prior: Option<&Value>, way: &[Step]) -> Option<Value> {
    let Some((first, rest)) = way.split_first() else { return prior.cloned() };
    match (first, written) {
        (Step::Name(name), Value::Map(map)) => {
            let now = prior.and_then(|prior| prior.get(name));
            let null = Value::Null(map.element.clone());
            let kept = match (map.items.get(name), rest) {
                (_, []) => now.cloned(),
                (Some(item), rest) => as_it_is(item, now, rest).or_else(|| Some(item.clone())),
                (None, _) => None,
            };
            let others = map.items.iter().filter(|(other, _)| *other != name);
            let items = others.map(|(name, item)| (name.clone(), item.clone()));
            let kept = kept.map(|kept| (name.clone(), kept.convert(&map.element).unwrap_or(null)));
            Some(Value::map(map.element.clone(), items.chain(kept)))
        }
        // All that is now in a map that is not written is that one member, or nothing.
        (Step::Name(name), Value::Null(Type::Map(element))) if rest.is_empty() => {
            let now = prior.and_then(|prior| prior.get(name))?;
            Some(Value::map((**element).clone(), [(name.clone(), now.clone())]))
        }
        (Step::Name(name), written) => {
            let item = written.get(name)?;
            let kept = as_it_is(item, prior.and_then(|prior| prior.get(name)), rest)?;
            Some(written.with(name, kept))
        }
        (Step::Index(at), Value::List(list)) => {
            let item = list.items.get(*at)?;
            let now = prior.and_then(Value::items).and_then(|items| items.get(*at));
            let kept = as_it_is(item, now, rest)?;
            let items = list.items.iter().enumerate();
            let items = items.map(|(index, item)| if index == *at { kept.clone() } else { item.clone() });
            Some(Value::list(list.element.clone(), items))
        }
        (Step::Index(_), _) => None,
    }
}

/// Fills the unknown places of a planned object with what the configuration says by now.
///
/// What was known when the plan was shown stays: it is what apply makes.
pub(crate) fn refine(schema: &Schema, planned: &Value, config: &Value) -> Value {
    if planned.is_wholly_known() {
        return planned.clone();
    }
    let proposed = propose(schema, config, None).proposed;
    let mut refined = planned.clone();
    for (name, ty) in schema.attributes.iter().map(|(name, attribute)| (name, &attribute.role)) {
        let is_written = match ty {
            Role::Required | Role::Optional { .. } => true,
            Role::OptionalComputed => config.get(name).is_some_and(|written| !written.is_null()),
            Role::Computed => false,
        };
        if let (true, Some(planned), Some(now)) = (is_written, planned.get(name), proposed.get(name)) {
            refined = refined.with(name, settled(planned, now));
        }
    }
    for name in schema.blocks.keys() {
        if let (Some(planned), Some(now)) = (planned.get(name), proposed.get(name)) {
            refined = refined.with(name, settled(planned, now));
        }
    }
    refined
}

fn settled(planned: &Value, now: &Value) -> Value {
    if planned.is_wholly_known() {
        return planned.clone();
    }
    match (planned, now) {
        (Value::Unknown(ty), now) => now.convert(ty).unwrap_or_else(|_| now.clone()),
        (Value::Object(planned), Value::Object(now)) => {
            Value::object(planned.iter().map(|(name, item)| {
                (name.clone(), now.get(name).map_or_else(|| item.clone(), |now| settled(item, now)))
            }))
        }
        (Value::Map(map), Value::Map(now)) => {
            let items = map.items.iter().map(|(name, item)| {
                (name.clone(), now.items.get(name).map_or_else(|| item.clone(), |now| settled(item, now)))
            });
            Value::map(map.element.clone(), items)
        }
        (Value::List(list), Value::List(now)) if list.items.len() == now.items.len() => Value::list(
            list.element.clone(),
            list.items.iter().zip(now.items.iter()).map(|(item, now)| settled(item, now)),
        ),
        (Value::Tuple(items), Value::Tuple(now)) if items.len() == now.len() => {
            Value::tuple(items.iter().zip(now.iter()).map(|(item, now)| settled(item, now)))
        }
        (Value::Set(_), Value::Set(_)) => now.clone(),
        _ => planned.clone(),
    }
}

/// Returns the attributes and blocks whose difference the schema says cannot be applied in place.
pub(super) fn replacing<'s>(schema: &'s Schema, prior: &Known, proposed: &Value) -> Vec<&'s Str> {
    let attributes = schema.attributes.iter().map(|(name, attribute)| (name, attribute.on_change));
    let blocks = schema.blocks.iter().map(|(name, block)| (name, block.on_change));
    attributes
        .chain(blocks)
        .filter(|(name, on_change)| *on_change == OnChange::Replace && differs(prior.get(name), proposed.get(name)))
        .map(|(name, _)| name)
        .collect()
}

fn differs(prior: Option<&Value>, proposed: Option<&Value>) -> bool {
    match (prior, proposed) {
        (Some(prior), Some(proposed)) => prior != proposed && !(prior.is_null() && proposed.is_null()),
        (None, Some(proposed)) => !proposed.is_null(),
        (_, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Schema {
        Schema::new([
            ("name", Attribute::required(Type::String, "its name").on_change(OnChange::Replace)),
            ("size", Attribute::default(Type::Number, 3u64, "its size")),
            ("seed", Attribute::optional(Type::String, "its seed").on_change(OnChange::CreationOnly)),
            ("id", Attribute::computed(Type::String, "its id")),
        ])
    }

    fn config(name: &str, seed: &str) -> Value {
        Value::object([
            ("name", Value::from(name)),
            ("size", Value::Null(Type::Number)),
            ("seed", Value::from(seed)),
            ("id", Value::Null(Type::String)),
        ])
    }

    #[test]
    fn defaults_are_filled_and_computed_values_carried_over() {
        let first = propose(&schema(), &config("a", "s"), None);
        assert_eq!(format!("{:?}", first.proposed), r#"{"id": unknown(string), "name": "a", "seed": "s", "size": 3}"#);
        let prior = Known::new(first.proposed.with("id", Value::from("x"))).expect("it is known");
        let second = propose(&schema(), &config("b", "t"), Some(&prior));
        assert_eq!(format!("{:?}", second.proposed), r#"{"id": "x", "name": "b", "seed": "s", "size": 3}"#);
        assert_eq!(second.ineffective, [Path::attribute("seed")]);
        assert_eq!(replacing(&schema(), &prior, &second.proposed), [&Str::from("name")]);
    }

    #[test]
    fn what_is_left_out_as_before_has_not_changed() {
        let left_out = |ty: Type| config("a", "s").with("seed", Value::Null(ty)).with("id", Value::from("x"));
        let prior = Known::new(left_out(Type::Any)).expect("it is known");
        assert_eq!(propose(&schema(), &left_out(Type::String), Some(&prior)).ineffective, []);
    }

    #[test]
    fn what_the_plan_showed_stays_when_the_configuration_is_known_at_last() {
        let planned = Value::object([
            ("name", Value::Unknown(Type::String)),
            ("size", Value::from(3u64)),
            ("seed", Value::Null(Type::String)),
            ("id", Value::Unknown(Type::String)),
        ]);
        let refined = refine(&schema(), &planned, &config("late", "other").with("size", Value::from(9u64)));
        assert_eq!(
            format!("{refined:?}"),
            r#"{"id": unknown(string), "name": "late", "seed": null(string), "size": 3}"#
        );
    }
}
