//! Where the values of input variables come from.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use loam_provider::Str;

use super::{
    ask::{Asker, Wanted},
    error::Failure,
    project::{self, Project},
};
use crate::{
    config::{self, Module, Subject},
    diag::Diagnostics,
    eval::{self, Evaluated, WhenUndeclared},
};

/// Environment variables that start like this are values of input variables.
const PREFIX: &str = "LOAM_VAR_";

/// The files of values that are read where they are there.
const FILES: [&str; 2] = ["loam.vars.hcl", "loam.vars.json"];

/// What the names of further such files end with.
const AUTO: [&str; 2] = [".auto.vars.hcl", ".auto.vars.json"];

/// Input variables, as the command line gives them.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Inputs {
    /// Set an input variable; may be given several times
    #[arg(long = "var", value_name = "NAME=VALUE")]
    vars: Vec<String>,
    /// Read input variables from a file; may be given several times
    #[arg(long = "var-file", value_name = "FILE")]
    var_files: Vec<PathBuf>,
    /// Ask for input variables that have no value, on a terminal
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1,
        require_equals = true, default_missing_value = "true")]
    input: bool,
}

impl Inputs {
    /// Returns whether a person may be asked.
    pub(super) fn wanted(&self) -> Wanted {
        if self.input { Wanted::Yes } else { Wanted::No }
    }
}

/// Evaluates the variables of a project: environment, `loam.vars.hcl`, `loam.vars.json`, `*.auto.vars.hcl` and
/// `*.auto.vars.json` by name, `--var-file`, `--var`, each before the next. What is missing is asked for, where there is
/// somebody to ask.
pub(super) fn variables(
    project: &mut Project,
    inputs: &Inputs,
    asker: &Asker,
) -> Result<(BTreeMap<Str, Evaluated>, Diagnostics), Failure> {
    let (given, diagnostics) = given(project, inputs)?;
    let module = Arc::clone(&project.config.root);
    evaluate(project, &module, given, asker, diagnostics)
}

/// Evaluates the ephemeral variables of a project for a saved plan, which has the values of all others. `needed` were
/// given a value when it was made.
pub(super) fn ephemeral(
    project: &mut Project,
    inputs: &Inputs,
    needed: &BTreeSet<Str>,
    asker: &Asker,
) -> Result<(BTreeMap<Str, Evaluated>, Diagnostics), Failure> {
    let mut module = Module { dir: project.config.root.dir.clone(), ..Module::default() };
    module.variables.clone_from(&project.config.root.variables);
    module.variables.retain(|_, variable| variable.ephemeral);
    let named = inputs.vars.iter().filter_map(|var| Some(var.split_once('=')?.0));
    if let Some(name) = named.into_iter().find(|name| !module.variables.contains_key(*name)) {
        let detail = format!("`--var {name}` cannot be used with a saved plan, which has the values of its variables");
        return Err(Failure::new(detail).hint("Make a new plan, or leave it out."));
    }
    if module.variables.is_empty() {
        return Ok((BTreeMap::new(), Diagnostics::default()));
    }
    for name in needed {
        // It was given a value then, so its default will not do.
        if let Some(variable) = module.variables.get_mut(name) {
            variable.default = None;
        }
    }
    let (given, diagnostics) = given(project, inputs)?;
    let given = given.only(|name| module.variables.contains_key(name));
    evaluate(project, &module, given, asker, diagnostics)
}

fn evaluate(
    project: &mut Project,
    module: &Module,
    mut given: eval::Inputs,
    asker: &Asker,
    mut diagnostics: Diagnostics,
) -> Result<(BTreeMap<Str, Evaluated>, Diagnostics), Failure> {
    let mut values = project.paths.clone();
    asker.ask(module, &mut given, &project.paths, &project.files, &mut project.sources)?;
    eval::variables(module, &given, &mut values, &project.files, &mut project.sources, &mut diagnostics);
    let variables = module
        .variables
        .keys()
        .filter_map(|name| values.get(&Subject::Variable(name.clone())).map(|value| (name.clone(), value.clone())));
    Ok((variables.collect(), diagnostics))
}

/// Collects the values that are given from outside.
fn given(project: &mut Project, inputs: &Inputs) -> Result<(eval::Inputs, Diagnostics), Failure> {
    let mut diagnostics = Diagnostics::default();
    let mut given = eval::Inputs::default();
    let mut variables = project.config.root.variables.values();
    let has_secrets = variables.any(|variable| variable.sensitive || variable.ephemeral);
    for (name, value) in environment() {
        given.text(&name, &value, &format!("the environment variable `{PREFIX}{name}`"), WhenUndeclared::Ignore);
    }
    let found = found(&project.directory.base)?;
    let found = found.into_iter().map(|path| (path, WhenUndeclared::Warn));
    let named = inputs.var_files.iter().map(|path| (project::given_path(path), WhenUndeclared::Error));
    for (path, undeclared) in found.chain(named) {
        let shown = path.strip_prefix(&project.directory.base).unwrap_or(&path).display().to_string();
        let bytes = fs::read(&path).map_err(|error| {
            Failure::new(format!("failed to read the variables file `{shown}`: {error}"))
                .hint("`--var-file` is relative to the working directory, also with `-C`.")
        })?;
        let file = config::File { name: shown.clone(), bytes };
        let (values, problems) = config::variables_file(file, &mut project.sources);
        diagnostics.extend(problems);
        if has_secrets {
            project.sources.hide(&shown);
        }
        given.file(values, &format!("the file `{shown}`"), undeclared);
    }
    for var in &inputs.vars {
        let (name, value) = var.split_once('=').ok_or_else(|| {
            Failure::new(format!("`--var {var}` has no value")).hint(format!("Write `--var {var}=VALUE`."))
        })?;
        given.text(name, value, "`--var`", WhenUndeclared::Error);
    }
    Ok((given, diagnostics))
}

/// Returns the input variables in the environment; what is not text cannot be one.
fn environment() -> BTreeMap<String, String> {
    let variables =
        env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    variables.filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?.to_owned(), value))).collect()
}

/// Returns the files of values that a directory has, in the order in which they are read.
fn found(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error| Failure::new(format!("failed to read `{}`: {error}", directory.display()));
    let mut auto = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if AUTO.iter().any(|ending| name.ends_with(ending)) {
            auto.push(path);
        }
    }
    auto.sort();
    let first = FILES.iter().map(|name| directory.join(name)).filter(|path| path.exists());
    Ok(first.chain(auto).collect())
}
