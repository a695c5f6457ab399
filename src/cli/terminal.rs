//! What the command line is talking to: a person, a pipe, a program.

use std::{
    collections::BTreeMap,
    env,
    io::{self, IsTerminal as _},
    sync::Arc,
};

use loam_provider::Str;

use super::{Global, error::Failure, interrupt::Interrupt};
use crate::{
    console,
    diag::{Diagnostics, Severity},
    eval::Evaluated,
    event::{Secrets, Trouble},
    host::Offers,
    modules::{self, Entry},
    plan::Plan,
    source::Sources,
    state::{Output, Status, StepRecord, Stored},
    ui::{self, Answer, Answers, Colour, Glyphs, Progress, Screen, Style},
};

/// Standard output, standard error and standard input, and what they can do.
pub(super) struct Terminal {
    pub(super) screen: Screen,
    is_json: bool,
    is_live: bool,
    /// What stands in no message.
    secrets: Secrets,
}

impl Terminal {
    pub(super) fn new(global: &Global) -> Self {
        let of = |is_terminal| style(global, is_terminal);
        let results: Box<dyn io::Write + Send> = Box::new(io::stdout());
        let messages: Box<dyn io::Write + Send> = Box::new(io::stderr());
        let screen = Screen::new((results, of(io::stdout().is_terminal())), (messages, of(io::stderr().is_terminal())));
        let is_live = !global.json && !is_dumb() && io::stderr().is_terminal();
        Self { screen, is_json: global.json, is_live, secrets: Secrets::default() }
    }

    /// Returns whether results are JSON lines.
    pub(super) fn is_json(&self) -> bool {
        self.is_json
    }

    /// Redraws nothing in place from now on.
    pub(super) fn write_lines(&mut self) {
        self.is_live = false;
    }

    /// Takes the secrets among the variables out of all diagnostics and errors that follow.
    pub(super) fn keep_secret(&mut self, variables: &BTreeMap<Str, Evaluated>) {
        self.secrets = Evaluated::secrets(variables.values());
    }

    /// Takes further secrets out of all diagnostics and errors that follow.
    pub(super) fn keep_also(&mut self, secrets: &Secrets) {
        self.secrets = self.secrets.and(secrets);
    }

    /// Returns an error without secrets.
    pub(super) fn redacted(&self, trouble: &Trouble) -> Trouble {
        trouble.redacted(&self.secrets)
    }

    /// Returns who is told about a run.
    pub(super) fn reporter(&self) -> Result<Progress, Failure> {
        let (style, now): (Style, ui::Now) = (self.screen.message_style(), Arc::new(jiff::Timestamp::now));
        let progress = if self.is_json {
            Progress::json(Box::new(io::stdout()), now)
        } else if self.is_live {
            Progress::live(ui::Terminal::new(Box::new(io::stderr()), size), style, now)
        } else {
            Progress::plain(Box::new(io::stderr()), style, now)
        };
        Ok(progress?)
    }

    /// Writes a plan.
    pub(super) fn show_plan(&mut self, plan: &Plan, offers: &Offers) -> Result<(), Failure> {
        let is_json = self.is_json;
        self.screen.result(
            |out, style| {
                if is_json { ui::plan_json(out, plan) } else { ui::plan(out, style, plan, offers) }
            },
        )?;
        Ok(())
    }

    /// Tells which steps of dead runs will be settled first.
    pub(super) fn show_unsettled(&mut self, steps: &[StepRecord]) {
        if self.is_json {
            return;
        }
        for step in steps {
            let text = match step.status {
                Status::InDoubt => format!(
                    "In doubt: nobody can tell what became of the {} of {}; every apply asks its provider again. \
                     `loam state rm '{}'` forgets it.",
                    step.action, step.slot, step.slot.addr
                ),
                _ => {
                    format!("A run died during the {} of {}; the next apply settles it first.", step.action, step.slot)
                }
            };
            self.tell(|out, style| ui::note(out, style, &text));
        }
    }

    /// Writes what an expression is.
    pub(super) fn show_answer(&mut self, answer: &console::Answer) -> Result<(), Failure> {
        Ok(self.screen.result(|out, _| ui::answer(out, answer))?)
    }

    /// Writes what an expression is, for a program.
    pub(super) fn show_answer_json(&mut self, answer: &console::Answer) -> Result<(), Failure> {
        Ok(self.screen.result(|out, _| ui::answer_json(out, answer))?)
    }

    /// Writes the first thing that is wrong with an expression, for a program.
    pub(super) fn show_answer_error_json(&mut self, found: Diagnostics, sources: &Sources) -> Result<(), Failure> {
        let first = found.sorted().into_iter().find(|diagnostic| diagnostic.severity == Severity::Error);
        let Some(mut first) = first else { return Ok(()) };
        first.rewrite(|text| self.secrets.redact(text));
        Ok(self.screen.result(|out, _| ui::answer_error_json(out, &first, sources))?)
    }

