//! Small things to say: a line for a person, the difference between two texts.

use std::io::{self, Write};

use similar::{ChangeTag, TextDiff};

use super::{Style, style::Tone, text::wrap};

/// Writes a remark to a person.
///
/// # Errors
/// Those of the writer.
pub fn note(out: &mut dyn Write, style: Style, text: &str) -> io::Result<()> {
    for line in wrap(text, style.width) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Writes what the lines below it are, after an empty line.
///
/// # Errors
/// Those of the writer.
pub fn heading(out: &mut dyn Write, style: Style, text: &str) -> io::Result<()> {
    writeln!(out, "\n{}", style.paint(Tone::Strong, format_args!("{text}:")))
}

/// Writes the difference between two versions of a file as a unified diff.
///
/// # Errors
/// Those of the writer.
pub fn text_diff(out: &mut dyn Write, style: Style, name: &str, before: &str, after: &str) -> io::Result<()> {
    let diff = TextDiff::from_lines(before, after);
    writeln!(out, "{}", style.paint(Tone::Strong, format!("--- old/{name}")))?;
    writeln!(out, "{}", style.paint(Tone::Strong, format!("+++ new/{name}")))?;
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        writeln!(out, "{}", style.paint(Tone::Dim, hunk.header()))?;
        for change in hunk.iter_changes() {
            let (sign, tone) = match change.tag() {
                ChangeTag::Equal => (' ', Tone::Plain),
                ChangeTag::Delete => ('-', Tone::Removed),
                ChangeTag::Insert => ('+', Tone::Added),
            };
            let line = change.value().trim_end_matches(['\n', '\r']);
            writeln!(out, "{}", style.paint(tone, format!("{sign}{line}")))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_shows_its_surroundings() {
        let mut out = Vec::new();
        text_diff(&mut out, Style::plain(), "a.hcl", "x\na=1\n", "x\na = 1\n").expect("a vector takes all");
        insta::assert_snapshot!(String::from_utf8(out).expect("it is text"), @r"
        --- old/a.hcl
        +++ new/a.hcl
        @@ -1,2 +1,2 @@
         x
        -a=1
        +a = 1
        ");
    }
}
