//! A process that tries inputs, and the one that watches over it.
//!
//! The one that tries writes each input to a file before it is tried, and says on its standard output that it was. If it
//! dies, is silent for too long or asks for too much memory, the file holds the input to blame.

use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::{dice::Dice, seeds::Seeds, target::Target};

/// How long one input may take.
const LONGEST: Duration = Duration::from_secs(10);
/// How much memory the process that tries may ask for.
const MEMORY: u64 = 1 << 30;

/// When to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// After so long.
    Time(Duration),
    /// After so many inputs.
    Count(u64),
}

/// What was found.
#[derive(Debug)]
pub(crate) enum Found {
    /// So many inputs were tried, and nothing was.
    Nothing { inputs: u64 },
    /// An input broke something.
    Failure {
        /// Which input it was.
        number: u64,
        /// What it broke.
        what: String,
        /// The file with the input.
        input: PathBuf,
    },
}

/// Why nothing could be tried.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WatchError {
    #[error("failed to {action} `{}`", path.display())]
    File { action: &'static str, path: PathBuf, source: io::Error },
    #[error("failed to start the process that tries the inputs")]
    Start(#[source] io::Error),
}

/// Tries inputs in processes of their own until one fails, or it is enough.
pub(crate) fn watch(target: Target, seed: u64, until: Until, folder: &Path) -> Result<Found, WatchError> {
    let file = |action, path: &Path| {
        let path = path.to_owned();
        move |source| WatchError::File { action, path, source }
    };
    fs::create_dir_all(folder).map_err(file("make", folder))?;
    let input = folder.join(format!("{}-{seed}.hcl", target.name()));
    let errors = folder.join(format!("{}-{seed}.stderr", target.name()));
    let errors_file = fs::File::create(&errors).map_err(file("write", &errors))?;
    let program = std::env::current_exe().map_err(WatchError::Start)?;
    let mut command = Command::new(program);
    command.args([target.name(), "--seed", &seed.to_string(), "--through"]).arg(&input);
    if let Until::Count(count) = until {
        command.args(["--count", &count.to_string()]);
    }
    // The place of a panic is enough, and others would take long to be told.
    command.env("RUST_BACKTRACE", "0");
    let mut child = Trying(command.stdout(Stdio::piped()).stderr(errors_file).spawn().map_err(WatchError::Start)?);
    let said = said(&mut child.0);
    let end = match until {
        Until::Time(time) => Some(Instant::now() + time),
        Until::Count(_) => None,
    };
    let mut tried = 0;
    let what = loop {
        if end.is_some_and(|end| Instant::now() >= end) {
            return Ok(Found::Nothing { inputs: tried });
        }
        match said.recv_timeout(LONGEST) {
            Ok(Said::Tried) => tried += 1,
            Ok(Said::Failed(what)) => break what,
            Ok(Said::Done) => return Ok(Found::Nothing { inputs: tried }),
            Err(RecvTimeoutError::Timeout) => break format!("it takes longer than {} s", LONGEST.as_secs()),
            Err(RecvTimeoutError::Disconnected) => {
                let status = child.0.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
                let told = fs::read_to_string(&errors).unwrap_or_default();
                let first: Vec<&str> = told.lines().take(6).collect();
                break format!("the process died: {status}\n{}", first.join("\n"));
            }
        }
    };
    Ok(Found::Failure { number: tried, what, input })
}

/// The process that tries; ends with whoever watches.
struct Trying(Child);

impl Drop for Trying {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

enum Said {
    Tried,
    Failed(String),
    Done,
}

fn said(child: &mut Child) -> mpsc::Receiver<Said> {
    let (send, receive) = mpsc::channel();
    if let Some(output) = child.stdout.take() {
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let said = match line.split_once(' ') {
                    None if line == "tried" => Said::Tried,
                    None => Said::Done,
                    Some((_, what)) => Said::Failed(what.replace('\u{1f}', "\n")),
                };
                if send.send(said).is_err() {
                    break;
                }
            }
        });
    }
    receive
}

/// Tries inputs, and says so; returns at the first that fails, or after so many.
pub(crate) fn try_inputs(target: Target, seed: u64, count: Option<u64>, input: &Path, seeds: &Seeds) -> io::Result<()> {
    let limit = Rlimit { current: Some(MEMORY), maximum: Some(MEMORY) };
    setrlimit(Resource::As, limit)?;
    let mut output = io::stdout().lock();
    for number in 0..count.unwrap_or(u64::MAX) {
        let text = target.input(seeds, &mut Dice::of(seed, number));
        fs::write(input, &text)?;
        if let Err(what) = target.check(&text) {
            return writeln!(output, "failed {}", what.replace('\n', "\u{1f}"));
        }
        writeln!(output, "tried")?;
    }
    writeln!(output, "done")
}
