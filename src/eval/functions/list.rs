//! Lists, tuples, and what sets have in common with them.

use loam_provider::{Number, Step, Str, Type, Value, unify};

use super::{Context, Fault, Function, Param, Want, a_type, equal, items, same, unfit, whole};
use crate::eval::{Evaluated, Marks, expr};

const LIST: Param = Param::new("list", Want::Any);
/// `range` makes no more numbers than this.
const MAX_RANGE: usize = 1024;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::plain(
        "alltrue",
        &[Param::new("list", Want::Bools)],
        Want::Bool,
        |_, args| Ok(items(args, 0).iter().all(|item| item.as_bool() == Some(true)).into()),
        "Returns whether every element is true.",
    ),
    Function::plain(
        "anytrue",
        &[Param::new("list", Want::Bools)],
        Want::Bool,
        |_, args| Ok(items(args, 0).iter().any(|item| item.as_bool() == Some(true)).into()),
        "Returns whether any element is true.",
    ),
    Function::plain(
        "chunklist",
        &[Param::new("list", Want::List), Param::new("size", Want::Number)],
        Want::Lists,
        |_, args| chunklist(args),
        "Cuts a list into lists of a size.",
    ),
    Function::marked(
        "coalesce",
        &[],
        Want::Any,
        |_, args| coalesce(args),
        "Returns the first argument that is neither null nor an empty string.",
    )
    .rest(Param::nullable("vals", Want::Any)),
    Function::marked(
        "coalescelist",
        &[],
        Want::Any,
        |_, args| coalescelist(args),
        "Returns the first list that is not empty.",
    )
    .rest(Param::nullable("vals", Want::Any)),
    Function::plain(
        "compact",
        &[Param::new("list", Want::Strings)],
        Want::Strings,
        |_, args| Ok(compact(args)),
        "Removes nulls and empty strings from a list.",
    ),
    Function::marked("concat", &[], Want::Any, |_, args| concat(args), "Puts lists one after the other.")
        .rest(Param::new("seqs", Want::Any)),
    Function::plain(
        "contains",
        &[LIST, Param::new("value", Want::Any)],
        Want::Bool,
        |_, args| contains(args),
        "Returns whether a list or set holds a value.",
    )
    .shallow(),
    Function::plain(
        "distinct",
        &[Param::new("list", Want::List)],
        Want::List,
        |_, args| Ok(distinct(args)),
        "Removes elements that were there before.",
    ),
    Function::marked(
        "element",
        &[LIST, Param::new("index", Want::Number)],
        Want::Any,
        element,
        "Returns an element of a list; an index beyond the end starts again at the first.",
    ),
    Function::marked(
        "flatten",
        &[LIST],
        Want::Any,
        |_, args| flatten(args),
        "Replaces lists inside a list by their elements.",
    ),
    Function::plain(
        "index",
        &[LIST, Param::new("value", Want::Any)],
        Want::Number,
        |_, args| index(args),
        "Returns where in a list a value first stands.",
    ),
    Function::marked(
        "length",
        &[Param::new("value", Want::Any)],
        Want::Number,
        |_, args| length(args),
        "Returns how many elements a collection or characters a text has.",
    ),
    Function::marked(
        "one",
        &[LIST],
        Want::Any,
        |_, args| one(args),
        "Returns the only element of a list or set, or null where it is empty.",
    ),
    Function::plain(
        "range",
        &[],
        Want::Numbers,
        |_, args| range(args),
        "Counts: range(limit), range(start, limit) or range(start, limit, step).",
    )
    .rest(Param::new("params", Want::Number)),
    Function::plain("reverse", &[LIST], Want::Any, |_, args| reverse(args), "Reverses a list.").shallow(),
    Function::plain(
        "slice",
        &[LIST, Param::new("start_index", Want::Number), Param::new("end_index", Want::Number)],
        Want::Any,
        |_, args| slice(args),
        "Returns the elements from one index to before another.",
    )
    .shallow(),
    Function::plain(
        "sort",
        &[Param::new("list", Want::Strings)],
        Want::Strings,
        |_, args| sort(args),
        "Sorts a list of strings.",
    ),
    Function::plain(
        "matchkeys",
        &[Param::new("values", Want::List), Param::new("keys", Want::List), Param::new("searchset", Want::List)],
        Want::List,
        |_, args| matchkeys(args),
        "Returns the values whose keys are among those searched for.",
    ),
];

fn sequence(args: &[Value], index: usize) -> Result<&[Value], Fault> {
    args[index].items().ok_or_else(|| {
        Fault::Argument(index, format!("it must be a list, set or tuple, but it is {}", a_type(&args[index].ty())))
    })
}

