//! The reporters on a script of events, with a clock that the script sets.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::{Mutex, PoisonError};

use loam_provider::Unit;

use super::*;
use crate::{
    addr::Instance,
    event::{Action, Found, Recovered, Remaining, Summary, Trouble},
    ui::schema_test,
};

/// Memory that can be read while somebody writes to it.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Broken;

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::StorageFull.into())
    }
}

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_700_000_000_000 + milliseconds).unwrap()
}

fn addr(text: &str) -> Instance {
    text.parse().unwrap()
}

fn extracting(done: u64) -> Event {
    let progress =
        loam_provider::Progress { phase: "extracting".into(), done, total: Some(150 << 30), unit: Unit::Bytes };
    Event::StepProgress { address: addr("seed_volume.main"), action: Action::Create, progress }
}

fn trouble() -> Trouble {
    Trouble {
        message: "node `0` died at once".into(),
        causes: vec!["it ended with exit code 1".into()],
        attribute: None,
        hint: Some("See its log.".into()),
        evidence: vec!["panic: no such file".into()],
    }
}

/// A run, each event with its time in milliseconds; every variant is in it.
fn script() -> Vec<(i64, Event)> {
    let (volume, network, other) = (addr("seed_volume.main"), addr("network.bench"), addr("snapshot.daily"));
    let ms = Duration::from_millis;
    let summary = Summary { created: 1, failed: 1, skipped: 1, ..Summary::default() };
    let (create, delete) = (Action::Create, Action::Delete);
    let failed = Event::StepFailed {
        address: network.clone(),
        action: create,
        trouble: trouble(),
        remains: Remaining::Partial,
        elapsed: ms(2500),
    };
    let recovered = Recovered { resolved: 1, retried: 2, ..Recovered::default() };
    vec![
        (0, Event::Recovered(recovered)),
        (0, Event::RefreshStarted { objects: 2 }),
        (10, Event::Refreshed { address: addr("bucket.a"), found: Found::Same }),
        (20, Event::Refreshed { address: addr("bucket.b"), found: Found::Failed }),
        (30, Event::RefreshFinished { elapsed: ms(30) }),
        (40, Event::ApplyStarted { steps: 3 }),
        (45, Event::Moved { address: addr("bucket.b"), from: addr("bucket.old") }),
        (50, Event::StepStarted { address: volume.clone(), action: create }),
        (60, Event::StepStarted { address: network.clone(), action: create }),
        (1_000, extracting(0)),
        (5_000, extracting(4 << 30)),
        (5_100, Event::StepNote { address: network.clone(), note: "port 8080 was \x1b[1mfree".into() }),
        (6_000, failed),
        (6_100, Event::StepSkipped { address: other.clone(), action: delete, because: Some(network) }),
        (6_200, Event::StepSkipped { address: other, action: create, because: None }),
        (6_300, Event::Stopping { running: 1 }),
        (6_400, Event::Cancelling { running: 1 }),
        (25_000, Event::StepDone { address: volume, action: create, elapsed: ms(24_950) }),
        (25_100, Event::ApplyFinished { summary, elapsed: ms(25_060) }),
    ]
}

