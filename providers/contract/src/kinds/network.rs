//! `network`: nodes that start from the same genesis and, if seeded, from the same data.
//!
//! What differs from node to node is written `$(NAME)` in `command`, `env` and `files`; see [`EXPANSIONS`].

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use serde_json::Number;

use super::{Ready, Stop, ready, seed_volume_reference, stop};
use crate::{Attribute, Block, Format, Kind, Nesting, OnChange, OnDestroy, Period, Schema, Type};

/// What `$(NAME)` stands for in `command`, `env`, `files` and hooks; `$$(` is a literal `$(`.
pub const EXPANSIONS: &[(&str, &str)] = &[
    ("LOAM", "the loam executable that runs, for nodes that are demo nodes"),
    ("NETWORK_NAME", "the network's name"),
    ("NODE_NAME", "the node's name: its label, or its number"),
    ("NODE_INDEX", "the node's position, from 0"),
    ("NODE_HOST", "the host by which the node is reached"),
    ("NODE_DIR", "the node's directory"),
    ("DATA_DIR", "the node's data directory, filled from `seed`"),
    ("FILES_DIR", "the directory that holds `files`"),
    ("PORT_<NAME>", "the port of that name"),
    ("PEERS", "all nodes as the block `peers` writes them"),
    ("CLUSTER_STATE", "`new` for the nodes a network began with, `existing` for those that joined later"),
    ("OTHERS_<NAME>", "in hooks: `http://HOST:PORT` of every other node that runs, separated by commas"),
];

/// A network as it is configured.
#[derive(Debug, Clone, Deserialize)]
pub struct Network {
    /// What its directories are called.
    pub name: Option<String>,
    /// How many like nodes there are; without it and without node blocks, one.
    pub node_count: Option<Number>,
    /// Nodes by name, each with what differs.
    #[serde(default)]
    pub node: BTreeMap<String, Node>,
    /// The command of every node.
    #[serde(default)]
    pub command: Vec<String>,
    /// The environment of every node.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Files of every node by name.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// Ports of every node by name; 0 for a free one.
    #[serde(default)]
    pub ports: BTreeMap<String, Number>,
    /// How the list of nodes is written.
    pub peers: Option<Peers>,
    /// The data every node starts from.
    pub seed: Option<Seed>,
    /// What runs once, after the network is ready for the first time.
    pub bootstrap: Option<Bootstrap>,
    /// What runs before a later node starts.
    pub before_join: Option<Hook>,
    /// What runs before a node that goes is stopped.
    pub before_leave: Option<Hook>,
    /// When a node counts as ready.
    #[serde(default)]
    pub ready: Ready,
    /// How a node is stopped.
    #[serde(default)]
    pub stop: Stop,
}

/// What one node has of its own.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Node {
    /// Its command, in place of the network's.
    #[serde(default)]
    pub command: Vec<String>,
    /// Variables beside or in place of the network's.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Files beside or in place of the network's.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// Ports beside or in place of the network's.
    #[serde(default)]
    pub ports: BTreeMap<String, Number>,
}

/// How `$(PEERS)` is written.
#[derive(Debug, Clone, Deserialize)]
pub struct Peers {
    /// How one node is written.
    #[serde(default)]
    pub format: String,
    /// What stands between two.
    #[serde(default = "comma")]
    pub separator: String,
    /// Whether a node's own list leaves it out.
    #[serde(default)]
    pub others: bool,
    /// What a node does when nothing but the list changed.
    #[serde(default)]
    pub on_change: OnPeers,
}

/// What a running node does when only `$(PEERS)` changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnPeers {
    /// It is restarted with the new list.
    #[default]
    Restart,
    /// It goes on as it is: the nodes tell each other.
    Keep,
}

/// The seed volume that nodes start from.
#[derive(Debug, Clone, Deserialize)]
pub struct Seed {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Where it is, for providers of this machine.
    pub path: Option<String>,
    /// The digest of the archive it was filled from.
    pub digest: Option<String>,
    /// The digest of its content.
    pub content_root: Option<String>,
    /// Whether it holds what a bootstrap makes, where anybody says.
    pub bootstrapped: Option<bool>,
    /// How nodes get their copy of it.
    #[serde(default)]
    pub distribution: Distribution,
}

/// How nodes get their copy of a seed volume.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distribution {
    /// As cheaply as what holds it can.
    #[default]
    Auto,
    /// By sharing blocks until one side writes, or not at all.
    Clone,
    /// From a snapshot of the volume.
    Snapshot,
    /// With blocks of their own.
    Copy,
    /// From the archive itself.
    Stream,
}

/// A command that fills a network that starts without what its users need.
#[derive(Debug, Clone, Deserialize)]
pub struct Bootstrap {
    /// The command and its arguments.
    #[serde(default)]
    pub command: Vec<String>,
    /// Whether it runs.
    #[serde(default)]
    pub when: When,
    /// How long it may take.
    #[serde(default = "ten_minutes")]
    pub timeout: Period,
}

/// When a network is bootstrapped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Unless the seed says that it holds what the bootstrap makes.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Not at all.
    Never,
}

/// A command around a change of membership.
#[derive(Debug, Clone, Deserialize)]
pub struct Hook {
    /// The command and its arguments.
    #[serde(default)]
    pub command: Vec<String>,
    /// How long it may take, with all its tries.
    #[serde(default = "two_minutes")]
    pub timeout: Period,
    /// The pause before it is tried again when it failed; without it, it is not.
    pub retry_every: Option<Period>,
}

