//! What each node is to be: its own part of the configuration, its ports, and its texts expanded.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path as FilePath, PathBuf},
};

use loam_provider::{
    Path, ProviderError,
    kinds::network::{Network, OnPeers},
    suggest,
};

use super::{
    expand::{Invalid, Names, expand, literal},
    ports::HOST,
};
use crate::{
    files::{FileError, fs},
    process::{Place, Record},
};

/// The name of what is written when a node's data directory is complete.
const MARKER: &str = "data.json";

/// One node as it is declared.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) index: usize,
    pub(super) dir: PathBuf,
    /// `None` where loam has not chosen one yet.
    pub(super) ports: BTreeMap<String, Option<u16>>,
    command: Vec<String>,
    env: BTreeMap<String, String>,
    files: BTreeMap<String, String>,
    /// Where its own command, variables and files are configured.
    path: Path,
}

/// A node's texts with all names replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expanded {
    pub(super) command: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) files: BTreeMap<String, String>,
}

/// For what a node's texts are expanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    /// To start a node that a network begins with.
    New,
    /// To start a node that joined later.
    Joined,
    /// To compare: without what must not count as a difference.
    Comparison,
}

impl Node {
    /// Returns what is left of a node that is no longer declared, for its last hook: what it was started with.
    pub(super) fn leaving(name: &str, place: &Place, record: &Record) -> Result<Self, FileError> {
        let launch = place.launch(record)?;
        let index = launch.as_ref().and_then(|launch| launch.names.get("NODE_INDEX")?.parse().ok());
        let env = launch.into_iter().flat_map(|launch| launch.env);
        Ok(Self {
            name: name.to_owned(),
            index: index.unwrap_or_default(),
            dir: place.path().to_owned(),
            ports: record.about.ports.iter().map(|(name, port)| (name.clone(), Some(*port))).collect(),
            command: Vec::new(),
            env: env.map(|(name, value)| (name, literal(&value))).collect(),
            files: BTreeMap::new(),
            path: Path::root(),
        })
    }

    pub(super) fn place(&self) -> Place {
        Place(self.dir.clone())
    }

    pub(super) fn data_dir(&self) -> PathBuf {
        self.dir.join("data")
    }

    pub(super) fn files_dir(&self) -> PathBuf {
        self.dir.join("files")
    }

    /// Returns what is written when the data directory is complete, and holds what it was filled from.
    pub(super) fn marker(&self) -> PathBuf {
        self.dir.join(MARKER)
    }

    pub(super) fn has_command(&self) -> bool {
        !self.command.is_empty()
    }

    pub(super) fn known_ports(&self) -> BTreeMap<String, u16> {
        self.ports.iter().filter_map(|(name, port)| Some((name.clone(), (*port)?))).collect()
    }

    /// Returns the names that stand for something in this node's texts.
    pub(super) fn names(&self, network: &Declared<'_>, members: &[Node], purpose: For) -> Result<Names, ProviderError> {
        let mut names = self.own_names(network);
        let state = match purpose {
            For::New => "new",
            For::Joined => "existing",
            For::Comparison => "",
        };
        names.insert("CLUSTER_STATE".into(), Some(state.into()));
        // A node goes on with the loam it was started with: another build of it is no change of the network.
        let loam = if purpose == For::Comparison { "".into() } else { network.executable.to_string_lossy() };
        names.insert("LOAM".into(), Some(loam.into_owned()));
        if let Some(peers) = &network.spec.peers {
            let is_listed = |node: &&Node| !(peers.others && node.name == self.name);
            let mut list = Some(Vec::new());
            for node in members.iter().filter(is_listed) {
                let path = Path::attribute("peers").name("format");
                let written = expanded(&peers.format, &node.own_names(network), &path, network.spec)?;
                list = list.zip(written).map(|(mut list, written)| {
                    list.push(written);
                    list
                });
            }
            let is_ignored = purpose == For::Comparison && peers.on_change == OnPeers::Keep;
            let list = list.map(|list| list.join(&peers.separator));
            names.insert("PEERS".into(), if is_ignored { Some(String::new()) } else { list });
        }
        Ok(names)
    }

    fn own_names(&self, network: &Declared<'_>) -> Names {
        let path = |path: &FilePath| Some(path.to_string_lossy().into_owned());
        let mut names: Names = [
            ("NETWORK_NAME".into(), network.name.map(str::to_owned)),
            ("NODE_NAME".into(), Some(self.name.clone())),
            ("NODE_INDEX".into(), Some(self.index.to_string())),
            ("NODE_HOST".into(), Some(HOST.into())),
            ("NODE_DIR".into(), path(&self.dir)),
            ("DATA_DIR".into(), path(&self.data_dir())),
            ("FILES_DIR".into(), path(&self.files_dir())),
        ]
        .into();
        if !network.has_dir {
            for name in ["NODE_DIR", "DATA_DIR", "FILES_DIR"] {
                names.insert(name.into(), None);
            }
        }
        for (name, port) in &self.ports {
            names.insert(format!("PORT_{}", upper(name)), port.map(|port| port.to_string()));
        }
        names
    }

