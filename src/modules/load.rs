//! Follows the calls of a configuration and reads what they call.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fs,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use loam_bundle::digest::Digest;
use loam_provider::{Str, Type};

use super::{
    InstallError,
    source::{Invalid, Package, Source},
    store::{Entry, Installed},
};
use crate::{
    addr::ModulePath,
    config::{self, Config, Module, ModuleCall, Subject},
    diag::{Diagnostic, Diagnostics, did_you_mean},
    eval::{Evaluated, Files, ModuleValues, Statics},
    source::{Sources, Span},
};

/// Modules that are nested deeper are refused.
const MOST_NESTED: usize = 100;

/// What loading needs to know of the surroundings.
#[derive(Debug, Clone, Copy)]
pub struct Site<'s> {
    /// The root module's directory as the user named it: files are shown by it.
    pub shown: &'s Path,
    /// The same, absolute.
    pub base: &'s Path,
    /// What has been fetched.
    pub installed: &'s Installed,
    /// The values of the root's variables, as far as they are known.
    pub variables: &'s BTreeMap<Str, Evaluated>,
    /// What `path.root` and its like are.
    pub paths: &'s ModuleValues,
    /// The files that functions may read; the directories of modules are added.
    pub files: &'s Files,
}

/// A configuration with all modules that could be read.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// The calls of what is fetched.
    pub used: Vec<Used>,
    /// What is wrong.
    pub diagnostics: Diagnostics,
}

/// A call of something that is fetched.
#[derive(Debug, Clone)]
pub struct Used {
    /// The calls that lead to it.
    pub address: ModulePath,
    /// What it names.
    pub package: Package,
    /// Where it names it.
    pub span: Span,
    /// Whether it has been fetched, and so was read.
    pub is_installed: bool,
}

impl Used {
    /// Returns what there is to say about it, once it has been fetched.
    #[must_use]
    pub fn entry(&self, installed: &Installed) -> Option<Entry> {
        let directory = installed.find(&self.package)?;
        let sha256 = match &self.package {
            Package::Archive(archive) => archive.checksum.map(|checksum| checksum.to_string()),
            Package::Git(_) => None,
        };
        Some(Entry {
            address: self.address.to_string(),
            source: self.package.to_string(),
            directory: directory.to_string_lossy().into_owned(),
            commit: installed.commit(&self.package),
            sha256,
        })
    }
}

/// Reads the modules that a configuration calls. What cannot be read is reported, and the call has no module.
pub fn load(config: Config, site: Site<'_>, sources: &mut Sources) -> Loaded {
    let Config { root, digest } = config;
    if root.calls.is_empty() && root.settings.required_version.is_none() {
        let config = Config { root, digest };
        return Loaded { config, used: Vec::new(), diagnostics: Diagnostics::default() };
    }
    let mut loader = Loader {
        site,
        sources,
        diagnostics: Diagnostics::default(),
        used: Vec::new(),
        read: HashMap::new(),
        settled: HashMap::new(),
        versions: HashSet::new(),
        digests: BTreeSet::from([digest]),
    };
    let statics = Statics::new(Arc::clone(&root), site.variables, site.paths.clone(), site.files);
    let place = Place { dir: PathBuf::from("."), package: None };
    let chain = Chain { real: vec![real(site.base)], shown: vec![".".to_owned()], path: ModulePath::root() };
    loader.version(&statics, &place, &chain);
    let (called, _) = loader.calls(&statics, &place, &chain);
    // The root may be large: by now nobody else holds it.
    drop(statics);
    let root = loader.combined(Arc::unwrap_or_clone(root), called, &chain.path);
    let Loader { diagnostics, used, digests, .. } = loader;
    let digest = Digest::of(digests.into_iter().collect::<Vec<_>>().join("\n").as_bytes()).to_string();
    Loaded { config: Config { root, digest }, used, diagnostics }
}

/// Where a module is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Place {
    /// Its directory from the root module's.
    dir: PathBuf,
    /// The directory of the package it is in.
    package: Option<PathBuf>,
}

/// How a module was come to.
#[derive(Clone)]
struct Chain {
    /// The directories, links followed.
    real: Vec<PathBuf>,
    /// The same as they are shown.
    shown: Vec<String>,
    path: ModulePath,
}

/// Whether what a module calls is the same wherever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Calls {
    Fixed,
    Varying,
}

