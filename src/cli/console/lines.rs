//! Expressions from a pipe: as text, and as JSON lines.

use std::io::BufRead;

use serde::Deserialize;

use super::{
    super::error::{self, Code, Failure},
    Session,
};
use crate::console::{Statement, Statements};

/// What the standard input is called in messages.
const NAME: &str = "<stdin>";

/// One request; what else it has is left alone.
#[derive(Deserialize)]
#[serde(expecting = "an object with `expr`")]
struct Request {
    expr: String,
}

/// Answers every expression of a text.
pub(super) fn expressions(mut session: Session<'_>, input: &mut dyn BufRead) -> Result<Code, Failure> {
    let mut code = Code::Done;
    let mut statements = Statements::default();
    let mut answer = |Statement { text, line }: Statement| -> Result<(), Failure> {
        if session.answer(NAME, line, &text)? == Code::Failed {
            code = Code::Failed;
        }
        Ok(())
    };
    let mut not_text = None;
    let mut number = 0u64;
    while let Some(line) = line(input)? {
        number += 1;
        match std::str::from_utf8(&line) {
            Ok(line) => statements.line(line).map_or(Ok(()), &mut answer)?,
            Err(_) => {
                statements.line("");
                not_text.get_or_insert(number);
            }
        }
    }
    statements.finish().map_or(Ok(()), &mut answer)?;
    match not_text {
        Some(number) => {
            let failure = Failure::new(format!("line {number} of the standard input is not UTF-8 text"));
            error::tell(session.terminal, &failure);
            Ok(Code::Failed)
        }
        None => Ok(code),
    }
}

/// Answers every request with a line.
pub(super) fn requests(mut session: Session<'_>, input: &mut dyn BufRead) -> Result<Code, Failure> {
    while let Some(line) = line(input)? {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match serde_json::from_slice::<Request>(&line) {
            Ok(Request { expr }) => {
                let (answer, diagnostics) = session.console.evaluate("<expression>", 1, &expr, &mut session.sources);
                session.terminal.keep_also(&session.console.found_secrets());
                session.answer_json(answer, diagnostics)?;
            }
            Err(error) => {
                let told = error.to_string();
                let why = told.split(" at line ").next().unwrap_or_default();
                let detail = format!("The line is not `{{\"expr\": \"…\"}}`: {why}, at column {}.", error.column());
                session.terminal.show_request_error(detail)?;
            }
        }
    }
    Ok(Code::Done)
}

/// Reads a line without its end; `None` after the last.
fn line(input: &mut dyn BufRead) -> Result<Option<Vec<u8>>, Failure> {
    let mut line = Vec::new();
    let read = input.read_until(b'\n', &mut line);
    let read = read.map_err(|error| Failure::new(format!("failed to read standard input: {error}")))?;
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    Ok((read > 0).then_some(line))
}
