//! `process`: what a program prints.

use std::{collections::BTreeMap, io, path::Path as FilePath, process::Stdio};

use loam_provider::{
    Attribute, CallCx, DataSource, Format, Known, Path, Period, ProviderError, Schema, Size, Trouble, Type, Value,
    decode,
};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdin, Command},
};

use super::too_long;
use crate::{
    Machine,
    data::{object, place},
    process::{environment, until},
};

/// How many lines of what a program printed are shown when it fails.
const SHOWN: usize = 20;

#[derive(Debug, Deserialize)]
struct Spec {
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    stdin: Option<String>,
    working_dir: Option<String>,
    #[serde(default = "minute")]
    timeout: Period,
    #[serde(default = "four_mebibytes")]
    max_output: Size,
    #[serde(default)]
    allow_failure: bool,
}

fn minute() -> Period {
    Period(std::time::Duration::from_secs(60))
}

fn four_mebibytes() -> Size {
    Size(4 << 20)
}

pub(super) fn source() -> DataSource {
    let schema = Schema::new([
        (
            "command",
            Attribute::required(
                Type::list(Type::String),
                "The program and its arguments, as they are: no shell reads them. Every user of the machine can see \
                 them while it runs; what is secret belongs into `env` or `stdin`.",
            ),
        ),
        ("env", Attribute::optional(Type::map(Type::String), "Environment variables beside the usual few.")),
        ("stdin", Attribute::optional(Type::String, "What it reads from its standard input; nothing if left out.")),
        ("working_dir", Attribute::optional(Type::String, "Its working directory; otherwise the configuration's.")),
        (
            "timeout",
            Attribute::default(Type::String, "1m", "How long it may take; then it is killed with all it started.")
                .format(Format::Period),
        ),
        (
            "max_output",
            Attribute::default(Type::String, "4MiB", "How much it may print to each of `stdout` and `stderr`.")
                .format(Format::Size),
        ),
        (
            "allow_failure",
            Attribute::default(Type::Bool, false, "Whether an `exit_code` other than 0 is an answer and no error."),
        ),
        ("stdout", Attribute::computed(Type::String, "What it printed to its standard output.")),
        ("stderr", Attribute::computed(Type::String, "What it printed to its standard error.")),
        ("exit_code", Attribute::computed(Type::Number, "What it exited with.")),
        ("result", Attribute::computed(Type::Any, "What `stdout` says as JSON; null where it is none.")),
    ]);
    let doc =
        "A program that is run whenever the configuration is planned, and what it prints. It must change nothing.";
    super::source("process", doc, schema)
}

/// What a program left.
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

pub(super) async fn fetch(machine: &Machine, cx: &CallCx, config: &Value) -> Result<Known, ProviderError> {
    let spec: Spec = decode(config)?;
    let directory = place::path(machine, spec.working_dir.as_deref().unwrap_or_default());
    let Ran { code, stdout, stderr } = run(&spec, &directory, cx).await?;
    if code != 0 && !spec.allow_failure {
        let printed = if stderr.trim().is_empty() { &stdout } else { &stderr };
        return Err(invalid("command", format!("`{}` failed: exit code {code}", spec.command[0]))
            .trouble(Trouble::Failed)
            .evidence(last_lines(printed))
            .hint("Run it by hand to see why, or write `allow_failure = true` if the code is an answer."));
    }
    let result = serde_json::from_str(&stdout).ok();
    let result = result.and_then(|json| Known::from_json(&json, &Type::Any).ok());
    object::completed(
        config,
        [
            ("stdout", Value::from(stdout)),
            ("stderr", Value::from(stderr)),
            ("exit_code", Value::from(i64::from(code))),
            ("result", result.map_or(Value::Null(Type::Any), Known::into_value)),
        ],
    )
}

/// Ends what a program has started, when it is no longer waited for.
struct Group {
    child: Child,
    /// None once the program was waited for: its number may then be another's.
    pid: Option<Pid>,
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.pid {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

async fn run(spec: &Spec, directory: &FilePath, cx: &CallCx) -> Result<Ran, ProviderError> {
    let Some((program, arguments)) = spec.command.split_first() else {
        return Err(invalid("command", "the command is empty").hint("Name a program: `command = [\"date\"]`."));
    };
    if !directory.is_dir() {
        return Err(invalid("working_dir", format!("`{}` is not a directory", directory.display())));
    }
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(environment(&spec.env))
        .current_dir(directory)
        .stdin(if spec.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| unstartable(program, error))?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    let mut group = Group { child, pid };
    let piped = async {
        tokio::try_join!(
            give(stdin, spec.stdin.as_deref().unwrap_or_default()),
            take(stdout, program, "standard output", spec.max_output),
            take(stderr, program, "standard error", spec.max_output),
        )
    };
    let ended = async {
        let ((), stdout, stderr) = piped.await?;
        let status = group.child.wait().await;
        group.pid = None;
        let status =
            status.map_err(|error| ProviderError::because(format!("failed to wait for `{program}`"), error))?;
        let code = status.code().ok_or_else(|| {
            let killed = invalid("command", format!("`{program}` was ended from outside: {status}"));
            killed.trouble(Trouble::Failed).evidence(last_lines(&stderr))
        })?;
        Ok(Ran { code, stdout, stderr })
    };
    tokio::select! {
        ran = ended => ran,
        () = cx.cancel.cancelled() => Err(ProviderError::cancelled()),
        () = tokio::time::sleep_until(until(cx, spec.timeout)) => {
            let message = format!("`{program}` did not end within {}, so it was killed", spec.timeout);
            Err(invalid("timeout", message).trouble(Trouble::TimedOut).hint(
                "Raise `timeout`; what the program starts in the background must not keep its output open.",
            ))
        }
    }
}

async fn give(stdin: Option<ChildStdin>, text: &str) -> Result<(), ProviderError> {
    if let Some(mut stdin) = stdin {
        // A program need not read what it is given.
        let _ = stdin.write_all(text.as_bytes()).await;
    }
    Ok(())
}

async fn take(
    output: Option<impl AsyncRead + Unpin>,
    program: &str,
    what: &str,
    limit: Size,
) -> Result<String, ProviderError> {
    let Some(output) = output else { return Ok(String::new()) };
    let mut bytes = Vec::new();
    let read = output.take(limit.0.saturating_add(1)).read_to_end(&mut bytes).await;
    read.map_err(|error| ProviderError::because(format!("failed to read the {what} of `{program}`"), error))?;
    if bytes.len() as u64 > limit.0 {
        return Err(too_long(&format!("the {what} of `{program}`"), limit, "max_output"));
    }
    String::from_utf8(bytes).map_err(|_| {
        invalid("command", format!("the {what} of `{program}` is not UTF-8"))
            .trouble(Trouble::Failed)
            .hint("Let the program print text, for example by passing its output through `base64`.")
    })
}

fn invalid(attribute: &str, message: impl Into<String>) -> ProviderError {
    ProviderError::invalid(Path::attribute(attribute), message)
}

fn unstartable(program: &str, error: io::Error) -> ProviderError {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => "Install it, or write its path; relative paths start from `working_dir`.",
        io::ErrorKind::PermissionDenied => "Make the file executable.",
        _ => "Check that the file is a program of this machine.",
    };
    let mut failed = ProviderError::because(format!("failed to run `{program}`"), error).hint(hint);
    failed.path = Some(Path::attribute("command"));
    failed
}

fn last_lines(printed: &str) -> Vec<String> {
    let lines: Vec<&str> = printed.lines().collect();
    lines[lines.len().saturating_sub(SHOWN)..].iter().map(|line| (*line).to_owned()).collect()
}
