//! The one type that values of several types have in common: go-cty's `convert.UnifyUnsafe`, step by step.
//!
//! Collections unify by their elements. Structures unify attribute by attribute where they have the same shape, and
//! become a map or a list where they do not. Otherwise the first type wins to which all others convert, the more
//! general before the less general.

use std::cmp::Ordering;

use crate::{Field, Type, can_convert};

/// Returns the one type to which values of all these types convert, or `None`.
#[must_use]
pub fn unify(types: &[Type]) -> Option<Type> {
    let count = |is: fn(&Type) -> bool| types.iter().filter(|ty| is(ty)).count();
    let any = count(|ty| matches!(ty, Type::Any));
    let lists = count(|ty| matches!(ty, Type::List(_)));
    let sets = count(|ty| matches!(ty, Type::Set(_)));
    let maps = count(|ty| matches!(ty, Type::Map(_)));
    let objects = count(|ty| matches!(ty, Type::Object(_)));
    let tuples = count(|ty| matches!(ty, Type::Tuple(_)));
    let are_all = |number: usize| number + any == types.len();
    // What becomes of these is open until it is known what the others are.
    let unless_open = |unified: &dyn Fn() -> Option<Type>| if any > 0 { Some(Type::Any) } else { unified() };
    if maps > 0 && are_all(maps) {
        return unless_open(&|| Some(Type::map(unify(&elements(types))?)));
    }
    if lists > 0 && are_all(lists) {
        return unless_open(&|| Some(Type::list(unify(&elements(types))?)));
    }
    if sets > 0 && are_all(sets) {
        return unless_open(&|| Some(Type::set(unify(&elements(types))?)));
    }
    if objects > 0 && are_all(objects) {
        return unless_open(&|| unify_objects(types));
    }
    if tuples > 0 && are_all(tuples) {
        return unless_open(&|| unify_tuples(types));
    }
    // Objects are often maps in disguise, and tuples lists.
    if maps > 0
        && are_all(maps + objects)
        && let Some(unified) = disguised(types, |ty| matches!(ty, Type::Object(_)), objects_to_map)
        && matches!(unified, Type::Map(_))
    {
        return Some(unified);
    }
    if lists > 0
        && are_all(lists + tuples)
        && let Some(unified) = disguised(types, |ty| matches!(ty, Type::Tuple(_)), tuples_to_list)
        && matches!(unified, Type::List(_))
    {
        return Some(unified);
    }
    if objects > 0 && tuples > 0 {
        return None;
    }
    let preferred = by_preference(types);
    preferred.into_iter().find(|wanted| types.iter().all(|ty| ty == *wanted || can_convert(ty, wanted))).cloned()
}

fn elements(types: &[Type]) -> Vec<Type> {
    let element = |ty: &Type| match ty {
        Type::List(element) | Type::Set(element) | Type::Map(element) => Some((**element).clone()),
        Type::Any | Type::Bool | Type::Number | Type::String | Type::Object(_) | Type::Tuple(_) => None,
    };
    types.iter().filter_map(element).collect()
}

fn unify_objects(types: &[Type]) -> Option<Type> {
    let fields = |ty: &Type| match ty {
        Type::Object(object) => Some(object.fields.clone()),
        _ => None,
    };
    let all: Vec<_> = types.iter().filter_map(fields).collect();
    let first = all.first()?;
    if !all.iter().all(|fields| fields.keys().eq(first.keys())) {
        return objects_to_map(types);
    }
    let unified = first.keys().map(|name| {
        let across: Vec<Type> = all.iter().map(|fields| fields[name].ty.clone()).collect();
        Some((name.clone(), unify(&across)?))
    });
    Some(Type::object(unified.collect::<Option<Vec<_>>>()?))
}

fn unify_tuples(types: &[Type]) -> Option<Type> {
    let items = |ty: &Type| match ty {
        Type::Tuple(items) => Some(items.clone()),
        _ => None,
    };
    let all: Vec<_> = types.iter().filter_map(items).collect();
    let length = all.first()?.len();
    if all.iter().any(|items| items.len() != length) {
        return tuples_to_list(types);
    }
    let across = |at: usize| unify(&all.iter().map(|items| items[at].clone()).collect::<Vec<_>>());
    Some(Type::Tuple((0..length).map(across).collect::<Option<Vec<_>>>()?.into()))
}

/// Returns the map that can hold the attributes of all objects.
fn objects_to_map(types: &[Type]) -> Option<Type> {
    let mut inner = Vec::new();
    for ty in types {
        if let Type::Object(object) = ty {
            inner.extend(object.fields.values().map(|Field { ty, .. }| ty.clone()));
        }
    }
    let map = Type::map(unify(&inner)?);
    types.iter().all(|ty| can_convert(ty, &map)).then_some(map)
}

