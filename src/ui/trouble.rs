//! Errors of the world: what failed, why, what shows it, and the way out.

use std::io::{self, Write};

use serde::Serialize;

use super::{
    Style,
    style::Tone,
    text::{clean, wrap},
};
use crate::event::Trouble;

/// Writes an error with its causes, evidence and hint.
///
/// # Errors
/// Those of the writer.
pub fn error(out: &mut dyn Write, style: Style, address: Option<&str>, trouble: &Trouble) -> io::Result<()> {
    paragraph(out, style, "", (Tone::Error, "error:"), Tone::Strong, &trouble.message)?;
    if let Some(address) = address {
        writeln!(out, "  on {}", style.paint(Tone::Strong, clean(address)))?;
    }
    details(out, style, trouble)
}

/// Writes what failed with one object, without the details.
pub(super) fn error_about(out: &mut dyn Write, style: Style, address: &str, message: &str) -> io::Result<()> {
    let message = format!("{address}: {message}");
    paragraph(out, style, "", (Tone::Error, "error:"), Tone::Strong, &message)
}

/// Writes an error as JSON on one line: `schemas/diagnostic.json`.
///
/// # Errors
/// Those of the writer.
pub fn error_json(out: &mut dyn Write, address: Option<&str>, trouble: &Trouble) -> io::Result<()> {
    super::json::line(out, &Line { r#type: "error", address, trouble })
}

#[derive(Serialize)]
struct Line<'a> {
    r#type: &'static str,
    address: Option<&'a str>,
    #[serde(flatten)]
    trouble: &'a Trouble,
}

/// Writes what follows the message: causes that say something new, the attribute, evidence, and the hint.
pub(super) fn details(out: &mut dyn Write, style: Style, trouble: &Trouble) -> io::Result<()> {
    let mut said = &trouble.message;
    for cause in &trouble.causes {
        // Errors that only pass another on repeat its words.
        if cause != said {
            paragraph(out, style, "  ", (Tone::Dim, "caused by:"), Tone::Plain, cause)?;
        }
        said = cause;
    }
    if let Some(attribute) = &trouble.attribute {
        writeln!(out, "  {} `{}`", style.paint(Tone::Dim, "at attribute"), clean(attribute))?;
    }
    for line in trouble.evidence.iter().flat_map(|evidence| evidence.lines()) {
        writeln!(out, "    {} {}", style.paint(Tone::Dim, "|"), clean(line))?;
    }
    trouble.hint.as_deref().map_or(Ok(()), |text| hint(out, style, text))
}

/// Writes a way out.
pub(super) fn hint(out: &mut dyn Write, style: Style, text: &str) -> io::Result<()> {
    paragraph(out, style, "", (Tone::Hint, "hint:"), Tone::Plain, text)
}

/// Writes a wrapped paragraph after a lead; what follows the first line stands under it.
fn paragraph(
    out: &mut dyn Write,
    style: Style,
    indent: &str,
    (lead_tone, lead): (Tone, &str),
    tone: Tone,
    text: &str,
) -> io::Result<()> {
    let text = &without_numbers(text);
    let margin = indent.len() + lead.len() + 1;
    let lines = wrap(text, style.width.saturating_sub(margin).max(20));
    for (index, line) in lines.iter().enumerate() {
        match index {
            0 => writeln!(out, "{indent}{} {}", style.paint(lead_tone, lead), style.paint(tone, line))?,
            _ => writeln!(out, "{:margin$}{}", "", style.paint(tone, line))?,
        }
    }
    if lines.is_empty() {
        writeln!(out, "{indent}{}", style.paint(lead_tone, lead))?;
    }
    Ok(())
}

/// Returns a text without the numbers of the system's errors, whose words say as much.
fn without_numbers(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut parts = text.split(" (os error ");
    shown.push_str(parts.next().unwrap_or_default());
    for part in parts {
        match part.split_once(')') {
            Some((number, rest)) if number.bytes().all(|byte| byte.is_ascii_digit()) => shown.push_str(rest),
            _ => shown.extend([" (os error ", part]),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_why_what_shows_it_and_the_way_out() {
        let trouble = Trouble {
            message: "failed to start node `0`".into(),
            causes: vec!["failed to start node `0`".into(), "the port is in use".into(), "os error 98".into()],
            attribute: Some("ports.client".into()),
            hint: Some("Choose another port, or leave it out: then a free one is found and kept.".into()),
            evidence: vec!["listen tcp :8080\nbind: \x1b[31min use".into()],
        };
        let mut out = Vec::new();
        error(&mut out, Style::plain().with_width(60), Some("network.bench"), &trouble).expect("memory takes all");
        insta::assert_snapshot!(String::from_utf8(out).expect("it is text"), @r"
        error: failed to start node `0`
          on network.bench
          caused by: the port is in use
          caused by: os error 98
          at attribute `ports.client`
            | listen tcp :8080
            | bind: \u001b[31min use
        hint: Choose another port, or leave it out: then a free one
              is found and kept.
        ");
        let mut out = Vec::new();
        error_json(&mut out, Some("network.bench"), &trouble).expect("memory takes all");
        crate::ui::schema_test::assert_valid("diagnostic", &String::from_utf8(out).expect("it is text"));
    }

    #[test]
    fn the_numbers_of_system_errors_are_left_out() {
        assert_eq!(without_numbers("no such file (os error 2), then (os error x)"), "no such file, then (os error x)");
        assert_eq!(without_numbers("full (os error 28)"), "full");
    }
}
