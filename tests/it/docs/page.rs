//! Markdown, as far as these tests look at it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// A document.
#[derive(Debug, Clone)]
pub(super) struct Page {
    /// Its path from the root of the repository.
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// A fenced block of code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fence {
    /// `docs/language.md:12`
    pub(super) place: String,
    /// What stands behind the three backticks: `hcl`, `hcl wrong`.
    pub(super) info: String,
    pub(super) text: String,
}

/// One test at a time changes documents.
static WRITING: Mutex<()> = Mutex::new(());

/// What marks of generated text start with.
const MARK: &str = "<!-- generated: ";
/// What ends generated text.
const END: &str = "<!-- end -->";

pub(super) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Returns every document: those of the root, of `docs`, and of each example.
pub(super) fn pages() -> Vec<Page> {
    let mut paths = Vec::new();
    collect(&root(), Depth::Here, &mut paths);
    collect(&root().join("docs"), Depth::Below, &mut paths);
    collect(&root().join("examples"), Depth::Below, &mut paths);
    paths.sort();
    let pages: Vec<Page> = paths.into_iter().map(|path| page(path.strip_prefix(root()).unwrap())).collect();
    assert!(pages.len() > 12, "only {} documents were found", pages.len());
    pages
}

pub(super) fn page(path: impl AsRef<Path>) -> Page {
    let path = path.as_ref().to_owned();
    let text = fs::read_to_string(root().join(&path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Page { path, text }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Here,
    Below,
}

fn collect(folder: &Path, depth: Depth, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && depth == Depth::Below {
            collect(&path, depth, paths);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            paths.push(path);
        }
    }
}

impl Page {
    pub(super) fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.path.display())
    }

    /// Returns the fenced blocks in their order.
    pub(super) fn fences(&self) -> Vec<Fence> {
        let (mut fences, mut open): (Vec<Fence>, Option<Fence>) = (Vec::new(), None);
        for (number, line) in self.numbered() {
            match (line.strip_prefix("```"), open.take()) {
                (Some(info), None) => {
                    open = Some(Fence { place: self.place(number), info: info.to_owned(), text: String::new() });
                }
                (Some(_), Some(fence)) => fences.push(fence),
                (None, Some(mut fence)) => {
                    fence.text.push_str(line);
                    fence.text.push('\n');
                    open = Some(fence);
                }
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "a block is not closed: {open:?}");
        fences
    }

    /// Returns the lines outside of fenced blocks, with their numbers.
    pub(super) fn prose(&self) -> Vec<(usize, &str)> {
        let mut is_inside = false;
        self.numbered()
            .filter(|(_, line)| {
                let is_fence = line.starts_with("```");
                is_inside ^= is_fence;
                !is_inside && !is_fence
            })
            .collect()
    }

    /// Returns the pieces of code within the prose, with their lines.
    pub(super) fn inline_code(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for (number, line) in self.prose() {
            let pieces = line.split('`').collect::<Vec<_>>();
            // Every other piece stands between two backticks; what is left over has none behind it.
            let inside = pieces.iter().skip(1).step_by(2).take((pieces.len() - 1) / 2);
            found.extend(inside.map(|code| (number, (*code).replace("\\|", "|"))));
        }
        found
    }

    /// Returns the rows of every table whose head has these columns.
    pub(super) fn rows(&self, head: &[&str]) -> Vec<(String, Vec<String>)> {
        let (mut rows, mut is_inside) = (Vec::new(), false);
        for (number, line) in self.prose() {
            let Some(row) = line.strip_prefix('|') else {
                is_inside = false;
                continue;
            };
            // A bar within a cell is written `\|`.
            let row = row.trim_end().trim_end_matches('|').replace("\\|", "\u{0}");
            let cells: Vec<String> = row.split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect();
            if cells == head {
                is_inside = true;
            } else if is_inside && !cells.iter().all(|cell| cell.chars().all(|char| matches!(char, '-' | ':'))) {
                rows.push((self.place(number), cells));
            }
        }
        rows
    }

    /// Compares what stands between the marks `<!-- generated: NAME -->` and `<!-- end -->`, or writes it anew.
    pub(super) fn generated(&mut self, name: &str, expected: &str) {
        let _turn = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        self.text = page(&self.path).text;
        let mark = format!("{MARK}{name} -->\n");
        let start = self.text.find(&mark).unwrap_or_else(|| panic!("{}: no `{}`", self.path.display(), mark.trim()));
        let start = start + mark.len();
        let length = self.text[start..].find(END).unwrap_or_else(|| panic!("{}: no end", self.path.display()));
        let expected = format!("\n{}\n\n", expected.trim());
        if is_update() {
            self.text.replace_range(start..start + length, &expected);
            fs::write(root().join(&self.path), &self.text).unwrap();
        }
        let path = self.path.display();
        assert!(
            self.text[start..].starts_with(&expected) && (is_update() || length == expected.len()),
            "{path}: `{name}` is not what the program says; UPDATE_DOCS=1 writes it anew.\n\n{expected}"
        );
    }

    /// Returns the names of its generated parts.
    pub(super) fn generated_names(&self) -> Vec<&str> {
        let parts = self.text.lines().filter_map(|line| line.strip_prefix(MARK)?.strip_suffix(" -->"));
        parts.collect()
    }

    fn numbered(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(at, line)| (at + 1, line))
    }
}

/// Puts a text in the place of that of the fenced block that follows another.
pub(super) fn rewrite(before: &Fence, text: &str) {
    let _turn = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let (path, _) = before.place.rsplit_once(':').unwrap();
    let page = page(path);
    let head = format!("{}```\n\n```text\n", before.text);
    let start = page.text.find(&head).unwrap() + head.len();
    let length = page.text[start..].find("```").unwrap();
    let after = &page.text[start + length..];
    fs::write(root().join(path), format!("{}{text}{after}", &page.text[..start])).unwrap();
}

/// Returns whether documents are to be written anew.
pub(super) fn is_update() -> bool {
    env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1")
}

#[test]
fn code_and_tables_are_found() {
    let text =
        "See `a` and `b|c`.\n\n```hcl wrong\n`x`\n```\n| A | B |\n|---|---|\n| `p \\| q` | 2 |\n\n| C |\n|--|\n| d |\n";
    let page = Page { path: "x.md".into(), text: text.into() };
    let fence = Fence { place: "x.md:3".into(), info: "hcl wrong".into(), text: "`x`\n".into() };
    assert_eq!(page.fences(), [fence]);
    let code = ["a", "b|c", "p | q"].map(str::to_owned);
    assert_eq!(page.inline_code().into_iter().map(|(_, code)| code).collect::<Vec<_>>(), code);
    assert_eq!(page.rows(&["A", "B"]), [("x.md:8".to_owned(), vec!["`p | q`".to_owned(), "2".to_owned()])]);
}
