//! Sets.

use std::collections::BTreeSet;

use loam_provider::{Type, Value, unify};

use super::{Fault, Function, Param, Want, items, unfit};

const OTHERS: Param = Param::new("other_sets", Want::Set);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::plain(
        "setintersection",
        &[Param::new("first_set", Want::Set)],
        Want::Set,
        |_, args| combine(args, |all, next| all.intersection(&next).cloned().collect()),
        "Returns what all sets have in common.",
    )
    .rest(OTHERS),
    Function::plain(
        "setproduct",
        &[],
        Want::Any,
        |_, args| product(args),
        "Returns every combination of one element of each collection.",
    )
    .rest(Param::new("sets", Want::Any)),
    Function::plain(
        "setsubtract",
        &[Param::new("a", Want::Set), Param::new("b", Want::Set)],
        Want::Set,
        |_, args| combine(args, |all, next| all.difference(&next).cloned().collect()),
        "Returns what is in the first set but not in the second.",
    ),
    Function::plain(
        "setunion",
        &[Param::new("first_set", Want::Set)],
        Want::Set,
        |_, args| combine(args, |all, next| all.union(&next).cloned().collect()),
        "Returns what is in any of the sets.",
    )
    .rest(OTHERS),
];

fn combine(args: &[Value], step: fn(BTreeSet<Value>, BTreeSet<Value>) -> BTreeSet<Value>) -> Result<Value, Fault> {
    let types: Vec<Type> = args.iter().map(Value::ty).collect();
    let shared = unify(&types).ok_or_else(|| Fault::Call("the elements of all sets must have one type".into()))?;
    let mut sets = Vec::new();
    for (index, arg) in args.iter().enumerate() {
        let set = arg.convert(&shared).map_err(|error| Fault::Argument(index, unfit(&error)))?;
        sets.push(set.items().unwrap_or_default().iter().cloned().collect::<BTreeSet<Value>>());
    }
    if shared == Type::set(Type::Any) {
        // A set of nulls takes any type, but the others must have one all the same.
        let mut kinds = sets.iter().flatten().filter(|member| !member.is_null()).map(Value::ty);
        let first = kinds.next();
        if kinds.any(|kind| Some(&kind) != first.as_ref()) {
            return Err(Fault::Call("the elements of all sets must have one type".into()));
        }
    }
    let mut sets = sets.into_iter();
    let first = sets.next().unwrap_or_default();
    let element = match shared {
        Type::Set(element) => (*element).clone(),
        _ => Type::Any,
    };
    Ok(Value::set(element, sets.fold(first, step)))
}

fn product(args: &[Value]) -> Result<Value, Fault> {
    /// More combinations than this are refused.
    const MAX: usize = 1 << 20;
    if args.len() < 2 {
        return Err(Fault::Call("it needs at least two collections".into()));
    }
    let mut all_lists = true;
    let mut collections = Vec::new();
    let mut elements = Vec::new();
    for (index, arg) in args.iter().enumerate() {
        let wanted = if matches!(arg, Value::Set(_)) { Type::set(Type::Any) } else { Type::list(Type::Any) };
        all_lists &= !matches!(arg, Value::Set(_));
        let arg = arg.convert(&wanted).map_err(|error| Fault::Argument(index, unfit(&error)))?;
        elements.push(match arg.ty() {
            Type::List(element) | Type::Set(element) => (*element).clone(),
            _ => Type::Any,
        });
        collections.push(items(&[arg], 0).to_vec());
    }
    let count = collections.iter().try_fold(1usize, |count, items| count.checked_mul(items.len()));
    if count.is_none_or(|count| count > MAX) {
        return Err(Fault::Call(format!("it would make more than {MAX} combinations")));
    }
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for collection in &collections {
        rows = rows
            .iter()
            .flat_map(|row| collection.iter().map(|item| row.iter().cloned().chain([item.clone()]).collect()))
            .collect();
    }
    let element = Type::Tuple(elements.into());
    let rows = rows.into_iter().map(Value::tuple);
    Ok(if all_lists { Value::list(element, rows) } else { Value::set(element, rows) })
}
