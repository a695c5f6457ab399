//! What networks and processes share: when something that runs is ready, and how it is stopped.

use std::time::Duration;

use serde::Deserialize;

use crate::{Attribute, Block, Format, Known, Nesting, Period, Schema, Type};

/// The signals a `stop` block may name.
pub const SIGNALS: &[&str] = &["TERM", "INT", "QUIT", "HUP", "USR1", "USR2", "KILL"];

/// When something that was started counts as ready.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Ready {
    /// It answers over HTTP.
    pub http: Option<HttpProbe>,
    /// It accepts connections.
    pub tcp: Option<TcpProbe>,
    /// A command succeeds.
    pub exec: Option<ExecProbe>,
    /// How long it may take.
    #[serde(default = "two_minutes")]
    pub timeout: Period,
    /// The pause between two probes.
    #[serde(default = "quarter_second")]
    pub interval: Period,
    /// A line of its log that means it will never be ready.
    pub failure_log: Option<String>,
}

/// A request that must be answered well.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct HttpProbe {
    /// The name of a port, or its number.
    #[serde(default)]
    pub port: String,
    /// The path that is asked for.
    #[serde(default = "slash")]
    pub path: String,
    /// The status the answer must have; without it, any from 200 to 399.
    pub status: Option<u16>,
}

/// A connection that must be accepted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TcpProbe {
    /// The name of a port, or its number.
    #[serde(default)]
    pub port: String,
}

/// A command that must succeed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ExecProbe {
    /// The command and its arguments.
    #[serde(default)]
    pub command: Vec<String>,
}

/// How something that runs is stopped.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Stop {
    /// The signal that asks it to end, without `SIG`.
    #[serde(default = "term")]
    pub signal: String,
    /// How long it may take before it is killed.
    #[serde(default = "ten_seconds")]
    pub grace: Period,
}

impl Default for Ready {
    fn default() -> Self {
        Self {
            http: None,
            tcp: None,
            exec: None,
            timeout: two_minutes(),
            interval: quarter_second(),
            failure_log: None,
        }
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self { signal: term(), grace: ten_seconds() }
    }
}

/// Returns the block `ready`.
#[must_use]
pub fn ready() -> Block {
    let port = || Attribute::required(Type::String, "The name of a port, or its number.");
    let http = Schema::new([
        ("port", port()),
        ("path", Attribute::default(Type::String, "/", "The path that is asked for.")),
        ("status", Attribute::optional(Type::Number, "The status of a good answer; without it, any from 200 to 399.")),
    ]);
    let tcp = Schema::new([("port", port())]);
    let exec = Schema::new([(
        "command",
        Attribute::required(Type::list(Type::String), "The command; it is ready when it exits with 0."),
    )]);
    let schema = Schema::new([
        ("timeout", Attribute::default(Type::String, "2m", "How long it may take.").format(Format::Period)),
        ("interval", Attribute::default(Type::String, "250ms", "The pause between probes.").format(Format::Period)),
        (
            "failure_log",
            Attribute::optional(
                Type::String,
                "Text that, in a line of the log, means it will never be ready; `*` stands for anything in between.",
            ),
        ),
    ]);
    let schema = schema
        .block("http", Block::new(Nesting::Optional, http, "It is ready when it answers over HTTP."))
        .block("tcp", Block::new(Nesting::Optional, tcp, "It is ready when it accepts connections."))
        .block("exec", Block::new(Nesting::Optional, exec, "It is ready when a command succeeds."));
    Block::new(
        Nesting::Optional,
        schema,
        "When it counts as ready; without a probe, when it still runs half a second after its start.",
    )
}

/// Returns the block `stop`.
#[must_use]
pub fn stop() -> Block {
    let signal = Attribute::default(Type::String, Known::from("TERM"), "The signal that asks it to end.");
    let grace = Attribute::default(Type::String, "10s", "How long it may take before it is killed.");
    let schema =
        Schema::new([("signal", signal.format(Format::OneOf(SIGNALS))), ("grace", grace.format(Format::Period))]);
    Block::new(Nesting::Optional, schema, "How it is stopped.")
}

fn two_minutes() -> Period {
    Period(Duration::from_secs(120))
}

fn quarter_second() -> Period {
    Period(Duration::from_millis(250))
}

fn ten_seconds() -> Period {
    Period(Duration::from_secs(10))
}

fn slash() -> String {
    "/".into()
}

fn term() -> String {
    "TERM".into()
}
