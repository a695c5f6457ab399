//! What the engine and its providers agree on.
//!
//! Values and their types, the schemas of kinds, the provider trait, and buckets as every
//! provider sees them. Nothing here does I/O, and nothing here knows the engine.
//! Start in [`Provider`].

mod convert;
mod error;
mod json;
pub mod kinds;
mod number;
mod objects;
mod path;
mod provider;
mod schema;
mod spec;
mod suggest;
mod ty;
mod unify;
mod units;
mod value;

pub use convert::{ConvertError, Expected, can_convert};
pub use error::{ProviderError, Trouble};
pub use json::InvalidJson;
pub use number::{ArithmeticError, Number, ParseNumberError};
pub use objects::{
    ETag, InvalidKey, MAX_KEY_BYTES, ObjectError, ObjectKey, ObjectMeta, ObjectStore, Page, Precondition, Stores,
    Upload,
};
pub use path::{InvalidPath, Path, Step};
pub use provider::{
    CallCx, Cause, ConfigureCx, Factory, Failure, OpToken, PlanRequest, Planned, Progress, ProgressSender, Provider,
    Remains, Report, Resolution, Unit,
};
pub use schema::{Attribute, Block, DataSource, Format, Kind, Nesting, OnChange, OnDestroy, Role, Schema, Sensitivity};
pub use spec::decode;
pub use suggest::{did_you_mean, suggest};
pub use ty::{Field, InvalidType, ObjectType, Presence, Type};
pub use unify::unify;
pub use units::{InvalidUnit, Period, Rate, Size};
pub use value::{Known, List, Map, NotKnown, Set, Str, Value};
