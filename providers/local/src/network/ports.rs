//! Ports on loopback: free ones are chosen, taken ones are found with who holds them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use loam_provider::ProviderError;

use crate::{Machine, process::pids};

/// Where nodes listen.
pub(super) const HOST: &str = "127.0.0.1";
/// Below this stand the ports of well-known services.
const LOWEST: u16 = 10_000;

/// Returns a free port that was given to nobody else, in this run or another one.
///
/// It is taken from below the range from which the kernel serves outgoing connections, so that it is
/// still free when the node is started again; the seed spreads networks over that range.
pub(super) fn choose(machine: &Machine, seed: &str, taken: &BTreeSet<u16>) -> Result<u16, ProviderError> {
    let highest = ephemeral_from().unwrap_or(32_768).max(LOWEST + 2_000);
    let span = u64::from(highest - LOWEST);
    let digest = crate::files::fs::digest_of(seed.as_bytes());
    let start = u64::from_str_radix(&digest[..12], 16).unwrap_or_default();
    let candidates = (0..span).filter_map(|step| u16::try_from(u64::from(LOWEST) + (start + step) % span).ok());
    let in_use = listeners();
    candidates
        .filter(|port| !taken.contains(port) && !in_use.contains_key(port))
        // A run that had it until now may have started a node there since the listeners were looked at.
        .find(|port| machine.reserve(*port) && !listeners().contains_key(port))
        .ok_or_else(|| {
            ProviderError::failed(format!("no port from {LOWEST} to {highest} is free"))
                .hint("Destroy a network that is not needed, or write port numbers of your own in `ports`.")
        })
}

/// Checks that a node can listen on its ports; the error names the port and who holds it.
pub(super) fn check_free<'p>(
    node: &str,
    ports: impl IntoIterator<Item = (&'p String, &'p u16)>,
) -> Result<(), ProviderError> {
    let listeners = listeners();
    for (name, port) in ports {
        if let Some(inodes) = listeners.get(port) {
            let holder = holder(inodes).map(|holder| format!(" by {holder}")).unwrap_or_default();
            let message = format!("port {port} (`{name}` of node `{node}`) is in use{holder}");
            return Err(ProviderError::failed(message).hint(
                "Stop what listens there, or write another number in `ports`; 0 chooses a free one for a new node.",
            ));
        }
    }
    Ok(())
}

fn ephemeral_from() -> Option<u16> {
    fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?.split_whitespace().next()?.parse().ok()
}

/// Returns the ports of loopback that are listened on, each with the inodes of its sockets.
///
/// The kernel's tables are read because trying to bind disturbs: a copy of the socket lives on for a moment in
/// every process that is being started, and the port looks taken.
fn listeners() -> BTreeMap<u16, BTreeSet<String>> {
    let mut found: BTreeMap<u16, BTreeSet<String>> = BTreeMap::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let table = fs::read_to_string(table).unwrap_or_default();
        for (port, inode) in table.lines().skip(1).filter_map(listener) {
            found.entry(port).or_default().insert(inode);
        }
    }
    found
}

/// Returns the port and inode of the socket in a line of the kernel's table, if it would keep a node from listening.
fn listener(line: &str) -> Option<(u16, String)> {
    const LISTENING: &str = "0A";
    let mut fields = line.split_whitespace();
    let (address, port) = fields.nth(1)?.rsplit_once(':')?;
    let (state, inode) = (fields.nth(1)?, fields.nth(5)?);
    let is_in_the_way = state == LISTENING && is_loopback_or_any(address);
    is_in_the_way.then(|| Some((u16::from_str_radix(port, 16).ok()?, inode.to_owned()))).flatten()
}

/// Reads an address as the kernel writes it: words of 32 bits, each in this machine's byte order.
fn is_loopback_or_any(address: &str) -> bool {
    let word = |bytes: [u8; 4]| format!("{:08X}", u32::from_ne_bytes(bytes));
    let loopback = word([127, 0, 0, 1]);
    let mapped = format!("{:016X}{}", 0, word([0, 0, 0xff, 0xff]));
    address.bytes().all(|byte| byte == b'0')
        || address == loopback
        || address.strip_prefix(&mapped).is_some_and(|rest| rest == loopback || rest == "00000000")
}

/// Returns who has one of these sockets open, as far as that can be seen.
fn holder(inodes: &BTreeSet<String>) -> Option<String> {
    let pid = pids().find(|pid| {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        open.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|target| is_socket(&target, inodes))
    })?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    Some(format!("process {pid} (`{}`)", name.trim()))
}

fn is_socket(target: &Path, inodes: &BTreeSet<String>) -> bool {
    let name = target.to_string_lossy();
    name.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']')).is_some_and(|inode| inodes.contains(inode))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::net::TcpListener;

    use loam_provider::ConfigureCx;

    use super::*;

    #[test]
    fn a_port_is_given_once_however_many_runs_choose() {
        let machine = || {
            let cx = ConfigureCx { base_dir: "/".into(), loam_dir: "/".into(), executable: "/".into() };
            Machine::new(&cx)
        };
        let (one, another) = (machine(), machine());
        let choose = |machine: &Machine| choose(machine, "the same seed", &BTreeSet::new()).unwrap();
        let kept = choose(&one);
        assert_eq!(BTreeSet::from([kept, choose(&one), choose(&another)]).len(), 3);
        drop(one);
        assert!(another.reserve(kept), "a run that has ended holds nothing");
    }

    #[test]
    fn a_port_in_use_is_named_with_its_holder() {
        for address in [HOST, "0.0.0.0", "::"] {
            // A machine may have no IPv6.
            let Ok(listener) = TcpListener::bind((address, 0)) else { continue };
            let port = listener.local_addr().unwrap().port();
            assert!(listeners().contains_key(&port), "{address}");
        }
        let listener = TcpListener::bind((HOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let error = check_free("a", [(&"client".to_owned(), &port)]).unwrap_err().to_string();
        let own = std::process::id();
        assert!(
            error.starts_with(&format!("port {port} (`client` of node `a`) is in use by process {own} (")),
            "{error}"
        );
    }
}