    /// Returns the node's texts with all names replaced, or `None` if one of those is not known yet.
    pub(super) fn expanded(&self, network: &Declared<'_>, names: &Names) -> Result<Option<Expanded>, ProviderError> {
        let mut is_known = true;
        let mut text = |text: &str, path: Path| -> Result<String, ProviderError> {
            let expanded = expanded(text, names, &path, network.spec)?;
            is_known &= expanded.is_some();
            Ok(expanded.unwrap_or_default())
        };
        let command = self.command.iter().enumerate();
        let command = command
            .map(|(index, part)| text(part, self.path.name("command").index(index)))
            .collect::<Result<_, _>>()?;
        let mut map = |texts: &BTreeMap<String, String>, attribute: &str| {
            let path = self.path.name(attribute);
            let entries = texts.iter().map(|(name, value)| Ok((name.clone(), text(value, path.name(name))?)));
            entries.collect::<Result<BTreeMap<String, String>, ProviderError>>()
        };
        let (env, files) = (map(&self.env, "env")?, map(&self.files, "files")?);
        Ok(is_known.then_some(Expanded { command, env, files }))
    }

    /// Returns the digest by which a change of this node's texts is noticed, where they are known.
    pub(super) fn digest(&self, network: &Declared<'_>, members: &[Node]) -> Result<Option<String>, ProviderError> {
        let names = self.names(network, members, For::Comparison)?;
        Ok(self.expanded(network, &names)?.map(|expanded| {
            let parts = (&expanded.command, &expanded.env, &expanded.files);
            // Enough to notice a change by, and short enough to be shown.
            fs::digest_of(&serde_json::to_vec(&parts).expect("texts are JSON"))[..16].to_owned()
        }))
    }
}

/// A network's configuration with what surrounds it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Declared<'s> {
    pub(super) spec: &'s Network,
    /// The network's name, where it is known.
    pub(super) name: Option<&'s str>,
    /// Whether the directories of the nodes are known.
    pub(super) has_dir: bool,
    /// The running loam, `$(LOAM)`.
    pub(super) executable: &'s FilePath,
}

/// Returns the place of the node that has this data directory, if a network of this machine has one.
pub(crate) fn place_of(data_dir: &FilePath) -> Result<Option<Place>, FileError> {
    let Some(dir) = data_dir.parent() else { return Ok(None) };
    Ok(fs::metadata(&dir.join(MARKER))?.map(|_| Place(dir.to_owned())))
}

/// Returns the nodes that are declared, in order; `kept` are the ports that nodes have already.
pub(super) fn nodes(
    spec: &Network,
    dir: &FilePath,
    kept: &BTreeMap<String, BTreeMap<String, u16>>,
) -> Result<Vec<Node>, ProviderError> {
    let names = node_names(spec)?;
    let none = loam_provider::kinds::network::Node::default();
    let mut nodes = Vec::new();
    for (index, name) in names.into_iter().enumerate() {
        let own = spec.node.get(&name).unwrap_or(&none);
        let own_path = Path::attribute("node").name(name.as_str());
        let path =
            if spec.node.contains_key(&name) && !own.command.is_empty() { own_path.clone() } else { Path::root() };
        let merged = |shared: &BTreeMap<String, String>, own: &BTreeMap<String, String>| {
            shared.iter().chain(own).map(|(name, value)| (name.clone(), value.clone())).collect::<BTreeMap<_, _>>()
        };
        let mut ports = BTreeMap::new();
        for (port_name, number) in spec.ports.iter().chain(&own.ports) {
            let at = if own.ports.contains_key(port_name) { own_path.clone() } else { Path::root() };
            let port = number.as_u64().and_then(|number| u16::try_from(number).ok()).ok_or_else(|| {
                ProviderError::invalid(at.name("ports").name(port_name), format!("`{number}` is not a port"))
                    .hint("Write a number from 1 to 65535, or 0 to let loam choose a free one.")
            })?;
            let had = kept.get(&name).and_then(|ports| ports.get(port_name)).copied();
            ports.insert(port_name.clone(), if port == 0 { had } else { Some(port) });
        }
        check_port_names(&own_path, own, &ports)?;
        let files = merged(&spec.files, &own.files);
        check_file_names(&files)?;
        nodes.push(Node {
            dir: dir.join(format!("node-{name}")),
            name,
            index,
            ports,
            command: if own.command.is_empty() { spec.command.clone() } else { own.command.clone() },
            env: merged(&spec.env, &own.env),
            files,
            path,
        });
    }
    check_fixed_ports(spec, &nodes)?;
    Ok(nodes)
}

