//! Predicts a network: which nodes stay as they are, which are started, which go.

use std::path::{Path as FilePath, PathBuf};

use loam_provider::{
    Path, PlanRequest, Planned, ProviderError, Type, Value, decode,
    kinds::network::{Network, When, node_type},
};

use super::{
    node::{Declared, For, Node, expanded, nodes, upper},
    object,
    ready::check_probe,
};

/// What the texts of nodes are made of.
const TEXTS: [&str; 6] = ["command", "env", "files", "ports", "peers", "node"];

/// Predicts the object; `dir` is where its nodes are or will be, if that can be known.
pub(super) fn plan(
    request: PlanRequest<'_>,
    proposed: &Value,
    dir: Option<&FilePath>,
    executable: &FilePath,
) -> Result<Planned, ProviderError> {
    let spec: Network = decode(proposed)?;
    let dir_value = dir.map_or(Value::Unknown(Type::String), |dir| Value::from(dir.to_string_lossy().into_owned()));
    let prior_nodes = request.prior.and_then(|prior| prior.get("nodes"));
    let mut planned = Planned::new(proposed.with("dir", dir_value));
    let (bootstrapped, note) = bootstrapped(&request, proposed, &spec);
    planned.notes.extend(note);
    planned.after = planned.after.with("bootstrapped", bootstrapped);
    if !is_shape_known(proposed) {
        planned.after = planned.after.with("nodes", Value::Unknown(Type::map(node_type())));
        return Ok(planned);
    }
    let is_known = TEXTS.iter().all(|name| proposed.get(name).is_none_or(Value::is_wholly_known));
    let nowhere = PathBuf::new();
    let declared = nodes(&spec, dir.unwrap_or(&nowhere), &object::ports(prior_nodes))?;
    let network = Declared {
        spec: &spec,
        name: proposed.get("name").and_then(Value::as_str),
        has_dir: dir.is_some(),
        executable,
    };
    if is_known {
        check(&network, &declared)?;
        if proposed.get("ready").is_none_or(Value::is_wholly_known) {
            for node in &declared {
                check_probe(&spec, node, &node.names(&network, &declared, For::New)?)?;
            }
        }
    }
    let mut after = Vec::new();
    let mut restarted = Vec::new();
    for node in &declared {
        let digest = if is_known { node.digest(&network, &declared)? } else { None };
        let mut value = object::planned(node, dir.is_some());
        if proposed.get("ports").is_some_and(|ports| !ports.is_wholly_known()) {
            value = value.with("ports", Value::Unknown(Type::map(Type::Number)));
            value = value.with("endpoints", Value::Unknown(Type::map(Type::String)));
        }
        if let Some(prior) = prior_nodes.and_then(|nodes| nodes.get(&node.name)) {
            let status = prior.get("status").and_then(Value::as_str).unwrap_or_default();
            let is_same = digest.is_some() && object::digest(prior) == digest;
            match status {
                "running" if is_same => {
                    for name in ["pid", "process"] {
                        value = value.with(name, prior.get(name).cloned().unwrap_or(Value::Null(Type::Any)));
                    }
                }
                "running" => restarted.push(node.name.as_str()),
                "dead" => planned.notes.push(format!("node `{}` is not running", node.name)),
                "starting" => planned.notes.push(format!("node `{}` runs and is not ready yet", node.name)),
                object::MODIFIED => planned.notes.push(format!("the files of node `{}` were changed", node.name)),
                _ => planned.notes.push(format!("the directory of node `{}` is gone", node.name)),
            }
        }
        after.push((node.name.as_str(), value));
    }
    if request.prior.is_some() {
        let is_missing = |node: &&Node| prior_nodes.and_then(|nodes| nodes.get(&node.name)).is_none();
        planned.notes.extend(listed(
            "is added",
            "are added",
            declared.iter().filter(is_missing).map(|node| node.name.as_str()),
        ));
        let recorded = prior_nodes.and_then(Value::entries).into_iter().flatten().map(|(name, _)| name.as_str());
        let goes = recorded.filter(|name| declared.iter().all(|node| node.name != **name));
        planned.notes.extend(listed("is stopped and deleted", "are stopped and deleted", goes));
    }
    planned.notes.extend(listed("is restarted", "are restarted one at a time", restarted.into_iter()));
    planned.after = planned.after.with("nodes", Value::map(node_type(), after));
    Ok(planned)
}

