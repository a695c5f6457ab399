//! Diagnostics on the screen and as JSON lines.
//!
//! The layout is [`diag::plain`]'s; here it is coloured and wrapped, nothing is laid out twice.

use std::io::{self, Write};

use serde::Serialize;

use super::{
    Style,
    style::Tone,
    text::{clean, count, wrap},
};
use crate::{
    diag::{self, Diagnostic, JsonDiagnostic, Severity},
    source::Sources,
};

/// Writes diagnostics, and how many there are where there are several.
///
/// # Errors
/// Those of the writer.
pub fn diagnostics(out: &mut dyn Write, style: Style, diagnostics: &[Diagnostic], sources: &Sources) -> io::Result<()> {
    for diagnostic in diagnostics {
        let tone = tone(diagnostic.severity);
        for (index, line) in diag::plain(diagnostic, sources).lines().enumerate() {
            draw(out, style, line, tone, index == 0)?;
        }
        writeln!(out)?;
    }
    if diagnostics.len() > 1 {
        let of = |severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
        let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
        let parts = [(errors, "error", "errors"), (warnings, "warning", "warnings")];
        let parts = parts.iter().filter(|(number, _, _)| *number > 0);
        let parts: Vec<String> = parts.map(|(number, one, many)| count(*number, one, many)).collect();
        writeln!(out, "{}", style.paint(Tone::Strong, format_args!("{}.", parts.join(", "))))?;
    }
    Ok(())
}

/// Writes diagnostics as JSON, one object per line: `schemas/diagnostic.json`.
///
/// # Errors
/// Those of the writer.
pub fn diagnostics_json(out: &mut dyn Write, diagnostics: &[Diagnostic], sources: &Sources) -> io::Result<()> {
    for diagnostic in diagnostics {
        super::json::line(out, &Line { r#type: "diagnostic", diagnostic: diagnostic.to_json(sources) })?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Line {
    r#type: &'static str,
    #[serde(flatten)]
    diagnostic: JsonDiagnostic,
}

fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Error => Tone::Error,
        Severity::Warning => Tone::Warning,
    }
}

/// Writes one line of the plain layout in its colours; what it is shows in how it begins.
fn draw(out: &mut dyn Write, style: Style, line: &str, tone: Tone, is_first: bool) -> io::Result<()> {
    if is_first {
        let (severity, summary) = line.split_once(": ").unwrap_or((line, ""));
        let severity = format_args!("{severity}:");
        return writeln!(out, "{} {}", style.paint(tone, severity), style.paint(Tone::Strong, clean(summary)));
    }
    if let Some(hint) = line.strip_prefix("hint: ") {
        return super::trouble::hint(out, style, hint);
    }
    let gutter = line.find(|char: char| !char.is_ascii_digit() && char != ' ').unwrap_or(line.len());
    let (margin, rest) = line.split_at(gutter);
    let (sign, rest) = rest.split_at(rest.find(' ').unwrap_or(rest.len()));
    match sign {
        "=" => {
            let indent = gutter + 2;
            for (index, part) in wrap(rest.trim_start(), style.width.saturating_sub(indent)).iter().enumerate() {
                let sign = if index == 0 { "=" } else { " " };
                writeln!(out, "{margin}{} {part}", style.paint(Tone::Dim, sign))?;
            }
            Ok(())
        }
        "|" if margin.contains(|char: char| char.is_ascii_digit()) => {
            writeln!(out, "{}{}", style.paint(Tone::Dim, format_args!("{margin}|")), clean(rest))
        }
        "|" if rest.is_empty() => writeln!(out, "{margin}{}", style.paint(Tone::Dim, "|")),
        "|" => writeln!(out, "{margin}{}{}", style.paint(Tone::Dim, "|"), style.paint(tone, clean(rest))),
        sign => writeln!(out, "{margin}{}{}", style.paint(Tone::Dim, sign), clean(rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{source::Span, ui::Colour};

    fn sample() -> (Sources, Vec<Diagnostic>) {
        let mut sources = Sources::default();
        let source = sources.add("main.loam.hcl", "\tnaem = 日本.x\nsize = 5 \x1b[2J\n");
        let long =
            "A `network` has no attribute of this name, and one that is misspelt would silently do nothing at all.";
        let diagnostics = vec![
            Diagnostic::error("Unknown attribute", Span { source, start: 8, end: 14 }, long)
                .label("not declared")
                .values(vec!["var.size is 5".into()])
                .hint("Did you mean `name`?"),
            Diagnostic::warning("Odd size", Span { source, start: 17, end: 21 }, "It is odd."),
        ];
        (sources, diagnostics)
    }

    fn text(style: Style) -> String {
        let (sources, list) = sample();
        let mut out = Vec::new();
        diagnostics(&mut out, style, &list, &sources).expect("memory takes all");
        String::from_utf8(out).expect("it is text")
    }

    #[test]
    fn a_diagnostic_shows_its_place_and_the_way_out_within_80_columns() {
        let text = text(Style::plain());
        assert!(text.lines().all(|line| super::super::text::width(line) <= 80), "{text}");
        insta::assert_snapshot!(text, @r"
        error: Unknown attribute
          --> main.loam.hcl:1:9
          |
        1 |  naem = 日本.x
          |         ^^^^ not declared
          = A `network` has no attribute of this name, and one that is misspelt would
            silently do nothing at all.
          = var.size is 5
        hint: Did you mean `name`?

        warning: Odd size
          --> main.loam.hcl:2:1
          |
        2 | size = 5 \u001b[2J
          | ^^^^
          = It is odd.

        1 error, 1 warning.
        ");
    }

    #[test]
    fn colours_change_nothing_but_colours() {
        let coloured = text(Style { colour: crate::ui::Colour::Ansi, ..Style::plain() });
        assert!(coloured.starts_with("\x1b[1;31merror:\x1b[0m \x1b[1mUnknown attribute\x1b[0m\n"), "{coloured}");
        assert!(!coloured.contains("\x1b[2J"), "a file's escapes are not obeyed");
        let mut stripped = coloured;
        while let Some(start) = stripped.find("\x1b[") {
            let end = start + stripped[start..].find('m').expect("it is ours");
            stripped.replace_range(start..=end, "");
        }
        assert_eq!(stripped, text(Style { colour: Colour::Never, ..Style::plain() }));
    }

    #[test]
    fn as_json_each_is_one_line() {
        let (sources, list) = sample();
        let mut out = Vec::new();
        diagnostics_json(&mut out, &list, &sources).expect("memory takes all");
        let text = String::from_utf8(out).expect("it is text");
        assert_eq!(text.lines().count(), 2);
        assert!(text.starts_with(r#"{"type":"diagnostic","severity":"error","summary":"Unknown attribute""#), "{text}");
        for line in text.lines() {
            crate::ui::schema_test::assert_valid("diagnostic", line);
        }
    }
}
