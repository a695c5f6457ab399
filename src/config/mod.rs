//! Text to configuration.
//!
//! Files are parsed and lowered once to the types here; nobody else sees a syntax tree.

mod expr;
mod module;

pub use expr::{
    BinaryOp, Call, Conditional, Expr, ExprKind, FinalArg, For, ForResult, Item, Part, Reference, Step, StepKind,
    Subject, UnaryOp,
};
pub use module::{
    Attribute, Block, BlockName, Body, Check, Config, IgnoreChanges, Label, Lifecycle, Module, Output, Provider,
    ProviderChoice, ProviderName, Repeat, Resource, Settings, Variable,
};
