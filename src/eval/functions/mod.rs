//! The functions of the language, by family.
//!
//! A function is a row of a table: its name, parameters and one sentence, and a plain Rust function over values.
//! Counting and converting arguments, nulls, unknowns and marks are done once, in `call`, so that an implementation
//! only sees what it asked for. `can` and `try` look at expressions and not at values, so `call` evaluates them.

mod charset;
mod csv;
mod datetime;
mod digest;
mod encoding;
mod equality;
mod filesystem;
mod format;
mod glob;
mod json;
mod list;
mod map;
mod network;
mod numeric;
mod regex;
mod rsa;
mod set;
mod string;
mod template;
mod type_conversion;
mod yaml;

use std::{collections::HashMap, fmt, sync::OnceLock};

use loam_provider::{Type, Value};
use num_bigint::BigInt;

use super::{
    Evaluated, Files, Stage,
    describe::{a_type, unfit},
};

pub(super) use equality::{equal, same};

/// One function.
#[derive(Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// One sentence for help and documentation.
    pub doc: &'static str,
    /// The arguments it must have.
    pub params: &'static [Param],
    /// The arguments that may follow, any number of them.
    pub rest: Option<Param>,
    /// The type of its result, as far as it is known without the arguments.
    pub returns: Want,
    pub(super) depth: Depth,
    pub(super) when: When,
    pub(super) implementation: Implementation,
}

/// One parameter.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// What an argument is converted to.
    pub want: Want,
    /// Whether it may be null.
    pub nulls: Nulls,
}

/// A type that a parameter asks for, or that a result has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Anything, as it is.
    Any,
    /// A bool.
    Bool,
    /// A number.
    Number,
    /// A string.
    String,
    /// A list of one type.
    List,
    /// A list of lists of one type.
    Lists,
    /// A list of strings.
    Strings,
    /// A list of numbers.
    Numbers,
    /// A list of bools.
    Bools,
    /// A set of one type.
    Set,
    /// A set of strings.
    SetOfStrings,
    /// A map of one type.
    Map,
    /// A map of lists of strings.
    MapOfStrings,
}

/// Whether a parameter takes null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// It is an error.
    Refused,
    /// It is a value like others.
    Taken,
}

/// How far arguments have to be known for a call to have a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// With everything inside them.
    Whole,
    /// Themselves; what is inside may be unknown.
    Shallow,
    /// Not at all: what the result is follows from types alone.
    Unknown,
}

/// When a call can have a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Whenever its arguments are known.
    Always,
    /// Once changes are made, because no two calls have the same result.
    AtApply,
}

