//! The functions of the language, by family.
//!
//! A function is a row of a table: its name, parameters and one sentence, and a plain Rust function over values.
//! Counting and converting arguments, nulls, unknowns and marks are done once, in `call`, so that an implementation
//! only sees what it asked for. `can` and `try`, which look at expressions and not at values, are there too.

mod encoding;
mod equality;
mod filesystem;
mod format;
mod json;
mod list;
mod map;
mod numeric;
mod set;
mod string;
mod type_conversion;

use std::{collections::HashMap, fmt, sync::OnceLock};

use loam_provider::{Type, Value};

use super::{
    Evaluated, Files,
    describe::{a_type, unfit},
};

pub(super) use equality::same;

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
    /// A list of strings.
    Strings,
    /// A list of numbers.
    Numbers,
    /// A list of bools.
    Bools,
    /// A set of one type.
    Set,
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
        Self { name, doc, params, rest: None, returns, depth: Depth::Whole, implementation }
    }

    pub(super) const fn marked(
        name: &'static str,
        params: &'static [Param],
        returns: Want,
        compute: Marked,
        doc: &'static str,
    ) -> Self {
        let implementation = Implementation::Marked(compute);
        Self { name, doc, params, rest: None, returns, depth: Depth::Shallow, implementation }
    }

    pub(super) const fn rest(mut self, rest: Param) -> Self {
        self.rest = Some(rest);
        self
    }

    pub(super) const fn shallow(mut self) -> Self {
        self.depth = Depth::Shallow;
        self
    }

    pub(super) const fn whole(mut self) -> Self {
        self.depth = Depth::Whole;
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
            Self::Strings => Type::list(Type::String),
            Self::Numbers => Type::list(Type::Number),
            Self::Bools => Type::list(Type::Bool),
            Self::Set => Type::set(Type::Any),
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
            Self::Strings => "a list of strings",
            Self::Numbers => "a list of numbers",
            Self::Bools => "a list of true and false",
            Self::Set => "a set of one type",
            Self::MapOfStrings => "a map of lists of strings",
        })
    }
}

/// Returns every function but `can` and `try`, by family.
pub fn all() -> impl Iterator<Item = &'static Function> {
    [
        numeric::FUNCTIONS,
        string::FUNCTIONS,
        format::FUNCTIONS,
        list::FUNCTIONS,
        map::FUNCTIONS,
        set::FUNCTIONS,
        encoding::FUNCTIONS,
        filesystem::FUNCTIONS,
        type_conversion::FUNCTIONS,
    ]
    .into_iter()
    .flatten()
}

/// Returns a function by its name; `core::name` is the same as `name`.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    static TABLE: OnceLock<HashMap<&'static str, &'static Function>> = OnceLock::new();
    let table = TABLE.get_or_init(|| all().map(|function| (function.name, function)).collect());
    table.get(name.strip_prefix("core::").unwrap_or(name)).copied()
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
