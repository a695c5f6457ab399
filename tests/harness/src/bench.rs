//! Compares loam with Terraform on the same configuration, side by side in one run.

use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use serde_json::json;

use crate::{StepError, cargo};

/// How often the memory of a running program is looked at; its peak is kept by the kernel.
const LOOK: Duration = Duration::from_millis(5);

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    #[error(transparent)]
    Step(#[from] StepError),
    #[error("failed to write `{}`", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("failed to run `{program}`")]
    Run { program: String, source: io::Error },
    #[error("`{program}` failed: {told}")]
    Failed { program: String, told: String },
}

/// What a program used.
#[derive(Debug, Clone, Copy)]
struct Used {
    /// Seconds from start to end.
    wall: f64,
    /// Seconds of all cores together.
    cpu: f64,
    /// The most bytes of memory.
    memory: u64,
}

/// One row: a shape, and what both programs used, the median by time of a few runs.
struct Row {
    shape: &'static str,
    loam: Used,
    terraform: Used,
}

/// Measures `validate` of so many blocks, prints a table and returns it as JSON.
pub(crate) fn language(blocks: usize, runs: usize, json_to: &Path) -> Result<String, BenchError> {
    let loam = cargo::release("loam")?;
    let folder = std::env::temp_dir().join(format!("loam-bench-{}", std::process::id()));
    let measured = shapes().into_iter().map(|(shape, text)| {
        let directory = folder.join(shape);
        write(&directory.join("main.loam.hcl"), &text(blocks, "loam_data"))?;
        write(&directory.join("main.tf"), &text(blocks, "terraform_data"))?;
        let mut terraform = Command::new("terraform");
        terraform.arg("init").current_dir(&directory);
        run(terraform)?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        // One after the other, so that what else the machine does falls on both.
        for _ in 0..runs.max(1) {
            let [mut loam, mut terraform] = [Command::new(&loam), Command::new("terraform")];
            loam.arg("validate").current_dir(&directory);
            terraform.arg("validate").current_dir(&directory);
            ours.push(run(loam)?);
            theirs.push(run(terraform)?);
        }
        Ok(Row { shape, loam: median(ours), terraform: median(theirs) })
    });
    let rows = measured.collect::<Result<Vec<Row>, BenchError>>();
    // What is left behind is in the folder for such things.
    let _ = fs::remove_dir_all(&folder);
    let rows = rows?;
    let text = serde_json::to_string_pretty(&as_json(blocks, &rows)).expect("numbers are JSON");
    write(json_to, &(text + "\n"))?;
    Ok(table(blocks, &rows))
}

type Text = fn(usize, &str) -> String;

/// The shapes of a configuration: each block for itself, and chains of ten that refer to each other.
fn shapes() -> [(&'static str, Text); 2] {
    [("flat", flat), ("chain", chain)]
}

fn flat(blocks: usize, kind: &str) -> String {
    let block = |number| format!("resource \"{kind}\" \"r{number}\" {{\n  input = \"v{number}\"\n}}\n");
    (0..blocks).map(block).collect()
}

fn chain(blocks: usize, kind: &str) -> String {
    let block = |number: usize| {
        let before = match number % 10 {
            0 => String::new(),
            _ => format!("${{{kind}.r{}.output}}/", number - 1),
        };
        format!("resource \"{kind}\" \"r{number}\" {{\n  input = \"{before}v{number}\"\n}}\n")
    };
    (0..blocks).map(block).collect()
}

fn write(path: &Path, text: &str) -> Result<(), BenchError> {
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, text));
    written.map_err(|source| BenchError::Write { path: path.to_owned(), source })
}

