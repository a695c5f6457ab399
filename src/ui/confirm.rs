//! The question before anything happens.

use std::io::{self, BufRead, Write};

use super::{Style, style::Tone, text::wrap};

/// Who can answer.
pub enum Answers<'a> {
    /// Somebody at a terminal.
    Person(&'a mut dyn BufRead),
    /// Nobody: input is a file, a pipe, or nothing.
    Nobody,
}

/// What was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// `yes`, in so many letters.
    Yes,
    /// Anything else.
    No,
}

/// Why nothing was answered.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmError {
    /// There is nobody to ask.
    #[error("there is no terminal to ask on; pass --auto-approve to go on without being asked")]
    Nobody,
    /// The question could not be put, or the answer not be read.
    #[error("failed to ask for approval")]
    Ask { source: io::Error },
}

/// Asks a question to which only `yes` is a yes.
///
/// # Errors
/// [`ConfirmError::Nobody`] where nobody can answer.
pub fn confirm(
    out: &mut dyn Write,
    style: Style,
    answers: Answers<'_>,
    question: &str,
) -> Result<Answer, ConfirmError> {
    let Answers::Person(input) = answers else { return Err(ConfirmError::Nobody) };
    ask(out, style, input, question).map_err(|source| ConfirmError::Ask { source })
}

fn ask(out: &mut dyn Write, style: Style, input: &mut dyn BufRead, question: &str) -> io::Result<Answer> {
    writeln!(out)?;
    for line in wrap(question, style.width) {
        writeln!(out, "{}", style.paint(Tone::Strong, line))?;
    }
    write!(out, "Only `yes` is accepted: ")?;
    out.flush()?;
    let mut answer = String::new();
    let is_end = input.read_line(&mut answer)? == 0;
    if is_end {
        // The answer's newline is missing too.
        writeln!(out)?;
    }
    Ok(if answer.trim() == "yes" { Answer::Yes } else { Answer::No })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(typed: &[u8]) -> Result<(Answer, String), String> {
        let mut out = Vec::new();
        let mut input = typed;
        confirm(&mut out, Style::plain(), Answers::Person(&mut input), "Apply this plan?")
            .map(|answer| (answer, String::from_utf8_lossy(&out).into_owned()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn only_yes_is_yes() {
        let (yes, shown) = answer(b"yes\n").expect("it is text");
        assert_eq!((yes, shown.as_str()), (Answer::Yes, "\nApply this plan?\nOnly `yes` is accepted: "));
        for typed in ["y\n", "YES\n", "yes please\n", "\n", "no\n", ""] {
            assert_eq!(answer(typed.as_bytes()).expect("it is text").0, Answer::No, "{typed:?}");
        }
        assert_eq!(answer(b"\xff\n").expect_err("it is no text"), "failed to ask for approval");
    }

    #[test]
    fn without_a_terminal_the_way_out_is_named() {
        let error = confirm(&mut Vec::new(), Style::plain(), Answers::Nobody, "Apply?").expect_err("nobody is there");
        assert!(error.to_string().contains("--auto-approve"), "{error}");
    }
}
