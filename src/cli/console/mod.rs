//! `loam console`

mod interactive;
mod lines;

use std::io::{self, IsTerminal as _};

use super::{
    Global,
    error::{Code, Failure},
    inputs::Inputs,
    project::{Given, Project},
    run,
    terminal::Terminal,
};
use crate::{
    console::{Answer, Basics, Console},
    diag::Diagnostics,
    source::Sources,
    state,
};

/// Try expressions against the configuration and the state
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Expressions see variables, locals, `path`, the outputs of modules, and objects as the state has them; what only an apply can tell is shown as \
(known after apply), a secret as (sensitive value). `type(VALUE)` shows the type of a value. Nothing is changed, and \
no lock is needed. In a directory without configuration there are functions, literals and `path`.

At a terminal: Tab completes names, functions with their arguments, and attributes; an open bracket goes on in the next \
line; Ctrl-C clears the line; Ctrl-D or `exit` leaves; a line that begins with a space is not kept in the history.

Read from a pipe, every expression is answered in turn. What is wrong with one is told on standard error with its line \
and keeps none of the others from being answered; the exit code is then 1. With --jsonl what is wrong is an answer like \
others, and the exit code 0.

Examples:
  loam console
  echo 'cidrsubnet(var.range, 8, 3)' | loam console
  loam console --var region=eu < expressions.txt
  echo '{\"expr\": \"local.ports\"}' | loam console --jsonl | jq .value")]
pub(super) struct Args {
    /// Read one `{\"expr\": \"…\"}` per line and answer each with one line: `{\"value\": …, \"type\": \"…\", \"sensitive\": false}`
    /// or `{\"error\": {\"summary\": \"…\", \"detail\": \"…\"}}`
    #[arg(long)]
    jsonl: bool,
    #[command(flatten)]
    inputs: Inputs,
}

/// A console, and whom it answers.
struct Session<'s> {
    terminal: &'s mut Terminal,
    console: Console<'s>,
    /// The configuration's texts, and the expressions so far.
    sources: Sources,
}

pub(super) fn run(terminal: &mut Terminal, global: &Global, args: &Args) -> Result<Code, Failure> {
    let project = Project::open_or_empty(terminal, global, Given::Wholly(&args.inputs))?;
    let store = state::open_read_only(&project.directory.loam, project.directory.seal()?, run::now())?;
    let objects = store.objects()?;
    drop(store);
    let basics = Basics {
        module: &project.config.root,
        files: &project.files,
        paths: project.paths.clone(),
        variables: &project.variables,
        objects: &objects,
        clock: run::now,
    };
    let mut console = Console::new(basics);
    terminal.keep_also(&console.found_secrets());
    let session = Session { terminal, console, sources: project.sources.clone() };
    let is_person = !args.jsonl && !global.json && io::stdin().is_terminal() && io::stdout().is_terminal();
    match (is_person, args.jsonl) {
        (true, _) => interactive::run(session),
        (false, true) => lines::requests(session, &mut io::stdin().lock()),
        (false, false) => lines::expressions(session, &mut io::stdin().lock()),
    }
}

impl Session<'_> {
    /// Evaluates an expression and answers, or tells what is wrong with it.
    fn answer(&mut self, name: &str, line: u32, text: &str) -> Result<Code, Failure> {
        let (answer, diagnostics) = self.console.evaluate(name, line, text, &mut self.sources);
        self.terminal.keep_also(&self.console.found_secrets());
        if self.terminal.is_json() {
            return self.answer_json(answer, diagnostics);
        }
        if !diagnostics.is_empty() {
            self.terminal.diagnostics(&diagnostics, &self.sources);
        }
        let Some(answer) = answer else { return Ok(Code::Failed) };
        self.terminal.show_answer(&answer)?;
        Ok(Code::Done)
    }

    /// Answers with one JSON line.
    fn answer_json(&mut self, answer: Option<Answer>, diagnostics: Diagnostics) -> Result<Code, Failure> {
        match answer {
            Some(answer) => {
                self.terminal.show_answer_json(&answer)?;
                Ok(Code::Done)
            }
            None => {
                self.terminal.show_answer_error_json(diagnostics, &self.sources)?;
                Ok(Code::Failed)
            }
        }
    }
}