fn element_type(list: &Value) -> Option<Type> {
    match list {
        Value::List(list) => Some(list.element.clone()),
        Value::Set(set) => Some(set.element.clone()),
        _ => None,
    }
}

fn chunklist(args: &[Value]) -> Result<Value, Fault> {
    let size = usize::try_from(whole(args, 1)?).map_err(|_| Fault::Argument(1, "it is negative".into()))?;
    let element = element_type(&args[0]).unwrap_or(Type::Any);
    let list = items(args, 0);
    let size = if size == 0 { list.len().max(1) } else { size };
    let chunks = list.chunks(size).map(|chunk| Value::list(element.clone(), chunk.to_vec()));
    Ok(Value::list(Type::list(element.clone()), chunks))
}

fn coalesce(args: &[Evaluated]) -> Result<Evaluated, Fault> {
    let types: Vec<Type> = args.iter().map(|arg| arg.value.ty()).collect();
    let shared = match unify(&types) {
        Some(shared) => shared,
        None if args.is_empty() => return Err(Fault::Call("it needs at least one argument".into())),
        None => return Err(Fault::Call("all arguments must have one type".into())),
    };
    for arg in args {
        let value = arg.value.convert(&shared).map_err(|error| Fault::Call(unfit(&error)))?;
        if !value.is_null() && value.as_str() != Some("") {
            return Ok(Evaluated::new(value, arg.marks.clone()));
        }
    }
    Err(Fault::Call("every argument is null or an empty string".into()))
}

fn coalescelist(args: &[Evaluated]) -> Result<Evaluated, Fault> {
    if args.is_empty() {
        return Err(Fault::Call("it needs at least one argument".into()));
    }
    let wrong = args.iter().position(|arg| !matches!(arg.value.ty(), Type::List(_) | Type::Tuple(_)));
    if let Some(index) = wrong {
        let found = a_type(&args[index].value.ty());
        return Err(Fault::Argument(index, format!("it must be a list or tuple, but it is {found}")));
    }
    let full = args.iter().find(|arg| arg.value.items().is_some_and(|items| !items.is_empty()));
    full.cloned().ok_or_else(|| Fault::Call("every list is empty or null".into()))
}

fn compact(args: &[Value]) -> Value {
    let kept = items(args, 0).iter().filter(|item| item.as_str().is_some_and(|text| !text.is_empty()));
    Value::list(Type::String, kept.cloned())
}

fn concat(args: &[Evaluated]) -> Result<Evaluated, Fault> {
    if args.is_empty() {
        return Err(Fault::Call("it needs at least one argument".into()));
    }
    let mut all = Vec::new();
    let mut lists = Vec::new();
    let mut whole = Marks::none();
    for (index, arg) in args.iter().enumerate() {
        let items = match &arg.value {
            Value::List(list) => {
                lists.push(Type::list(list.element.clone()));
                &list.items
            }
            Value::Tuple(items) => items,
            other => {
                return Err(Fault::Argument(
                    index,
                    format!("it must be a list or tuple, but it is {}", a_type(&other.ty())),
                ));
            }
        };
        whole.add(&arg.marks.of_whole());
        for (position, item) in items.iter().enumerate() {
            all.push(Evaluated::new(item.clone(), arg.marks.inside(&Step::Index(position))));
        }
    }
    let joined = expr::tuple(all).marked(&whole);
    if lists.len() == args.len()
        && let Some(shared) = unify(&lists)
        && let Ok(value) = joined.value.convert(&shared)
    {
        return Ok(Evaluated::new(value, joined.marks));
    }
    Ok(joined)
}

fn contains(args: &[Value]) -> Result<Value, Fault> {
    let mut is_sure = true;
    for item in sequence(args, 0)? {
        match equal(item, &args[1]) {
            Some(true) => return Ok(true.into()),
            Some(false) => {}
            None => is_sure = false,
        }
    }
    Ok(if is_sure { false.into() } else { Value::Unknown(Type::Bool) })
}

fn distinct(args: &[Value]) -> Value {
    let mut seen = std::collections::BTreeSet::new();
    let kept: Vec<Value> = items(args, 0).iter().filter(|item| seen.insert((*item).clone())).cloned().collect();
    Value::list(element_type(&args[0]).unwrap_or(Type::Any), kept)
}

