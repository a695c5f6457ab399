//! Files to a [`Config`].

use std::{
    fs, io,
    num::NonZero,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use sha2::{Digest, Sha256};

use super::{
    Attribute, Config, Expr, Notation, blocks,
    blocks::Builder,
    check, interfaces,
    lower::{Lower, Names},
    overrides::Layer,
    syntax::{
        self, Place,
        tree::{Body, Structure},
    },
};
use crate::{
    diag::{Diagnostic, Diagnostics},
    source::{SourceId, Sources},
};

/// The ending of configuration files.
pub const EXTENSION: &str = ".loam.hcl";
/// The ending of configuration files in JSON.
pub const JSON_EXTENSION: &str = ".loam.json";
/// Files smaller than this altogether are not worth a thread.
const WORTH_A_THREAD: usize = 64 << 10;
/// The stack of a thread that parses; it is grown beyond where nesting needs it.
const STACK: usize = 2 << 20;
/// Larger configuration files are refused.
pub const MAX_BYTES: u64 = 32 << 20;

/// A file as it was read.
#[derive(Debug, Clone)]
pub struct File {
    /// The name it is shown by.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// Reads the configuration of a directory: every `*.loam.hcl` and `*.loam.json` in it, in the order of their names,
/// those that override the others last.
///
/// Each mistake that does not follow from another is reported, in one go.
pub fn load(dir: &Path, sources: &mut Sources) -> (Config, Diagnostics) {
    let (config, mut diagnostics) = load_module(dir, sources);
    diagnostics.extend(interfaces::check_root(&config.root));
    (config, diagnostics)
}

/// Reads a module that is called, as [`load`] reads the root.
pub fn load_module(dir: &Path, sources: &mut Sources) -> (Config, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let mut files = Vec::new();
    let unreadable = |path: &Path, error: &io::Error| {
        let detail = format!("`{}` cannot be read: {error}.", path.display());
        Diagnostic::error_nowhere("Unreadable file", detail)
    };
    let names = match names(dir) {
        Ok(names) => names,
        Err(error) => {
            diagnostics.push(unreadable(dir, &error));
            Vec::new()
        }
    };
    if names.is_empty() && diagnostics.is_empty() {
        let detail = format!("There is no file ending in `{EXTENSION}` in `{}`.", dir.display());
        let hint = "`loam init` writes a first one. To use another directory, add `-C DIR`.";
        diagnostics.push(Diagnostic::error_nowhere("No configuration", detail).hint(hint));
    }
    for name in names {
        let path = dir.join(&name);
        match read(&path) {
            Ok(bytes) => {
                let name = if dir == Path::new(".") { name } else { path.display().to_string() };
                files.push(File { name, bytes });
            }
            Err(error) => diagnostics.push(unreadable(&path, &error)),
        }
    }
    let whole = if diagnostics.is_empty() { Complete::Yes } else { Complete::No };
    let (config, found) = assemble(dir, files, whole, sources);
    diagnostics.extend(found);
    (config, diagnostics)
}

/// Reads a configuration from files that are in memory.
pub fn parse(dir: &Path, files: Vec<File>, sources: &mut Sources) -> (Config, Diagnostics) {
    let (config, mut diagnostics) = assemble(dir, files, Complete::Yes, sources);
    diagnostics.extend(interfaces::check_root(&config.root));
    (config, diagnostics)
}

/// Whether all files of the configuration are there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Complete {
    Yes,
    No,
}

fn assemble(dir: &Path, files: Vec<File>, complete: Complete, sources: &mut Sources) -> (Config, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let mut builder = Builder::default();
    builder.module.dir = dir.to_owned();
    builder.broken_any = complete == Complete::No;
    let mut digest = Sha256::new();
    let layer = |file: &File| Layer::of(base_name(&file.name));
    let mut files = files;
    files.sort_by_key(|file| layer(file) == Layer::Override);
    let mut texts = Vec::with_capacity(files.len());
    for file in files {
        let layer = layer(&file);
        // Lengths keep the end of a name apart from the start of its bytes.
        let name = base_name(&file.name).to_owned();
        for part in [name.as_bytes(), &file.bytes] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        let Some(source) = text(file, sources, &mut diagnostics) else {
            builder.broken_any = true;
            continue;
        };
        texts.push(Text { source, text: Arc::clone(sources.text(source)), layer });
    }
    for (Text { text, layer, .. }, (body, problems)) in texts.iter().zip(parse_all(sources, &texts)) {
        diagnostics.extend(problems);
        body.broken.iter().for_each(|broken| builder.broken(broken));
        let mut cx = Lower::new(text, &mut diagnostics);
        cx.layer = *layer;
        for structure in &body {
            builder.add(&mut cx, structure);
        }
    }
    diagnostics.extend(check::references(&builder));
    builder.module.is_partial = builder.broken_any;
    let digest = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    (Config { root: Arc::new(builder.module), digest }, diagnostics)
}

/// Returns the name of a file within its directory.
fn base_name(name: &str) -> &str {
    Path::new(name).file_name().and_then(|name| name.to_str()).unwrap_or(name)
}

/// The text of a file.
struct Text {
    source: SourceId,
    text: Arc<str>,
    layer: Layer,
}

type Parsed = (Body, Diagnostics);

/// Parses texts, on as many threads as there are cores.
fn parse_all(sources: &Sources, texts: &[Text]) -> Vec<Parsed> {
    let parse = |index: usize| {
        let Text { source, text, .. } = &texts[index];
        match Notation::of(sources.name(*source)) {
            Notation::Native => syntax::body(text, *source, blocks::is_head),
            Notation::Json => syntax::json::body(text, *source),
        }
    };
    let size: usize = texts.iter().map(|text| text.text.len()).sum();
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let further = if size < WORTH_A_THREAD { 0 } else { cores.min(texts.len()).saturating_sub(1) };
    let next = AtomicUsize::new(0);
    let work = || {
        let mut parsed: Vec<(usize, Parsed)> = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= texts.len() {
                return parsed;
            }
            parsed.push((index, parse(index)));
        }
    };
    let mut parsed = thread::scope(|scope| {
        // Where no thread can be had, this one does the work of all.
        let spawn = || thread::Builder::new().name("parse".into()).stack_size(STACK).spawn_scoped(scope, work).ok();
        let threads: Vec<_> = (0..further).filter_map(|_| spawn()).collect();
        let mut parsed = work();
        for thread in threads {
            parsed.extend(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        parsed
    });
    parsed.sort_by_key(|(index, _)| *index);
    parsed.into_iter().map(|(_, parsed)| parsed).collect()
}

/// Reads a file of values for variables: `name = value`, one after the other.
pub fn variables_file(file: File, sources: &mut Sources) -> (Vec<Attribute>, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let mut values: Vec<Attribute> = Vec::new();
    let Some(source) = text(file, sources, &mut diagnostics) else { return (values, diagnostics) };
    let text = sources.text(source);
    let (body, problems) = match Notation::of(sources.name(source)) {
        Notation::Native => syntax::body(text, source, |_| false),
        Notation::Json => syntax::json::values(text, source),
    };
    diagnostics.extend(problems);
    let mut cx = Lower::new(text, &mut diagnostics);
    for structure in &body {
        let attribute = match structure {
            Structure::Attribute(attribute) => attribute,
            Structure::Block(block) => {
                let detail = format!(
                    "A file of values has no blocks, only arguments, but this is a block `{}`.",
                    block.ident.as_str()
                );
                let span = super::body::head(&cx, block);
                let hint = format!("Blocks belong in files that end in `{EXTENSION}`.");
                cx.diagnostics.push(Diagnostic::error("Unexpected block", span, detail).hint(hint));
                continue;
            }
        };
        let value = super::body::attribute(&mut cx, attribute);
        if let Some(reference) = value.references.first() {
            let detail = "Values in this file are plain: they cannot refer to anything.";
            cx.diagnostics.push(Diagnostic::error("Unexpected reference", reference.span, detail));
        }
        values.push(value);
    }
    (values, diagnostics)
}

/// Reads an expression that stands alone. `name` is what the text is called in messages.
pub fn expression(name: &str, text: &str, sources: &mut Sources) -> (Expr, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let source = sources.add(name, text);
    let expr = match syntax::expression(text, Place::Exact { source }, &mut diagnostics) {
        Some(expr) => Lower::new(text, &mut diagnostics).expr(&expr),
        None => Expr::invalid(sources.whole(source)),
    };
    (expr, diagnostics)
}

/// Reads a template that stands alone: every name in it is a variable given to the template.
pub fn template(name: &str, text: &str, sources: &mut Sources) -> (Expr, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let source = sources.add(name, text);
    let expr = match syntax::template(text, Place::Exact { source }, &mut diagnostics) {
        Some(found) => {
            let mut cx = Lower::new(text, &mut diagnostics);
            cx.names = Names::Template;
            super::template::quoted(&mut cx, &found)
        }
        None => Expr::invalid(sources.whole(source)),
    };
    (expr, diagnostics)
}

/// Adds a file's text to the sources, if it is text.
fn text(file: File, sources: &mut Sources, diagnostics: &mut Diagnostics) -> Option<SourceId> {
    match String::from_utf8(file.bytes) {
        Ok(text) => Some(sources.add(file.name, text)),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let source = sources.add(file.name, String::from_utf8_lossy(error.as_bytes()).into_owned());
            let at = u32::try_from(valid).unwrap_or(u32::MAX);
            let span = crate::source::Span { source, start: at, end: at.saturating_add(3) };
            let detail = "The bytes here are not UTF-8 text.";
            let hint = "Save the file as UTF-8.";
            diagnostics.push(Diagnostic::error("Invalid encoding", span, detail).hint(hint));
            None
        }
    }
}

/// Returns whether a directory has a file of configuration.
///
/// # Errors
/// When it cannot be listed.
pub fn is_configured(dir: &Path) -> io::Result<bool> {
    Ok(!names(dir)?.is_empty())
}

fn names(dir: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        // Editors keep files like `.#main.loam.hcl` beside the one that is open.
        match name.to_str() {
            Some(name) if is_configuration(name) && !name.starts_with('.') => names.push(name.to_owned()),
            _ => {}
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Returns whether a file of this name holds configuration.
fn is_configuration(name: &str) -> bool {
    name.ends_with(EXTENSION) || name.ends_with(JSON_EXTENSION)
}

impl Notation {
    /// Returns how a file of this name is written.
    fn of(name: &str) -> Self {
        if name.ends_with(".json") { Self::Json } else { Self::Native }
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let metadata = fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
    }
    if metadata.len() > MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 32 MiB"));
    }
    fs::read(path)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::diag::plain;

    fn told(dir: &Path) -> String {
        let mut sources = Sources::default();
        let (_, diagnostics) = load(dir, &mut sources);
        let told: String = diagnostics.sorted().iter().map(|found| plain(found, &sources)).collect();
        told.replace(&dir.display().to_string(), "DIR")
    }

    #[test]
    fn what_cannot_be_read_is_named_and_the_rest_is_read_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("a.loam.hcl")).unwrap();
        fs::write(dir.path().join("b.loam.hcl"), "locals {\n  x = upper(\n}\n").unwrap();
        fs::write(dir.path().join("c.loam.hcl"), "resuorce \"a\" \"b\" {}\n").unwrap();
        fs::write(dir.path().join(".hidden.loam.hcl"), "}").unwrap();
        fs::write(dir.path().join("other.tf"), "}").unwrap();
        insta::assert_snapshot!(told(dir.path()), @r#"
        error: Unreadable file
         = `DIR/a.loam.hcl` cannot be read: it is a directory.
        error: Unclosed bracket
          --> DIR/b.loam.hcl:2:12
          |
        2 |   x = upper(
          |            ^ expected `)` for this
          = The parenthesis opened here is never closed.
        hint: Add `)` where it ends.
        error: Unknown block
          --> DIR/c.loam.hcl:1:1
          |
        1 | resuorce "a" "b" {}
          | ^^^^^^^^^^^^^^^^
          = There is no block `resuorce`.
        hint: Did you mean `resource`?
        "#);
    }

    #[test]
    fn a_directory_without_configuration_says_how_to_begin() {
        let dir = tempfile::tempdir().unwrap();
        assert!(told(dir.path()).contains("`loam init` writes a first one"));
        assert!(told(&dir.path().join("gone")).contains("cannot be read"));
    }

    #[test]
    fn the_digest_tells_names_and_bytes_apart() {
        let digest = |files: &[(&str, &str)]| {
            let files = files.iter().map(|(name, text)| File { name: (*name).into(), bytes: text.as_bytes().into() });
            parse(Path::new("."), files.collect(), &mut Sources::default()).0.digest
        };
        let first = digest(&[("a", "locals {}\n"), ("b", "")]);
        assert_eq!(first, digest(&[("a", "locals {}\n"), ("b", "")]));
        assert_ne!(first, digest(&[("a", ""), ("b", "locals {}\n")]));
        assert_ne!(digest(&[("ab", "")]), digest(&[("a", "b")]));
    }

    #[test]
    fn a_file_of_values_has_plain_arguments() {
        let mut sources = Sources::default();
        let text = "# c\nregion = \"eu\"\nports = [\n  80,\n]\nregion = \"us\"\nx = var.y\nblock {}\n";
        let file = File { name: "loam.vars.hcl".into(), bytes: text.into() };
        let (values, diagnostics) = variables_file(file, &mut sources);
        let names: Vec<&str> = values.iter().map(|value| value.name.as_str()).collect();
        assert_eq!(names, ["region", "ports", "x"]);
        let summaries: Vec<&str> = diagnostics.iter().map(|found| found.summary).collect();
        assert_eq!(summaries, ["Duplicate argument", "Unexpected reference", "Unexpected block"]);
    }
}
