//! A directory with a configuration, and all that is opened for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use loam_provider::{ConfigureCx, Factory, Str};
use tokio_util::sync::CancellationToken;

use super::{
    Global,
    ask::Asker,
    error::Failure,
    inputs::{self, Inputs},
    terminal::Terminal,
};
use crate::{
    config::{self, Config},
    diag::{Diagnostic, Diagnostics},
    eval::{Evaluated, Files, ModuleValues},
    host::{Host, Offers},
    modules::{self, Installed, Site, Used},
    plan,
    source::Sources,
    state::{Holder, KEY_VARIABLE, Key, Lock, Process, Seal, Wait},
};

/// Where loam keeps what is its own.
const LOAM_DIR: &str = ".loam";

/// A directory of configuration.
pub(super) struct Directory {
    /// The directory, absolute.
    pub(super) base: PathBuf,
    /// Where loam keeps what is its own.
    pub(super) loam: PathBuf,
}

/// A configuration that was read, and what its expressions may see.
pub(super) struct Project {
    pub(super) directory: Directory,
    pub(super) sources: Sources,
    pub(super) config: Config,
    pub(super) files: Files,
    pub(super) paths: ModuleValues,
    /// The values of its variables, as far as they were given.
    pub(super) variables: BTreeMap<Str, Evaluated>,
    /// The calls of modules that are fetched.
    pub(super) used: Vec<Used>,
}

