//! A commit of a Git repository as a tar stream, by the `git` that is installed.
//!
//! Nothing is checked out: the commit is fetched into a bare repository and its tree written by `git archive`, so
//! that no hook, filter, attribute or submodule of it has a say. `git` is never let to ask a question, sees nothing
//! of a repository around it, and is told passwords by its environment alone.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::Command;

use super::{InstallError, source::Repository};
use crate::diag::did_you_mean;

/// What `git` sees of the environment.
pub(super) type Environment = BTreeMap<OsString, OsString>;

/// These would point `git` at another repository, run programs, or write more than errors.
const HIDDEN: [&str; 22] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE",
    "GIT_REPLACE_REF_BASE",
    "GIT_QUARANTINE_PATH",
    "GIT_TEMPLATE_DIR",
    "GIT_DEFAULT_HASH",
    "GIT_ATTR_SOURCE",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_EXTERNAL_DIFF",
    "GIT_ASKPASS",
    "SSH_ASKPASS",
    "GIT_EDITOR",
    "GIT_PROTOCOL",
];

/// Settings that the user's own do not override.
const SETTINGS: [&str; 12] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.askPass=",
    "credential.interactive=false",
    "fetch.recurseSubmodules=false",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=60",
    "tar.umask=0022",
];

/// What beats the attributes of the tree: every file comes out as it was committed.
const ATTRIBUTES: &str = "* -export-ignore -export-subst -text -eol -ident -filter -working-tree-encoding\n";

/// Gives `git` the user and password of the URL, for its host alone.
const HELPER: &str = "!f() { test \"$1\" = get || exit 0; echo \"username=$LOAM_GIT_USER\"; \
                      echo \"password=$LOAM_GIT_PASSWORD\"; }; f";

/// A repository that is being fetched from.
pub(super) struct Git<'g> {
    repository: &'g Repository,
    environment: &'g Environment,
    /// A bare repository of our own.
    directory: PathBuf,
}

impl<'g> Git<'g> {
    /// Makes a bare repository in a directory to fetch into.
    pub(super) async fn begin(
        repository: &'g Repository,
        environment: &'g Environment,
        staging: &Path,
    ) -> Result<Self, InstallError> {
        let git = Self { repository, environment, directory: staging.join("repository.git") };
        git.init("sha1").await?;
        Ok(git)
    }

    async fn init(&self, format: &str) -> Result<(), InstallError> {
        let format = format!("--object-format={format}");
        let arguments = ["init", "--bare", "--quiet", "--template=", &format, "--"].map(OsStr::new);
        let mut command = self.command();
        command.args(arguments).arg(&self.directory);
        self.run(command, "prepare to fetch").await?;
        let info = self.directory.join("info");
        let failed = |source| InstallError::Io { operation: "write", path: info.clone(), source };
        fs::create_dir_all(&info).map_err(failed)?;
        fs::write(info.join("attributes"), ATTRIBUTES).map_err(failed)
    }

    /// Asks the repository which commit the reference is.
    pub(super) async fn resolve(&self) -> Result<String, InstallError> {
        let url = self.repository.url.clone();
        let Some(reference) = self.repository.reference.clone() else {
            let refs = self.list(&["HEAD"]).await?;
            return refs.get("HEAD").cloned().ok_or(InstallError::Empty { url });
        };
        if let Some(commit) = self.repository.pinned() {
            return Ok(commit.to_ascii_lowercase());
        }
        let names = if reference.starts_with("refs/") {
            vec![reference.clone()]
        } else {
            vec![format!("refs/heads/{reference}"), format!("refs/tags/{reference}")]
        };
        let peeled: Vec<String> = names.iter().map(|name| format!("{name}^{{}}")).collect();
        let asked: Vec<&str> = names.iter().chain(&peeled).map(String::as_str).collect();
        let refs = self.list(&asked).await?;
        // An annotated tag is an object of its own; what counts is the commit behind it.
        let commits: Vec<&String> = names
            .iter()
            .zip(&peeled)
            .filter_map(|(name, peeled)| refs.get(peeled).or_else(|| refs.get(name)))
            .collect();
        match commits.as_slice() {
            [commit] => Ok((*commit).clone()),
            [one, other] if one == other => Ok((*one).clone()),
            [] => {
                let suggestion = self.suggestion(&reference).await;
                Err(InstallError::NoReference { url, reference, suggestion })
            }
            _ => Err(InstallError::AmbiguousReference { url, reference }),
        }
    }

    async fn suggestion(&self, reference: &str) -> Option<String> {
        let is_hex = reference.len() >= 4 && reference.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hex {
            return Some("Write a commit in full, with its 40 digits.".into());
        }
        let refs = self.list(&["refs/heads/*", "refs/tags/*"]).await.ok()?;
        let names = refs.keys().filter_map(|name| {
            let name = name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/"))?;
            (!name.ends_with("^{}")).then_some(name)
        });
        did_you_mean(reference, names)
    }

