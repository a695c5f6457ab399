//! The kind `process`: what it is configured with, and what it exports.

use std::collections::BTreeMap;

use loam_provider::{
    Attribute, Format, Kind, OnDestroy, Schema, Type,
    kinds::{Ready, Stop, ready, stop},
};
use serde::Deserialize;

/// A process as it is configured.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Spec {
    #[serde(default)]
    pub(crate) command: Vec<String>,
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) cwd: Option<String>,
    #[serde(default)]
    pub(crate) restart: Restart,
    #[serde(default)]
    pub(crate) ready: Ready,
    #[serde(default)]
    pub(crate) stop: Stop,
}

/// What happens when it is found to have ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Restart {
    /// The next apply starts it again.
    #[default]
    Apply,
    /// It stays as it is: its end is what was wanted.
    Never,
}

/// Returns the kind `process`.
pub(crate) fn process() -> Kind {
    let restart = Attribute::default(
        Type::String,
        "apply",
        "What happens when it has ended: the next `apply` starts it again, or `never`.",
    );
    let schema = Schema::new([
        ("command", Attribute::required(Type::list(Type::String), "The command and its arguments.")),
        ("env", Attribute::optional(Type::map(Type::String), "Environment variables.")),
        ("cwd", Attribute::optional(Type::String, "Its working directory; otherwise the configuration's.")),
        ("restart", restart.format(Format::OneOf(&["apply", "never"]))),
        ("status", Attribute::computed(Type::String, "`running`, `starting` or `dead`.")),
        ("pid", Attribute::computed(Type::Number, "Its pid; null when it is dead.")),
        ("process", Attribute::computed(Type::String, "Boot, pid and start time: which process it is.")),
        ("dir", Attribute::computed(Type::String, "The directory of its record and log.")),
        ("log", Attribute::computed(Type::String, "The file of what it prints.")),
        ("digest", Attribute::computed(Type::String, "The digest of command, environment and directory.")),
    ]);
    let schema = schema.block("ready", ready()).block("stop", stop());
    let doc = "A detached process that outlives loam.";
    Kind { name: "process".into(), doc: doc.into(), schema, on_destroy: OnDestroy::Delete }
}
