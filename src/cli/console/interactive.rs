//! The console at a terminal.

use std::{
    borrow::Cow,
    cell::RefCell,
    env, fs,
    path::{Path, PathBuf},
};

use rustyline::{
    ColorMode, CompletionType, Config, Context, Editor, Helper,
    completion::{Completer, Pair},
    error::ReadlineError,
    highlight::Highlighter,
    hint::Hinter,
    history::FileHistory,
    validate::{ValidationContext, ValidationResult, Validator},
};

use super::{
    super::{
        error::{Code, Failure},
        terminal::Terminal,
    },
    Session,
};
use crate::{
    console::{Candidate, Console, Statements},
    source::Sources,
    ui,
};

/// What the typed text is called in messages.
const NAME: &str = "<console>";
const PROMPT: &str = "> ";
/// So many lines are kept between sessions.
const MOST_LINES: usize = 2000;
/// With more ways to go on than this, only their names are listed.
const MOST_EXPLAINED: usize = 20;

/// What `help` tells.
const HELP: &str = "\
Type an expression to see its value: `var.NAME`, `local.NAME`, `path.module`, the objects of the state as KIND.NAME, \
and every function of the language. `type(VALUE)` shows the type of a value.

Tab completes. An open bracket goes on in the next line. Ctrl-C clears the line, Ctrl-R searches what was typed before. \
A line that begins with a space is not kept. Ctrl-D or `exit` leaves.";

pub(super) fn run(session: Session<'_>) -> Result<Code, Failure> {
    let Session { terminal, console, mut sources } = session;
    let colour = terminal.screen.result_style().is_coloured();
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .history_ignore_space(true)
        .max_history_size(MOST_LINES)
        .map_err(broken)?
        .color_mode(if colour { ColorMode::Enabled } else { ColorMode::Disabled })
        .auto_add_history(true)
        .build();
    let width = terminal.screen.result_style().width;
    let mut editor: Editor<Line<'_>, FileHistory> = Editor::with_config(config).map_err(broken)?;
    editor.set_helper(Some(Line { console: RefCell::new(console), colour, width }));
    let history = history_file();
    if let Some(path) = &history {
        // A history that cannot be read is an empty one.
        let _ = editor.load_history(path);
    }
    terminal.tell(|out, style| ui::note(out, style, "Type an expression, `help`, or `exit`."));
    loop {
        let typed = match editor.readline(PROMPT) {
            Ok(typed) => typed,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(broken(error)),
        };
        if let Some(path) = &history {
            // At once, so that a session that is killed is remembered.
            let _ = editor.append_history(path);
        }
        match typed.trim() {
            "" => {}
            "exit" | "quit" => break,
            "help" => terminal.screen.result(|out, style| ui::note(out, style, HELP))?,
            _ => {
                if let Some(line) = editor.helper() {
                    evaluate(terminal, &mut line.console.borrow_mut(), &mut sources, &typed)?;
                }
            }
        }
    }
    Ok(Code::Done)
}

/// Evaluates what was typed, or pasted: that may be several expressions.
fn evaluate(
    terminal: &mut Terminal,
    console: &mut Console<'_>,
    sources: &mut Sources,
    typed: &str,
) -> Result<(), Failure> {
    let mut statements = Statements::default();
    let mut found: Vec<_> = typed.lines().filter_map(|line| statements.line(line)).collect();
    found.extend(statements.finish());
    for statement in found {
        let (answer, diagnostics) = console.evaluate(NAME, statement.line, &statement.text, sources);
        terminal.keep_also(&console.found_secrets());
        if !diagnostics.is_empty() {
            terminal.diagnostics(&diagnostics, sources);
        }
        if let Some(answer) = answer {
            terminal.show_answer(&answer)?;
        }
    }
    Ok(())
}

fn broken(error: ReadlineError) -> Failure {
    Failure::new(format!("failed to read from the terminal: {error}"))
}

/// Returns the file of what was typed before: the user's, not the project's, where it could be committed.
fn history_file() -> Option<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    let file = state.join("loam/console-history");
    fs::create_dir_all(file.parent().unwrap_or(Path::new("/"))).ok()?;
    Some(file)
}

/// What helps with the line that is being typed.
struct Line<'c> {
    console: RefCell<Console<'c>>,
    colour: bool,
    width: usize,
}

impl Helper for Line<'_> {}

impl Completer for Line<'_> {
    type Candidate = Pair;

    fn complete(&self, line: &str, position: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let candidates = self.console.borrow_mut().candidates(&line[..position]);
        let is_explained = candidates.ways.len() <= MOST_EXPLAINED;
        let pair = |Candidate { text, about }: Candidate| {
            let explained = if is_explained && !about.is_empty() { format!("{text}  {about}") } else { text.clone() };
            Pair { display: explained.chars().take(self.width - 1).collect(), replacement: text }
        };
        Ok((candidates.start, candidates.ways.into_iter().map(pair).collect()))
    }
}

impl Hinter for Line<'_> {
    type Hint = String;

    fn hint(&self, line: &str, position: usize, _: &Context<'_>) -> Option<String> {
        if position == line.len() { Console::signature(line) } else { None }
    }
}

impl Highlighter for Line<'_> {
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _is_default: bool) -> Cow<'b, str> {
        if self.colour { Cow::Owned(format!("\x1b[1m{prompt}\x1b[0m")) } else { Cow::Borrowed(prompt) }
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        if self.colour { Cow::Owned(format!("\x1b[2m{hint}\x1b[0m")) } else { Cow::Borrowed(hint) }
    }
}

impl Validator for Line<'_> {
    fn validate(&self, cx: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let mut statements = Statements::default();
        for line in cx.input().lines() {
            statements.line(line);
        }
        Ok(if statements.is_open() { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}
