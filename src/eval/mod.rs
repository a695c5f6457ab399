//! Expressions and a scope to values.
//!
//! Knows names and values, not state, plan or providers. Nothing stops at the first mistake: a diagnostic is added
//! and the value is unknown. [`expr`] evaluates an expression, [`body`] the body of a block against a schema,
//! [`variables`] the variables of a module, and
//! [`Statics`] what must be known before anything is planned.
//!
//! Start in `call` if a function gets the wrong arguments, in `marks` if a secret is lost.

mod body;
mod call;
mod collection;
mod describe;
mod dynamic;
mod expr;
mod files;
pub mod functions;
mod marks;
mod operators;
mod scope;
mod statics;
mod steps;
mod template;
mod variables;

pub use body::{body, ephemeral, with_defaults};
pub use expr::expr;
pub use files::{FileError, Files, MAX_FILE_BYTES};
pub use marks::{Evaluated, Marks};
pub use scope::{Each, InstanceValues, ModuleValues, Scope, Stage};
pub use statics::{Obstacle, Statics};
pub use variables::{
    Inputs, Outcome, WhenUndeclared, answer, argument, check, validate_all, validate_rest, validations, variables,
};
