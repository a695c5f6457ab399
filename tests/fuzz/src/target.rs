//! What is tried with each text.

use std::{path::Path, sync::OnceLock};

use loam::{
    config::{self, Config, Subject},
    diag::{Diagnostics, plain},
    eval::{self, Evaluated, Files, Marks, ModuleValues, Scope},
    source::Sources,
};
use loam_provider::{Known, Type, Value};

use crate::{dice::Dice, grammar, meaning::meaning, mutate::mutated, seeds::Seeds};

/// What is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Target {
    /// Configurations are read.
    Parse,
    /// Expressions are evaluated.
    Eval,
    /// Configurations are laid out.
    Fmt,
}

impl Target {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::Eval => "eval",
            Self::Fmt => "fmt",
        }
    }

    /// Returns an input.
    pub(crate) fn input(self, seeds: &Seeds, dice: &mut Dice) -> String {
        let texts = match self {
            Self::Eval => &seeds.expressions,
            Self::Parse | Self::Fmt => &seeds.configurations,
        };
        let written = match self {
            Self::Eval => grammar::expression,
            Self::Parse | Self::Fmt => grammar::configuration,
        };
        let seed = |dice: &mut Dice| texts[dice.below(texts.len())].clone();
        match dice.below(8) {
            0..=2 => written(dice),
            3..=4 => {
                let (text, other) = (written(dice), seed(dice));
                mutated(dice, &text, &other)
            }
            _ => {
                let (text, other) = (seed(dice), seed(dice));
                mutated(dice, &text, &other)
            }
        }
    }

    /// Tries a text; the error says which promise is broken.
    pub(crate) fn check(self, text: &str) -> Result<(), String> {
        match self {
            Self::Parse => parse(text),
            Self::Eval => evaluate(text),
            Self::Fmt => lay_out(text),
        }
    }
}

fn read(text: &str) -> (Config, Diagnostics, Sources) {
    let mut sources = Sources::default();
    let file = config::File { name: "main.loam.hcl".to_owned(), bytes: text.as_bytes().to_vec() };
    let (config, diagnostics) = config::parse(Path::new("."), vec![file], &mut sources);
    (config, diagnostics, sources)
}

fn told(diagnostics: Diagnostics, sources: &Sources) -> String {
    diagnostics.sorted().iter().map(|diagnostic| plain(diagnostic, sources)).collect()
}

/// The same text is always read the same way, and what is wrong with it can be told.
fn parse(text: &str) -> Result<(), String> {
    let [(one, told_one), (other, told_other)] = [(), ()].map(|()| {
        let (config, diagnostics, sources) = read(text);
        (format!("{:?}", config.root), told(diagnostics, &sources))
    });
    same("it is read otherwise a second time", &one, &other)?;
    same("it is told otherwise a second time", &told_one, &told_other)?;
    // What stands alone is read by other doors.
    let mut sources = Sources::default();
    let (_, diagnostics) = config::expression("text", text, &mut sources);
    told(diagnostics, &sources);
    let (_, diagnostics) = config::template("text", text, &mut sources);
    told(diagnostics, &sources);
    let file = config::File { name: "loam.vars.hcl".to_owned(), bytes: text.as_bytes().to_vec() };
    let (_, diagnostics) = config::variables_file(file, &mut sources);
    told(diagnostics, &sources);
    Ok(())
}

/// The same expression always has the same value, which can be told and has a type.
fn evaluate(text: &str) -> Result<(), String> {
    let [one, other] = [(), ()].map(|()| {
        let mut sources = Sources::default();
        let (expr, mut diagnostics) = config::expression("text", text, &mut sources);
        let (module, files) = world();
        let mut found = Diagnostics::default();
        let value = eval::expr(&expr, &Scope::new(module, files), &mut found);
        diagnostics.extend(found);
        let has_errors = diagnostics.has_errors();
        (value, told(diagnostics, &sources), has_errors)
    });
    same("its value is another one the second time", &format!("{:?}", one.0), &format!("{:?}", other.0))?;
    same("it is told otherwise a second time", &one.1, &other.1)?;
    let ty = one.0.value.ty();
    match Known::new(one.0.value.clone()) {
        Ok(known) => {
            let again =
                Known::from_json(&known.to_json(), &ty).map_err(|error| format!("its JSON is no value: {error}"))?;
            same("its JSON is another value", &format!("{again:?}"), &format!("{known:?}"))
        }
        Err(_) => Ok(()),
    }
}

/// The names that expressions may use.
fn world() -> (&'static ModuleValues, &'static Files) {
    static WORLD: OnceLock<(ModuleValues, Files)> = OnceLock::new();
    let (module, files) = WORLD.get_or_init(|| {
        let mut module = ModuleValues::new(".".into(), ".".into(), "/nowhere".into());
        let list = Value::list(Type::String, ["a", "b", "c"].map(Value::from));
        let map = Value::map(Type::String, [("a", Value::from("one")), ("b", Value::from("two"))]);
        let object = Value::object([("name", Value::from("x")), ("unknown", Value::Unknown(Type::String))]);
        for (name, value) in [
            ("a", Value::from("text")),
            ("list", list),
            ("map", map),
            ("object", object),
            ("unknown", Value::Unknown(Type::Any)),
        ] {
            module.set(Subject::Variable(name.into()), value.clone().into());
            module.set(Subject::Local(name.into()), value.into());
        }
        module.set(Subject::Local("b".into()), Evaluated::new(Value::from("secret"), Marks::whole()));
        (module, Files::new("/nowhere", "."))
    });
    (module, files)
}

/// A text that is read without a mistake can be laid out and means the same then; what is laid out stays so.
fn lay_out(text: &str) -> Result<(), String> {
    let (before, diagnostics, sources) = read(text);
    let is_right = !diagnostics.has_errors();
    let laid_out = match config::format(text) {
        Ok(laid_out) => laid_out,
        Err(error) if is_right => return Err(format!("it is read and not laid out: {error}")),
        Err(_) => return Ok(()),
    };
    let again = config::format(&laid_out).map_err(|error| format!("it is not laid out twice: {error}\n{laid_out}"))?;
    same("it is laid out otherwise a second time", &laid_out, &again)?;
    drop((diagnostics, sources));
    if !is_right {
        return Ok(());
    }
    let (after, diagnostics, sources) = read(&laid_out);
    if diagnostics.has_errors() {
        return Err(format!("it is wrong once it is laid out:\n{}\n{laid_out}", told(diagnostics, &sources)));
    }
    let of = |config: &Config| meaning(&format!("{:?}", config.root));
    same("it means something else once it is laid out", &of(&before), &of(&after))
}

fn same(otherwise: &str, one: &str, other: &str) -> Result<(), String> {
    if one == other { Ok(()) } else { Err(format!("{otherwise}:\n--- {one}\n+++ {other}")) }
}
