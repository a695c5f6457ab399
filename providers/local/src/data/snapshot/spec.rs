//! What a snapshot is declared to be.

use std::collections::BTreeMap;

use loam_bundle::codec::Format;
use loam_provider::{
    CallCx, Kind, Known, Path as At, ProviderError, Value,
    kinds::{Ready, Stop},
};
use serde::Deserialize;

use super::{history::Earlier, take::Copied};
use crate::data::{
    object,
    place::{self, BucketRef},
};

#[derive(Debug, Deserialize)]
pub(super) struct Spec {
    pub(super) of: Option<Network>,
    pub(super) node: Option<String>,
    pub(super) directory: Option<String>,
    pub(super) quiesce: Option<Quiesce>,
    #[serde(default)]
    pub(super) hooks: Hooks,
    #[serde(default)]
    pub(super) archive: Archive,
    keep: Option<Keep>,
    pub(super) created_at: Option<String>,
    #[serde(default)]
    pub(super) archives: Vec<Copied>,
    #[serde(default)]
    pub(super) previous: Vec<Earlier>,
}

/// A network, as far as its data is concerned.
#[derive(Debug, Deserialize)]
pub(super) struct Network {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) nodes: BTreeMap<String, Node>,
    pub(super) bootstrapped: Option<bool>,
    #[serde(default)]
    pub(super) ready: Ready,
    #[serde(default)]
    pub(super) stop: Stop,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Node {
    pub(super) data_dir: Option<String>,
    index: Option<u64>,
}

/// How the data is brought to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Quiesce {
    /// The node is stopped, and started again.
    Stop,
    /// The hooks see to it.
    Hook,
    /// It is copied as it is.
    None,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Hooks {
    #[serde(default)]
    pub(super) before: Vec<String>,
    #[serde(default)]
    pub(super) prune: Vec<String>,
    #[serde(default)]
    pub(super) metadata: Vec<String>,
    #[serde(default)]
    pub(super) after: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Archive {
    pub(super) bucket: Option<BucketRef>,
    key: Option<String>,
    #[serde(default)]
    formats: Vec<Format>,
    #[serde(default)]
    pub(super) exclude: Vec<String>,
    #[serde(default)]
    pub(super) scan: bool,
}

#[derive(Debug, Deserialize)]
struct Keep {
    last: Option<u64>,
}

impl Spec {
    /// Returns the formats to write, the default one if none is named.
    pub(super) fn formats(&self) -> Vec<Format> {
        if self.archive.formats.is_empty() { vec![Format::TarZst] } else { self.archive.formats.clone() }
    }

    /// Returns how many snapshots are kept; `None` for all of them.
    pub(super) fn keep_last(&self) -> Option<u64> {
        self.keep.as_ref().and_then(|keep| keep.last)
    }

    /// Returns what the keys of the archives start with.
    pub(super) fn key_prefix(&self, kind: &Kind, cx: &CallCx) -> String {
        self.archive.key.clone().unwrap_or_else(|| place::key_of_address(&cx.address, &kind.name))
    }

    pub(super) fn quiesce(&self) -> Quiesce {
        self.quiesce.unwrap_or(if self.of.is_some() { Quiesce::Stop } else { Quiesce::None })
    }

    /// Returns the node that is meant, with its name: the one asked for, or the last.
    pub(super) fn chosen(&self) -> Result<Option<(&str, &Node)>, ProviderError> {
        let Some(network) = &self.of else { return Ok(None) };
        let chosen = match &self.node {
            Some(name) => network.nodes.get_key_value(name),
            None => network.nodes.iter().max_by_key(|(name, node)| (node.index, name.parse::<u64>().ok(), *name)),
        };
        if let Some((name, node)) = chosen {
            return Ok(Some((name, node)));
        }
        let names: Vec<String> = network.nodes.keys().map(|name| format!("`{name}`")).collect();
        let wanted = self.node.as_deref().unwrap_or_default();
        let message = format!("network `{}` has no node `{wanted}`", network.name);
        Err(ProviderError::invalid(At::attribute("node"), message).hint(if names.is_empty() {
            "The network has no nodes.".to_owned()
        } else {
            format!("It has {}.", names.join(", "))
        }))
    }
}

/// Checks what can be checked before anything is copied.
pub(super) fn check(config: &Value, spec: &Spec) -> Result<(), ProviderError> {
    let invalid = |name: &str, message: &str| ProviderError::invalid(At::attribute(name), message);
    if object::is_written(config, "schedule") {
        return Err(invalid("schedule", "a schedule needs the agent, which `local` does not run yet")
            .hint("Change a value in `triggers` to have a new snapshot made, for example from cron."));
    }
    match (object::is_written(config, "of"), object::is_written(config, "directory")) {
        (true, true) => return Err(invalid("directory", "a snapshot is `of` a network or of a `directory`, not both")),
        (false, false) => {
            return Err(invalid("of", "a snapshot needs `of` or `directory`")
                .hint("Write `of = network.NAME` to copy a node's data, or `directory = \"…\"`."));
        }
        (false, true) if object::is_written(config, "node") => {
            return Err(invalid("node", "`node` needs `of`, the network that the node is in"));
        }
        (false, true) if spec.quiesce == Some(Quiesce::Stop) => {
            return Err(invalid("quiesce", "only a network's node can be stopped")
                .hint("Write `quiesce = \"hook\"` and stop what writes to the directory in `hooks`."));
        }
        (true, false) | (false, true) => {}
    }
    if spec.quiesce == Some(Quiesce::Hook) && spec.hooks.before.is_empty() {
        return Err(invalid("quiesce", "`hook` needs a command in `hooks { before = […] }`"));
    }
    if !object::is_unknown(config, "of") && spec.of.is_some() {
        spec.chosen()?;
    }
    let keep = At::attribute("keep").name("last");
    if spec.keep_last() == Some(0) {
        return Err(ProviderError::invalid(keep, "the newest snapshot is always kept").hint("Write 1 or more."));
    }
    check_formats(config)?;
    if let Some(key) = &spec.archive.key {
        loam_provider::ObjectKey::new(key)
            .map_err(|error| ProviderError::invalid(At::attribute("archive").name("key"), error.to_string()))?;
    }
    Ok(())
}

fn check_formats(config: &Value) -> Result<(), ProviderError> {
    let at = At::attribute("archive").name("formats");
    let formats = config.get("archive").and_then(|archive| archive.get("formats")).and_then(Value::items);
    for (index, format) in formats.into_iter().flatten().enumerate() {
        let Some(name) = format.as_str() else { continue };
        name.parse::<Format>().map_err(|error| ProviderError::invalid(at.index(index), error.to_string()))?;
        if formats.is_some_and(|formats| formats[..index].contains(format)) {
            return Err(ProviderError::invalid(at.index(index), format!("`{name}` is there twice")));
        }
    }
    Ok(())
}

/// Returns whether what is declared now asks for another snapshot than the one that was made.
pub(super) fn is_another(prior: &Known, proposed: &Value) -> bool {
    let differs = |path: At| prior.at(&path) != proposed.at(&path);
    let archive = || At::attribute("archive");
    prior.get("ready").and_then(Value::as_bool) != Some(true)
        || ["triggers", "directory", "node"].into_iter().map(At::attribute).any(differs)
        || differs(At::attribute("of").name("name"))
        || [archive().name("bucket").name("url"), archive().name("key"), archive().name("formats")]
            .into_iter()
            .any(differs)
}
