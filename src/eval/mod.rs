//! Expressions and a scope to values.
//!
//! Knows names and values, not state, plan or providers. Nothing stops at the first mistake: a diagnostic is added
//! and the value is unknown.

mod files;
mod marks;
mod scope;

pub use files::{FileError, Files, MAX_FILE_BYTES};
pub use marks::{Evaluated, Marks};
pub use scope::{Each, InstanceValues, ModuleValues, Scope};
