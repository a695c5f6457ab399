//! What of a drift is news: what the plan will change back, or away from.
//!
//! What differs from the record and stays as it was found (a pid after a restart) is only recorded.

use loam_provider::{Known, Map, Value};

use crate::plan::ObjectChange;

/// Returns what was recorded and found of an object, the same wherever the difference is no news; `None` where none is.
///
/// Nothing found means that the object is gone, which always is news.
pub(super) fn news(change: &ObjectChange) -> Option<(Value, Option<Value>)> {
    let recorded = change.drift.as_ref()?.recorded.value();
    if !change.change.is_effective() {
        return None;
    }
    let after = change.change.after()?;
    let Some(found) = change.change.before().map(Known::value) else { return Some((recorded.clone(), None)) };
    let recorded = minding(recorded, found, after);
    (recorded != *found).then(|| (recorded, Some(found.clone())))
}

/// Returns what was recorded, with what was found in every place where the plan leaves it as it is.
fn minding(recorded: &Value, found: &Value, after: &Value) -> Value {
    if found == after {
        return found.clone();
    }
    let (Some(then), Some(now), Some(next)) = (recorded.entries(), found.entries(), after.entries()) else {
        return recorded.clone();
    };
    let merged = then.iter().map(|(name, item)| match (now.get(name), next.get(name)) {
        (Some(found), Some(after)) => (name.clone(), minding(item, found, after)),
        _ => (name.clone(), item.clone()),
    });
    let is_left = |name: &&loam_provider::Str| !then.contains_key(*name) && now.get(*name) == next.get(*name);
    let added = now.keys().filter(is_left).map(|name| (name.clone(), now[name].clone()));
    let merged = merged.chain(added);
    match recorded {
        Value::Map(Map { element, .. }) => Value::map(element.clone(), merged),
        _ => Value::object(merged),
    }
}

#[cfg(test)]
mod tests {
    use loam_provider::Type;

    use super::*;

    #[test]
    fn what_stays_as_it_was_found_is_no_news() {
        let node = |pid: Value, status: &str| Value::object([("pid", pid), ("status", Value::from(status))]);
        let nodes = |a: Value, b: Value| Value::object([("a", a), ("b", b)]);
        let number = |number: u64| Value::from(number);
        let recorded = nodes(node(number(1), "running"), node(number(2), "running"));
        let found = nodes(node(Value::Null(Type::Number), "dead"), node(number(9), "running"));
        let after = nodes(node(Value::Unknown(Type::Number), "running"), node(number(9), "running"));
        let minded = minding(&recorded, &found, &after);
        assert_eq!(minded.get("a"), recorded.get("a"), "the plan starts it again");
        assert_eq!(minded.get("b"), found.get("b"), "nobody does anything about it");
    }
}