struct Loader<'l> {
    site: Site<'l>,
    sources: &'l mut Sources,
    diagnostics: Diagnostics,
    used: Vec<Used>,
    /// What was read from each directory, with nothing called yet.
    read: HashMap<PathBuf, Option<Arc<Module>>>,
    /// The modules with what they call, by directory and, where that is not always the same, by what they call.
    settled: HashMap<(PathBuf, Vec<usize>), Arc<Module>>,
    /// The directories whose `required_version` was looked at.
    versions: HashSet<PathBuf>,
    digests: BTreeSet<String>,
}

/// What the calls of a module call, by their names.
type Called = BTreeMap<Str, Option<Arc<Module>>>;

impl Loader<'_> {
    /// Returns a module with what it calls.
    fn settle(&mut self, statics: &Statics<'_>, place: &Place, chain: &Chain) -> (Arc<Module>, Calls) {
        self.version(statics, place, chain);
        let module = statics.module();
        if module.calls.is_empty() {
            return (Arc::clone(module), Calls::Fixed);
        }
        let (called, calls) = self.calls(statics, place, chain);
        let identity = called.values().map(|module| module.as_ref().map_or(0, |module| Arc::as_ptr(module) as usize));
        let key = (place.dir.clone(), identity.collect::<Vec<_>>());
        if let Some(known) = self.settled.get(&key) {
            return (Arc::clone(known), calls);
        }
        let module = self.combined(Module::clone(module), called, &chain.path);
        self.settled.insert(key, Arc::clone(&module));
        if calls == Calls::Fixed {
            self.settled.insert((place.dir.clone(), Vec::new()), Arc::clone(&module));
        }
        (module, calls)
    }

    /// Evaluates `required_version`, once for each directory.
    fn version(&mut self, statics: &Statics<'_>, place: &Place, chain: &Chain) {
        let Some(version) = &statics.module().settings.required_version else { return };
        if !self.versions.insert(place.dir.clone()) {
            return;
        }
        let mut problems = Diagnostics::default();
        let evaluated = statics.require(version, &Type::String, None, &mut problems);
        // What is secret is no version; the message would show it.
        match evaluated.as_ref().map(|found| (found.value.as_str(), found.marks.is_empty())) {
            Some((Some(text), true)) => config::check_version(text, version.expr.span, &mut problems),
            Some(_) => {
                let detail = "`required_version` must be text that is not null and no secret.";
                let hint = "Write for example `\">= 0.1, < 2\"`.";
                problems.push(Diagnostic::error("Invalid version constraint", version.expr.span, detail).hint(hint));
            }
            None => {}
        }
        self.report(problems, &chain.path);
    }

    /// Returns what the calls of a module call.
    fn calls(&mut self, statics: &Statics<'_>, place: &Place, chain: &Chain) -> (Called, Calls) {
        let mut calls = Calls::Fixed;
        let mut called = Called::new();
        for (name, call) in &statics.module().calls {
            let mut problems = Diagnostics::default();
            let found = self.call(call, statics, place, chain, &mut problems);
            self.report(problems, &chain.path);
            if config::constant(&call.source.expr).is_none() {
                calls = Calls::Varying;
            }
            let found = found.map(|(module, inner)| {
                if inner == Calls::Varying {
                    calls = Calls::Varying;
                }
                module
            });
            called.insert(name.clone(), found);
        }
        (called, calls)
    }

    /// Puts what a module calls into it, and checks that it is called as it is declared.
    fn combined(&mut self, mut module: Module, called: Called, path: &ModulePath) -> Arc<Module> {
        for (name, found) in called {
            if let Some(call) = module.calls.get_mut(&name) {
                call.module = found;
            }
        }
        self.report(config::check_calls(&module), path);
        Arc::new(module)
    }

    fn report(&mut self, mut problems: Diagnostics, path: &ModulePath) {
        if !path.is_root() {
            problems.set_address(path);
        }
        self.diagnostics.extend(problems);
    }

    /// Returns what a call calls, or `None` after saying why not.
    fn call(
        &mut self,
        call: &ModuleCall,
        statics: &Statics<'_>,
        place: &Place,
        chain: &Chain,
        problems: &mut Diagnostics,
    ) -> Option<(Arc<Module>, Calls)> {
        let is_instance = |subject: &Subject| {
            matches!(subject, Subject::EachKey | Subject::EachValue | Subject::CountIndex | Subject::SelfObject)
        };
        if call.source.references.iter().any(|reference| is_instance(&reference.subject)) {
            // That was reported where the block was read.
            return None;
        }
        let span = call.source.expr.span;
        let path = chain.path.child(call.name.clone(), None);
        let evaluated = statics.require(&call.source, &Type::String, None, problems)?;
        if !evaluated.marks.is_empty() {
            let detail = "The source of a module is a secret, but it is shown and stored in many places.";
            let hint =
                "Leave the password to git's own configuration, and use `nonsensitive(…)` for what is no secret.";
            problems.push(Diagnostic::error("Invalid module source", span, detail).hint(hint));
            return None;
        }
        let Some(text) = evaluated.value.as_str() else {
            let detail = "The source of a module is null, but it must be text.";
            problems.push(Diagnostic::error("Invalid module source", span, detail));
            return None;
        };
        let target = match Source::parse(text) {
            Ok(Source::Local(local)) => self.local(&local, place, span, problems)?,
            Ok(Source::Package { package, subdir }) => self.package(package, &subdir, path.clone(), span, problems)?,
            Err(Invalid { because, hint }) => {
                problems.push(Diagnostic::error("Invalid module source", span, because).hint(hint));
                return None;
            }
        };
        self.digests.insert(format!("{path}\0{}", target.dir.display()));
        let full = self.site.base.join(&target.dir);
        let real = real(&full);
        let shown = target.dir.display().to_string();
        if let Some(at) = chain.real.iter().position(|outer| *outer == real) {
            problems.push(cycle(&chain.shown[at..], &chain.shown[at], span));
            return None;
        }
        if chain.real.len() > MOST_NESTED {
            let detail = format!("Modules call each other more than {MOST_NESTED} deep.");
            problems.push(Diagnostic::error("Module nested too deeply", span, detail));
            return None;
        }
        let module = self.read(&target, &path, span, problems)?;
        if let Some(known) = self.settled.get(&(target.dir.clone(), Vec::new())) {
            return Some((Arc::clone(known), Calls::Fixed));
        }
        let chain = Chain {
            real: chain.real.iter().cloned().chain([real]).collect(),
            shown: chain.shown.iter().cloned().chain([shown]).collect(),
            path,
        };
        Some(self.settle(&statics.child_in(call, module, None), &target, &chain))
    }

    /// Returns where a local source leads.
    fn local(&self, text: &str, place: &Place, span: Span, problems: &mut Diagnostics) -> Option<Place> {
        let dir = cleaned(&place.dir.join(text));
        if let Some(package) = &place.package
            && !dir.starts_with(package)
        {
            let detail = format!("`{text}` leads out of what this module was fetched with.");
            let hint = "Only what is in the same repository or archive is there.";
            problems.push(Diagnostic::error("Invalid module source", span, detail).hint(hint));
            return None;
        }
        let full = self.site.base.join(&dir);
        match fs::metadata(&full) {
            Ok(found) if found.is_dir() => Some(Place { dir, package: place.package.clone() }),
            Ok(_) => {
                let detail = format!("`{text}` is a file, but a module is a directory.");
                let outer = text.rsplit_once('/').map_or(".", |(outer, _)| outer);
                let hint = format!("For the module that the file belongs to, write `{outer}`.");
                problems.push(Diagnostic::error("Missing module", span, detail).hint(hint));
                None
            }
            Err(_) => {
                let shown = self.site.shown.join(&dir);
                let detail = format!("There is no directory `{}`.", cleaned(&shown).display());
                let hint = near(&full, text).unwrap_or_else(|| {
                    "A local source starts from the directory of the file that it stands in.".to_owned()
                });
                problems.push(Diagnostic::error("Missing module", span, detail).hint(hint));
                None
            }
        }
    }

    /// Returns where a package was fetched to.
    fn package(
        &mut self,
        package: Package,
        subdir: &str,
        address: ModulePath,
        span: Span,
        problems: &mut Diagnostics,
    ) -> Option<Place> {
        let found = self.site.installed.find(&package);
        let used = Used { address: address.clone(), package, span, is_installed: found.is_some() };
        let Some(root) = found else {
            let detail = format!("`{address}` is `{}`, which has not been fetched.", used.package);
            let hint = if self.site.shown == Path::new(".") {
                "Run `loam get`.".to_owned()
            } else {
                format!("Run `loam -C {} get`.", self.site.shown.display())
            };
            problems.push(Diagnostic::error(NOT_FETCHED, span, detail).hint(hint));
            self.used.push(used);
            return None;
        };
        let dir = cleaned(&root.join(subdir));
        let source = used.package.to_string();
        self.used.push(used);
        let full = self.site.base.join(&dir);
        // A link in a package can lead anywhere.
        if full.is_dir() && real(&full).starts_with(real(&self.site.base.join(&root))) {
            return Some(Place { dir, package: Some(root) });
        }
        let detail = format!("There is no directory `{subdir}` in `{source}`.");
        problems.push(Diagnostic::error("Missing module", span, detail).maybe_hint(near(&full, subdir)));
        None
    }

    /// Reads a directory, once.
    fn read(
        &mut self,
        place: &Place,
        path: &ModulePath,
        span: Span,
        problems: &mut Diagnostics,
    ) -> Option<Arc<Module>> {
        if let Some(known) = self.read.get(&place.dir) {
            return known.clone();
        }
        let full = self.site.base.join(&place.dir);
        let module = match config::is_configured(&full) {
            Ok(true) => Some(self.parse(place, path)),
            Ok(false) => {
                let shown = cleaned(&self.site.shown.join(&place.dir));
                let ending = config::EXTENSION;
                let detail = format!("There is no file ending in `{ending}` in `{}`.", shown.display());
                problems.push(Diagnostic::error("Missing module", span, detail).maybe_hint(inside(&full)));
                None
            }
            Err(error) => {
                let detail = format!("`{}` cannot be read: {error}.", full.display());
                problems.push(Diagnostic::error("Missing module", span, detail));
                None
            }
        };
        self.read.insert(place.dir.clone(), module.clone());
        module
    }

    fn parse(&mut self, place: &Place, path: &ModulePath) -> Arc<Module> {
        let shown = cleaned(&self.site.shown.join(&place.dir));
        let (config, mut found) = config::load_module(&shown, self.sources);
        found.set_address(path);
        self.diagnostics.extend(found);
        self.digests.insert(format!("{}\0{}", place.dir.display(), config.digest));
        if place.dir.starts_with("..") {
            self.site.files.admit(self.site.base.join(&place.dir));
        }
        let mut module = config.root;
        Arc::make_mut(&mut module).dir.clone_from(&place.dir);
        module
    }
}

