//! Text to configuration.
//!
//! [`load`] reads a directory. Each text is parsed (`syntax`) and lowered once (`blocks`, `resource`, `calls`, `targets`,
//! `lower`) to the types here; nobody else sees a syntax tree. `check` then looks up every name that is used,
//! `interfaces` whether modules fit their calls, and [`cycles`] what needs itself.
//!
//! Nothing here evaluates anything. Start in `syntax` if a syntax error reads badly, in `lower` if an expression
//! means something else than it says.

mod assertions;
mod blocks;
mod body;
mod calls;
mod check;
mod choices;
mod composition;
mod configurations;
mod constant;
mod cycles;
mod dynamic;
mod expr;
pub mod format;
mod interfaces;
mod literals;
mod load;
mod lower;
mod module;
mod names;
mod overrides;
mod resource;
mod syntax;
mod targets;
mod template;
mod tree;
mod types;
mod version;

pub use check::Declared;
pub use composition::{
    CheckBlock, Import, ModuleCall, Moved, PassedProvider, Removed, Target, TargetBlock, TargetStep,
};
pub use configurations::configurations;
pub use constant::constant;
pub use cycles::{Member, Need, Needs, Node, cycles, needs};
pub use expr::{
    BinaryOp, Call, Conditional, Expr, ExprKind, FinalArg, For, ForResult, Item, OutputName, Part, Reference, Step,
    StepKind, Subject, UnaryOp, Way,
};
pub use format::{FormatError, format};
pub use interfaces::{check_calls, check_root};
pub use literals::misspelt;
pub use load::{
    EXTENSION, File, JSON_EXTENSION, MAX_BYTES, expression, is_configured, load, load_module, parse, template,
    variables_file,
};
pub use module::{
    Attribute, Block, BlockName, Body, Check, Config, Dynamic, IgnoreChanges, Label, Lifecycle, Module, Notation,
    Output, Provider, ProviderChoice, ProviderName, Reading, Repeat, Resource, Settings, Variable,
};
pub use tree::{Called, ModuleId, Tree};
pub use version::check_version;