/// Runs a program to its end.
fn run(mut command: Command) -> Result<Used, BenchError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |source| BenchError::Run { program: program.clone(), source };
    let started = Instant::now();
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().map_err(failed)?;
    let pid = child.id();
    let told = child.stderr.take().map(|stderr| thread::spawn(|| io::read_to_string(stderr).unwrap_or_default()));
    let (mut memory, process) = (0, i32::try_from(pid).ok().and_then(Pid::from_raw));
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    loop {
        memory = memory.max(peak(pid));
        let ended = process.map_or(Ok(None), |process| waitid(WaitId::Pid(process), options));
        if ended.map_err(|error| failed(error.into()))?.is_some() {
            break;
        }
        thread::sleep(LOOK);
    }
    let wall = started.elapsed().as_secs_f64();
    // It has ended and was not waited for: what it used is still told.
    let cpu = cpu(pid);
    let status = child.wait().map_err(failed)?;
    let told = told.and_then(|told| told.join().ok()).unwrap_or_default();
    if status.success() { Ok(Used { wall, cpu, memory }) } else { Err(BenchError::Failed { program, told }) }
}

/// Returns the most bytes that a process has had in memory at once.
fn peak(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kibibytes.unwrap_or_default() * 1024
}

/// Returns the seconds that a process has computed.
fn cpu(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name, in parentheses, may hold anything.
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields).split(' ').skip(11).take(2);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

fn median(mut runs: Vec<Used>) -> Used {
    runs.sort_by(|a, b| a.wall.total_cmp(&b.wall));
    runs[runs.len() / 2]
}

fn table(blocks: usize, rows: &[Row]) -> String {
    let mut table = format!(
        "`validate` of {blocks} blocks\n\n{:<6} {:<10} {:>9} {:>9} {:>10}\n",
        "shape", "", "wall", "CPU", "memory"
    );
    let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    for Row { shape, loam, terraform } in rows {
        for (program, used) in [("loam", loam), ("terraform", terraform)] {
            let Used { wall, cpu, memory } = *used;
            let memory = mebibytes(memory);
            writeln!(table, "{shape:<6} {program:<10} {wall:>7.2} s {cpu:>7.2} s {memory:>6.0} MiB")
                .expect("a text takes everything");
        }
        let [wall, cpu, memory] = ratios(loam, terraform);
        writeln!(table, "{shape:<6} {:<10} {wall:>8.1}× {cpu:>8.1}× {memory:>9.1}×", "ratio")
            .expect("a text takes everything");
    }
    table
}

/// Returns how many times as much Terraform used.
fn ratios(loam: &Used, terraform: &Used) -> [f64; 3] {
    [terraform.wall / loam.wall, terraform.cpu / loam.cpu, terraform.memory as f64 / loam.memory as f64]
}

fn as_json(blocks: usize, rows: &[Row]) -> serde_json::Value {
    let used = |used: &Used| json!({ "wall_seconds": used.wall, "cpu_seconds": used.cpu, "peak_bytes": used.memory });
    let rows = rows.iter().map(|Row { shape, loam, terraform }| {
        let [wall, cpu, memory] = ratios(loam, terraform);
        let ratio = json!({ "wall": wall, "cpu": cpu, "memory": memory });
        json!({ "shape": shape, "loam": used(loam), "terraform": used(terraform), "ratio": ratio })
    });
    json!({ "command": "validate", "blocks": blocks, "rows": rows.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn what_a_program_uses_is_seen() {
        let mut command = Command::new("sh");
        command.args(["-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"]);
        let used = run(command).unwrap();
        assert!(used.cpu > 0.0 && used.wall >= used.cpu / 4.0 && used.memory > 100_000, "{used:?}");
        let mut command = Command::new("sh");
        command.args(["-c", "echo no >&2; exit 1"]);
        assert_eq!(run(command).unwrap_err().to_string(), "`sh` failed: no\n");
    }

    #[test]
    fn both_get_the_same_configuration() {
        assert_eq!(flat(1, "x"), "resource \"x\" \"r0\" {\n  input = \"v0\"\n}\n");
        let chained = chain(11, "x");
        assert_eq!(chained.matches("${x.r").count(), 9, "{chained}");
        assert_eq!(chained.replace("x", "y"), chain(11, "y"));
    }
}
