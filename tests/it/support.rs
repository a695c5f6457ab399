//! A directory with a configuration, loam's own binary, and what can be asked of both from outside.
//!
//! A [`Project`] is a directory of its own, so tests run beside each other; when it goes, no process
//! that was started from it stays.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value as Json;
use tempfile::TempDir;

/// Longer than anything that a test waits for should take, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// A directory with a configuration.
pub(crate) struct Project {
    directory: TempDir,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A process that was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) command: String,
}

/// A node of a network, as the state knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) pid: i32,
    pub(crate) endpoints: BTreeMap<String, String>,
}

/// What an attempt that fails must leave as it was.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct World {
    objects: String,
    files: BTreeSet<PathBuf>,
    processes: Vec<Process>,
}

impl Project {
    /// Returns an empty directory.
    pub(crate) fn empty() -> Self {
        Self { directory: tempfile::Builder::new().prefix("loam-it-").tempdir().unwrap() }
    }

    /// Returns a directory with this configuration.
    pub(crate) fn with(configuration: &str) -> Self {
        let project = Self::empty();
        project.configure(configuration);
        project
    }

    /// Returns a copy of an example as it is checked in.
    pub(crate) fn example(name: &str) -> Self {
        let project = Self::empty();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name), &project.path(""));
        project
    }

    /// Puts this in the place of the configuration.
    pub(crate) fn configure(&self, configuration: &str) {
        self.write("main.loam.hcl", configuration);
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.directory.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn write(&self, name: impl AsRef<Path>, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: impl AsRef<Path>) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Returns loam's command in this directory, with nothing of the environment that would change what it does.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_loam"));
        command.args(arguments);
        self.bare(&mut command);
        command
    }

    /// Lets a command run here, with nothing of the environment that would change what loam does.
    pub(crate) fn bare(&self, command: &mut Command) {
        command.current_dir(self.path("")).stdin(Stdio::null());
        command.env("LC_ALL", "C.UTF-8").env("COLUMNS", "400").env("USER", "tester");
        for (name, _) in std::env::vars_os() {
            let is_ours = name.to_string_lossy().starts_with("LOAM_");
            // In CI nobody is asked anything.
            if is_ours || name == "CI" || name == "NO_COLOR" || name == "CLICOLOR_FORCE" {
                command.env_remove(name);
            }
        }
    }

    /// Runs loam.
    pub(crate) fn loam(&self, arguments: &[&str]) -> Done {
        Done::of(&mut self.command(arguments))
    }

    /// Runs loam, which must succeed, and returns what it printed.
    pub(crate) fn succeed(&self, arguments: &[&str]) -> String {
        let done = self.loam(arguments);
        assert_eq!(done.code, 0, "loam {}\n{}", arguments.join(" "), done.told());
        done.stdout
    }

    /// Starts loam and does not wait; what it prints can be read while it runs.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Running { child: command.spawn().unwrap() }
    }

    /// Applies without asking.
    pub(crate) fn apply(&self, further: &[&str]) -> Done {
        let done = self.loam(&[&["apply", "--auto-approve"], further].concat());
        assert_eq!(done.code, 0, "{}", done.told());
        done
    }

    /// Checks that a plan finds nothing to do, and that applying it does nothing.
    pub(crate) fn assert_settled(&self, further: &[&str]) {
        let plan = self.loam(&[&["plan", "--detailed-exitcode"], further].concat());
        assert_eq!(plan.code, 0, "{}", plan.told());
        assert!(plan.stdout.contains("No changes."), "{}", plan.told());
        let before = self.world();
        self.apply(further);
        assert_eq!(self.world(), before, "an apply that has nothing to do changed something");
    }

    /// Returns an output as JSON.
    pub(crate) fn output(&self, name: &str) -> Json {
        serde_json::from_str(&self.succeed(&["output", name, "--json"])).unwrap()
    }

    /// Returns an output that maps names to texts.
    pub(crate) fn output_map(&self, name: &str) -> BTreeMap<String, String> {
        serde_json::from_value(self.output(name)).unwrap()
    }

    /// Returns an object as the state has it.
    pub(crate) fn object(&self, address: &str) -> Json {
        let line = self.succeed(&["state", "show", address, "--json"]);
        let mut line: Json = serde_json::from_str(&line).unwrap();
        line["value"].take()
    }

    /// Returns the nodes of a network as the state has them.
    pub(crate) fn nodes(&self, address: &str) -> BTreeMap<String, Node> {
        let object = self.object(address);
        let node = |node: &Json| Node {
            pid: node["pid"].as_i64().unwrap_or_else(|| panic!("no pid in {node}")).try_into().unwrap(),
            endpoints: serde_json::from_value(node["endpoints"].clone()).unwrap(),
        };
        object["nodes"].as_object().unwrap().iter().map(|(name, value)| (name.clone(), node(value))).collect()
    }

    /// Returns the addresses in the state.
    pub(crate) fn addresses(&self) -> Vec<String> {
        if !self.path(".loam/state.db").exists() {
            return Vec::new();
        }
        self.succeed(&["state", "list"]).lines().map(str::to_owned).collect()
    }

    /// Returns the processes that were started from here and still run.
    pub(crate) fn processes(&self) -> Vec<Process> {
        processes_of(&self.path(""))
    }

    /// Returns every file here, except what loam keeps for itself.
    pub(crate) fn files(&self) -> BTreeSet<PathBuf> {
        let root = self.path("");
        let mut found = BTreeSet::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else {
                    found.insert(entry.path().strip_prefix(&root).unwrap().to_owned());
                }
            }
        }
        let own = [".loam/state.db", ".loam/state.db-wal", ".loam/state.db-shm", ".loam/lock", ".loam/key"];
        found.retain(|path| !own.iter().any(|own| path == Path::new(own)));
        found
    }

    /// Returns what must be as it is after an attempt that fails.
    pub(crate) fn world(&self) -> World {
        World { objects: self.addresses().join("\n"), files: self.files(), processes: self.processes() }
    }

    /// Returns a text without what differs from run to run and from machine to machine.
    pub(crate) fn shown(&self, text: &str) -> String {
        let root = self.path("");
        let root = root.to_string_lossy();
        let of_kernel = |name: &str| fs::read_to_string(name).unwrap().trim_end().to_owned();
        let this_test = of_kernel("/proc/self/comm");
        let host = format!("`{}`", of_kernel("/proc/sys/kernel/hostname"));
        let text = text.replace(root.trim_end_matches('/'), "[DIR]");
        redacted(&text.replace(&this_test, "[TEST]").replace(&host, "[HOST]"))
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = self.processes();
            if left.is_empty() || Instant::now() > end {
                break;
            }
            for process in &left {
                kill(process.pid, Signal::KILL);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Done {
    /// Runs a command to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self {
            code: output.status.code().unwrap_or_else(|| panic!("{command:?} was killed: {}", output.status)),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Returns all that it told, for snapshots and failures.
    pub(crate) fn told(&self) -> String {
        let mut told = format!("exit {}", self.code);
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                told.push_str(&format!("\n--- {name}\n{}", text.trim_end()));
            }
        }
        told
    }

    /// Returns standard output as JSON lines.
    pub(crate) fn lines(&self) -> Vec<Json> {
        let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stdout.lines().map(line).collect()
    }
}

