//! A diagnostic as text without colour.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use super::Diagnostic;
use crate::source::{Sources, Span};

/// Longer source lines are cut around the place.
const MAX_LINE: usize = 200;

/// Returns a diagnostic as lines of text, ending in a newline.
#[must_use]
pub fn plain(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let mut out = format!("{}: {}\n", diagnostic.severity, diagnostic.summary);
    let places = diagnostic.span.iter().chain(diagnostic.related.iter().map(|related| &related.span));
    let gutter = places.map(|span| sources.start(*span).line.to_string().len()).max().unwrap_or(0);
    if let Some(span) = diagnostic.span {
        snippet(&mut out, sources, span, diagnostic.label.as_deref(), gutter, "-->");
    }
    for related in &diagnostic.related {
        snippet(&mut out, sources, related.span, Some(&related.label), gutter, ":::");
    }
    if let Some(address) = &diagnostic.address {
        let _ = writeln!(out, "{:gutter$} = in {address}", "");
    }
    for line in diagnostic.detail.lines() {
        let _ = writeln!(out, "{:gutter$} = {line}", "");
    }
    for value in &diagnostic.values {
        let _ = writeln!(out, "{:gutter$} = {value}", "");
    }
    for hint in &diagnostic.hints {
        let _ = writeln!(out, "hint: {hint}");
    }
    out
}

fn snippet(out: &mut String, sources: &Sources, span: Span, label: Option<&str>, gutter: usize, arrow: &str) {
    let start = sources.start(span);
    let end = sources.end(span);
    let line = sources.line(span.source, start.line);
    let line_start = span.start as usize - before(sources, span).len();
    let from = (span.start as usize - line_start).min(line.len());
    let to = if end.line == start.line { (span.end as usize - line_start).min(line.len()) } else { line.len() };
    let (shown, from, to) = window(line, from, to.max(from));
    let (number, empty) = (start.line, "");
    let _ = writeln!(out, "{empty:gutter$} {arrow} {}", sources.place(span));
    if !sources.is_shown(span.source) {
        return;
    }
    let _ = writeln!(out, "{empty:gutter$} |");
    let _ = writeln!(out, "{number:>gutter$} | {}", shown.replace('\t', " ").trim_end());
    let pad = width(&shown[..from]);
    let carets = "^".repeat(width(&shown[from..to]).max(1));
    let label = label.map(|label| format!(" {label}")).unwrap_or_default();
    let _ = writeln!(out, "{empty:gutter$} | {empty:pad$}{carets}{label}");
}

/// Returns the text between the start of the line and the span.
fn before(sources: &Sources, span: Span) -> &str {
    let text = &sources.text(span.source)[..span.start as usize];
    text.rfind('\n').map_or(text, |newline| &text[newline + 1..])
}

fn width(text: &str) -> usize {
    text.replace('\t', " ").width()
}

/// Cuts a very long line to what stands around the place.
fn window(line: &str, from: usize, to: usize) -> (&str, usize, usize) {
    if line.len() <= MAX_LINE {
        return (line, from, to);
    }
    let floor = |mut at: usize| {
        while !line.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(from.saturating_sub(MAX_LINE / 2));
    let end = floor((start + MAX_LINE).min(line.len()));
    (&line[start..end], from - start, to.min(end) - start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_shows_its_line_and_the_way_out() {
        let mut sources = Sources::default();
        let source = sources.add("main.loam.hcl", "a = 1\n\tname = 日本.x # y\n");
        let at = |start, end| Span { source, start, end };
        let diagnostic = Diagnostic::error("Unknown attribute", at(14, 22), "There is no `日本`.\nReally.")
            .label("not declared")
            .related(at(0, 1), "declared here")
            .address("network.bench")
            .values(vec!["var.x is 5".into()])
            .hint("Declare it.");
        insta::assert_snapshot!(plain(&diagnostic, &sources), @r"
        error: Unknown attribute
          --> main.loam.hcl:2:9
          |
        2 |  name = 日本.x # y
          |         ^^^^^^ not declared
          ::: main.loam.hcl:1:1
          |
        1 | a = 1
          | ^ declared here
          = in network.bench
          = There is no `日本`.
          = Really.
          = var.x is 5
        hint: Declare it.
        ");
    }

    #[test]
    fn a_line_that_may_hold_secrets_is_not_shown() {
        let mut sources = Sources::default();
        let source = sources.add("a.vars.hcl", "password = \"canary\n");
        sources.hide("a.vars.hcl");
        let diagnostic = Diagnostic::error("Unclosed string", Span { source, start: 11, end: 18 }, "It is.");
        insta::assert_snapshot!(plain(&diagnostic, &sources), @r"
        error: Unclosed string
          --> a.vars.hcl:1:12
          = It is.
        ");
        assert_eq!(diagnostic.to_json(&sources).snippet, None);
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let mut sources = Sources::default();
        let source = sources.add("a", "é".repeat(5000));
        let text = plain(&Diagnostic::error("Bad", Span { source, start: 4000, end: 10_000 }, "It is."), &sources);
        assert!(text.lines().all(|line| line.len() < 300), "{text}");
    }
}
