//! The texts to start from: those of the project's own tests.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Texts, sorted by where they are from.
#[derive(Debug, Default)]
pub(crate) struct Seeds {
    /// Whole configurations.
    pub(crate) configurations: Vec<String>,
    /// Single expressions.
    pub(crate) expressions: Vec<String>,
}

impl Seeds {
    /// Reads the corpus and the examples of a repository.
    pub(crate) fn read(repository: &Path) -> io::Result<Self> {
        let mut seeds = Self::default();
        for folder in ["tests/corpus", "examples"] {
            seeds.collect(&repository.join(folder))?;
        }
        if seeds.configurations.is_empty() || seeds.expressions.is_empty() {
            return Err(io::Error::other(format!("there are no texts to start from in `{}`", repository.display())));
        }
        Ok(seeds)
    }

    fn collect(&mut self, folder: &Path) -> io::Result<()> {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
        paths.sort();
        for path in paths {
            if path.is_dir() {
                self.collect(&path)?;
                continue;
            }
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("hcl") => self.configurations.push(fs::read_to_string(&path)?),
                Some("jsonl") => self.lines(&fs::read_to_string(&path)?),
                _ => {}
            }
        }
        Ok(())
    }

    fn lines(&mut self, text: &str) {
        let lines = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        self.expressions.extend(lines.filter_map(|line| Some(line.get("expr")?.as_str()?.to_owned())));
    }
}