fn listed<'n>(one: &str, many: &str, names: impl Iterator<Item = &'n str>) -> Option<String> {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match names.len() {
        0 => None,
        1 => Some(format!("node {} {one}", names[0])),
        _ => Some(format!("nodes {} {many}", names.join(", "))),
    }
}

/// Returns whether it is known which nodes there are.
fn is_shape_known(proposed: &Value) -> bool {
    let blocks = proposed.get("node").is_none_or(|nodes| {
        !nodes.is_unknown() && nodes.entries().into_iter().flatten().all(|(_, node)| !node.is_unknown())
    });
    blocks && proposed.get("node_count").is_none_or(Value::is_wholly_known)
}

/// What a new network's bootstrap comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// It runs.
    Runs,
    /// The seed holds what it would make.
    InSeed,
    /// There is none to run.
    Never,
}

/// Returns what the bootstrap of a new network comes to.
pub(super) fn due(spec: &Network) -> Due {
    let in_seed = spec.seed.as_ref().is_some_and(|seed| seed.bootstrapped == Some(true));
    match (spec.bootstrap.as_ref().map(|bootstrap| bootstrap.when), in_seed) {
        (Some(When::Always), _) | (Some(When::Auto), false) => Due::Runs,
        (None | Some(When::Auto | When::Never), true) => Due::InSeed,
        (None | Some(When::Never), false) => Due::Never,
    }
}

/// Returns what `bootstrapped` will be: null where nothing is or will be.
fn bootstrapped(request: &PlanRequest<'_>, proposed: &Value, spec: &Network) -> (Value, Option<String>) {
    if let Some(prior) = request.prior {
        return match prior.get("bootstrapped").and_then(Value::as_bool) {
            Some(false) => (Value::from(true), Some("its bootstrap has not run to its end yet".into())),
            Some(true) => (Value::from(true), None),
            None => (Value::Null(Type::Bool), None),
        };
    }
    let is_unknown = |path: Path| proposed.at(&path).is_some_and(Value::is_unknown);
    let seed = || Path::attribute("seed");
    let is_told_later = is_unknown(seed()) || is_unknown(seed().name("bootstrapped"));
    let bootstrap = spec.bootstrap.as_ref();
    if is_told_later && bootstrap.is_none_or(|bootstrap| bootstrap.when != When::Always) {
        let asks = bootstrap.is_some_and(|bootstrap| bootstrap.when == When::Auto);
        return (
            Value::Unknown(Type::Bool),
            asks.then(|| "its bootstrap runs unless the seed holds what it makes".into()),
        );
    }
    match due(spec) {
        Due::Runs => (Value::from(true), Some("its bootstrap runs once it is ready".into())),
        Due::InSeed => {
            let skipped = bootstrap.is_some().then(|| "its bootstrap is skipped: the seed holds what it makes".into());
            (Value::from(true), skipped)
        }
        Due::Never => (Value::Null(Type::Bool), None),
    }
}

/// Checks all texts of a network whose configuration is known, though its ports may not be chosen yet.
fn check(network: &Declared<'_>, nodes: &[Node]) -> Result<(), ProviderError> {
    let spec = network.spec;
    for node in nodes {
        if !node.has_command() {
            let path = Path::attribute("command");
            return Err(ProviderError::invalid(path, format!("node `{}` has no command", node.name))
                .hint("Set `command` for all nodes, or in each `node` block."));
        }
        let mut names = node.names(network, nodes, For::New)?;
        node.expanded(network, &names)?;
        names.extend(node.ports.keys().map(|port| (format!("OTHERS_{}", upper(port)), None)));
        let hooks = [
            ("bootstrap", spec.bootstrap.as_ref().map(|bootstrap| &bootstrap.command)),
            ("before_join", spec.before_join.as_ref().map(|hook| &hook.command)),
            ("before_leave", spec.before_leave.as_ref().map(|hook| &hook.command)),
        ];
        for (name, command) in hooks {
            for (index, part) in command.into_iter().flatten().enumerate() {
                let path = Path::attribute(name).name("command").index(index);
                expanded(part, &names, &path, spec)?;
            }
        }
    }
    Ok(())
}