/// The words by which a module that was not fetched is reported.
pub const NOT_FETCHED: &str = "Module not fetched";

/// Returns why something could not be fetched, at the call that names it.
#[must_use]
pub fn not_fetched(used: &Used, error: &InstallError) -> Diagnostic {
    let mut lines = vec![format!("`{}` is `{}`, and it was not fetched.", used.address, used.package)];
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        let text = error.to_string();
        let mut letters = text.chars();
        let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
        lines.push(format!("{first}{}.", letters.as_str()));
        cause = error.source();
    }
    if let InstallError::Git { said, .. } = error {
        lines.extend(said.iter().map(|line| format!("  {line}")));
    }
    Diagnostic::error(NOT_FETCHED, used.span, lines.join("\n")).maybe_hint(error.hint())
}

fn cycle(chain: &[String], back: &str, span: Span) -> Diagnostic {
    let round: Vec<String> =
        chain.iter().map(String::as_str).chain([back]).map(|dir| format!("`{}`", local(dir))).collect();
    let detail = if chain.len() == 1 {
        format!("This module calls itself: {}.", round.join(" → "))
    } else {
        format!("Each of these modules calls the next: {}.", round.join(" → "))
    };
    Diagnostic::error("Module cycle", span, detail)
        .hint("A module cannot contain itself: move what both need into a module of its own.")
}

