//! What a network's object says of its nodes, and what the disk and the kernel say.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::Path,
};

use loam_provider::{Known, Str, Type, Value, kinds::network::node_type};

use super::{node::Node, ports::HOST};
use crate::{
    files::{FileError, fs},
    process::{Condition, Identity, Place, Record, filled},
};

/// What the attribute `process` of a node holds: which process it is, and the digest of what it was started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Started {
    identity: Identity,
    digest: String,
}

/// Writes `BOOT:PID:START DIGEST`.
impl fmt::Display for Started {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.identity, self.digest)
    }
}

impl Started {
    /// Returns what a node's object says of its process.
    fn of(node: &Value) -> Option<Self> {
        let (identity, digest) = node.get("process").and_then(Value::as_str)?.split_once(' ')?;
        Some(Self { identity: Identity::parse(identity)?, digest: digest.to_owned() })
    }

    fn of_record(record: &Record) -> Self {
        Self { identity: record.identity.clone(), digest: record.about.digest.clone() }
    }
}

/// The word for a node whose files were changed by others.
pub(super) const MODIFIED: &str = "modified";
/// The word for a node whose directory is gone though its process runs.
const LOST: &str = "lost";

/// Returns the object's value of a node that will run; unknown is what only starting it tells.
pub(super) fn planned(node: &Node, has_dir: bool) -> Value {
    let path = |path: &Path| match has_dir {
        true => Value::from(path.to_string_lossy().into_owned()),
        false => Value::Unknown(Type::String),
    };
    let of_ports = |of: &dyn Fn(u16) -> Value, ty: Type| {
        let entries = node.ports.iter().map(|(name, port)| {
            let value = port.map_or_else(|| Value::Unknown(ty.clone()), of);
            (Str::from(name), value)
        });
        Value::map(ty.clone(), entries)
    };
    Value::object([
        ("name", Value::from(node.name.as_str())),
        ("index", Value::from(node.index as u64)),
        ("host", Value::from(HOST)),
        ("status", Value::from("running")),
        ("pid", Value::Unknown(Type::Number)),
        ("data_dir", path(&node.data_dir())),
        ("log", path(&node.place().log())),
        ("ports", of_ports(&|port| Value::from(u64::from(port)), Type::Number)),
        ("endpoints", of_ports(&|port| Value::from(format!("http://{HOST}:{port}")), Type::String)),
        ("process", Value::Unknown(Type::String)),
    ])
}

/// Returns the nodes as they are now: those the object knows, and those found beside them.
pub(super) fn observed(dir: &Path, nodes: Option<&Value>) -> Result<Known, FileError> {
    let none = BTreeMap::new();
    let recorded = nodes.and_then(Value::entries).unwrap_or(&none);
    let found = found(dir)?;
    let names: BTreeSet<Str> = recorded.keys().cloned().chain(found.iter().map(Str::from)).collect();
    let mut seen = Vec::new();
    for name in names {
        let place = Place(node_dir(dir, &name));
        let condition = place.condition()?;
        let node = match (recorded.get(&name), condition.record()) {
            (Some(node), None) if is_running(node) => node.with("status", Value::from(LOST)),
            (Some(_), None) if !found.contains(name.as_str()) => continue,
            (Some(node), _) => with_condition(node, &place, &condition)?,
            (None, Some(record)) => with_condition(&extra(&name, seen.len(), &place, record), &place, &condition)?,
            (None, None) => continue,
        };
        seen.push((name, filled(&node).into_value()));
    }
    Ok(filled(&Value::map(node_type(), seen)))
}

/// Returns the names of the nodes that have a directory.
pub(super) fn found(dir: &Path) -> Result<BTreeSet<String>, FileError> {
    let names = fs::names(dir)?;
    Ok(names.iter().filter_map(|name| name.strip_prefix("node-")).map(str::to_owned).collect())
}

pub(super) fn node_dir(dir: &Path, name: &str) -> std::path::PathBuf {
    dir.join(format!("node-{name}"))
}

/// Returns the processes the object knows of.
pub(super) fn identities(nodes: Option<&Value>) -> Vec<(String, Identity)> {
    let entries = nodes.and_then(Value::entries).into_iter().flatten();
    entries.filter_map(|(name, node)| Some((name.to_string(), Started::of(node)?.identity))).collect()
}

/// Returns the digest of what the object says a node was started with.
pub(super) fn digest(node: &Value) -> Option<String> {
    Started::of(node).map(|started| started.digest)
}

/// Returns the ports the object says its nodes have.
pub(super) fn ports(nodes: Option<&Value>) -> BTreeMap<String, BTreeMap<String, u16>> {
    let entries = nodes.and_then(Value::entries).into_iter().flatten();
    let of = |node: &Value| -> BTreeMap<String, u16> {
        let ports = node.get("ports").and_then(Value::entries).into_iter().flatten();
        let number = |port: &Value| port.as_number().and_then(|number| number.to_string().parse().ok());
        ports.filter_map(|(name, port)| Some((name.to_string(), number(port)?))).collect()
    };
    entries.map(|(name, node)| (name.to_string(), of(node))).collect()
}

/// Returns whether the files a process was given are as it was given them.
pub(super) fn has_its_files(place: &Place, record: &Record) -> Result<bool, FileError> {
    for (name, digest) in &record.about.files {
        let file = place.path().join("files").join(name);
        if fs::digest(&file)?.is_none_or(|(found, _)| found != *digest) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn with_condition(node: &Value, place: &Place, condition: &Condition) -> Result<Value, FileError> {
    let mut status = condition.word();
    if let Condition::Running(record) = condition
        && !has_its_files(place, record)?
    {
        status = MODIFIED;
    }
    let pid = condition.alive().map(|record| u64::from(record.identity.pid));
    let node = node.with("status", Value::from(status)).with("pid", pid.map_or(Value::Null(Type::Number), Value::from));
    Ok(match condition.record() {
        Some(record) => node
            .with("process", Value::from(Started::of_record(record).to_string()))
            .with("ports", number_map(&record.about.ports))
            .with("endpoints", endpoint_map(&record.about.ports)),
        None => node,
    })
}

/// Returns the value of a node that only the disk knows.
fn extra(name: &str, index: usize, place: &Place, record: &Record) -> Value {
    let text = |path: &Path| Value::from(path.to_string_lossy().into_owned());
    Value::object([
        ("name", Value::from(name)),
        ("index", Value::from(index as u64)),
        ("host", Value::from(HOST)),
        ("status", Value::from("running")),
        ("pid", Value::Null(Type::Number)),
        ("data_dir", text(&place.path().join("data"))),
        ("log", text(&place.log())),
        ("ports", number_map(&record.about.ports)),
        ("endpoints", endpoint_map(&record.about.ports)),
        ("process", Value::from(Started::of_record(record).to_string())),
    ])
}

fn number_map(ports: &BTreeMap<String, u16>) -> Value {
    Value::map(Type::Number, ports.iter().map(|(name, port)| (name, Value::from(u64::from(*port)))))
}

fn endpoint_map(ports: &BTreeMap<String, u16>) -> Value {
    Value::map(Type::String, ports.iter().map(|(name, port)| (name, Value::from(format!("http://{HOST}:{port}")))))
}

fn is_running(node: &Value) -> bool {
    Started::of(node).is_some_and(|started| started.identity.is_running())
}
