//! How a node is asked whether it is ready.

use loam_provider::{Path, ProviderError, kinds::network::Network};

use super::{
    expand::Names,
    node::{Expanded, Node, expanded},
    ports::HOST,
};
use crate::process::{Probe, check_ready, environment};

/// Checks the probe of a node whose ports may not be chosen yet.
pub(super) fn check_probe(spec: &Network, node: &Node, names: &Names) -> Result<(), ProviderError> {
    let ready = &spec.ready;
    check_ready(ready)?;
    if let Some(http) = &ready.http {
        port(node, &http.port, "http")?;
    }
    if let Some(tcp) = &ready.tcp {
        port(node, &tcp.port, "tcp")?;
    }
    let command = ready.exec.as_ref().map(|exec| &exec.command);
    for (index, part) in command.into_iter().flatten().enumerate() {
        expanded(part, names, &exec_path().index(index), spec)?;
    }
    Ok(())
}

/// Returns the probe of a node whose ports are chosen.
pub(super) fn probe(
    spec: &Network,
    node: &Node,
    names: &Names,
    texts: &Expanded,
    cwd: &std::path::Path,
) -> Result<Probe, ProviderError> {
    check_probe(spec, node, names)?;
    let known = |port: Option<u16>| port.ok_or_else(|| ProviderError::failed("a port was not chosen"));
    let ready = &spec.ready;
    if let Some(http) = &ready.http {
        let (port, path) = (known(port(node, &http.port, "http")?)?, http.path.clone());
        return Ok(Probe::Http { host: HOST.into(), port, path, status: http.status });
    }
    if let Some(tcp) = &ready.tcp {
        return Ok(Probe::Tcp { host: HOST.into(), port: known(port(node, &tcp.port, "tcp")?)? });
    }
    let Some(exec) = &ready.exec else { return Ok(Probe::Settled) };
    let parts = exec.command.iter().enumerate();
    let parts = parts.map(|(index, part)| expanded(part, names, &exec_path().index(index), spec));
    let command = parts.collect::<Result<Option<Vec<_>>, _>>()?.unwrap_or_default();
    Ok(Probe::Exec { command, env: environment(&texts.env), cwd: cwd.to_owned() })
}

/// Returns a node's port by name or number; `None` where it is not chosen yet.
fn port(node: &Node, wanted: &str, at: &str) -> Result<Option<u16>, ProviderError> {
    if let Some(port) = node.ports.get(wanted) {
        return Ok(*port);
    }
    if let Some(port) = wanted.parse::<u16>().ok().filter(|port| *port > 0) {
        return Ok(Some(port));
    }
    let path = Path::attribute("ready").name(at).name("port");
    let known: Vec<String> = node.ports.keys().map(|name| format!("`{name}`")).collect();
    let hint = match known.is_empty() {
        true => "Name it in `ports`, as in `ports = { client = 0 }`.".to_owned(),
        false => format!("Its ports are {}.", known.join(", ")),
    };
    Err(ProviderError::invalid(path, format!("node `{}` has no port `{wanted}`", node.name)).hint(hint))
}

fn exec_path() -> Path {
    Path::attribute("ready").name("exec").name("command")
}
