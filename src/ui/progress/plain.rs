//! Progress as lines, for logs: what began, now and then what still goes on, and what is done.

use std::{collections::BTreeMap, io::Write, time::Duration};

use jiff::Timestamp;
use loam_provider::Progress;

use super::{record::Record, words};
use crate::{
    addr::Instance,
    event::{Action, Event},
    ui::{Style, style::Tone, text::clean},
};

/// A step that goes on says so this often, at most.
const REMIND: Duration = Duration::from_secs(10);

pub(super) struct Plain {
    out: Box<dyn Write + Send>,
    style: Style,
    record: Record,
    running: BTreeMap<(Instance, Action), Running>,
}

struct Running {
    since: Timestamp,
    /// When it was last spoken of.
    told: Timestamp,
    progress: Option<Progress>,
}

impl Plain {
    pub(super) fn new(out: Box<dyn Write + Send>, style: Style) -> Self {
        Self { out, style, record: Record::new(style), running: BTreeMap::new() }
    }

    pub(super) fn event(&mut self, event: &Event, now: Timestamp) {
        match event {
            Event::StepStarted { address, action } => {
                let running = Running { since: now, told: now, progress: None };
                self.running.insert((address.clone(), *action), running);
                if !matches!(action, Action::Record | Action::Check) {
                    self.say(address, &format!("{}…", words::doing(*action)));
                }
            }
            Event::StepProgress { address, action, progress } => {
                if let Some(running) = self.running.get_mut(&(address.clone(), *action)) {
                    running.progress = Some(progress.clone());
                }
            }
            Event::StepDone { address, action, .. } | Event::StepFailed { address, action, .. } => {
                self.running.remove(&(address.clone(), *action));
            }
            Event::Recovered(_) | Event::Refreshed { .. } | Event::RefreshStarted { .. } => {}
            Event::RefreshFinished { .. } | Event::ApplyStarted { .. } | Event::StepNote { .. } => {}
            Event::StepSkipped { .. } | Event::Stopping { .. } | Event::Cancelling { .. } | Event::Moved { .. } => {}
            Event::ApplyFinished { .. } => self.running.clear(),
        }
        let lines = self.record.lines(event);
        self.write(&lines);
    }

    /// Speaks of what has gone on for a while.
    pub(super) fn tick(&mut self, now: Timestamp) {
        let mut lines = Vec::new();
        for ((address, action), running) in &mut self.running {
            if words::between(running.told, now) < REMIND {
                continue;
            }
            running.told = now;
            let elapsed = words::whole_seconds(words::between(running.since, now));
            let far = running.progress.as_ref().map(|progress| format!(" ({})", words::progress(progress)));
            let line = format!("still {}… {elapsed}{}", words::doing(*action), far.unwrap_or_default());
            lines.push((address.clone(), line));
        }
        for (address, line) in lines {
            self.say(&address, &line);
        }
    }

    /// Tells what a run that ended early left untold.
    pub(super) fn finish(&mut self) {
        let lines = self.record.failures();
        self.write(&lines);
    }

    fn say(&mut self, address: &Instance, line: &str) {
        let line = line.replace('…', self.style.ellipsis());
        let address = self.style.paint(Tone::Strong, clean(&address.to_string()).into_owned());
        self.write(&format!("{address}: {line}\n"));
    }

    /// Writes whole lines; where standard error is gone there is nobody to tell.
    fn write(&mut self, lines: &str) {
        if !lines.is_empty() {
            let _ = self.out.write_all(lines.as_bytes()).and_then(|()| self.out.flush());
        }
    }
}
