//! Maps and objects.

use std::collections::BTreeMap;

use loam_provider::{Map, Step, Str, Type, Value};

use super::{Fault, Function, Param, Want, a_type, items};
use crate::eval::{Evaluated, Marks, expr};

const MAP: Param = Param::new("inputMap", Want::Any);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::marked("keys", &[MAP], Want::Any, |_, args| keys(args), "Returns the keys of a map, sorted."),
    Function::marked(
        "lookup",
        &[MAP, Param::new("key", Want::String)],
        Want::Any,
        |_, args| lookup(args),
        "Returns the value of a key, or a default where there is none.",
    )
    .rest(Param::nullable("default", Want::Any)),
    Function::marked(
        "merge",
        &[],
        Want::Any,
        |_, args| merge(args),
        "Puts maps together; of a key that comes twice the last value stays.",
    )
    .rest(Param::nullable("maps", Want::Any)),
    Function::plain(
        "transpose",
        &[Param::new("values", Want::MapOfStrings)],
        Want::MapOfStrings,
        |_, args| transpose(args),
        "Turns a map of lists round: what was in the lists becomes the keys.",
    ),
    Function::marked(
        "values",
        &[Param::new("mapping", Want::Any)],
        Want::Any,
        |_, args| values(args),
        "Returns the values of a map, sorted by their keys.",
    ),
    Function::marked(
        "zipmap",
        &[Param::new("keys", Want::Strings), Param::new("values", Want::Any)],
        Want::Any,
        |_, args| zipmap(args),
        "Makes a map of a list of keys and a list of values.",
    ),
];

fn entries(args: &[Evaluated], index: usize) -> Result<&BTreeMap<Str, Value>, Fault> {
    args[index].value.entries().ok_or_else(|| {
        Fault::Argument(index, format!("it must be a map or object, but it is {}", a_type(&args[index].value.ty())))
    })
}

fn whole(marks: &Marks) -> Marks {
    marks.of_whole()
}

fn keys(args: &[Evaluated]) -> Result<Evaluated, Fault> {
    let keys = entries(args, 0)?.keys().cloned().map(Value::String);
    let value = match &args[0].value {
        Value::Map(_) => Value::list(Type::String, keys),
        _ => Value::tuple(keys),
    };
    Ok(Evaluated::new(value, whole(&args[0].marks)))
}

fn values(args: &[Evaluated]) -> Result<Evaluated, Fault> {
    let values = entries(args, 0)?
        .iter()
        .map(|(name, value)| Evaluated::new(value.clone(), args[0].marks.inside(&Step::Name(name.clone()))));
    let built = expr::tuple(values.collect());
    let value = match &args[0].value {
        Value::Map(map) => Value::list(map.element.clone(), built.value.items().unwrap_or_default().to_vec()),
        _ => built.value,
    };
    Ok(Evaluated::new(value, built.marks).marked(&whole(&args[0].marks)))
}

fn lookup(args: &[Evaluated]) -> Result<Evaluated, Fault> {
    if args.len() > 3 {
        return Err(Fault::Call("it takes a map, a key and a default".into()));
    }
    let entries = entries(args, 0)?;
    let key = args[1].value.as_str().unwrap_or_default();
    let key_marks = args[1].marks.collapsed();
    let element = match &args[0].value {
        Value::Map(Map { element, .. }) => Some(element),
        _ => None,
    };
    // A default that does not fit the map is wrong whether or not it is needed.
    let default = match (args.get(2), element) {
        (Some(default), Some(element)) => {
            let value = default.value.convert(element).map_err(|_| {
                Fault::Argument(
                    2,
                    format!("it is {}, but the map holds {}", a_type(&default.value.ty()), a_type(element)),
                )
            })?;
            Some(Evaluated::new(value, default.marks.clone()))
        }
        (default, _) => default.cloned(),
    };
    if let Some(value) = entries.get(key) {
        let marks = args[0].marks.inside(&Step::Name(Str::from(key)));
        return Ok(Evaluated::new(value.clone(), marks).marked(&key_marks));
    }
    match default {
        Some(default) => Ok(default.marked(&key_marks).marked(&whole(&args[0].marks))),
        None => {
            Err(Fault::Call(format!("the map has no key \"{key}\", and no default is given as the third argument")))
        }
    }
}

fn merge(args: &[Evaluated]) -> Result<Evaluated, Fault> {
    let mut merged: BTreeMap<Str, Evaluated> = BTreeMap::new();
    let mut marks = Marks::none();
    let mut types = Vec::new();
    for (index, arg) in args.iter().enumerate() {
        if matches!(&arg.value, Value::Null(Type::Any | Type::Map(_) | Type::Object(_))) {
            continue;
        }
        marks.add(&whole(&arg.marks));
        types.push(arg.value.ty());
        for (name, value) in entries(args, index)? {
            let inside = arg.marks.inside(&Step::Name(name.clone()));
            merged.insert(name.clone(), Evaluated::new(value.clone(), inside));
        }
    }
    for (name, value) in &merged {
        marks.add(&value.marks.under(Step::Name(name.clone())));
    }
    let fields = merged.into_iter().map(|(name, value)| (name, value.value));
    let value = match types.as_slice() {
        [first @ Type::Map(element), rest @ ..] if rest.iter().all(|ty| ty == first) => {
            Value::map((**element).clone(), fields)
        }
        _ => Value::object(fields),
    };
    Ok(Evaluated::new(value, marks))
}

fn transpose(args: &[Value]) -> Result<Value, Fault> {
    let mut turned: BTreeMap<Str, Vec<Value>> = BTreeMap::new();
    for (name, list) in args[0].entries().into_iter().flatten() {
        for item in list.items().unwrap_or_default() {
            let Value::String(text) = item else {
                return Err(Fault::Argument(0, format!("the list of `{name}` holds null")));
            };
            turned.entry(text.clone()).or_default().push(Value::String(name.clone()));
        }
    }
    let lists = turned.into_iter().map(|(name, list)| (name, Value::list(Type::String, list)));
    Ok(Value::map(Type::list(Type::String), lists))
}

fn zipmap(args: &[Evaluated]) -> Result<Evaluated, Fault> {
    let keys = [args[0].value.clone()];
    let keys = items(&keys, 0);
    let list = match &args[1].value {
        Value::List(list) => &list.items,
        Value::Tuple(items) => items,
        other => {
            return Err(Fault::Argument(1, format!("it must be a list or tuple, but it is {}", a_type(&other.ty()))));
        }
    };
    if keys.len() != list.len() {
        return Err(Fault::Call(format!("there are {} keys but {} values", keys.len(), list.len())));
    }
    let mut marks = args[0].marks.collapsed().and(&whole(&args[1].marks));
    let mut fields = BTreeMap::new();
    for (index, (key, value)) in keys.iter().zip(list.iter()).enumerate() {
        match key {
            Value::String(key) => {
                marks.add(&args[1].marks.inside(&Step::Index(index)).under(Step::Name(key.clone())));
                fields.insert(key.clone(), value.clone());
            }
            Value::Unknown(_) => return Ok(Evaluated::unknown().marked(&marks.collapsed())),
            _ => return Err(Fault::Argument(0, format!("key {index} is null"))),
        }
    }
    let value = match &args[1].value {
        Value::List(list) => Value::map(list.element.clone(), fields),
        _ => Value::object(fields),
    };
    Ok(Evaluated::new(value, marks))
}
