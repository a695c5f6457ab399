//! The picture of the README: a real plan, in its real colours.

use std::{fmt::Write as _, fs};

use loam::{
    host::Offers,
    plan,
    state::Seal,
    ui::{self, Colour, Glyphs, Style},
};
use rustix::process::{Pid, Signal, kill_process};

use super::{
    COLUMNS,
    page::{is_update, root},
};
use crate::support::Project;

const FILE: &str = "docs/images/plan.svg";

/// How wide a character is, in tenths of a pixel; how high a line is; and the space around the text.
const CHARACTER: usize = 84;
const LINE: usize = 20;
const SPACE: usize = 16;

/// What colours are written as, and what they look like on light and dark.
const COLOURS: [(&str, &str, &str, &str); 6] = [
    ("1", "strong", "#1f2328;font-weight:600", "#f0f6fc;font-weight:600"),
    ("2", "dim", "#59636e", "#9198a1"),
    ("31", "removed", "#b3261e", "#ff7b72"),
    ("32", "added", "#1a7f37", "#56d364"),
    ("33", "changed", "#8a5a00", "#e3b341"),
    ("36", "kept", "#0b6e8a", "#56c8e8"),
];

#[test]
fn the_picture_is_a_real_plan() {
    let project = Project::empty();
    project.succeed(&["init"]);
    project.apply(&[]);
    let object: serde_json::Value =
        serde_json::from_str(&project.succeed(&["state", "show", "network.demo", "--json"])).unwrap();
    let pid = object["value"]["nodes"]["1"]["pid"].as_i64().unwrap();
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::KILL).unwrap();
    // The kernel may take a moment to end what was killed.
    let plan = ["plan", "--out", "saved.plan", "--detailed-exitcode"];
    let said = (0..1000).map(|_| super::loam(&project, &plan)).find(|ended| ended.code == 2).unwrap().stdout;
    let seal = Seal::in_directory(&project.path(".loam"));
    let saved = plan::load(&project.path("saved.plan"), &seal).unwrap();
    let offers = Offers::new(vec![Box::new(loam_local::LocalFactory::default())]);
    let mut coloured = Vec::new();
    let style = Style { colour: Colour::Ansi, glyphs: Glyphs::Unicode, width: COLUMNS };
    ui::plan(&mut coloured, style, &saved, &offers).unwrap();
    let coloured = String::from_utf8(coloured).unwrap();
    assert_eq!(plain(&coloured), said, "what the command says is what the picture is made from");

    let drawn = svg(&format!("\u{1b}[2m$\u{1b}[0m loam plan\n{coloured}"));
    let path = root().join(FILE);
    let found = fs::read_to_string(&path).unwrap_or_default();
    if is_update() && shown(&found) != shown(&drawn) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &drawn).unwrap();
        return;
    }
    assert_eq!(shown(&found), shown(&drawn), "{FILE} shows another plan; UPDATE_DOCS=1 draws it anew");
}

/// Returns the text without its colours.
fn plain(coloured: &str) -> String {
    pieces(coloured).map(|(_, text)| text).collect()
}

/// Returns the pieces of a text with the escape code that each is written with.
fn pieces(coloured: &str) -> impl Iterator<Item = (&str, &str)> {
    coloured.split("\u{1b}[").enumerate().map(|(at, piece)| match at {
        0 => ("0", piece),
        _ => piece.split_once('m').unwrap(),
    })
}