/// Returns a directory as a source would name it from the root module.
fn local(dir: &str) -> String {
    if dir == "." || dir.starts_with("..") { dir.to_owned() } else { format!("./{dir}") }
}

/// Returns a hint to the directory that may be meant instead of one that is missing.
fn near(full: &Path, text: &str) -> Option<String> {
    let (parent, name) = (full.parent()?, full.file_name()?.to_str()?);
    let names = directories(parent);
    let suggestion = crate::diag::suggest(name, names.iter().map(String::as_str));
    match suggestion {
        Some(found) => {
            let outer = text.rsplit_once('/').map(|(outer, _)| format!("{outer}/")).unwrap_or_default();
            Some(format!("Did you mean `{outer}{found}`?"))
        }
        None => did_you_mean(name, names.iter().map(String::as_str)),
    }
}

/// Returns a hint to the one directory inside that has a configuration.
fn inside(full: &Path) -> Option<String> {
    let names = directories(full);
    let mut configured = names.iter().filter(|name| config::is_configured(&full.join(name)).unwrap_or(false));
    match (configured.next(), configured.next()) {
        (Some(one), None) => Some(format!("There is a module in its directory `{one}`.")),
        _ => None,
    }
}

fn directories(full: &Path) -> Vec<String> {
    let entries = fs::read_dir(full).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort_unstable();
    names
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Returns a path without `.` and `..`, as text alone tells; `.` where nothing is left.
fn cleaned(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            _ => out.push(component),
        }
    }
    if out.as_os_str().is_empty() { PathBuf::from(".") } else { out }
}
