//! The language and its diagnostics, as data.

mod conformance;
mod diagnostics;
mod differential;
mod dynamic;
mod json;
mod language;
mod overrides;
mod planned;
