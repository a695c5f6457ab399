//! Include and exclude patterns, in gitignore's dialect.
//!
//! A pattern with a slash at its start or within is matched from the top, any other at every
//! depth; a slash at its end matches directories only; `*` stops at slashes, `**` does not; what is
//! beneath a match is matched too. A leading `!` takes back what an earlier pattern said.

use globset::{GlobBuilder, GlobMatcher};

use super::TreeError;

/// Which entries of a tree count.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
}

#[derive(Debug, Clone)]
struct Pattern {
    glob: GlobMatcher,
    says: Says,
    applies_to: AppliesTo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Match,
    NoMatch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AppliesTo {
    Everything,
    Directories,
}

/// What a selection says of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It counts, and so does what is beneath it unless excluded.
    Selected,
    /// A directory that counts only if something beneath it does.
    OnlyAsParent,
    /// Neither it nor anything beneath it counts.
    Excluded,
}

impl Selection {
    /// Returns the selection of everything.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Returns the selection of what `include` matches (everything, if it is empty) and `exclude` does not.
    ///
    /// # Errors
    /// When a pattern is malformed.
    pub fn new<S: AsRef<str>>(
        include: impl IntoIterator<Item = S>,
        exclude: impl IntoIterator<Item = S>,
    ) -> Result<Self, TreeError> {
        Ok(Self { include: patterns(include)?, exclude: patterns(exclude)? })
    }

    /// Returns what is said of the top itself.
    pub(crate) fn top(&self) -> Verdict {
        if self.include.is_empty() { Verdict::Selected } else { Verdict::OnlyAsParent }
    }

    /// Tells whether the entry at `path` counts, by its own path and those above it.
    #[must_use]
    pub fn selects(&self, path: &str, is_directory: bool) -> bool {
        let mut above = self.top();
        for (at, _) in path.match_indices('/') {
            above = self.verdict(&path[..at], true, above);
        }
        self.verdict(path, is_directory, above) == Verdict::Selected
    }

    /// Returns what is said of the entry at `path` whose parent got the verdict `above`.
    pub(crate) fn verdict(&self, path: &str, is_directory: bool, above: Verdict) -> Verdict {
        if above == Verdict::Excluded || matches(&self.exclude, path, is_directory) == Some(Says::Match) {
            return Verdict::Excluded;
        }
        let included = match matches(&self.include, path, is_directory) {
            Some(says) => says == Says::Match,
            None => above == Verdict::Selected,
        };
        match (included, is_directory) {
            (true, _) => Verdict::Selected,
            (false, true) => Verdict::OnlyAsParent,
            (false, false) => Verdict::Excluded,
        }
    }
}

fn patterns<S: AsRef<str>>(texts: impl IntoIterator<Item = S>) -> Result<Vec<Pattern>, TreeError> {
    texts.into_iter().map(|text| pattern(text.as_ref())).collect()
}

fn pattern(text: &str) -> Result<Pattern, TreeError> {
    let invalid = |because: String| TreeError::Pattern { pattern: text.to_owned(), because };
    let (says, rest) = match text.strip_prefix('!') {
        Some(rest) => (Says::NoMatch, rest),
        None => (Says::Match, text),
    };
    let (applies_to, rest) = match rest.strip_suffix('/') {
        Some(rest) => (AppliesTo::Directories, rest),
        None => (AppliesTo::Everything, rest),
    };
    let from_top = rest.contains('/');
    let rest = rest.strip_prefix('/').or_else(|| rest.strip_prefix("./")).unwrap_or(rest);
    if rest.is_empty() {
        return Err(invalid("it names nothing".to_owned()));
    }
    let glob = if from_top { rest.to_owned() } else { format!("**/{rest}") };
    let glob = GlobBuilder::new(&glob)
        .literal_separator(true)
        .backslash_escape(true)
        .build()
        .map_err(|error| invalid(error.kind().to_string()))?;
    Ok(Pattern { glob: glob.compile_matcher(), says, applies_to })
}

/// Returns what the last pattern that matches says.
fn matches(patterns: &[Pattern], path: &str, is_directory: bool) -> Option<Says> {
    let applies = |pattern: &&Pattern| {
        (is_directory || pattern.applies_to == AppliesTo::Everything) && pattern.glob.is_match(path)
    };
    patterns.iter().rev().find(applies).map(|pattern| pattern.says)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn verdict(include: &[&str], exclude: &[&str], path: &str) -> Verdict {
        let selection = Selection::new(include, exclude).unwrap();
        let (path, is_directory) = path.strip_suffix('/').map_or((path, false), |path| (path, true));
        let mut above = selection.top();
        for (at, _) in path.match_indices('/') {
            above = selection.verdict(&path[..at], true, above);
        }
        selection.verdict(path, is_directory, above)
    }

    #[test]
    fn patterns_follow_gitignore() {
        for (exclude, path, excluded) in [
            (vec!["*.pem"], "a/b/key.pem", true),
            (vec!["/key.pem"], "a/key.pem", false),
            (vec!["/key.pem"], "key.pem", true),
            (vec!["a/key.pem"], "b/a/key.pem", false),
            (vec!["**/tmp/x"], "a/tmp/x", true),
            (vec!["keyring-*/"], "home/keyring-test/x.info", true),
            (vec!["keyring-*/"], "keyring-file", false),
            (vec!["a/*.log"], "a/b/c.log", false),
            (vec!["a/**"], "a/b/c.log", true),
            (vec!["*.log", "!keep.log"], "keep.log", false),
            (vec!["wal"], "data/wal/000.log", true),
        ] {
            assert_eq!(verdict(&[], &exclude, path) == Verdict::Excluded, excluded, "{exclude:?} {path}");
        }
    }

    #[test]
    fn included_are_matches_what_is_beneath_them_and_their_parents() {
        assert_eq!(verdict(&["data"], &[], "data/x/y"), Verdict::Selected);
        assert_eq!(verdict(&["*.sst"], &[], "db/1.sst"), Verdict::Selected);
        assert_eq!(verdict(&["*.sst"], &[], "db/LOG"), Verdict::Excluded);
        assert_eq!(verdict(&["*.sst"], &[], "db/"), Verdict::OnlyAsParent);
        assert_eq!(verdict(&["*.sst"], &[], "LOG"), Verdict::Excluded);
        assert_eq!(verdict(&["db"], &["*.tmp"], "db/x.tmp"), Verdict::Excluded);
    }

    #[test]
    fn malformed_patterns_are_named() {
        for pattern in ["a[", "{a", "/", "", "!"] {
            let error = Selection::new([pattern], []).unwrap_err().to_string();
            assert!(error.contains(&format!("`{pattern}`")), "{error}");
        }
    }
}
