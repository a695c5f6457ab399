//! Numbers.

use loam_provider::{Number, Value};

use super::{Fault, Function, Param, Want, a_type, items, text, whole};

const NUMBER: Param = Param::new("num", Want::Number);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::plain(
        "abs",
        &[NUMBER],
        Want::Number,
        |_, args| one(args, Number::abs),
        "Returns a number without its sign.",
    ),
    Function::plain("ceil", &[NUMBER], Want::Number, |_, args| one(args, Number::ceil), "Rounds up to a whole number."),
    Function::plain(
        "floor",
        &[NUMBER],
        Want::Number,
        |_, args| one(args, Number::floor),
        "Rounds down to a whole number.",
    ),
    Function::plain(
        "log",
        &[NUMBER, Param::new("base", Want::Number)],
        Want::Number,
        |_, args| two(args, |number, base| number.log_f64(base)),
        "Returns the logarithm of a number to a base.",
    ),
    Function::plain(
        "max",
        &[],
        Want::Number,
        |_, args| extreme(args, std::cmp::Ordering::Greater),
        "Returns the greatest of its arguments.",
    )
    .rest(Param::new("numbers", Want::Number)),
    Function::plain(
        "min",
        &[],
        Want::Number,
        |_, args| extreme(args, std::cmp::Ordering::Less),
        "Returns the least of its arguments.",
    )
    .rest(Param::new("numbers", Want::Number)),
    Function::plain(
        "parseint",
        &[Param::new("number", Want::Any), Param::new("base", Want::Number)],
        Want::Number,
        |_, args| {
            if args[0].as_str().is_none() {
                return Err(Fault::Argument(0, format!("it must be a string, but it is {}", a_type(&args[0].ty()))));
            }
            let base =
                u32::try_from(whole(args, 1)?).map_err(|_| Fault::Argument(1, "it must be from 2 to 62".into()))?;
            Number::parse_int(text(args, 0), base)
                .map(Value::Number)
                .map_err(|error| Fault::Argument(0, error.to_string()))
        },
        "Reads a whole number written in a base from 2 to 62.",
    ),
    Function::plain(
        "pow",
        &[NUMBER, Param::new("power", Want::Number)],
        Want::Number,
        |_, args| two(args, |number, power| number.pow_f64(power)),
        "Raises a number to a power.",
    ),
    Function::plain(
        "signum",
        &[NUMBER],
        Want::Number,
        |_, args| {
            whole(args, 0)?;
            one(args, |number| Number::from(i64::from(number.signum())))
        },
        "Returns -1, 0 or 1, as a number is negative, zero or positive.",
    ),
    Function::plain(
        "sum",
        &[Param::new("list", Want::Any)],
        Want::Number,
        |_, args| sum(args),
        "Adds up the numbers of a list or set.",
    ),
];

fn one(args: &[Value], compute: fn(&Number) -> Number) -> Result<Value, Fault> {
    let number = args.first().and_then(Value::as_number).expect("the argument was converted to a number");
    Ok(Value::Number(compute(number)))
}

fn two(
    args: &[Value],
    compute: fn(&Number, &Number) -> Result<Number, loam_provider::ArithmeticError>,
) -> Result<Value, Fault> {
    let [Value::Number(left), Value::Number(right)] = args else {
        return Err(Fault::Call("it needs two numbers".into()));
    };
    compute(left, right).map(Value::Number).map_err(|error| Fault::Call(error.to_string()))
}

fn extreme(args: &[Value], wanted: std::cmp::Ordering) -> Result<Value, Fault> {
    let mut numbers = args.iter().filter_map(Value::as_number);
    let first = numbers.next().ok_or_else(|| Fault::Call("it needs at least one number".into()))?;
    let best = numbers.fold(first, |best, number| if number.value_cmp(best) == wanted { number } else { best });
    Ok(Value::Number(best.clone()))
}

fn sum(args: &[Value]) -> Result<Value, Fault> {
    if args[0].items().is_none() {
        return Err(Fault::Argument(0, format!("it must be a list of numbers, but it is {}", a_type(&args[0].ty()))));
    }
    let mut numbers = items(args, 0).iter();
    let number = |item: &Value| match item.convert(&loam_provider::Type::Number) {
        Ok(Value::Number(number)) => Ok(number),
        Ok(_) => Err(Fault::Argument(0, "it holds null".into())),
        Err(_) => Err(Fault::Argument(0, format!("it holds {}", a_type(&item.ty())))),
    };
    let first = numbers.next().ok_or_else(|| Fault::Argument(0, "it is empty".into()))?;
    let total = numbers.try_fold(number(first)?, |total, item| {
        total.checked_add(&number(item)?).map_err(|error| Fault::Call(error.to_string()))
    });
    total.map(Value::Number)
}
