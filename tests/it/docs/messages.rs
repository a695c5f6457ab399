//! Messages that documents explain stand in the program.

use std::{fs, path::Path};

use super::page::{pages, root};

#[test]
fn every_message_that_is_explained_exists() {
    let mut code = String::new();
    for folder in ["src", "providers", "demo/src"] {
        collect(&root().join(folder), &mut code);
    }
    let mut seen = 0;
    for page in pages() {
        for (place, cells) in page.rows(&["Message", "What it means", "What to do"]) {
            for fragment in fragments(&cells[0]) {
                assert!(code.contains(&fragment), "{place}: nothing in the program says `{fragment}`");
                seen += 1;
            }
        }
    }
    assert!(seen > 30, "only {seen} messages were found");
}

/// Returns the parts of a message that are the same each time: what stands between names, `…` and capitals that stand
/// for something.
fn fragments(message: &str) -> Vec<String> {
    let is_name = |word: &str| !word.is_empty() && word.chars().all(|char| char.is_ascii_uppercase());
    let words = message.split(' ').map(|word| {
        let bare = word.trim_matches(|char: char| !char.is_alphanumeric());
        if is_name(bare) && bare != "SQLite" { "…" } else { word }
    });
    let words = words.collect::<Vec<_>>().join(" ");
    let mut fragments = Vec::new();
    for (at, piece) in words.split('`').enumerate() {
        if at % 2 == 0 {
            fragments.extend(piece.split('…').map(|piece| piece.trim().to_owned()));
        }
    }
    fragments.retain(|fragment| fragment.len() > 5);
    assert!(!fragments.is_empty(), "nothing of `{message}` is the same each time");
    fragments
}

/// Collects the code of a folder, its texts over several lines put together.
fn collect(folder: &Path, code: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, code);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            for (at, piece) in text.split("\\\n").enumerate() {
                code.push_str(if at == 0 { piece } else { piece.trim_start() });
            }
        }
    }
}

#[test]
fn what_stays_the_same_is_found() {
    assert_eq!(fragments("has state format N, and this loam knows formats up to M").len(), 2);
    assert_eq!(fragments("port … (`…` of node `…`) is in use"), ["of node", ") is in use"]);
}