    /// Writes that a request cannot be read.
    pub(super) fn show_request_error(&mut self, detail: String) -> Result<(), Failure> {
        Ok(self.screen.result(|out, _| ui::request_error_json(out, detail))?)
    }

    /// Writes output values.
    pub(super) fn show_outputs(&mut self, outputs: &[Output]) -> Result<(), Failure> {
        let is_json = self.is_json;
        self.screen.result(
            |out, style| {
                if is_json { ui::outputs_json(out, outputs) } else { ui::outputs(out, style, outputs) }
            },
        )?;
        Ok(())
    }

    /// Writes a module that was fetched, or was there.
    pub(super) fn show_module(&mut self, entry: &Entry, status: &modules::Status) -> Result<(), Failure> {
        let is_json = self.is_json;
        self.screen.result(|out, _| {
            if is_json { ui::module_json(out, entry, status) } else { ui::module(out, entry, status) }
        })?;
        Ok(())
    }

    /// Writes objects.
    pub(super) fn show_objects(&mut self, objects: &[Stored], offers: &Offers) -> Result<(), Failure> {
        let is_json = self.is_json;
        for (at, Stored { object, .. }) in objects.iter().enumerate() {
            self.screen.result(|out, style| {
                if is_json {
                    return ui::object_json(out, object);
                }
                if at > 0 {
                    writeln!(out)?;
                }
                ui::object(out, style, object, offers)
            })?;
        }
        Ok(())
    }

    /// Tells a person something; programs are told in data.
    pub(super) fn tell(&mut self, write: impl FnOnce(&mut dyn io::Write, Style) -> io::Result<()>) {
        if !self.is_json {
            self.screen.message(write);
        }
    }

    /// Asks a question that only `yes` answers well.
    pub(super) fn confirm(&mut self, question: &str, interrupt: &Interrupt) -> Result<(), Failure> {
        let is_somebody = !self.is_json && io::stdin().is_terminal();
        let mut typed = is_somebody.then(|| interrupt.typed());
        let answers = typed.as_mut().map_or(Answers::Nobody, |typed| Answers::Person(typed));
        let mut answer = Ok(Answer::No);
        self.screen.message(|out, style| {
            answer = ui::confirm(out, style, answers, question);
            Ok(())
        });
        match answer? {
            Answer::Yes => Ok(()),
            Answer::No => Err(Failure::new("not confirmed; nothing was changed")),
        }
    }

    /// Tells diagnostics, by place: people on standard error, programs on standard output.
    pub(super) fn diagnostics(&mut self, diagnostics: &Diagnostics, sources: &Sources) {
        let mut sorted = diagnostics.clone().sorted();
        for diagnostic in &mut sorted {
            diagnostic.rewrite(|text| self.secrets.redact(text));
        }
        if self.is_json {
            // Where standard output is gone there is nobody left to tell.
            let _ = self.screen.result(|out, _| ui::diagnostics_json(out, &sorted, sources));
        } else {
            self.screen.message(|out, style| ui::diagnostics(out, style, &sorted, sources));
        }
    }
}

/// Returns how a stream is written to.
pub(super) fn style(global: &Global, is_terminal: bool) -> Style {
    let is_plain = global.no_color || env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Style {
        colour: if is_terminal && !is_plain && !is_dumb() { Colour::Ansi } else { Colour::Never },
        glyphs: if is_unicode() { Glyphs::Unicode } else { Glyphs::Ascii },
        width: width(is_terminal),
    }
}

fn is_dumb() -> bool {
    env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// Returns whether the locale says that characters outside ASCII can be shown; an empty one says nothing against it.
fn is_unicode() -> bool {
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| env::var(name).ok().filter(|value| !value.is_empty()));
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_uppercase();
        locale.contains("UTF-8") || locale.contains("UTF8") || !matches!(locale.as_str(), "C" | "POSIX")
    })
}

fn width(is_terminal: bool) -> usize {
    let columns = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let size = || rustix::termios::tcgetwinsize(io::stderr()).ok().map(|size| usize::from(size.ws_col));
    let width = if is_terminal { columns.or_else(size) } else { columns };
    width.filter(|width| *width >= 40).unwrap_or(ui::DEFAULT_WIDTH)
}

/// Returns the size of the terminal; one that says it has no columns or lines knows nothing of its size.
fn size() -> ui::Size {
    let size = rustix::termios::tcgetwinsize(io::stderr()).ok();
    let known = |size: u16, otherwise| if size == 0 { otherwise } else { size };
    let (columns, lines) = size.map_or((0, 0), |size| (size.ws_col, size.ws_row));
    ui::Size { columns: known(columns, 80), lines: known(lines, 24) }
}