fn element(_: &Context<'_>, args: &[Evaluated]) -> Result<Evaluated, Fault> {
    let list = match &args[0].value {
        Value::List(list) => &list.items,
        Value::Tuple(items) => items,
        other => {
            return Err(Fault::Argument(0, format!("it must be a list or tuple, but it is {}", a_type(&other.ty()))));
        }
    };
    if list.is_empty() {
        return Err(Fault::Argument(0, "it is empty".into()));
    }
    let wanted =
        whole(&[args[1].value.clone()], 0).map_err(|_| Fault::Argument(1, "it is not a whole number".into()))?;
    // Beyond either end the list begins again.
    let length = i64::try_from(list.len()).unwrap_or(i64::MAX);
    if wanted % length < 0 && matches!(args[0].value, Value::Tuple(_)) {
        let because = "it is negative, which only a list takes: convert the first argument with `tolist(…)`";
        return Err(Fault::Argument(1, because.into()));
    }
    let index = usize::try_from(wanted.rem_euclid(length)).unwrap_or(0);
    let marks = args[0].marks.inside(&Step::Index(index)).and(&args[1].marks.collapsed());
    Ok(Evaluated::new(list[index].clone(), marks))
}

fn flatten(args: &[Evaluated]) -> Result<Evaluated, Fault> {
    if args[0].value.items().is_none() {
        let because = format!("it must be a list, set or tuple, but it is {}", a_type(&args[0].value.ty()));
        return Err(Fault::Argument(0, because));
    }
    let mut flat = Vec::new();
    if !flatten_into(&args[0], &mut flat) {
        return Ok(Evaluated::unknown().marked(&args[0].marks.collapsed()));
    }
    Ok(expr::tuple(flat))
}

/// Collects the elements; returns whether all were known far enough to tell lists from other values.
fn flatten_into(list: &Evaluated, flat: &mut Vec<Evaluated>) -> bool {
    let inside = |index| match &list.value {
        Value::Set(_) => list.marks.collapsed(),
        _ => list.marks.inside(&Step::Index(index)),
    };
    for (index, item) in list.value.items().unwrap_or_default().iter().enumerate() {
        let item = Evaluated::new(item.clone(), inside(index));
        match &item.value {
            Value::List(_) | Value::Tuple(_) | Value::Set(_) => {
                if !flatten_into(&item, flat) {
                    return false;
                }
            }
            Value::Unknown(Type::Any | Type::List(_) | Type::Set(_) | Type::Tuple(_)) => return false,
            _ => flat.push(item),
        }
    }
    true
}

fn index(args: &[Value]) -> Result<Value, Fault> {
    let list = match &args[0] {
        Value::Set(_) => return Err(Fault::Argument(0, "a set has no order, so its elements have no index".into())),
        _ => sequence(args, 0)?,
    };
    let found = list.iter().position(|item| same(item, &args[1]));
    found.map(expr::index).ok_or_else(|| Fault::Call("the list does not hold the value".into()))
}

fn length(args: &[Evaluated]) -> Result<Evaluated, Fault> {
    use unicode_segmentation::UnicodeSegmentation;
    let count = match &args[0].value {
        Value::String(text) => text.graphemes(true).count(),
        // A set that holds unknowns may have fewer members once they are known.
        Value::Set(set) if !args[0].value.is_wholly_known() && set.items().len() > 1 => {
            return Ok(Evaluated::new(Value::Unknown(Type::Number), args[0].marks.collapsed()));
        }
        Value::List(_) | Value::Set(_) | Value::Tuple(_) => args[0].value.items().unwrap_or_default().len(),
        Value::Map(_) | Value::Object(_) => args[0].value.entries().map_or(0, std::collections::BTreeMap::len),
        other => {
            let because = format!("it must be a collection or a string, but it is {}", a_type(&other.ty()));
            return Err(Fault::Argument(0, because));
        }
    };
    let whole = match &args[0].value {
        Value::String(_) => args[0].marks.collapsed(),
        _ => args[0].marks.of_whole(),
    };
    Ok(Evaluated::new(expr::index(count), whole))
}

fn one(args: &[Evaluated]) -> Result<Evaluated, Fault> {
    let Some(items) = args[0].value.items() else {
        let because = format!("it must be a list, set or tuple, but it is {}", a_type(&args[0].value.ty()));
        return Err(Fault::Argument(0, because));
    };
    match items {
        [] => Ok(Value::Null(element_type(&args[0].value).unwrap_or(Type::Any)).into()),
        [only] => {
            let marks = match &args[0].value {
                Value::Set(_) => args[0].marks.collapsed(),
                _ => args[0].marks.inside(&Step::Index(0)),
            };
            Ok(Evaluated::new(only.clone(), marks))
        }
        items => Err(Fault::Argument(0, format!("it has {} elements instead of none or one", items.len()))),
    }
}