fn node_names(spec: &Network) -> Result<Vec<String>, ProviderError> {
    let count = |text: &serde_json::Number| {
        text.as_u64().filter(|count| (1..=10_000).contains(count)).ok_or_else(|| {
            ProviderError::invalid(Path::attribute("node_count"), format!("a network cannot have {text} nodes"))
                .hint("Write a whole number from 1 to 10000.")
        })
    };
    match (&spec.node_count, spec.node.is_empty()) {
        (None, true) => Ok(vec!["0".into()]),
        (Some(number), true) => Ok((0..count(number)?).map(|index| index.to_string()).collect()),
        (Some(_), false) => {
            Err(ProviderError::invalid(Path::attribute("node_count"), "`nodes` and `node` blocks are both set")
                .hint("Remove `nodes`: each `node` block is one node."))
        }
        (None, false) => {
            let is_plain =
                |name: &str| name.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.'));
            for name in spec.node.keys() {
                if name.is_empty() || name.starts_with('.') || !is_plain(name) {
                    let path = Path::attribute("node").name(name.as_str());
                    return Err(ProviderError::invalid(path, format!("`{name}` cannot be a node's name"))
                        .hint("Use letters, digits, `-`, `_` and `.`: it names a directory."));
                }
            }
            Ok(spec.node.keys().cloned().collect())
        }
    }
}

/// Checks that every port has a `$(PORT_NAME)` of its own.
fn check_port_names(
    own_path: &Path,
    own: &loam_provider::kinds::network::Node,
    ports: &BTreeMap<String, Option<u16>>,
) -> Result<(), ProviderError> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for name in ports.keys() {
        if let Some(other) = seen.insert(upper(name), name) {
            let at = if own.ports.contains_key(name) { own_path.clone() } else { Path::root() };
            let message = format!("the ports `{other}` and `{name}` are both `$(PORT_{})`", upper(name));
            return Err(ProviderError::invalid(at.name("ports").name(name), message).hint("Rename one of them."));
        }
    }
    Ok(())
}

fn check_file_names(files: &BTreeMap<String, String>) -> Result<(), ProviderError> {
    let is_inside = |name: &str| {
        !name.is_empty() && FilePath::new(name).components().all(|part| matches!(part, Component::Normal(_)))
    };
    match files.keys().find(|name| !is_inside(name)) {
        Some(name) => {
            let path = Path::attribute("files").name(name.as_str());
            Err(ProviderError::invalid(path, format!("`{name}` cannot be a file's name"))
                .hint("Write a path below the node's own directory, without `..`."))
        }
        None => Ok(()),
    }
}

/// Checks that no two nodes were given one port by number.
fn check_fixed_ports(spec: &Network, nodes: &[Node]) -> Result<(), ProviderError> {
    let mut seen = BTreeSet::new();
    for node in nodes {
        for (name, port) in &node.ports {
            let Some(port) = port else { continue };
            if !seen.insert(*port) {
                let own = spec.node.get(&node.name).is_some_and(|own| own.ports.contains_key(name));
                let at = if own { Path::attribute("node").name(node.name.as_str()) } else { Path::root() };
                let message = format!("port {port} is given more than once (`{name}` of node `{}`)", node.name);
                return Err(ProviderError::invalid(at.name("ports").name(name), message)
                    .hint("Write 0 to let loam choose a free port for each node, or give each node its own in a `node` block."));
            }
        }
    }
    Ok(())
}

/// Expands one text; the error says where it stands and what was probably meant.
pub(super) fn expanded(
    text: &str,
    names: &Names,
    path: &Path,
    spec: &Network,
) -> Result<Option<String>, ProviderError> {
    expand(text, names).map_err(|invalid| match invalid {
        Invalid::Unknown(name) => {
            let error = ProviderError::invalid(path.clone(), format!("`$({name})` stands for nothing here"));
            match suggest(&name, names.keys().map(String::as_str)) {
                _ if name == "PEERS" && spec.peers.is_none() => {
                    error.hint("Add a block `peers { format = … }` that says how nodes are listed.")
                }
                Some(near) => error.hint(format!("Did you mean `$({near})`?")),
                None => {
                    let known: Vec<String> = names.keys().map(|name| format!("`{name}`")).collect();
                    error.hint(format!("Known here: {}. A literal `$(` is written `$$(`.", known.join(", ")))
                }
            }
        }
        Invalid::NoName(shown) => ProviderError::invalid(path.clone(), format!("no name stands in `{shown}`"))
            .hint("Write `$(NAME)`; a literal `$(` is written `$$(`."),
    })
}

/// Returns a port's name as it stands in `$(PORT_NAME)`.
pub(super) fn upper(name: &str) -> String {
    name.chars().map(|char| if char.is_ascii_alphanumeric() { char.to_ascii_uppercase() } else { '_' }).collect()
}
