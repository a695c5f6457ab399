//! Progress on a terminal: what runs, redrawn in place, below the lines that stay.
//!
//! [`Board`] knows what runs and says it in lines; `indicatif` draws them, clears them, and scrolls what stays above.
//! A terminal that fails is drawn on in vain, and nothing else happens.

use std::collections::{BTreeMap, VecDeque};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use loam_provider::Progress;

use super::{
    record::Record,
    terminal::{Size, Terminal},
    words,
};
use crate::{
    addr::Instance,
    event::{Action, Event},
    ui::{
        Style,
        style::Tone,
        text::{clean, cut, width},
    },
};

/// A rate is that of the last so many samples, one a second.
const SAMPLES: usize = 15;
const SAMPLE_EVERY: f64 = 1.0;

pub(super) struct Live {
    bar: ProgressBar,
    terminal: Terminal,
    record: Record,
    board: Board,
    /// The lines that will stay and are not written yet: one drawing serves all that happened since the last.
    waiting: String,
}

/// What runs.
pub(super) struct Board {
    style: Style,
    phase: Phase,
    running: BTreeMap<(Instance, Action), Running>,
    turns: usize,
}

/// What the run is at.
enum Phase {
    Idle,
    Reading { done: usize, total: usize, since: Timestamp },
    Applying { done: usize, failed: usize, total: usize, since: Timestamp },
}

struct Running {
    since: Timestamp,
    progress: Option<Progress>,
    samples: VecDeque<(Timestamp, u64)>,
}

impl Live {
    pub(super) fn new(terminal: Terminal, style: Style) -> Self {
        let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()));
        Self { bar, terminal, record: Record::new(style), board: Board::new(style), waiting: String::new() }
    }

    pub(super) fn event(&mut self, event: &Event, now: Timestamp) {
        self.board.event(event, now);
        self.waiting.push_str(&self.record.lines(event));
    }

    pub(super) fn tick(&mut self, now: Timestamp) {
        self.board.turns = self.board.turns.wrapping_add(1);
        self.bar.set_message(self.board.lines(now, self.terminal.size()).join("\n"));
        if !self.waiting.is_empty() {
            let lines = std::mem::take(&mut self.waiting);
            // Where the terminal is gone there is nobody to tell.
            let _ = self.bar.suspend(|| self.terminal.print(&lines));
        }
    }

    pub(super) fn finish(mut self) {
        self.bar.finish_and_clear();
        self.waiting.push_str(&self.record.failures());
        let _ = self.terminal.print(&self.waiting);
    }
}

impl Board {
    pub(super) fn new(style: Style) -> Self {
        Self { style, phase: Phase::Idle, running: BTreeMap::new(), turns: 0 }
    }

    pub(super) fn event(&mut self, event: &Event, now: Timestamp) {
        match event {
            Event::RefreshStarted { objects } => self.phase = Phase::Reading { done: 0, total: *objects, since: now },
            Event::Refreshed { .. } => {
                if let Phase::Reading { done, .. } = &mut self.phase {
                    *done += 1;
                }
            }
            Event::ApplyStarted { steps } => {
                self.phase = Phase::Applying { done: 0, failed: 0, total: *steps, since: now };
            }
            Event::StepStarted { address, action } => {
                let running = Running { since: now, progress: None, samples: VecDeque::new() };
                self.running.insert((address.clone(), *action), running);
            }
            Event::StepProgress { address, action, progress } => {
                if let Some(running) = self.running.get_mut(&(address.clone(), *action)) {
                    running.take(progress, now);
                }
            }
            Event::StepDone { address, action, .. } => self.end(address, *action, 0),
            Event::StepFailed { address, action, .. } => self.end(address, *action, 1),
            Event::StepSkipped { address, action, .. } => self.end(address, *action, 0),
            Event::RefreshFinished { .. } => self.phase = Phase::Idle,
            Event::ApplyFinished { .. } => {
                self.phase = Phase::Idle;
                self.running.clear();
            }
            Event::Recovered(_) | Event::StepNote { .. } | Event::Moved { .. } => {}
            Event::Stopping { .. } | Event::Cancelling { .. } => {}
        }
    }

    fn end(&mut self, address: &Instance, action: Action, failure: usize) {
        self.running.remove(&(address.clone(), action));
        if let Phase::Applying { done, failed, .. } = &mut self.phase {
            *done += 1;
            *failed += failure;
        }
    }

