//! The language and its diagnostics, as data.

mod conformance;
mod diagnostics;
mod differential;
mod dynamic;
mod language;
mod overrides;