/// Returns the kind `network`.
#[must_use]
pub fn network() -> Kind {
    let count = Attribute::optional(Type::Number, "How many like nodes there are; 1 where no `node` block stands.");
    let seed = Attribute::optional(seed_volume_reference(), "The seed volume whose data every node starts from.");
    let name = Attribute::optional_computed(Type::String, "Its name; otherwise made from the address.");
    let node = Schema::new(shared_attributes());
    let schema = Schema::new([
        ("name", name.on_change(OnChange::Replace)),
        ("node_count", count.written_as("nodes")),
        ("seed", seed.on_change(OnChange::CreationOnly)),
        ("nodes", Attribute::computed(Type::map(node_type()), "Its nodes by name.")),
        (
            "bootstrapped",
            Attribute::computed(
                Type::Bool,
                "Whether the nodes hold what `bootstrap` makes: it has run, or the seed says so. Null where neither is so.",
            ),
        ),
        ("dir", Attribute::computed(Type::String, "The directory of its nodes, on this machine.")),
    ]);
    let schema = shared_attributes().into_iter().fold(schema, |mut schema, (name, attribute)| {
        schema.attributes.insert(name.into(), attribute);
        schema
    });
    let schema = schema
        .block("node", Block::new(Nesting::Labelled, node, "A node by name, with what it has of its own."))
        .block("peers", Block::new(Nesting::Optional, peers(), "How `$(PEERS)` lists the nodes."))
        .block(
            "bootstrap",
            Block::new(Nesting::Optional, bootstrap(), "What runs once, after it is ready for the first time."),
        )
        .block(
            "before_join",
            Block::new(
                Nesting::Optional,
                hook(),
                "What runs before a node that is added later starts, while the others are ready. Nodes then join one by \
                 one, without the seed's data, and `$(PEERS)` lists those that have joined. It may run again for a node \
                 whose start failed.",
            ),
        )
        .block(
            "before_leave",
            Block::new(Nesting::Optional, hook(), "What runs before a node that goes is stopped, while the others run."),
        )
        .block("ready", ready())
        .block("stop", stop());
    let doc = "Nodes that start from the same genesis and, if seeded, from the same data.";
    Kind { name: "network".into(), doc: doc.into(), schema, on_destroy: OnDestroy::Delete }
}

/// Returns the type of one exported node. `process` tells its provider which process or pod it is and with
/// what it was started; everything else is for users.
#[must_use]
pub fn node_type() -> Type {
    Type::object([
        ("name", Type::String),
        ("index", Type::Number),
        ("host", Type::String),
        ("status", Type::String),
        ("pid", Type::Number),
        ("data_dir", Type::String),
        ("log", Type::String),
        ("ports", Type::map(Type::Number)),
        ("endpoints", Type::map(Type::String)),
        ("process", Type::String),
    ])
}

fn shared_attributes() -> Vec<(&'static str, Attribute)> {
    vec![
        ("command", Attribute::optional(Type::list(Type::String), "The command and its arguments.")),
        ("env", Attribute::optional(Type::map(Type::String), "Environment variables.")),
        ("files", Attribute::optional(Type::map(Type::String), "Contents of files by name, below `$(FILES_DIR)`.")),
        ("ports", Attribute::optional(Type::map(Type::Number), "Ports by name; 0 for a free one, which is kept.")),
    ]
}

fn peers() -> Schema {
    let others = Attribute::default(Type::Bool, false, "Whether a node's own list leaves it out.");
    let on_change = Attribute::default(
        Type::String,
        "restart",
        "What running nodes do when only the list changed: `restart` with the new one, or `keep` running.",
    );
    Schema::new([
        ("format", Attribute::required(Type::String, "How one node is written, with `$(NAME)` of that node.")),
        ("separator", Attribute::default(Type::String, ",", "What stands between two nodes.")),
        ("others", others),
        ("on_change", on_change.format(Format::OneOf(&["restart", "keep"]))),
    ])
}

fn bootstrap() -> Schema {
    let when = "Whether it runs: `auto` (unless the seed is `bootstrapped`, as one made from a snapshot of such a \
                network is), `always` or `never`.";
    let when = Attribute::default(Type::String, "auto", when).format(Format::OneOf(&["auto", "always", "never"]));
    let timeout = Attribute::default(Type::String, "10m", "How long it may take.").format(Format::Period);
    Schema::new([("command", hook_command()), ("when", when), ("timeout", timeout)])
}

fn hook() -> Schema {
    let timeout = Attribute::default(Type::String, "2m", "How long it may take.").format(Format::Period);
    let retry =
        "The pause before it is tried again when it failed, while `timeout` lasts; otherwise the first failure counts.";
    let retry = Attribute::optional(Type::String, retry).format(Format::Period);
    Schema::new([("command", hook_command()), ("timeout", timeout), ("retry_every", retry)])
}

fn hook_command() -> Attribute {
    Attribute::required(
        Type::list(Type::String),
        "The command and its arguments, with `$(NAME)` of the node it is for.",
    )
}

fn comma() -> String {
    ",".into()
}

fn two_minutes() -> Period {
    Period(Duration::from_secs(120))
}

fn ten_minutes() -> Period {
    Period(Duration::from_secs(600))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_is_an_argument_and_an_export() {
        let kind = network();
        assert_eq!(kind.schema.written("nodes").map(|(name, _)| name.as_str()), Some("node_count"));
        assert!(kind.schema.ty().friendly() == "object" && kind.schema.blocks["node"].ty().is_concrete());
    }
}