fn range(args: &[Value]) -> Result<Value, Fault> {
    let numbers: Vec<&Number> = args.iter().filter_map(Value::as_number).collect();
    let (start, limit, step) = match numbers.as_slice() {
        [limit] => {
            let step = if limit.is_negative() { -Number::ONE } else { Number::ONE };
            (Number::ZERO, (*limit).clone(), step)
        }
        [start, limit] => {
            let down = limit.value_cmp(start).is_lt();
            ((*start).clone(), (*limit).clone(), if down { -Number::ONE } else { Number::ONE })
        }
        [start, limit, step] => ((*start).clone(), (*limit).clone(), (*step).clone()),
        _ => return Err(Fault::Call("it takes one, two or three numbers".into())),
    };
    if step.is_zero() {
        return Err(Fault::Argument(2, "a step of zero never arrives".into()));
    }
    let down = step.is_negative();
    if numbers.len() == 3 && (down && limit.value_cmp(&start).is_gt() || !down && limit.value_cmp(&start).is_lt()) {
        let because = if down {
            "with a negative step the end must be below the start"
        } else {
            "with a positive step the end must be above the start"
        };
        return Err(Fault::Argument(1, because.into()));
    }
    let mut all = Vec::new();
    let mut at = start;
    while if down { at.value_cmp(&limit).is_gt() } else { at.value_cmp(&limit).is_lt() } {
        if all.len() == MAX_RANGE {
            return Err(Fault::Call(format!("it would make more than {MAX_RANGE} numbers")));
        }
        all.push(Value::Number(at.clone()));
        at = at.checked_add(&step).map_err(|error| Fault::Call(error.to_string()))?;
    }
    Ok(Value::list(Type::Number, all))
}

fn reverse(args: &[Value]) -> Result<Value, Fault> {
    let reversed: Vec<Value> = sequence(args, 0)?.iter().rev().cloned().collect();
    Ok(match element_type(&args[0]) {
        Some(element) => Value::list(element, reversed),
        None => Value::tuple(reversed),
    })
}

fn slice(args: &[Value]) -> Result<Value, Fault> {
    if matches!(args[0], Value::Set(_)) {
        return Err(Fault::Argument(0, "a set has no order, so it cannot be cut".into()));
    }
    let list = sequence(args, 0)?;
    let bound = |index: usize| {
        let number = whole(args, index)?;
        usize::try_from(number)
            .ok()
            .filter(|at| *at <= list.len())
            .ok_or_else(|| Fault::Argument(index, format!("{number} is not from 0 to {}", list.len())))
    };
    let (start, end) = (bound(1)?, bound(2)?);
    if start > end {
        return Err(Fault::Argument(1, format!("{start} is after the end, {end}")));
    }
    let part = list[start..end].to_vec();
    Ok(match element_type(&args[0]) {
        Some(element) => Value::list(element, part),
        None => Value::tuple(part),
    })
}

fn sort(args: &[Value]) -> Result<Value, Fault> {
    let mut texts: Vec<Str> = Vec::new();
    for (index, item) in items(args, 0).iter().enumerate() {
        match item {
            Value::String(text) => texts.push(text.clone()),
            _ => return Err(Fault::Argument(0, format!("element {index} is null"))),
        }
    }
    texts.sort_unstable();
    Ok(Value::list(Type::String, texts.into_iter().map(Value::String)))
}

fn matchkeys(args: &[Value]) -> Result<Value, Fault> {
    let (values, keys) = (items(args, 0), items(args, 1));
    if values.len() != keys.len() {
        return Err(Fault::Call(format!("there are {} values but {} keys", values.len(), keys.len())));
    }
    let shared = unify(&[args[1].ty(), args[2].ty()])
        .ok_or_else(|| Fault::Call("keys and searchset must have one type".into()))?;
    let convert = |index: usize| args[index].convert(&shared).map_err(|error| Fault::Argument(index, unfit(&error)));
    let (keys, wanted) = (convert(1)?, convert(2)?);
    let keys = keys.items().unwrap_or_default();
    let wanted: std::collections::BTreeSet<&Value> = wanted.items().unwrap_or_default().iter().collect();
    let kept = values.iter().zip(keys).filter(|(_, key)| wanted.contains(key));
    Ok(Value::list(element_type(&args[0]).unwrap_or(Type::Any), kept.map(|(value, _)| value.clone())))
}
