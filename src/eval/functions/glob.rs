//! `fileset`: the files whose paths match a pattern.

use globset::{GlobBuilder, GlobMatcher};
use loam_provider::{Type, Value};

use super::{Context, Fault, filesystem::fault};

/// Returns the files under a directory that match a pattern, relative to the directory.
pub(super) fn fileset(cx: &Context<'_>, directory: &str, pattern: &str) -> Result<Value, Fault> {
    let parts = parts(pattern);
    // Parts that are written out lead to where the search begins.
    let fixed = parts.iter().take_while(|part| !part.contains(SPECIAL)).count().min(parts.len().saturating_sub(1));
    let start = parts[..fixed].join("/");
    let mut search = Search { cx, directory, found: Vec::new(), seen: Vec::new() };
    let wanted = parts[fixed..].iter().map(|part| Part::new(part)).collect::<Result<Vec<_>, _>>()?;
    if !wanted.is_empty() {
        search.visit(&start, &wanted)?;
    }
    Ok(Value::set(Type::String, search.found.into_iter().map(Value::from)))
}

const SPECIAL: [char; 5] = ['*', '?', '[', '{', '\\'];

/// Returns the parts of a pattern between its slashes, without those that say nothing.
fn parts(pattern: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = Vec::new();
    for part in pattern.split('/').filter(|part| !matches!(*part, "" | ".")) {
        match parts.last() {
            Some(before) if part == ".." && *before != ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts
}

/// What one part of a path has to be.
enum Part {
    /// `**`: any number of directories.
    Deep,
    /// A name that matches.
    Name(Box<GlobMatcher>),
}

impl Part {
    fn new(part: &str) -> Result<Self, Fault> {
        if part == "**" {
            return Ok(Self::Deep);
        }
        let built =
            GlobBuilder::new(part).literal_separator(true).backslash_escape(true).empty_alternates(true).build();
        let wrong = |error: globset::Error| Fault::Argument(1, format!("the pattern is wrong: {}", error.kind()));
        built.map(|glob| Self::Name(Box::new(glob.compile_matcher()))).map_err(wrong)
    }
}

struct Search<'c> {
    cx: &'c Context<'c>,
    directory: &'c str,
    found: Vec<String>,
    /// The directories around the one that is searched, by where they really are: links may lead in circles.
    seen: Vec<std::path::PathBuf>,
}

impl Search<'_> {
    fn visit(&mut self, path: &str, wanted: &[Part]) -> Result<(), Fault> {
        let Some((part, rest)) = wanted.split_first() else { return Ok(()) };
        let below = if path.is_empty() {
            self.directory.to_owned()
        } else {
            format!("{}/{path}", self.directory.trim_end_matches('/'))
        };
        let below = if self.directory.is_empty() && !path.is_empty() { path.to_owned() } else { below };
        let Some(directory) = self.cx.files.list(&below).map_err(|error| fault(&error))? else { return Ok(()) };
        if self.seen.contains(&directory.real) {
            return Ok(());
        }
        self.seen.push(directory.real);
        if matches!(part, Part::Deep) && !rest.is_empty() {
            let real = self.seen.pop();
            self.visit(path, rest)?;
            self.seen.extend(real);
        }
        for (name, is_directory) in directory.entries {
            let full = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            match part {
                Part::Deep if is_directory => self.visit(&full, wanted)?,
                Part::Deep if rest.is_empty() => self.found.push(full),
                Part::Deep => {}
                Part::Name(matcher) if matcher.is_match(&name) => match (is_directory, rest.is_empty()) {
                    (true, false) => self.visit(&full, rest)?,
                    (false, true) => self.found.push(full),
                    (true, true) | (false, false) => {}
                },
                Part::Name(_) => {}
            }
        }
        self.seen.pop();
        Ok(())
    }
}