/// What the variables of a project are.
#[derive(Clone, Copy)]
pub(super) enum Given<'a> {
    /// What these say; one that is missing is a mistake.
    Wholly(&'a Inputs),
    /// What these say, for those who can do without: nothing that is wrong with them is told.
    Partly(&'a Inputs),
    /// These, which a saved plan has, and what is said for the ephemeral ones, which it has not.
    Saved { values: &'a BTreeMap<Str, Evaluated>, ephemeral: &'a BTreeSet<Str>, inputs: &'a Inputs },
}

impl Directory {
    pub(super) fn open(global: &Global) -> Result<Self, Failure> {
        let given = &global.directory;
        let base = given.canonicalize().map_err(|error| {
            Failure::new(format!("failed to enter the directory `{}`: {error}", given.display()))
                .hint("Name an existing directory with `-C DIR`.")
        })?;
        if !base.is_dir() {
            return Err(Failure::new(format!("`{}` is not a directory", given.display())));
        }
        Ok(Self { loam: base.join(LOAM_DIR), base })
    }

    /// Returns the file of the state.
    pub(super) fn state_file(&self) -> PathBuf {
        self.loam.join("state.db")
    }

    /// Returns what seals secrets.
    pub(super) fn seal(&self) -> Result<Seal, Failure> {
        match env::var(KEY_VARIABLE) {
            Ok(text) => Ok(Seal::with_key(Key::parse(&text, KEY_VARIABLE)?, KEY_VARIABLE)),
            Err(env::VarError::NotPresent) => Ok(Seal::in_directory(&self.loam)),
            Err(env::VarError::NotUnicode(_)) => Err(Failure::new(format!("`{KEY_VARIABLE}` is not a key"))),
        }
    }

    /// Takes the right to write to the state.
    pub(super) fn lock(&self, command: &str, timeout: Option<Duration>) -> Result<Lock, Failure> {
        let holder = Holder { process: process(), command: command.to_owned(), since: Timestamp::now(), run: None };
        Ok(Lock::acquire(&self.loam, holder, timeout.map_or(Wait::No, Wait::For))?)
    }
}

/// Returns the running process, as the state tells it to others.
pub(super) fn process() -> Process {
    let user = env::var("USER").or_else(|_| env::var("LOGNAME"));
    Process::this(user.unwrap_or_else(|_| rustix::process::getuid().as_raw().to_string()))
}

impl Project {
    /// Reads the configuration with the modules that it calls. What is wrong with it is told at once, together.
    pub(super) fn open(terminal: &mut Terminal, global: &Global, given: Given<'_>) -> Result<Self, Failure> {
        let (project, diagnostics) = Self::read(global, given)?;
        project.refuse(terminal, diagnostics)
    }

    /// Reads the configuration as [`Self::open`] does, for those who can do without: a directory that has none is one
    /// in which nothing is declared.
    pub(super) fn open_or_empty(terminal: &mut Terminal, global: &Global, given: Given<'_>) -> Result<Self, Failure> {
        let directory = Directory::open(global)?;
        let mut sources = Sources::default();
        // What cannot be looked at is told by whoever reads it.
        let loaded = match config::is_configured(&global.directory) {
            Ok(false) => config::parse(&global.directory, Vec::new(), &mut sources),
            Ok(true) | Err(_) => config::load(&global.directory, &mut sources),
        };
        let (project, diagnostics) = Self::complete(global, given, directory, loaded, sources)?;
        project.refuse(terminal, diagnostics)
    }

    /// Reads the configuration with the modules that it calls, and returns it with what is wrong with it.
    pub(super) fn read(global: &Global, given: Given<'_>) -> Result<(Self, Diagnostics), Failure> {
        let directory = Directory::open(global)?;
        let mut sources = Sources::default();
        // Shown as the user named it; read from there too, which is the same directory.
        let loaded = config::load(&global.directory, &mut sources);
        Self::complete(global, given, directory, loaded, sources)
    }

    /// Adds to a configuration its variables and the modules that it calls.
    fn complete(
        global: &Global,
        given: Given<'_>,
        directory: Directory,
        (config, mut diagnostics): (Config, Diagnostics),
        sources: Sources,
    ) -> Result<(Self, Diagnostics), Failure> {
        if let Some(backend) = &config.root.settings.backend {
            let detail = "The state is kept in `.loam/state.db`; this version of loam has no other backend.";
            diagnostics.push(Diagnostic::error("Unsupported backend", backend.span, detail).hint("Remove the block."));
        }
        let files = Files::new(&directory.base, ".").home(env::var_os("HOME").map(PathBuf::from));
        let paths = ModuleValues::new(".".into(), ".".into(), directory.base.clone());
        let (variables, used) = (BTreeMap::new(), Vec::new());
        let mut project = Self { directory, sources, config, files, paths, variables, used };
        diagnostics.extend(project.evaluate_variables(given, global, &diagnostics)?);
        diagnostics.extend(project.load_modules(&global.directory)?);
        let tree = config::Tree::of(&project.config.root);
        diagnostics.extend(config::cycles(&tree, &config::needs(&tree)));
        diagnostics.extend(config::configurations(&tree));
        Ok((project, diagnostics))
    }

    fn evaluate_variables(
        &mut self,
        given: Given<'_>,
        global: &Global,
        so_far: &Diagnostics,
    ) -> Result<Diagnostics, Failure> {
        let (inputs, is_told) = match given {
            Given::Saved { values, ephemeral, inputs } => {
                let asker = Asker::find(global, inputs.wanted());
                let (variables, diagnostics) = inputs::ephemeral(self, inputs, ephemeral, &asker)?;
                self.variables = values.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
                self.variables.extend(variables);
                return Ok(diagnostics);
            }
            // What is wrong with variables may follow from what is wrong with their blocks.
            Given::Wholly(inputs) => (inputs, !so_far.has_errors()),
            // A file that is missing is told by whoever needs it.
            Given::Partly(inputs) => (inputs, false),
        };
        let asker = if is_told { Asker::find(global, inputs.wanted()) } else { Asker::Nobody };
        let (variables, diagnostics) = inputs::variables(self, inputs, &asker)?;
        self.variables = variables;
        Ok(if is_told { diagnostics } else { Diagnostics::default() })
    }

    fn load_modules(&mut self, shown: &Path) -> Result<Diagnostics, Failure> {
        let root = &self.config.root;
        if root.calls.is_empty() && root.settings.required_version.is_none() {
            return Ok(Diagnostics::default());
        }
        let installed = Installed::read(&self.directory.base)?;
        let site = Site {
            shown,
            base: &self.directory.base,
            installed: &installed,
            variables: &self.variables,
            paths: &self.paths,
            files: &self.files,
        };
        let empty = Config { root: Arc::default(), digest: String::new() };
        let loaded = modules::load(std::mem::replace(&mut self.config, empty), site, &mut self.sources);
        self.config = loaded.config;
        self.used = loaded.used;
        Ok(loaded.diagnostics)
    }

    /// Tells warnings and goes on, or gives the project up for its errors.
    pub(super) fn refuse(self, terminal: &mut Terminal, diagnostics: Diagnostics) -> Result<Self, Failure> {
        terminal.keep_secret(&self.variables);
        if diagnostics.has_errors() {
            return Err(Failure::Configuration { diagnostics, sources: self.sources });
        }
        terminal.diagnostics(&diagnostics, &self.sources);
        Ok(self)
    }

    /// Tells warnings, or gives up for errors.
    pub(super) fn accept(&self, terminal: &mut Terminal, diagnostics: Diagnostics) -> Result<(), Failure> {
        if diagnostics.has_errors() {
            return Err(Failure::Configuration { diagnostics, sources: self.sources.clone() });
        }
        terminal.diagnostics(&diagnostics, &self.sources);
        Ok(())
    }

    /// Configures the providers.
    pub(super) async fn host(
        &self,
        terminal: &mut Terminal,
        variables: &BTreeMap<Str, Evaluated>,
    ) -> Result<Arc<Host>, Failure> {
        let offers = offers();
        let (configurations, diagnostics) = plan::providers(&self.config, variables, &offers, &self.paths, &self.files);
        self.accept(terminal, diagnostics)?;
        let executable = env::current_exe()
            .map_err(|error| Failure::new(format!("failed to find the running loam executable: {error}")))?;
        let cx =
            ConfigureCx { base_dir: self.directory.base.clone(), loam_dir: self.directory.loam.clone(), executable };
        Ok(Arc::new(Host::configure(offers, &configurations, &cx).await?))
    }

    /// Returns what planning is asked to do.
    pub(super) fn options(
        mode: plan::Mode,
        replace: &[crate::addr::Instance],
        cancel: &CancellationToken,
    ) -> plan::Options {
        plan::Options {
            mode,
            replace: replace.iter().cloned().collect(),
            imports: Vec::new(),
            cancel: cancel.clone(),
            clock: crate::host::Clock(Timestamp::now().into()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// Returns what all compiled-in providers offer.
pub(super) fn offers() -> Offers {
    #[cfg_attr(not(feature = "sim"), expect(unused_mut, reason = "only the scripted provider is added later"))]
    let mut factories: Vec<Box<dyn Factory>> = vec![Box::new(loam_local::LocalFactory::default())];
    #[cfg(feature = "sim")]
    factories.push(Box::new(loam_sim::SimFactory::default()));
    Offers::new(factories)
}

/// Returns a path as the command line means it: relative to the working directory, not to `-C`.
pub(super) fn given_path(path: &Path) -> PathBuf {
    env::current_dir().map(|current| current.join(path)).unwrap_or_else(|_| path.to_owned())
}