fn svg(coloured: &str) -> String {
    let rows = rows(coloured.trim_end());
    let long = rows.iter().map(|row| row.iter().map(|(_, part)| part.chars().count()).sum()).max();
    let columns: usize = long.unwrap_or_default();
    let (width, height) = ((columns * CHARACTER).div_ceil(10) + 2 * SPACE, rows.len() * LINE + 2 * SPACE);
    let mut svg =
        format!("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" role=\"img\" ");
    writeln!(svg, "viewBox=\"0 0 {width} {height}\">\n<title>What `loam plan` says when a node has died</title>")
        .unwrap();
    svg.push_str(
        "<style>\ntext{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre;fill:#1f2328}\n",
    );
    svg.push_str("rect{fill:#f6f8fa;stroke:#d1d9e0}\n");
    for (_, class, light, _) in COLOURS {
        writeln!(svg, ".{class}{{fill:{light}}}").unwrap();
    }
    svg.push_str("@media (prefers-color-scheme:dark){\ntext{fill:#d1d7e0}\nrect{fill:#151b23;stroke:#3d444d}\n");
    for (_, class, _, dark) in COLOURS {
        writeln!(svg, ".{class}{{fill:{dark}}}").unwrap();
    }
    svg.push_str("}\n</style>\n");
    writeln!(svg, "<rect x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"6\"/>", width - 1, height - 1).unwrap();
    for (number, row) in rows.iter().enumerate() {
        draw(&mut svg, number + 1, row);
    }
    svg.push_str("</svg>\n");
    svg
}

/// Returns the rows of a terminal: lines that are too long go on in the next row.
fn rows(coloured: &str) -> Vec<Vec<(&str, String)>> {
    let (mut rows, mut column) = (vec![Vec::new()], 0);
    for (code, piece) in pieces(coloured) {
        let mut part = String::new();
        for char in piece.chars() {
            if char == '\n' || column == COLUMNS {
                rows.last_mut().unwrap().push((code, std::mem::take(&mut part)));
                rows.push(Vec::new());
                column = 0;
            }
            if char != '\n' {
                part.push(char);
                column += 1;
            }
        }
        rows.last_mut().unwrap().push((code, part));
    }
    for row in &mut rows {
        row.retain(|(_, part)| !part.is_empty());
    }
    rows
}

fn draw(svg: &mut String, number: usize, row: &[(&str, String)]) {
    if row.is_empty() {
        return;
    }
    let y = SPACE + number * LINE - 5;
    write!(svg, "<text x=\"{SPACE}\" y=\"{y}\" xml:space=\"preserve\">").unwrap();
    for (code, part) in row {
        let part = part.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        match COLOURS.iter().find(|(colour, ..)| colour == code) {
            Some((_, class, ..)) => write!(svg, "<tspan class=\"{class}\">{part}</tspan>").unwrap(),
            None => {
                assert!(*code == "0", "the picture has no colour for `{code}`");
                svg.push_str(&part);
            }
        }
    }
    svg.push_str("</text>\n");
}

/// Returns the lines that a picture shows, with what differs from run to run, such as pids, made the same.
fn shown(svg: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut is_full = false;
    for row in svg.lines().filter_map(|line| line.strip_prefix("<text ")) {
        let pieces = row.split('<').filter_map(|piece| piece.split_once('>')).map(|(_, text)| text);
        let text: String = pieces.collect();
        let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        let was_full = std::mem::replace(&mut is_full, text.chars().count() == COLUMNS);
        match lines.last_mut() {
            Some(last) if was_full => last.push_str(&text),
            Some(_) | None => lines.push(text),
        }
    }
    lines.iter().map(|line| steady(line)).collect()
}

/// Returns a line with numbers and digests made the same.
fn steady(line: &str) -> String {
    let is_part = |char: char| char.is_ascii_digit() || matches!(char, 'a'..='f' | '-' | ':');
    let (mut steady, mut run) = (String::new(), String::new());
    for char in line.chars().chain(['\n']) {
        if is_part(char) {
            run.push(char);
            continue;
        }
        let varies = run.len() > 2 && run.contains(|char: char| char.is_ascii_digit());
        steady.push_str(if varies { "#" } else { &run });
        run.clear();
        steady.push(char);
    }
    steady.trim_end().to_owned()
}

#[test]
fn colours_become_classes_and_long_lines_rows() {
    let long = "x".repeat(COLUMNS);
    let drawn = svg(&format!("a \u{1b}[32m+ <b>\u{1b}[0m\n\n1234 {long}\n"));
    assert!(drawn.contains(">a <tspan class=\"added\">+ &lt;b&gt;</tspan></text>"), "{drawn}");
    assert!(drawn.contains(">xxxxx</text>"), "{drawn}");
    assert_eq!(shown(&drawn), ["a + <b>".to_owned(), format!("# {long}")]);
}