/// What a function computes, once its arguments are sound.
#[derive(Debug)]
pub(super) enum Implementation {
    /// From plain values; the result is secret if anything in the arguments is.
    Plain(fn(&Context<'_>, &[Value]) -> Result<Value, Fault>),
    /// From values with their marks.
    Marked(fn(&Context<'_>, &[Evaluated]) -> Result<Evaluated, Fault>),
}

/// What functions may look at beside their arguments.
pub(super) struct Context<'s> {
    pub(super) files: &'s Files,
    pub(super) stage: Stage,
}

/// Why a call has no result: a fragment that ends the sentence "it failed: ".
#[derive(Debug)]
pub(super) enum Fault {
    /// Because of one argument.
    Argument(usize, String),
    /// Because of the whole call.
    Call(String),
}

type Plain = fn(&Context<'_>, &[Value]) -> Result<Value, Fault>;
type Marked = fn(&Context<'_>, &[Evaluated]) -> Result<Evaluated, Fault>;

impl Function {
    pub(super) const fn plain(
        name: &'static str,
        params: &'static [Param],
        returns: Want,
        compute: Plain,
        doc: &'static str,
    ) -> Self {
        let implementation = Implementation::Plain(compute);
        Self { name, doc, params, rest: None, returns, depth: Depth::Whole, when: When::Always, implementation }
    }

    pub(super) const fn marked(
        name: &'static str,
        params: &'static [Param],
        returns: Want,
        compute: Marked,
        doc: &'static str,
    ) -> Self {
        let implementation = Implementation::Marked(compute);
        Self { name, doc, params, rest: None, returns, depth: Depth::Shallow, when: When::Always, implementation }
    }

    pub(super) const fn rest(mut self, rest: Param) -> Self {
        self.rest = Some(rest);
        self
    }

    pub(super) const fn shallow(mut self) -> Self {
        self.depth = Depth::Shallow;
        self
    }

    pub(super) const fn of_unknown(mut self) -> Self {
        self.depth = Depth::Unknown;
        self
    }

    pub(super) const fn at_apply(mut self) -> Self {
        self.when = When::AtApply;
        self
    }

    /// Returns the parameter that an argument belongs to.
    pub(super) fn param(&self, index: usize) -> &Param {
        const ANY: Param = Param::new("value", Want::Any);
        self.params.get(index).or(self.rest.as_ref()).unwrap_or(const { &ANY })
    }

    /// Returns how it is called: `join(separator, lists...)`.
    #[must_use]
    pub fn signature(&self) -> String {
        let names = self.params.iter().map(|param| param.name.to_owned());
        let rest = self.rest.iter().map(|param| format!("{}...", param.name));
        format!("{}({})", self.name, names.chain(rest).collect::<Vec<_>>().join(", "))
    }
}

impl Param {
    pub(super) const fn new(name: &'static str, want: Want) -> Self {
        Self { name, want, nulls: Nulls::Refused }
    }

    pub(super) const fn nullable(name: &'static str, want: Want) -> Self {
        Self { name, want, nulls: Nulls::Taken }
    }
}

impl Want {
    /// Returns the type.
    #[must_use]
    pub fn ty(self) -> Type {
        match self {
            Self::Any => Type::Any,
            Self::Bool => Type::Bool,
            Self::Number => Type::Number,
            Self::String => Type::String,
            Self::List => Type::list(Type::Any),
            Self::Lists => Type::list(Type::list(Type::Any)),
            Self::Strings => Type::list(Type::String),
            Self::Numbers => Type::list(Type::Number),
            Self::Bools => Type::list(Type::Bool),
            Self::Set => Type::set(Type::Any),
            Self::SetOfStrings => Type::set(Type::String),
            Self::Map => Type::map(Type::Any),
            Self::MapOfStrings => Type::map(Type::list(Type::String)),
        }
    }
}

impl fmt::Display for Want {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "any value",
            Self::Bool => "true or false",
            Self::Number => "a number",
            Self::String => "a string",
            Self::List => "a list of one type",
            Self::Lists => "a list of lists",
            Self::Strings => "a list of strings",
            Self::Numbers => "a list of numbers",
            Self::Bools => "a list of true and false",
            Self::Set => "a set of one type",
            Self::SetOfStrings => "a set of strings",
            Self::Map => "a map of one type",
            Self::MapOfStrings => "a map of lists of strings",
        })
    }
}

/// `can` and `try`, which look at expressions: their calls are evaluated by `call`.
const EXPRESSIONS: &[Function] = &[
    Function::marked(
        "can",
        &[Param::new("expression", Want::Any)],
        Want::Bool,
        |_, args| Ok(args[0].clone()),
        "Returns whether an expression can be evaluated without an error.",
    ),
    Function::marked(
        "try",
        &[],
        Want::Any,
        |_, args| args.first().cloned().ok_or_else(|| Fault::Call("it needs at least one expression".into())),
        "Returns the first expression that can be evaluated without an error.",
    )
    .rest(Param::new("expressions", Want::Any)),
];

/// Returns every function of configurations, by family.
pub fn all() -> impl Iterator<Item = &'static Function> {
    [
        numeric::FUNCTIONS,
        string::FUNCTIONS,
        regex::FUNCTIONS,
        format::FUNCTIONS,
        list::FUNCTIONS,
        map::FUNCTIONS,
        set::FUNCTIONS,
        encoding::FUNCTIONS,
        digest::FUNCTIONS,
        network::FUNCTIONS,
        datetime::FUNCTIONS,
        filesystem::FUNCTIONS,
        template::FUNCTIONS,
        type_conversion::FUNCTIONS,
        EXPRESSIONS,
    ]
    .into_iter()
    .flatten()
}

/// Returns the functions that only a console has.
pub fn of_console() -> impl Iterator<Item = &'static Function> {
    type_conversion::OF_CONSOLE.iter()
}

/// Returns a function by its name; `core::name` is the same as `name`.
pub(super) fn find(name: &str, stage: Stage) -> Option<&'static Function> {
    static TABLE: OnceLock<HashMap<&'static str, &'static Function>> = OnceLock::new();
    let table = TABLE.get_or_init(|| all().map(|function| (function.name, function)).collect());
    let name = name.strip_prefix("core::").unwrap_or(name);
    let of_console = || match stage {
        Stage::Console { .. } => of_console().find(|function| function.name == name),
        Stage::Check | Stage::Plan { .. } | Stage::Apply { .. } => None,
    };
    table.get(name).copied().or_else(of_console)
}

/// Returns random bytes.
fn random() -> Result<[u8; 16], Fault> {
    let mut bytes = [0; 16];
    let failed = |error: getrandom::Error| Fault::Call(format!("the system gives no random bytes: {error}"));
    getrandom::fill(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Returns a number argument as a whole number of any size.
fn big(args: &[Value], index: usize) -> Result<BigInt, Fault> {
    /// Far beyond what any function counts.
    const MOST_DIGITS: usize = 400;
    let number = args.get(index).and_then(Value::as_number);
    let shown = number.map(ToString::to_string).unwrap_or_default();
    let parsed = if shown.len() <= MOST_DIGITS { shown.parse().ok() } else { None };
    parsed.ok_or_else(|| Fault::Argument(index, format!("{shown} is not a whole number in range")))
}

/// Returns a number argument as a whole number.
fn whole(args: &[Value], index: usize) -> Result<i64, Fault> {
    let number = args.get(index).and_then(Value::as_number);
    number.and_then(loam_provider::Number::to_i64).ok_or_else(|| {
        let shown = number.map(ToString::to_string).unwrap_or_default();
        Fault::Argument(index, format!("{shown} is not a whole number in range"))
    })
}

/// Returns a string argument.
fn text(args: &[Value], index: usize) -> &str {
    args.get(index).and_then(Value::as_str).unwrap_or_default()
}

/// Returns the items of a sequence argument.
fn items(args: &[Value], index: usize) -> &[Value] {
    args.get(index).and_then(Value::items).unwrap_or_default()
}