/// Returns the list that can hold the elements of all tuples.
fn tuples_to_list(types: &[Type]) -> Option<Type> {
    let mut inner = Vec::new();
    for ty in types {
        if let Type::Tuple(items) = ty {
            inner.extend(items.iter().cloned());
        }
    }
    let list = Type::list(unify(&inner)?);
    types.iter().all(|ty| can_convert(ty, &list)).then_some(list)
}

/// Unifies structures to a collection, and that with the collections beside them.
fn disguised(types: &[Type], is_structure: fn(&Type) -> bool, open: fn(&[Type]) -> Option<Type>) -> Option<Type> {
    let structures: Vec<Type> = types.iter().filter(|ty| is_structure(ty)).cloned().collect();
    let collection = open(&structures)?;
    let all = types.iter().map(|ty| if is_structure(ty) { collection.clone() } else { ty.clone() });
    unify(&all.collect::<Vec<_>>())
}

/// Returns the types with the more general ones first, otherwise in their order.
fn by_preference(types: &[Type]) -> Vec<&Type> {
    let mut less_general = vec![Vec::new(); types.len()];
    let mut above = vec![0usize; types.len()];
    for left in 0..types.len() {
        for right in left + 1..types.len() {
            let (general, special) = match generality(&types[left], &types[right]) {
                Ordering::Less => (left, right),
                Ordering::Greater => (right, left),
                Ordering::Equal => continue,
            };
            less_general[general].push(special);
            above[special] += 1;
        }
    }
    let mut order: Vec<usize> = (0..types.len()).filter(|at| above[*at] == 0).collect();
    let mut next = 0;
    while let Some(at) = order.get(next).copied() {
        next += 1;
        for special in &less_general[at] {
            above[*special] -= 1;
            if above[*special] == 0 {
                order.push(*special);
            }
        }
    }
    order.into_iter().map(|at| &types[at]).collect()
}

/// Returns `Less` where the first type is to be tried before the second.
fn generality(a: &Type, b: &Type) -> Ordering {
    match (a, b) {
        (Type::Any, Type::Any) | (Type::String, Type::String) => Ordering::Equal,
        (Type::Any, _) => Ordering::Greater,
        (_, Type::Any) => Ordering::Less,
        (Type::String, other) if other.is_primitive() => Ordering::Less,
        (other, Type::String) if other.is_primitive() => Ordering::Greater,
        (Type::List(a), Type::List(b)) | (Type::Set(a), Type::Set(b)) | (Type::Map(a), Type::Map(b)) => {
            generality(a, b)
        }
        (Type::Tuple(_) | Type::List(_), Type::Set(_))
        | (Type::List(_), Type::Tuple(_))
        | (Type::Map(_), Type::Object(_)) => Ordering::Less,
        (Type::Set(_), Type::Tuple(_) | Type::List(_))
        | (Type::Tuple(_), Type::List(_))
        | (Type::Object(_), Type::Map(_)) => Ordering::Greater,
        _ => Ordering::Equal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the one type of several, as a text.
    fn told(types: &[Type]) -> String {
        unify(types).map_or_else(|| "none".to_owned(), |ty| ty.to_string())
    }

    fn tuple(items: &[Type]) -> Type {
        Type::Tuple(items.into())
    }

    #[test]
    fn primitives_become_strings() {
        assert_eq!(told(&[Type::Number, Type::Bool]), "none");
        assert_eq!(told(&[Type::Number, Type::Bool, Type::String]), "string");
        assert_eq!(told(&[Type::Any, Type::Number]), "number");
        assert_eq!(told(&[Type::list(Type::Number), Type::Number]), "none");
    }

    #[test]
    fn structures_of_other_shapes_become_collections() {
        let (one, two) = (tuple(&[Type::Number]), tuple(&[Type::Number, Type::String]));
        assert_eq!(told(&[one.clone(), one.clone()]), "tuple([number])");
        assert_eq!(told(&[one.clone(), two.clone()]), "list(string)");
        assert_eq!(told(&[one.clone(), Type::list(Type::String)]), "list(string)");
        assert_eq!(told(&[tuple(&[]), Type::list(Type::String)]), "list(string)");
        assert_eq!(told(&[Type::set(Type::Number), two]), "set(number)");
        assert_eq!(told(&[Type::set(Type::Number), Type::list(Type::Number)]), "list(number)");
        let (a, b) = (Type::object([("a", Type::Number)]), Type::object([("b", Type::String)]));
        assert_eq!(told(&[a.clone(), b]), "map(string)");
        assert_eq!(told(&[a.clone(), one]), "none");
        assert_eq!(told(&[a, Type::map(Type::String)]), "map(string)");
    }

    #[test]
    fn beside_what_is_open_a_structure_is_open() {
        let object = Type::object([("a", Type::Number)]);
        assert_eq!(told(&[Type::Any, object.clone()]), "any");
        assert_eq!(told(&[tuple(&[Type::Any]), tuple(&[object.clone(), object])]), "list(any)");
    }
}
