//! What is said while a run goes on.

use std::time::Duration;

use jiff::Timestamp;
use loam_provider::{Progress, Rate, Size, Unit};

use crate::{
    event::{Action, Recovered, Remaining, Summary},
    ui::text::{clean, count},
};

/// Returns `creating`.
pub(super) fn doing(action: Action) -> &'static str {
    match action {
        Action::Create => "creating",
        Action::Update => "updating",
        Action::Delete => "deleting",
        Action::Forget => "forgetting",
        Action::Record => "recording",
        Action::Import => "importing",
        Action::Read => "reading",
        Action::Check => "checking",
    }
}

/// Returns `created`.
pub(super) fn done(action: Action) -> &'static str {
    match action {
        Action::Create => "created",
        Action::Update => "updated",
        Action::Delete => "deleted",
        Action::Forget => "kept, and forgotten",
        Action::Record => "recorded",
        Action::Import => "imported",
        Action::Read => "read",
        Action::Check => "checked",
    }
}

/// Returns `create`.
pub(super) fn to_do(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Update => "update",
        Action::Delete => "delete",
        Action::Forget => "forget",
        Action::Record => "record",
        Action::Import => "import",
        Action::Read => "read",
        Action::Check => "check",
    }
}

/// Returns what a failed step left, where that is worth a line.
pub(super) fn remaining(remains: Remaining) -> Option<&'static str> {
    match remains {
        Remaining::Nothing => None,
        Remaining::Partial => Some("part of it exists and is recorded; the next apply goes on from there"),
        Remaining::InDoubt => Some("nobody can tell yet what stands; the next run asks the provider"),
    }
}

/// Returns the time between two moments; none where the clock was set back.
pub(super) fn between(start: Timestamp, end: Timestamp) -> Duration {
    Duration::try_from(end.duration_since(start)).unwrap_or_default()
}

/// Returns `40ms`, `3.2s`, `1m5s`, `2h3m`.
pub(super) fn duration(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    if elapsed.as_millis() < 100 {
        return format!("{}ms", elapsed.as_millis().max(1));
    }
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, _) => format!("{}.{}s", seconds, elapsed.subsec_millis() / 100),
        (0, minutes, seconds) => format!("{minutes}m{seconds}s"),
        (hours, minutes, _) => format!("{hours}h{minutes}m"),
    }
}

/// Returns `10s` for what is told every few seconds.
pub(super) fn whole_seconds(elapsed: Duration) -> String {
    if elapsed.as_secs() < 60 { format!("{}s", elapsed.as_secs()) } else { duration(elapsed) }
}

/// Returns `extracting 1.2 GiB of 150 GiB`, `starting 2 of 5`, or only the phase.
pub(super) fn progress(progress: &Progress) -> String {
    let Progress { phase, done, total, unit } = progress;
    let phase = clean(phase);
    let amount = |number: u64| match unit {
        Unit::Bytes => Size(number).to_string(),
        Unit::Items => number.to_string(),
    };
    match total {
        Some(total) => format!("{phase} {} of {}", amount(*done), amount(*total)),
        None if *done > 0 => format!("{phase} {}", amount(*done)),
        None => phase.into_owned(),
    }
}

/// Returns `512 MiB/s`, `3.5/s`.
pub(super) fn rate(per_second: f64, unit: Unit) -> String {
    match unit {
        Unit::Bytes => Rate(rounded(per_second)).to_string(),
        Unit::Items => format!("{per_second:.1}/s"),
    }
}

/// Returns a number of bytes that is written with no more digits than anybody reads.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is shown, not computed with")]
fn rounded(bytes: f64) -> u64 {
    let unit = [40, 30, 20, 10].map(|bits| f64::from(2_u32).powi(bits)).into_iter().find(|unit| bytes >= *unit);
    let Some(unit) = unit else { return bytes as u64 };
    let step = if bytes >= 10.0 * unit { unit } else { unit / 10.0 };
    ((bytes / step).round() * step).ceil() as u64
}

/// Returns what became of the steps of a run that died.
pub(super) fn recovered(recovered: Recovered) -> String {
    let Recovered { resolved, retried, partial, unknown } = recovered;
    let parts = [
        (resolved, "had taken effect"),
        (retried, "had taken no effect"),
        (partial, "had taken effect in part"),
        (unknown, "nobody can tell of"),
    ];
    let parts = parts.iter().filter(|(number, _)| *number > 0).map(|(number, words)| format!("{number} {words}"));
    let parts: Vec<String> = parts.collect();
    let steps = count(resolved + retried + partial + unknown, "open step", "open steps");
    let parts = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    format!("recovered {steps} of a run that died{parts}")
}

/// Returns the last line of a run.
pub(super) fn summary(summary: Summary, elapsed: Duration) -> String {
    let Summary { created, updated, replaced, deleted, retained, moved, imported, failed, skipped } = summary;
    let parts = [
        (moved, "moved"),
        (imported, "imported"),
        (created, "created"),
        (updated, "updated"),
        (replaced, "replaced"),
        (deleted, "deleted"),
        (retained, "kept"),
        (failed, "failed"),
        (skipped, "not started"),
    ];
    let parts = parts.iter().filter(|(number, _)| *number > 0).map(|(number, words)| format!("{number} {words}"));
    let parts: Vec<String> = parts.collect();
    let parts = parts.join(", ");
    let lead = if failed + skipped > 0 { "Not everything was applied" } else { "Applied" };
    format!("{lead}: {parts} in {}.", duration(elapsed))
}
