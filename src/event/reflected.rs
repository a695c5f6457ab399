//! Where a provider gives back secrets that it was given.

use std::collections::BTreeSet;

use loam_provider::{Path, Role, Schema, Type, Value};

use super::Secrets;

/// Returns the places of computed attributes that hold a secret of the same object: providers see no marks, so what
/// they derive from a secret, such as the path of a file or the output of `loam_data`, comes back without one.
///
/// `known` are the secrets that those of the object may have been made from.
#[must_use]
pub fn reflected<'p>(
    schema: &Schema,
    value: &Value,
    sensitive: impl IntoIterator<Item = &'p Path>,
    known: &Secrets,
) -> Vec<Path> {
    let sensitive: BTreeSet<&Path> = sensitive.into_iter().collect();
    if sensitive.is_empty() {
        return Vec::new();
    }
    let secrets = Secrets::of(value, sensitive.iter().copied()).and(known);
    let mut found = BTreeSet::new();
    for (name, attribute) in &schema.attributes {
        let (Some(inside), true) = (value.get(name), is_computed(&attribute.role)) else { continue };
        let at = Path::attribute(name.clone());
        // What takes any value may give it back as it is: then also a secret is one that is too short to be searched for.
        if attribute.ty == Type::Any {
            found.extend(sensitive.iter().filter_map(|path| given_back(value, path, &at)));
        }
        search(inside, &at, &secrets, &mut found);
    }
    found.into_iter().filter(|path| !sensitive.contains(path)).collect()
}

fn is_computed(role: &Role) -> bool {
    match role {
        Role::Computed | Role::OptionalComputed => true,
        Role::Required | Role::Optional { .. } => false,
    }
}

/// Returns where the secret of a path stands in the attribute `at` as well, if it does.
fn given_back(value: &Value, path: &Path, at: &Path) -> Option<Path> {
    let rest = path.steps().get(1..)?;
    let mut there = at.clone();
    rest.iter().for_each(|step| there.push(step.clone()));
    let secret = value.at(path).filter(|secret| !secret.is_null())?;
    // What is not known yet may well become the secret.
    let is_open = value.at(at).is_some_and(Value::is_unknown);
    (is_open || value.at(&there) == Some(secret)).then_some(there)
}

fn search(value: &Value, at: &Path, secrets: &Secrets, found: &mut BTreeSet<Path>) {
    if let Some(entries) = value.entries() {
        entries.iter().for_each(|(name, inside)| search(inside, &at.name(name.clone()), secrets, found));
    } else if let Some(items) = value.items() {
        items.iter().enumerate().for_each(|(index, inside)| search(inside, &at.index(index), secrets, found));
    } else if value.as_str().is_some_and(|text| secrets.are_in(text)) {
        found.insert(at.clone());
    }
}

#[cfg(test)]
mod tests {
    use loam_provider::Attribute;

    use super::*;

    #[test]
    fn a_computed_attribute_that_holds_a_secret_is_one() {
        let schema = Schema::new([
            ("input", Attribute::optional(Type::Any, "")),
            ("plain", Attribute::optional(Type::String, "")),
            ("output", Attribute::computed(Type::Any, "")),
            ("id", Attribute::computed(Type::String, "")),
            ("is_on", Attribute::computed(Type::Bool, "")),
        ]);
        let given = Value::object([
            ("pin", Value::from(7u64)),
            ("on", Value::from(true)),
            ("word", Value::from("canary")),
            ("user", Value::from("ada")),
        ]);
        let value = Value::object([
            ("input", given.clone()),
            ("plain", Value::from("canary")),
            ("output", given),
            ("id", Value::from("/home/canary/x")),
            ("is_on", Value::from(true)),
        ]);
        let sensitive = ["pin", "on", "word"].map(|name| Path::attribute("input").name(name));
        let found: Vec<String> =
            reflected(&schema, &value, &sensitive, &Secrets::default()).iter().map(Path::to_string).collect();
        assert_eq!(found, ["id", "output.on", "output.pin", "output.word"]);
        let planned = value.with("output", Value::Unknown(Type::Any));
        let found = reflected(&schema, &planned, &sensitive[..1], &Secrets::default());
        assert_eq!(found, [Path::attribute("output").name("pin")]);
        assert_eq!(reflected(&schema, &value, [], &Secrets::default()), []);

        let made_of = Value::object([("input", Value::from("x-canary")), ("id", Value::from("y-canary"))]);
        let known = Secrets::of(&Value::from("canary"), [&Path::root()]);
        assert_eq!(reflected(&schema, &made_of, &[Path::attribute("input")], &known), [Path::attribute("id")]);
    }
}