/// A loam that runs.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    /// Sends SIGINT, as Ctrl-C does.
    pub(crate) fn interrupt(&self) {
        kill(i32::try_from(self.child.id()).unwrap(), Signal::INT);
    }

    /// Reads lines of standard output until one holds a text.
    pub(crate) fn wait_for(&mut self, text: &str) -> Vec<String> {
        let stdout = self.child.stdout.as_mut().unwrap();
        let mut lines = Vec::new();
        loop {
            // Byte for byte, so that nothing is read ahead that the end of the run will want.
            let (mut line, mut byte) = (Vec::new(), [0]);
            while stdout.read(&mut byte).unwrap() == 1 && byte != *b"\n" {
                line.push(byte[0]);
            }
            let line = String::from_utf8(line).unwrap();
            assert!(!line.is_empty(), "it ended before it told `{text}`: {lines:#?}");
            let is_found = line.contains(text);
            lines.push(line);
            if is_found {
                return lines;
            }
        }
    }

    /// Kills it after some time, if it still runs, and returns what it told until then.
    pub(crate) fn kill_after(mut self, time: Duration) -> String {
        // The moment is what is tried, and nothing waits for it.
        std::thread::sleep(time);
        self.child.kill().unwrap();
        let output = self.child.wait_with_output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    }

    /// Waits for its end.
    pub(crate) fn finish(self) -> Done {
        let output = self.child.wait_with_output().unwrap();
        Done {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Asks until there is an answer; fails with the last refusal.
pub(crate) fn until<T>(mut ask: impl FnMut() -> Result<T, String>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(refusal) => assert!(Instant::now() < end, "{refusal}"),
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until a file is there.
pub(crate) fn until_exists(path: &Path) {
    until(|| path.exists().then_some(()).ok_or_else(|| format!("there is no `{}`", path.display())));
}

/// Returns the status and body of the answer to a GET request.
pub(crate) fn get(url: &str) -> io::Result<(u16, String)> {
    request("GET", url, "")
}

/// Writes a key of a demo node.
pub(crate) fn put(url: &str, body: &str) {
    let (status, answer) = request("PUT", url, body).unwrap();
    assert!((200..300).contains(&status), "{status}: {answer}");
}

fn request(method: &str, url: &str, body: &str) -> io::Result<(u16, String)> {
    let rest = url.strip_prefix("http://").unwrap_or_else(|| panic!("`{url}` is no URL"));
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = body.len();
    write!(
        stream,
        "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    )?;
    stream.write_all(body.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::InvalidData)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    Ok((status, body.to_owned()))
}

/// Checks that nothing answers at a URL any more.
pub(crate) fn assert_silent(url: &str) {
    let error = get(url).expect_err("something still answers");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused, "{url}: {error}");
}

/// Sends a signal; a process that is gone is no failure.
pub(crate) fn kill(pid: i32, signal: Signal) {
    match kill_process(Pid::from_raw(pid).unwrap(), signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => {}
        Err(error) => panic!("failed to send a signal to {pid}: {error}"),
    }
}

/// Kills a process and waits until it is gone.
pub(crate) fn kill_now(pid: i32) {
    kill(pid, Signal::KILL);
    until(|| if is_running(pid) { Err(format!("process {pid} survives SIGKILL")) } else { Ok(()) });
}

/// Returns whether a process runs; one that ended and was not waited for does not.
pub(crate) fn is_running(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let Some((_, fields)) = stat.rsplit_once(") ") else { return false };
    let fields: Vec<&str> = fields.split(' ').collect();
    match fields[0] {
        "X" | "x" => false,
        // Its first thread has ended, and others may still be there with its ports.
        "Z" => fields[17].parse::<u32>().unwrap() > 1,
        _ => true,
    }
}

/// Returns the processes that name a directory as theirs: in their command, environment or working directory.
fn processes_of(root: &Path) -> Vec<Process> {
    let name = root.to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|pid| pid.parse::<i32>().ok()) else { continue };
        let text = |file: &str| {
            let bytes = fs::read(entry.path().join(file)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).replace('\0', " ")
        };
        let command = text("cmdline");
        if command.is_empty() {
            // Its memory is gone already: it is ending, or never had any.
            continue;
        }
        let works_here = fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(root));
        if (works_here || command.contains(&name) || text("environ").contains(&name)) && is_running(pid) {
            found.push(Process { pid, command: command.trim_end().to_owned() });
        }
    }
    found.sort();
    found
}

