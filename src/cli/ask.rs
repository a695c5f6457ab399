//! Asks a person for the values of variables that were given none.

use std::{
    env,
    io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _},
};

use rustix::termios::{self, LocalModes, OptionalActions, SpecialCodeIndex, Termios};

use super::{Global, error::Failure, terminal};
use crate::{
    config::{Module, Reading, Variable},
    diag::Diagnostics,
    eval::{self, Files, ModuleValues, WhenUndeclared},
    source::Sources,
    ui::{self, Question, Style},
};

/// Who can be asked.
pub(super) enum Asker {
    /// Somebody at a terminal.
    Person(Style),
    /// Nobody: a program reads or writes, it is a job of CI, or nobody wants to be asked.
    Nobody,
}

/// Whether a person may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Wanted {
    /// If there is one.
    #[default]
    Yes,
    /// Never.
    No,
}

impl Asker {
    pub(super) fn find(global: &Global, wanted: Wanted) -> Self {
        let is_ci = env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
        let is_person = io::stdin().is_terminal() && io::stdout().is_terminal() && io::stderr().is_terminal();
        if wanted == Wanted::No || global.json || is_ci || !is_person {
            return Self::Nobody;
        }
        Self::Person(terminal::style(global, true))
    }

    /// Adds a value for each variable that needs one and has none, by name. An answer that does not fit is told, and
    /// asked for again.
    pub(super) fn ask(
        &self,
        module: &Module,
        given: &mut eval::Inputs,
        paths: &ModuleValues,
        files: &Files,
        sources: &mut Sources,
    ) -> Result<(), Failure> {
        let Self::Person(style) = self else { return Ok(()) };
        let names: Vec<_> = given.missing(module).map(|variable| variable.name.clone()).collect();
        for variable in names.iter().filter_map(|name| module.variables.get(name)) {
            loop {
                let Some(answer) = question(*style, variable)? else { return Ok(()) };
                let mut problems = Diagnostics::default();
                eval::answer(module, variable, &answer, paths, files, sources, &mut problems);
                if !problems.has_errors() {
                    given.text(&variable.name, &answer, ORIGIN, WhenUndeclared::Error);
                    break;
                }
                ui::diagnostics(&mut io::stderr().lock(), *style, &problems.sorted(), sources)?;
            }
        }
        Ok(())
    }
}

/// What an answer is called in messages.
const ORIGIN: &str = "the answer";

/// Puts the question; `None` where there are no answers any more.
fn question(style: Style, variable: &Variable) -> Result<Option<String>, Failure> {
    let form = match variable.reading {
        Reading::Text if matches!(variable.ty, loam_provider::Type::Any) => "It is text.".to_owned(),
        Reading::Text => format!("It is a {}.", variable.ty),
        Reading::Expression => format!("It is {}: write an expression, in one line.", variable.ty),
    };
    let is_hidden = variable.sensitive || variable.ephemeral;
    let form = if is_hidden { format!("{form} What you type is not shown.") } else { form };
    let description = variable.description.as_deref();
    let question = Question { name: &variable.name, description, form: &form };
    let put = |answer: &mut dyn FnMut() -> _| ui::ask(&mut io::stderr().lock(), style, &question, answer);
    // Quiet before the question is there: whoever answers at once is not seen either.
    let answer = if is_hidden { Quiet::start().and_then(|_quiet| put(&mut keys)) } else { put(&mut line) };
    answer.map_err(|error| match error.kind() {
        io::ErrorKind::Interrupted => Failure::new("interrupted; nothing was changed"),
        _ => Failure::new(format!("failed to ask for `var.{}`: {error}", variable.name)),
    })
}

fn line() -> io::Result<Option<String>> {
    let mut line = String::new();
    let is_end = io::stdin().lock().read_line(&mut line)? == 0;
    Ok((!is_end).then(|| line.trim_end_matches(['\n', '\r']).to_owned()))
}

/// A terminal that shows nothing of what is typed, until this is dropped. Ctrl-C is read like any other key meanwhile,
/// so that the terminal is as it was when loam ends.
struct Quiet(Termios);

impl Quiet {
    fn start() -> io::Result<Self> {
        let before = termios::tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
        quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
        termios::tcsetattr(io::stdin(), OptionalActions::Drain, &quiet)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // Where the terminal is gone there is nothing to put right; the newline that was typed was not shown either.
        let _ = termios::tcsetattr(io::stdin(), OptionalActions::Drain, &self.0);
        let _ = io::stderr().write_all(b"\n");
    }
}

fn keys() -> io::Result<Option<String>> {
    const CTRL_C: u8 = 0x03;
    const CTRL_D: u8 = 0x04;
    const BACKSPACE: u8 = 0x08;
    const CTRL_U: u8 = 0x15;
    const DELETE: u8 = 0x7f;
    let mut typed: Vec<u8> = Vec::new();
    for byte in io::stdin().lock().bytes() {
        match byte? {
            b'\n' | b'\r' => return text(typed).map(Some),
            CTRL_C => return Err(io::ErrorKind::Interrupted.into()),
            CTRL_D if typed.is_empty() => return Ok(None),
            BACKSPACE | DELETE => {
                // The last character, however many bytes it has.
                while typed.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
            }
            CTRL_U => typed.clear(),
            byte => typed.push(byte),
        }
    }
    Ok(None)
}

fn text(typed: Vec<u8>) -> io::Result<String> {
    String::from_utf8(typed).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}
