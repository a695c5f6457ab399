//! Links between documents.

use super::page::{Page, page, pages, root};

#[test]
fn every_link_leads_somewhere() {
    let mut links = 0;
    for page in pages() {
        for (line, target) in targets(&page) {
            let place = page.place(line);
            if target.starts_with("https://") {
                continue;
            }
            links += 1;
            let (file, anchor) =
                target.split_once('#').map_or((target.as_str(), None), |(file, anchor)| (file, Some(anchor)));
            let folder = page.path.parent().unwrap();
            let found = if file.is_empty() { page.path.clone() } else { folder.join(file) };
            assert!(root().join(&found).exists(), "{place}: there is no `{}`", found.display());
            if let Some(anchor) = anchor {
                let names = anchors(&super::page::page(&found));
                assert!(names.iter().any(|name| name == anchor), "{place}: `{target}`, but there are only {names:?}");
            }
        }
    }
    assert!(links > 40, "only {links} links were found");
}

/// A test is named `FILE.rs::NAME`.
#[test]
fn every_test_that_is_named_exists() {
    let mut named = 0;
    for page in pages() {
        for (line, code) in page.inline_code() {
            let Some((file, name)) = code.split_once(".rs::") else { continue };
            let path = root().join(format!("{file}.rs"));
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(text.contains(&format!("fn {name}(")), "{}: there is no `{code}`", page.place(line));
            named += 1;
        }
    }
    assert!(named > 15, "only {named} tests are named");
}

/// Whoever starts at the README comes to every page by links.
#[test]
fn every_page_can_be_reached() {
    let mut reached = vec![page("README.md")];
    let mut at = 0;
    while let Some(from) = reached.get(at).cloned() {
        at += 1;
        for (_, target) in targets(&from) {
            let file = target.split('#').next().unwrap_or_default();
            let path = normal(&from.path.parent().unwrap().join(file));
            if path.ends_with(".md") && reached.iter().all(|page| page.path.to_string_lossy() != path) {
                reached.push(page(&path));
            }
        }
    }
    let lost: Vec<Page> = pages()
        .into_iter()
        .filter(|page| !page.path.starts_with("examples") && reached.iter().all(|found| found.path != page.path))
        .collect();
    assert!(lost.is_empty(), "no link leads to {:?}", lost.iter().map(|page| &page.path).collect::<Vec<_>>());
}

/// Returns the targets of `[text](target)` and `<img src="target">`.
fn targets(page: &Page) -> Vec<(usize, String)> {
    let mut targets = Vec::new();
    for (line, text) in page.prose() {
        for (start, end) in [("](", ')'), ("src=\"", '"')] {
            for (at, _) in text.match_indices(start) {
                let rest = &text[at + start.len()..];
                targets.extend(rest.split_once(end).map(|(target, _)| (line, target.to_owned())));
            }
        }
    }
    targets
}

/// Returns the anchors that a page's headings have on a code host.
fn anchors(page: &Page) -> Vec<String> {
    let headings = page.prose().into_iter().filter_map(|(_, line)| line.strip_prefix('#'));
    let anchor = |heading: &str| {
        let heading = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = heading.chars().filter(|char| char.is_alphanumeric() || matches!(char, ' ' | '-' | '_'));
        kept.map(|char| if char == ' ' { '-' } else { char }).collect()
    };
    headings.map(anchor).collect()
}

/// Returns a path without `..`.
fn normal(path: &std::path::Path) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.to_str().unwrap().split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." | "" => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}
