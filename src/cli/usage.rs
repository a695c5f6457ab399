//! What is wrong with the arguments, told as every other error: what, and the way out.
//!
//! clap finds the mistakes; here they get loam's words. Whoever comes from another tool may write that tool's commands
//! and its single dashes, which are answered by name.

use std::ffi::OsString;

use clap::{
    CommandFactory as _,
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::{Arguments, Global, error::Failure};

/// Why no command runs.
#[derive(Debug)]
pub(super) enum Stop {
    /// Help or the version was asked for, or nothing was: it is told as it is.
    Help(clap::Error),
    /// The arguments are wrong.
    Mistake(Failure),
}

/// Commands of other tools, and what does the same here.
const ELSEWHERE: [(&str, &str); 12] = [
    ("delete", "`loam destroy` takes everything down; to delete one object, remove its block and apply."),
    ("diff", "`loam plan` shows what would change."),
    ("down", "`loam destroy` takes everything down."),
    ("force-unlock", "The lock ends with its process, so there is nothing to unlock."),
    ("format", "`loam fmt` lays out configuration files."),
    ("list", "`loam state list` lists the objects in the state."),
    ("ls", "`loam state list` lists the objects in the state."),
    ("refresh", "`loam plan` reads the world and shows what differs; `loam apply` records it."),
    ("rm", "`loam state rm ADDRESS` forgets an object."),
    ("taint", "`loam apply --replace ADDRESS` makes an object anew."),
    ("up", "`loam apply` makes the world what the configuration says."),
    ("workspace", "One directory has one state: `-C DIR` chooses it."),
];

/// Options of other tools, and what does the same here.
const OPTIONS_ELSEWHERE: [(&str, &str); 2] = [
    ("--refresh-only", "Every `loam plan` says what was changed outside of loam."),
    ("--target", "Put what belongs together into a directory of its own: `-C DIR` chooses it."),
];

impl Stop {
    /// Returns what clap found, in loam's words.
    pub(super) fn of(error: clap::Error, arguments: &[OsString]) -> Self {
        match error.kind() {
            ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => Self::Help(error),
            _ => Self::Mistake(failure(&error, arguments)),
        }
    }
}

/// Finds a long option that is written with one dash, which would be read as several short ones.
pub(super) fn dashes(arguments: &[OsString]) -> Option<Stop> {
    let known = long_options(&Arguments::command());
    let options = arguments.iter().skip(1).filter_map(|argument| argument.to_str());
    for argument in options.take_while(|argument| *argument != "--") {
        let Some(option) = argument.strip_prefix('-') else { continue };
        let name = option.split('=').next().unwrap_or(option);
        if name.len() > 1 && known.iter().any(|long| long == name) {
            let failure = Failure::new(format!("`{argument}` has one dash")).hint(format!("Write `-{argument}`."));
            return Some(Stop::Mistake(failure));
        }
    }
    None
}

/// Returns how to tell a mistake, as far as the arguments say so.
pub(super) fn global(arguments: &[OsString]) -> Global {
    let is_given = |option: &str| arguments.iter().any(|argument| argument == option);
    Global { directory: ".".into(), json: is_given("--json"), no_color: is_given("--no-color"), help: None }
}

fn long_options(command: &clap::Command) -> Vec<String> {
    let own = command.get_arguments().filter_map(|argument| argument.get_long()).map(str::to_owned);
    let below = command.get_subcommands().flat_map(long_options);
    own.chain(["help".to_owned(), "version".to_owned()]).chain(below).collect()
}

fn failure(error: &clap::Error, arguments: &[OsString]) -> Failure {
    let said = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(bare(text).to_owned()),
        Some(ContextValue::Strings(texts)) => {
            Some(texts.iter().map(|text| bare(text)).collect::<Vec<_>>().join("`, `"))
        }
        _ => None,
    };
    let said = |kind| said(kind).filter(|said| !said.is_empty());
    let argument = said(ContextKind::InvalidArg).unwrap_or_default();
    let value = said(ContextKind::InvalidValue).unwrap_or_default();
    let valid = said(ContextKind::ValidValue).map(|values| format!("It takes `{values}`."));
    let meant = |kind| said(kind).map(|name| format!("Did you mean `{name}`?"));
    let (message, hint) = match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let command = said(ContextKind::InvalidSubcommand).unwrap_or_default();
            let elsewhere = ELSEWHERE.iter().find(|(name, _)| *name == command).map(|(_, hint)| (*hint).to_owned());
            let hint = elsewhere.or_else(|| meant(ContextKind::SuggestedSubcommand));
            (format!("there is no command `{command}`"), hint)
        }
        ErrorKind::UnknownArgument if argument.starts_with('-') => {
            let elsewhere = OPTIONS_ELSEWHERE.iter().find(|(name, _)| *name == argument);
            let hint = elsewhere.map(|(_, hint)| (*hint).to_owned()).or_else(|| meant(ContextKind::SuggestedArg));
            (format!("there is no option `{argument}` here"), hint)
        }
        ErrorKind::UnknownArgument => (format!("`{argument}` is one argument too many"), None),
        ErrorKind::InvalidValue if value.is_empty() => (format!("`{argument}` needs a value"), valid),
        ErrorKind::InvalidValue => {
            (format!("`{value}` is no value of `{argument}`"), meant(ContextKind::SuggestedValue).or(valid))
        }
        ErrorKind::ValueValidation => {
            let why = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            // What knows the value by name says everything.
            let is_whole = why.starts_with(&format!("`{value}`"));
            let message = if is_whole { why } else { format!("`{value}` is no value of `{argument}`: {why}") };
            (message, None)
        }
        ErrorKind::NoEquals => (format!("`{argument}` needs `=` before its value"), None),
        ErrorKind::MissingRequiredArgument => {
            (format!("`{argument}` {} missing", if argument.contains('`') { "are" } else { "is" }), None)
        }
        ErrorKind::MissingSubcommand => ("a command is missing".to_owned(), valid),
        ErrorKind::ArgumentConflict => {
            let other = said(ContextKind::PriorArg).unwrap_or_default();
            let is_twice = other == argument;
            let message = format!("`{argument}` cannot be given together with `{other}`");
            (if is_twice { format!("`{argument}` is given twice") } else { message }, None)
        }
        // What is left is rare enough for clap's own words.
        _ => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            (first.trim_start_matches("error: ").to_owned(), None)
        }
    };
    Failure::new(message)
        .hint(hint.unwrap_or_else(|| format!("`{} --help` shows what it takes.", command(arguments).join(" "))))
}

