//! The lines that stay: what began, what is done, what failed and why.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use super::words;
use crate::{
    addr::Instance,
    event::{Action, Event, Found, Remaining, Trouble},
    ui::{
        Style,
        style::Tone,
        text::{clean, count},
        trouble,
    },
};

/// Turns events into lines, and remembers what failed until the end.
pub(super) struct Record {
    style: Style,
    reading: usize,
    failures: Vec<Failure>,
}

struct Failure {
    address: Instance,
    action: Action,
    trouble: Trouble,
    remains: Remaining,
}

impl Record {
    pub(super) fn new(style: Style) -> Self {
        Self { style, reading: 0, failures: Vec::new() }
    }

    /// Returns the lines that an event leaves, each with its newline; often none.
    pub(super) fn lines(&mut self, event: &Event) -> String {
        let style = self.style;
        let about = |address: &Instance| format!("{}:", style.paint(Tone::Strong, clean(&address.to_string())));
        let mut out = String::new();
        let written = match event {
            Event::Recovered(recovered) => writeln!(out, "{}", words::recovered(*recovered)),
            Event::RefreshStarted { objects } => {
                self.reading = *objects;
                Ok(())
            }
            Event::Refreshed { address, found: Found::Failed } => {
                writeln!(out, "{} {}", about(address), style.paint(Tone::Error, "failed to read"))
            }
            Event::Refreshed { found: Found::Same | Found::Changed | Found::Gone, .. } => Ok(()),
            Event::RefreshFinished { .. } if self.reading == 0 => Ok(()),
            Event::RefreshFinished { elapsed } => {
                let line =
                    format!("read {} in {}", count(self.reading, "object", "objects"), words::duration(*elapsed));
                writeln!(out, "{}", style.paint(Tone::Dim, line))
            }
            Event::ApplyStarted { .. } | Event::StepStarted { .. } | Event::StepProgress { .. } => Ok(()),
            Event::StepNote { address, note } => {
                writeln!(out, "{} {} {}", about(address), style.paint(Tone::Dim, style.bullet()), clean(note))
            }
            Event::StepDone { action: Action::Record, .. } => Ok(()),
            Event::StepDone { address, action, elapsed } => {
                let done = style.paint(Tone::Added, words::done(*action));
                writeln!(out, "{} {done} in {}", about(address), words::duration(*elapsed))
            }
            Event::StepFailed { address, action, trouble, remains, elapsed } => {
                let (address, trouble) = (address.clone(), trouble.clone());
                let failure = Failure { address, action: *action, trouble, remains: *remains };
                out = failure.text(style, Some(&words::duration(*elapsed)));
                self.failures.push(failure);
                Ok(())
            }
            Event::StepSkipped { address, because, .. } => {
                let because = match because {
                    Some(failed) => format!("`{}` failed", clean(&failed.to_string())),
                    None => "the run was stopped".to_owned(),
                };
                writeln!(out, "{} {}, because {because}", about(address), style.paint(Tone::Changed, "not started"))
            }
            Event::Stopping { running } => {
                let running = count(*running, "running call", "running calls");
                writeln!(out, "stopping: {running} may finish; press Ctrl-C again to cancel")
            }
            Event::Cancelling { running } => {
                writeln!(out, "cancelling {}", count(*running, "running call", "running calls"))
            }
            Event::ApplyFinished { summary, elapsed } => {
                out = self.failures(style);
                let tone = if summary.failed + summary.skipped > 0 { Tone::Error } else { Tone::Added };
                writeln!(out, "\n{}", style.paint(tone, words::summary(*summary, *elapsed)))
            }
        };
        written.expect("a string takes all");
        out
    }

    /// Says again at the end what failed, where it would be lost among other lines.
    fn failures(&mut self, style: Style) -> String {
        let failures = std::mem::take(&mut self.failures);
        if failures.is_empty() {
            return String::new();
        }
        let heading = format!("{}:", count(failures.len(), "step failed", "steps failed"));
        let mut out = format!("\n{}\n", style.paint(Tone::Strong, heading));
        for failure in failures {
            out.push('\n');
            out.push_str(&failure.text(style, None));
        }
        out
    }
}

impl Failure {
    fn text(&self, style: Style, after: Option<&str>) -> String {
        let mut out = Vec::new();
        self.write(&mut out, style, after).expect("memory takes all");
        String::from_utf8_lossy(&out).into_owned()
    }

    fn write(&self, out: &mut dyn Write, style: Style, after: Option<&str>) -> io::Result<()> {
        let after = after.map(|elapsed| format!(" after {elapsed}")).unwrap_or_default();
        let message = format!("failed to {}{after}: {}", words::to_do(self.action), self.trouble.message);
        trouble::error_about(out, style, &self.address.to_string(), &message)?;
        if let Some(words) = words::remaining(self.remains) {
            writeln!(out, "  {} {words}", style.paint(Tone::Dim, "now:"))?;
        }
        trouble::details(out, style, &self.trouble)
    }
}
