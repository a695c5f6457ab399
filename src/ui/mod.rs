//! What users see: the only module that prints.
//!
//! Functions here turn data into text or JSON lines on a writer that is passed in; [`Screen`] holds the two writers of
//! a run, results on standard output and everything else on standard error. Nothing here reads an environment, a
//! clock or a terminal: `cli` decides what a surface can show and says so in a [`Style`].
//!
//! Secrets are masked while trees of values are made (`value` and `plan::diff`), before anything is laid out.

mod about;
mod ask;
mod confirm;
mod console;
mod diagnostic;
mod functions;
mod json;
mod module;
mod names;
mod note;
mod plan;
mod progress;
#[cfg(test)]
mod schema_test;
mod screen;
mod show;
mod style;
mod text;
mod tree;
mod trouble;
mod value;

pub use about::{Version, addresses, addresses_json, providers, providers_json, valid_json, version, version_json};
pub use ask::{Question, ask};
pub use confirm::{Answer, Answers, ConfirmError, confirm};
pub use console::{answer, answer_error_json, answer_json, request_error_json};
pub use diagnostic::{diagnostics, diagnostics_json};
pub use functions::{function, functions, functions_json};
pub use module::{module, module_json};
pub use note::{heading, note, text_diff};
pub use plan::{plan, plan_json};
pub use progress::{Now, Progress, Size, Terminal};
pub use screen::{PrintError, Screen};
pub use show::{
    NoRawForm, object, object_json, object_list, output, output_json, output_raw, outputs, outputs_json, table,
};
pub use style::{Colour, DEFAULT_WIDTH, Glyphs, Style};
pub use trouble::{error, error_json};
