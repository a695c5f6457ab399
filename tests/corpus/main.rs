//! The language and its diagnostics, as data.

mod conformance;
mod diagnostics;
mod dynamic;
mod language;