    /// Returns what the repository's references of these names are.
    async fn list(&self, names: &[&str]) -> Result<BTreeMap<String, String>, InstallError> {
        let mut command = self.in_repository().await?;
        command.args(["ls-remote", "--quiet", "--", &self.repository.url]).args(names);
        let told = self.run(command, "list the references of").await?;
        let lines = told.lines().filter_map(|line| line.split_once('\t'));
        Ok(lines.map(|(commit, name)| (name.to_owned(), commit.to_owned())).collect())
    }

    /// Fetches a commit, and writes its tree to `tar`.
    pub(super) async fn write(&self, commit: &str, tar: &Path) -> Result<(), InstallError> {
        if commit.len() == 64 {
            let failed = |source| InstallError::Io { operation: "remove", path: self.directory.clone(), source };
            fs::remove_dir_all(&self.directory).map_err(failed)?;
            self.init("sha256").await?;
        }
        let url = &self.repository.url;
        let depth = format!("--depth={}", self.repository.depth);
        let mut command = self.in_repository().await?;
        command.args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head"]);
        if self.repository.depth > 0 {
            command.arg(depth);
        }
        command.args(["--", url, commit]);
        if self.run(command, "fetch from").await.is_err() {
            // Not every server gives out a commit by its name; then its references have to lead to it.
            let mut command = self.in_repository().await?;
            command.args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", url]);
            command.args(["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]);
            self.run(command, "fetch from").await?;
        }
        let mut command = self.in_repository().await?;
        command.args(["rev-parse", "--quiet", "--verify", &format!("{commit}^{{commit}}")]);
        if self.run(command, "find a commit of").await.is_err() {
            let (url, reference) = (url.clone(), commit.to_owned());
            return Err(InstallError::NoReference { url, reference, suggestion: None });
        }
        let mut output = OsString::from("--output=");
        output.push(tar);
        let mut command = self.in_repository().await?;
        command.args(["archive", "--format=tar"]).arg(output).arg(commit);
        self.run(command, "unpack").await?;
        Ok(())
    }

    async fn in_repository(&self) -> Result<Command, InstallError> {
        let mut command = self.command();
        command.arg("--git-dir").arg(&self.directory);
        if self.is_by_ssh() && !self.has_ssh_command().await {
            command.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes -o ConnectTimeout=30");
        }
        Ok(command)
    }

    fn is_by_ssh(&self) -> bool {
        let url = &self.repository.url;
        url.starts_with("ssh://") || !url.contains("://")
    }

    async fn has_ssh_command(&self) -> bool {
        let is_set = |name: &str| self.environment.contains_key(OsStr::new(name));
        if is_set("GIT_SSH_COMMAND") || is_set("GIT_SSH") {
            return true;
        }
        let mut command = self.command();
        command.args(["config", "--get", "core.sshCommand"]);
        self.run(command, "configure").await.is_ok()
    }

    fn command(&self) -> Command {
        let mut command = Command::new("git");
        let is_hidden = |name: &OsStr| {
            let name = name.to_string_lossy();
            HIDDEN.contains(&&*name) || name.starts_with("GIT_TRACE") || name.starts_with("LOAM_")
        };
        command.env_clear().envs(self.environment.iter().filter(|(name, _)| !is_hidden(name)));
        command
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GCM_INTERACTIVE", "never")
            .env("SSH_ASKPASS_REQUIRE", "never")
            .env("GIT_ALLOW_PROTOCOL", "https:ssh:file:http")
            .env("GIT_LFS_SKIP_SMUDGE", "1")
            .env("LC_ALL", "C");
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        if let Some(login) = &self.repository.login
            && let Some((scheme, rest)) = self.repository.url.split_once("://")
        {
            let host = rest.split('/').next().unwrap_or_default();
            let key = format!("credential.{scheme}://{host}.helper");
            // An empty one first: the user's own helpers are not asked about this host, and are told nothing.
            command.arg("-c").arg(format!("{key}=")).arg("-c").arg(format!("{key}={HELPER}"));
            command.env("LOAM_GIT_USER", &login.user).env("LOAM_GIT_PASSWORD", &login.password);
        }
        command.stdin(Stdio::null()).kill_on_drop(true);
        if let Some(parent) = self.directory.parent() {
            command.current_dir(parent);
        }
        command
    }

    async fn run(&self, mut command: Command, operation: &'static str) -> Result<String, InstallError> {
        let url = self.repository.url.clone();
        let output = command.output().await.map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => InstallError::NoGit { source },
            _ => InstallError::Io { operation: "run", path: "git".into(), source },
        })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let mut said: Vec<String> =
            said.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| self.redacted(line)).collect();
        said.drain(..said.len().saturating_sub(MOST_LINES));
        Err(InstallError::Git { operation, url, said })
    }

    fn redacted(&self, line: &str) -> String {
        match &self.repository.login {
            Some(login) => [&login.password, &login.user]
                .into_iter()
                .filter(|secret| !secret.is_empty())
                .fold(line.to_owned(), |line, secret| line.replace(secret.as_str(), "(sensitive)")),
            None => line.to_owned(),
        }
    }
}

/// So much of what `git` said is shown.
const MOST_LINES: usize = 6;
