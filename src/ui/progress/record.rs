//! The lines that stay: what began, what is done, what failed and why.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use super::words;
use crate::{
    addr::Instance,
    event::{Action, Event, Found, Remaining, Summary, Trouble},
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
    /// How many steps have not ended.
    left: usize,
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
        Self { style, reading: 0, left: 0, failures: Vec::new() }
    }

    /// Returns the lines that an event leaves, each with its newline; often none.
    pub(super) fn lines(&mut self, event: &Event) -> String {
        let style = self.style;
        self.left = self.left.saturating_sub(usize::from(is_end(event)));
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
            Event::ApplyStarted { steps } => {
                self.left = *steps;
                Ok(())
            }
            Event::StepStarted { .. } | Event::StepProgress { .. } => Ok(()),
            Event::StepNote { address, note } => {
                writeln!(out, "{} {} {}", about(address), style.paint(Tone::Dim, style.bullet()), clean(note))
            }
            Event::StepDone { action: Action::Record | Action::Check, .. } => Ok(()),
            Event::Moved { address, from } => {
                let done = style.paint(Tone::Added, "moved");
                writeln!(out, "{} {done} from {}", about(address), clean(&from.to_string()))
            }
            Event::StepDone { address, action, elapsed } => {
                let done = style.paint(Tone::Added, words::done(*action));
                writeln!(out, "{} {done} in {}", about(address), words::duration(*elapsed))
            }
            Event::StepFailed { address, action, trouble, remains, elapsed } => {
                let words = format!("failed to {} after {}", words::to_do(*action), words::duration(*elapsed));
                // Where the run goes on, why it failed is worth knowing now; else it is told next, in full.
                let why = if self.left > 0 { format!(": {}", clean(&trouble.message)) } else { String::new() };
                let (owner, trouble) = (address.clone(), trouble.clone());
                self.failures.push(Failure { address: owner, action: *action, trouble, remains: *remains });
                writeln!(out, "{} {}{why}", about(address), style.paint(Tone::Error, words))
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
                out = self.failures();
                if *summary == Summary::default() {
                    // The plan said so already: only what was read, or outputs, is recorded.
                    return out;
                }
                let tone = if summary.failed + summary.skipped > 0 { Tone::Error } else { Tone::Added };
                writeln!(out, "\n{}", style.paint(tone, words::summary(*summary, *elapsed)))
            }
        };
        written.expect("a string takes all");
        out
    }

    /// Tells in full what failed and was not told yet: at the end, where it is not lost among other lines.
    pub(super) fn failures(&mut self) -> String {
        let (style, failures) = (self.style, std::mem::take(&mut self.failures));
        let mut out = String::new();
        if failures.len() > 1 {
            let heading = format!("{}:", count(failures.len(), "step failed", "steps failed"));
            out = format!("\n{}\n", style.paint(Tone::Strong, heading));
        }
        for failure in failures {
            out.push('\n');
            out.push_str(&failure.text(style));
        }
        out
    }
}

/// Returns whether a step is over.
fn is_end(event: &Event) -> bool {
    matches!(event, Event::StepDone { .. } | Event::StepFailed { .. } | Event::StepSkipped { .. })
}

impl Failure {
    fn text(&self, style: Style) -> String {
        let mut out = Vec::new();
        self.write(&mut out, style).expect("memory takes all");
        String::from_utf8_lossy(&out).into_owned()
    }

    fn write(&self, out: &mut dyn Write, style: Style) -> io::Result<()> {
        let message = format!("failed to {}: {}", words::to_do(self.action), self.trouble.message);
        trouble::error_about(out, style, &self.address.to_string(), &message)?;
        if let Some(words) = words::remaining(self.remains) {
            writeln!(out, "  {} {words}", style.paint(Tone::Dim, "now:"))?;
        }
        trouble::details(out, style, &self.trouble)
    }
}