    /// Returns what is drawn: a line for each step that runs, as many as fit, and one for all of them.
    pub(super) fn lines(&self, now: Timestamp, size: Size) -> Vec<String> {
        let (columns, room) = (usize::from(size.columns) - 1, usize::from(size.lines) - 2);
        let mut lines = Vec::new();
        let shown = if self.running.len() > room { room.saturating_sub(1) } else { self.running.len() };
        for ((address, action), running) in self.running.iter().take(shown) {
            lines.push(self.step(address, *action, running, now, columns));
        }
        if self.running.len() > shown {
            let more = format!("  {} and {} more", self.style.ellipsis(), self.running.len() - shown);
            lines.push(self.style.paint(Tone::Dim, more).to_string());
        }
        lines.extend(self.total(now, columns));
        lines
    }

    fn step(&self, address: &Instance, action: Action, running: &Running, now: Timestamp, columns: usize) -> String {
        let wheel = self.style.wheel();
        let wheel = wheel[self.turns % wheel.len()];
        let elapsed = words::whole_seconds(words::between(running.since, now));
        let mut rest = vec![format!("{} {elapsed}", words::doing(action))];
        rest.extend(running.progress.as_ref().map(words::progress));
        rest.extend(running.speed(now));
        let address = clean(&address.to_string()).into_owned();
        // What is told must have room, however long the address is.
        let address = cut(&address, (columns / 2).max(columns.saturating_sub(60)), self.style.ellipsis()).into_owned();
        let used = 2 + width(&address) + 2;
        let separator = format!(" {} ", self.style.bullet());
        let room = columns.saturating_sub(used);
        if rest.len() > 1 && width(&rest.join(&separator)) > room {
            // What is done to it says least.
            rest[0] = elapsed;
        }
        let rest = rest.join(&separator);
        let rest = cut(&rest, room, self.style.ellipsis());
        let (wheel, address) = (self.style.paint(Tone::Hint, wheel), self.style.paint(Tone::Strong, address));
        format!("{wheel} {address}  {rest}")
    }

    fn total(&self, now: Timestamp, columns: usize) -> Option<String> {
        let wheel = self.style.wheel();
        let wheel = wheel[self.turns % wheel.len()];
        let elapsed = |since| words::whole_seconds(words::between(since, now));
        match self.phase {
            Phase::Idle | Phase::Reading { total: 0, .. } => None,
            Phase::Reading { done, total, since } => {
                let line = format!("reading what there is: {done} of {total}  {}", elapsed(since));
                let line = cut(&line, columns.saturating_sub(2), self.style.ellipsis());
                Some(format!("{} {line}", self.style.paint(Tone::Hint, wheel)))
            }
            Phase::Applying { done, failed, total, since } => {
                let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
                let words = format!("{done} of {total} steps{failed}  {}", elapsed(since));
                let length = columns.saturating_sub(width(&words) + 2).min(30);
                let full = (done * length).checked_div(total).unwrap_or(length).min(length);
                let (on, off) = self.style.bar();
                let bar = self.style.paint(Tone::Added, on.repeat(full));
                let rest = self.style.paint(Tone::Dim, off.repeat(length - full));
                Some(format!("{bar}{rest}  {words}"))
            }
        }
    }
}

impl Running {
    fn take(&mut self, progress: &Progress, now: Timestamp) {
        let is_another =
            |last: &Progress| last.phase != progress.phase || last.unit != progress.unit || last.done > progress.done;
        if self.progress.as_ref().is_some_and(is_another) {
            self.samples.clear();
        }
        let is_due = |last: &(Timestamp, u64)| words::between(last.0, now).as_secs_f64() >= SAMPLE_EVERY;
        if self.samples.back().is_none_or(is_due) {
            self.samples.push_back((now, progress.done));
            if self.samples.len() > SAMPLES {
                self.samples.pop_front();
            }
        }
        self.progress = Some(progress.clone());
    }

    /// Returns how fast it goes, and how long it will take at that rate.
    #[expect(clippy::cast_precision_loss, reason = "a rate is shown, not computed with")]
    fn speed(&self, now: Timestamp) -> Option<String> {
        let progress = self.progress.as_ref()?;
        let (start, before) = self.samples.front()?;
        let seconds = words::between(*start, now).as_secs_f64();
        if seconds < SAMPLE_EVERY || progress.done <= *before {
            return None;
        }
        let rate = (progress.done - before) as f64 / seconds;
        let left = progress.total.map(|total| total.saturating_sub(progress.done) as f64 / rate);
        let left = left.filter(|left| *left >= 1.0 && *left < 1e6).map(std::time::Duration::from_secs_f64);
        let left = left.map(|left| format!(", {} left", words::whole_seconds(left))).unwrap_or_default();
        Some(format!("{}{left}", words::rate(rate, progress.unit)))
    }
}
