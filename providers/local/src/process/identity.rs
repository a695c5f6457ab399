//! Which process it is: pid, start time and boot id together.
//!
//! A pid alone is reused; with the time it started, counted from a boot that has an id of its own,
//! it names one process for ever. A zombie is dead: it holds nothing but its exit code. Unless it has threads
//! left: the first thread of a process may have ended while others still keep its ports and files open.

use std::{collections::BTreeSet, fmt, fs, io};

use serde::{Deserialize, Serialize};

/// The variable by which everything a detached process starts is found again.
pub(crate) const MARK: &str = "LOAM_PROCESS";

/// One process, never mistaken for another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) pid: u32,
    /// In clock ticks after the boot.
    pub(crate) start_time: u64,
    pub(crate) boot_id: String,
}

/// Writes `BOOT:PID:START`.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.boot_id, self.pid, self.start_time)
    }
}

impl Identity {
    /// Returns the identity of the process that has a pid now, if one has.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let stat = stat(pid)?;
        Some(Self { pid, start_time: stat.start_time, boot_id: boot_id().ok()? })
    }

    /// Reads what [`fmt::Display`] wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':');
        let boot_id = parts.next()?.to_owned();
        Some(Self { boot_id, pid: parts.next()?.parse().ok()?, start_time: parts.next()?.parse().ok()? })
    }

    /// Returns whether this very process runs.
    pub(crate) fn is_running(&self) -> bool {
        boot_id().is_ok_and(|boot_id| boot_id == self.boot_id)
            && stat(self.pid).is_some_and(|stat| stat.start_time == self.start_time && stat.is_alive())
    }

    /// Returns what runs of this process and of all it started, by the mark they inherited.
    pub(crate) fn family(&self) -> BTreeSet<Self> {
        if !boot_id().is_ok_and(|boot_id| boot_id == self.boot_id) {
            return BTreeSet::new();
        }
        let mark = format!("{MARK}={self}");
        pids()
            .filter(|pid| *pid == self.pid || is_marked(*pid, &mark))
            .filter_map(Self::of)
            .filter(|found| (found.pid != self.pid || found == self) && found.is_running())
            .collect()
    }
}

/// What the kernel tells of a process.
struct Stat {
    state: char,
    threads: u64,
    start_time: u64,
}

impl Stat {
    fn is_alive(&self) -> bool {
        match self.state {
            'X' | 'x' => false,
            'Z' => self.threads > 1,
            _ => true,
        }
    }
}

fn stat(pid: u32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Reads the fields behind the command's name, which may itself hold spaces and parentheses.
fn parse_stat(line: &str) -> Option<Stat> {
    let (_, fields) = line.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    let state = fields.next()?.chars().next()?;
    let threads = fields.nth(16)?.parse().ok()?;
    Some(Stat { state, threads, start_time: fields.nth(1)?.parse().ok()? })
}

fn boot_id() -> io::Result<String> {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|text| text.trim().to_owned())
}

/// Returns the pids of all processes that can be seen.
pub(crate) fn pids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn is_marked(pid: u32, mark: &str) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_command_name_cannot_confuse_the_kernel_s_line() {
        let stat = parse_stat(&line('S', 1)).unwrap();
        assert_eq!((stat.state, stat.threads, stat.start_time, stat.is_alive()), ('S', 1, 4711, true));
    }

    #[test]
    fn a_zombie_is_alive_while_one_of_its_threads_is() {
        for (state, threads, is_alive) in [('Z', 1, false), ('Z', 0, false), ('Z', 2, true), ('X', 2, false)] {
            assert_eq!(parse_stat(&line(state, threads)).unwrap().is_alive(), is_alive, "{state} {threads}");
        }
    }

    fn line(state: char, threads: u64) -> String {
        let fields = (4..=19).map(|field| field.to_string()).collect::<Vec<_>>().join(" ");
        format!("7 (a) Z (b) {state} {fields} {threads} 21 4711 23 24")
    }

    #[test]
    fn a_reused_pid_is_not_ours() {
        let own = Identity::of(std::process::id()).unwrap();
        assert!(own.is_running());
        assert_eq!(Identity::parse(&own.to_string()), Some(own.clone()));
        let earlier = Identity { start_time: own.start_time - 1, ..own.clone() };
        let other_boot = Identity { boot_id: "another".into(), ..own };
        assert!(!earlier.is_running() && !other_boot.is_running());
        assert!(earlier.family().is_empty() && other_boot.family().is_empty());
    }
}
