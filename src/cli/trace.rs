//! `LOAM_LOG`: what developers of loam want to see. Users learn nothing this way that they need.

use std::{env, io};

use tracing_subscriber::{EnvFilter, filter::LevelFilter, fmt::format::FmtSpan};

use super::{error::Failure, terminal::Terminal};

/// The environment variable that says what is traced.
const VARIABLE: &str = "LOAM_LOG";

/// Begins to write traces to standard error where the environment asks for it.
pub(super) fn begin(terminal: &mut Terminal) -> Result<(), Failure> {
    let Some(wanted) = env::var_os(VARIABLE).filter(|wanted| !wanted.is_empty()) else { return Ok(()) };
    let filter = filter(&wanted.to_string_lossy())?;
    let lines =
        tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(terminal.screen.message_style().is_coloured());
    // A call to a provider is a span: its end tells how long it took.
    lines.with_env_filter(filter).with_span_events(FmtSpan::CLOSE).init();
    tracing::debug!(version = env!("CARGO_PKG_VERSION"), pid = std::process::id(), "loam begins");
    // Traces and what is redrawn in place would write over each other.
    terminal.write_lines();
    Ok(())
}

fn filter(wanted: &str) -> Result<EnvFilter, Failure> {
    // A level is that of loam's own modules: what others trace, such as requests, may hold secrets.
    let own = wanted.parse::<LevelFilter>().map(|level| format!("loam={level}"));
    let wanted = own.as_deref().unwrap_or(wanted);
    EnvFilter::builder().parse(wanted).map_err(|error| {
        Failure::new(format!("`{VARIABLE}` is no filter of traces: {error}"))
            .hint("Write a level, such as `debug`, or levels by module, such as `loam::host=trace,warn`.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_traced_is_a_level_or_levels_by_module() {
        for wanted in ["debug", "loam=trace", "loam::host=trace,warn"] {
            assert!(filter(wanted).is_ok(), "{wanted}");
        }
        assert_eq!(filter("debug").map(|filter| filter.to_string()).ok().as_deref(), Some("loam=debug"));
        let Err(Failure::Other(trouble)) = filter("loam=loud") else { panic!("nobody knows how loud that is") };
        assert!(trouble.message.starts_with("`LOAM_LOG` is no filter of traces: "), "{}", trouble.message);
        assert!(trouble.hint.is_some_and(|hint| hint.contains("`debug`")));
    }
}