#[test]
fn a_log_tells_what_began_what_goes_on_and_what_failed() {
    let out = Shared::default();
    let mut plain = Plain::new(Box::new(out.clone()), Style::plain());
    for (time, event) in script() {
        (0..time / 1_000).for_each(|second| plain.tick(at(second * 1_000)));
        plain.event(&event, at(time));
    }
    insta::assert_snapshot!(out.text(), @r"
    recovered 3 open steps of a run that died: 1 had taken effect, 2 had taken no effect
    bucket.b: failed to read
    read 2 objects in 30ms
    bucket.b: moved from bucket.old
    seed_volume.main: creating…
    network.bench: creating…
    network.bench: · port 8080 was \u001b[1mfree
    network.bench: failed to create after 2.5s: node `0` died at once
    snapshot.daily: not started, because `network.bench` failed
    snapshot.daily: not started, because the run was stopped
    stopping: 1 running call may finish; press Ctrl-C again to cancel
    cancelling 1 running call
    seed_volume.main: still creating… 10s (extracting 4 GiB of 150 GiB)
    seed_volume.main: still creating… 20s (extracting 4 GiB of 150 GiB)
    seed_volume.main: created in 24.9s

    error: network.bench: failed to create: node `0` died at once
      now: part of it exists and is recorded; the next apply goes on from there
      caused by: it ended with exit code 1
        | panic: no such file
    hint: See its log.

    Not everything was applied: 1 created, 1 failed, 1 not started in 25.0s.
    ");
}

#[test]
fn why_it_failed_is_told_once_where_nothing_follows() {
    let out = Shared::default();
    let mut plain = Plain::new(Box::new(out.clone()), Style::plain());
    let (action, elapsed) = (Action::Update, Duration::from_millis(40));
    plain.event(&Event::ApplyStarted { steps: 2 }, at(0));
    for name in ["network.a", "network.b"] {
        let (trouble, remains) = (trouble(), Remaining::Nothing);
        plain.event(&Event::StepFailed { address: addr(name), action, trouble, remains, elapsed }, at(0));
    }
    let summary = Summary { failed: 2, ..Summary::default() };
    plain.event(&Event::ApplyFinished { summary, elapsed: Duration::from_secs(125) }, at(0));
    plain.finish();
    insta::assert_snapshot!(out.text(), @r"
    network.a: failed to update after 40ms: node `0` died at once
    network.b: failed to update after 40ms

    2 steps failed:

    error: network.a: failed to update: node `0` died at once
      caused by: it ended with exit code 1
        | panic: no such file
    hint: See its log.

    error: network.b: failed to update: node `0` died at once
      caused by: it ended with exit code 1
        | panic: no such file
    hint: See its log.

    Not everything was applied: 2 failed in 2m5s.
    ");
}

#[test]
fn nothing_applied_is_nothing_to_tell() {
    let out = Shared::default();
    let mut plain = Plain::new(Box::new(out.clone()), Style::plain());
    plain.event(&Event::ApplyStarted { steps: 0 }, at(0));
    plain.event(&Event::ApplyFinished { summary: Summary::default(), elapsed: Duration::ZERO }, at(0));
    plain.finish();
    assert_eq!(out.text(), "");
}

#[test]
fn a_terminal_shows_what_runs_and_how_fast() {
    let size = Size { columns: 80, lines: 24 };
    let mut board = live::Board::new(Style::plain());
    let mut shown = Vec::new();
    for (time, event) in script() {
        board.event(&event, at(time));
        if [10, 5_000, 6_000].contains(&time) {
            shown.extend(board.lines(at(time), size));
            shown.push("--".to_owned());
        }
    }
    assert!(board.lines(at(30_000), size).is_empty(), "nothing runs at the end");
    insta::assert_snapshot!(shown.join("\n"), @r"
    ⠋ reading what there is: 1 of 2  0s
    --
    ⠋ network.bench  creating 4s
    ⠋ seed_volume.main  4s · extracting 4 GiB of 150 GiB · 1 GiB/s, 2m26s left
    ──────────────────────────────  0 of 3 steps  4s
    --
    ⠋ seed_volume.main  5s · extracting 4 GiB of 150 GiB · 819 MiB/s, 3m2s left
    ━━━━━━━━━━────────────────────  1 of 3 steps, 1 failed  5s
    --
    ");
}

#[test]
fn more_than_fits_is_counted_and_every_line_fits() {
    let mut board = live::Board::new(Style::plain());
    board.event(&Event::ApplyStarted { steps: 100 }, at(0));
    for index in 0..50 {
        let address = addr(&format!(r#"module.site["日本語日本語日本語日本語日本語日本語"].network.bench[{index}]"#));
        board.event(&Event::StepStarted { address, action: Action::Update }, at(0));
    }
    let lines = board.lines(at(61_000), Size { columns: 60, lines: 10 });
    assert_eq!(lines.len(), 9);
    assert_eq!(lines[7], "  … and 43 more");
    assert!(lines.iter().all(|line| crate::ui::text::width(line) < 60), "{lines:#?}");
    assert!(lines[0].ends_with("updating 1m1s"), "{}", lines[0]);
}

/// Returns a clock that goes on by a second whenever it is looked at.
fn running_clock() -> Now {
    let seconds = AtomicUsize::new(0);
    Arc::new(move || at(1_000 * i64::try_from(seconds.fetch_add(1, Ordering::Relaxed)).unwrap()))
}

fn clock() -> Now {
    Arc::new(|| at(0))
}

fn size() -> Size {
    Size { columns: 80, lines: 24 }
}

#[test]
fn lines_that_stay_stand_above_what_is_drawn() {
    let out = Shared::default();
    let terminal = Terminal::new(Box::new(out.clone()), size);
    let mut progress = Progress::live(terminal, Style::plain(), running_clock()).unwrap();
    script().iter().for_each(|(_, event)| progress.event(event));
    progress.finish().unwrap();
    let text = out.text();
    assert!(text.contains("read 2 objects in 30ms\n"), "lines end where they end: {text:?}");
    assert!(text.contains("\r\u{1b}[2K"), "what was drawn is erased: {text:?}");
    assert!(text.contains("seed_volume.main: created in 24.9s"), "{text:?}");
    assert!(text.contains("Not everything was applied: 1 created, 1 failed, 1 not started in 25.0s."), "{text:?}");
    assert!(text.contains("2 of 3 steps") || text.contains("of 3 steps, 1 failed"), "{text:?}");
    let last = text.rsplit("in 25.0s.").next().unwrap();
    assert!(!last.contains("steps"), "what was drawn is cleared: {last:?}");
    assert!(!text.contains("\x1b[1mfree"), "{text:?}");
}

#[test]
fn a_terminal_that_fails_stops_nothing() {
    let mut live = Progress::live(Terminal::new(Box::new(Broken), size), Style::plain(), clock()).unwrap();
    let mut plain = Progress::plain(Box::new(Broken), Style::plain(), clock()).unwrap();
    for (_, event) in script() {
        live.event(&event);
        plain.event(&event);
    }
    assert!(live.finish().is_ok() && plain.finish().is_ok());
}

#[test]
fn json_lines_that_are_lost_are_an_error() {
    let mut json = Progress::json(Box::new(Broken), clock()).unwrap();
    script().iter().for_each(|(_, event)| json.event(event));
    assert_eq!(json.finish().unwrap_err().to_string(), "failed to write to standard output");
}

#[test]
fn every_event_is_a_line_as_the_schema_says() {
    let out = Shared::default();
    let mut json = Progress::json(Box::new(out.clone()), clock()).unwrap();
    let script = script();
    script.iter().for_each(|(_, event)| json.event(event));
    json.finish().unwrap();
    let text = out.text();
    assert_eq!(text.lines().count(), script.len());
    text.lines().for_each(|line| schema_test::assert_valid("event", line));
    for r#type in schema_test::types("event") {
        assert!(script.iter().any(|(_, event)| self::r#type(event) == r#type), "no line of type {type}");
    }
    assert!(text.contains(r#""at":"2023-11-14T22:13:20.000Z""#), "{text}");
}

/// Returns the type of an event's line. A new variant must be named here, in the script, and in the schema.
fn r#type(event: &Event) -> &'static str {
    match event {
        Event::Recovered(_) => "recovered",
        Event::RefreshStarted { .. } => "refresh_started",
        Event::Refreshed { .. } => "refreshed",
        Event::RefreshFinished { .. } => "refresh_finished",
        Event::ApplyStarted { .. } => "apply_started",
        Event::StepStarted { .. } => "step_started",
        Event::StepProgress { .. } => "step_progress",
        Event::StepNote { .. } => "step_note",
        Event::StepDone { .. } => "step_done",
        Event::StepFailed { .. } => "step_failed",
        Event::StepSkipped { .. } => "step_skipped",
        Event::Moved { .. } => "moved",
        Event::Stopping { .. } => "stopping",
        Event::Cancelling { .. } => "cancelling",
        Event::ApplyFinished { .. } => "apply_finished",
    }
}

/// Returns every variant of the small enums in events, in events.
fn words() -> Vec<Event> {
    let address = addr("network.bench");
    let next_action = |action: &Action| match action {
        Action::Create => Some(Action::Update),
        Action::Update => Some(Action::Delete),
        Action::Delete => Some(Action::Forget),
        Action::Forget => Some(Action::Record),
        Action::Record => Some(Action::Import),
        Action::Import => Some(Action::Read),
        Action::Read => Some(Action::Check),
        Action::Check => None,
    };
    let next_found = |found: &Found| match found {
        Found::Same => Some(Found::Changed),
        Found::Changed => Some(Found::Gone),
        Found::Gone => Some(Found::Failed),
        Found::Failed => None,
    };
    let next_remaining = |remains: &Remaining| match remains {
        Remaining::Nothing => Some(Remaining::Partial),
        Remaining::Partial => Some(Remaining::InDoubt),
        Remaining::InDoubt => None,
    };
    let next_unit = |unit: &Unit| match unit {
        Unit::Bytes => Some(Unit::Items),
        Unit::Items => None,
    };
    let action = Action::Create;
    let started = std::iter::successors(Some(action), next_action)
        .map(|action| Event::StepStarted { address: address.clone(), action });
    let refreshed = std::iter::successors(Some(Found::Same), next_found)
        .map(|found| Event::Refreshed { address: address.clone(), found });
    let failed = std::iter::successors(Some(Remaining::Nothing), next_remaining).map(|remains| Event::StepFailed {
        address: address.clone(),
        action,
        trouble: trouble(),
        remains,
        elapsed: Duration::ZERO,
    });
    let progress = std::iter::successors(Some(Unit::Bytes), next_unit).map(|unit| Event::StepProgress {
        address: address.clone(),
        action,
        progress: loam_provider::Progress { phase: "waiting".into(), done: 0, total: None, unit },
    });
    started.chain(refreshed).chain(failed).chain(progress).collect()
}

#[test]
fn every_word_in_an_event_is_in_the_schema_and_has_its_line() {
    let (out, log) = (Shared::default(), Shared::default());
    let mut json = Progress::json(Box::new(out.clone()), clock()).unwrap();
    let mut plain = Plain::new(Box::new(log.clone()), Style::plain());
    for event in words() {
        json.event(&event);
        plain.event(&event, at(0));
    }
    plain.finish();
    json.finish().unwrap();
    for (event, line) in words().iter().zip(out.text().lines()) {
        schema_test::assert_valid("event", line);
        assert!(line.starts_with(&format!("{{\"type\":\"{}\"", r#type(event))), "{line}");
    }
    assert!(log.text().contains("network.bench: forgetting…\n"), "{}", log.text());
    assert!(log.text().contains("  now: nobody can tell yet what stands; the next run asks the provider\n"));
}

#[test]
fn a_reporter_returns_while_nobody_reads() {
    /// Takes nothing until it is let go.
    struct Stalled(std::sync::mpsc::Receiver<()>);
    impl Write for Stalled {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (release, gate) = channel();
    let mut json = Progress::json(Box::new(Stalled(gate)), clock()).unwrap();
    (0..10_000).for_each(|done| json.event(&extracting(done)));
    assert!(json.waiting.load(Ordering::Relaxed) <= MOST_WAITING, "what waits is bounded");
    drop(release);
    json.finish().unwrap();
}