/// Returns an argument's name without what clap says about its value: `--out` for `--out <FILE>`, `NAME` for `[NAME]`.
fn bare(argument: &str) -> &str {
    if argument.starts_with('-') {
        return argument.split([' ', '[', '=']).next().unwrap_or(argument);
    }
    let inner = argument.strip_prefix(['<', '[']).and_then(|argument| argument.split(['>', ']']).next());
    inner.unwrap_or(argument)
}

/// Returns the command that was meant, as far as there is one.
fn command(arguments: &[OsString]) -> Vec<String> {
    let mut found = vec!["loam".to_owned()];
    let mut command = Arguments::command();
    for word in arguments.iter().skip(1).filter_map(|argument| argument.to_str()) {
        if let Some(below) = command.find_subcommand(word).cloned() {
            found.push(word.to_owned());
            command = below;
        }
    }
    found
}

/// Turns `loam help plan` into `loam plan --help`.
pub(super) fn without_help_command(mut arguments: Vec<OsString>) -> Vec<OsString> {
    if arguments.get(1).is_some_and(|first| first == "help") {
        arguments.remove(1);
        arguments.push("--help".into());
    }
    arguments
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    /// Returns what is said about a command line.
    fn told(line: &str) -> String {
        let given: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let given = without_help_command(given);
        let parsed = match dashes(&given) {
            Some(stop) => Err(stop),
            None => Arguments::try_parse_from(&given).map_err(|error| Stop::of(error, &given)),
        };
        match parsed {
            Ok(_) => "it is right".to_owned(),
            Err(Stop::Help(help)) => help.to_string(),
            Err(Stop::Mistake(Failure::Other(trouble))) => {
                format!("{}. {}", trouble.message, trouble.hint.unwrap_or_default())
            }
            Err(Stop::Mistake(Failure::Configuration { .. })) => panic!("no configuration was read"),
        }
    }

    #[test]
    fn every_mistake_has_a_way_out() {
        let lines = [
            "loam paln",
            "loam taint network.a",
            "loam workspace list",
            "loam plan --target network.a",
            "loam state lst",
            "loam plan --refesh",
            "loam plan -x",
            "loam plan -out=p",
            "loam apply -auto-approve",
            "loam plan --parallelism 0",
            "loam plan --parallelism x",
            "loam apply --replace",
            "loam apply --replace network",
            "loam apply --lock-timeout 5",
            "loam plan --refresh=no",
            "loam plan --destroy --destroy",
            "loam output --raw",
            "loam output a b",
            "loam output a --raw --json",
            "loam state mv network.a",
            "loam completions basch",
            "loam apply next.plan --refresh=false",
        ];
        insta::assert_snapshot!(lines.map(told).join("\n"), @r#"
        there is no command `paln`. Did you mean `plan`?
        there is no command `taint`. `loam apply --replace ADDRESS` makes an object anew.
        there is no command `workspace`. One directory has one state: `-C DIR` chooses it.
        there is no option `--target` here. Put what belongs together into a directory of its own: `-C DIR` chooses it.
        there is no command `lst`. Did you mean `list`?
        there is no option `--refesh` here. Did you mean `--refresh`?
        there is no option `-x` here. `loam plan --help` shows what it takes.
        `-out=p` has one dash. Write `--out=p`.
        `-auto-approve` has one dash. Write `--auto-approve`.
        `0` is no value of `--parallelism`: it takes a whole number from 1 to 1024. `loam plan --help` shows what it takes.
        `x` is no value of `--parallelism`: it takes a whole number from 1 to 1024. `loam plan --help` shows what it takes.
        `--replace` needs a value. `loam apply --help` shows what it takes.
        `network` is not an address: it needs a kind and a name, as in `network.bench`. `loam apply --help` shows what it takes.
        `5` is not a duration: it needs a unit, as in "90s". `loam apply --help` shows what it takes.
        `no` is no value of `--refresh`. It takes `true`, `false`.
        `--destroy` is given twice. `loam plan --help` shows what it takes.
        `NAME` is missing. `loam output --help` shows what it takes.
        `b` is one argument too many. `loam output --help` shows what it takes.
        `--raw` cannot be given together with `--json`. `loam output --help` shows what it takes.
        `TO` is missing. `loam state mv --help` shows what it takes.
        `basch` is no value of `SHELL`. Did you mean `bash`?
        `PLAN` cannot be given together with `--refresh`. `loam apply --help` shows what it takes.
        "#);
    }

    #[test]
    fn a_long_option_with_one_dash_is_known_only_before_what_is_no_option() {
        assert_eq!(told("loam fmt -- -check"), "it is right");
        assert_eq!(told("loam plan -oout"), "it is right");
        assert_eq!(told("loam -C dir plan"), "it is right");
    }

    #[test]
    fn help_is_also_a_command() {
        assert!(told("loam help state mv").contains("Usage: loam state mv"));
        assert!(told("loam help").contains("Usage: loam"));
    }
}