/// Returns a text with times, durations, digests and pids taken out.
fn redacted(text: &str) -> String {
    let is_part = |char: char| char.is_ascii_alphanumeric() || "._:-".contains(char);
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = rest.find(|char| !is_part(char)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(length.max(if is_part(first) { 0 } else { first.len_utf8() }));
        let bare = word.trim_end_matches(['.', ':']);
        let is_number = !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_digit());
        let names_number = || ["pid ", "process ", "run "].iter().any(|name| shown.ends_with(name));
        let mark = match bare {
            _ if is_time(bare) => "[TIME]",
            _ if is_duration(bare) => "[DURATION]",
            _ if is_number && names_number() => "[NUMBER]",
            _ => &without_digests(bare),
        };
        shown.push_str(mark);
        shown.push_str(&word[bare.len()..]);
        rest = after;
    }
    shown
}

/// Returns a word with every run of hexadecimal digits that is as long as a digest or token taken out.
fn without_digests(word: &str) -> String {
    let parts = word.split_inclusive(|char: char| !char.is_ascii_hexdigit());
    let part = |part: &str| {
        let digits = part.trim_end_matches(|char: char| !char.is_ascii_hexdigit());
        if digits.len() < 16 { part.to_owned() } else { format!("[HEX]{}", &part[digits.len()..]) }
    };
    parts.map(part).collect()
}

fn is_time(word: &str) -> bool {
    word.len() >= 20 && word.ends_with('Z') && word.as_bytes()[4] == b'-' && word.as_bytes()[10] == b'T'
}

fn is_duration(word: &str) -> bool {
    let number = word.strip_suffix("ms").or_else(|| word.strip_suffix('s')).unwrap_or_default();
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Copies a directory as it would be checked out: without what its examples' users make.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    let ignored = fs::read_to_string(from.join(".gitignore")).unwrap_or_default();
    let is_ignored = |name: &str| ignored.lines().any(|line| line.trim_matches('/') == name);
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if is_ignored(&name) {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(&name));
        } else {
            fs::copy(entry.path(), to.join(&name)).unwrap();
        }
    }
}
