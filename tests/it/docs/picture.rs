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
    page::{is_update, root},
    run::Directory,
};

const FILE: &str = "docs/images/plan.svg";

/// The size of a character and of the space around the text, in pixels.
const CHARACTER: (f64, usize) = (8.4, 20);
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

/// The network of the starter configuration, which ends with the test.
struct Network(Directory);

impl Network {
    fn up() -> Self {
        let network = Self(Directory::empty());
        network.0.succeed(&["init"]);
        network.0.succeed(&["apply", "--auto-approve"]);
        network
    }

    fn kill_node(&self, name: &str) {
        let object: serde_json::Value =
            serde_json::from_str(&self.0.succeed(&["state", "show", "network.demo", "--json"])).unwrap();
        let pid = object["value"]["nodes"][name]["pid"].as_i64().unwrap();
        kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::KILL).unwrap();
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.0.loam(&["destroy", "--auto-approve"]);
    }
}

#[test]
fn the_picture_is_a_real_plan() {
    let network = Network::up();
    network.kill_node("1");
    let directory = &network.0;
    // The kernel may take a moment to end what was killed.
    let plan = ["plan", "--out", "saved.plan", "--detailed-exitcode"];
    let said = (0..1000).map(|_| directory.loam(&plan)).find(|ended| ended.code == 2).unwrap().stdout;
    let seal = Seal::in_directory(&directory.path().join(".loam"));
    let saved = plan::load(&directory.path().join("saved.plan"), &seal).unwrap();
    let offers = Offers::new(vec![Box::new(loam_local::LocalFactory::default())]);
    let mut coloured = Vec::new();
    let style = Style { colour: Colour::Ansi, glyphs: Glyphs::Unicode, width: ui::DEFAULT_WIDTH };
    ui::plan(&mut coloured, style, &saved, &offers).unwrap();
    let coloured = String::from_utf8(coloured).unwrap();
    assert_eq!(plain(&coloured), said, "what the command says is what the picture is made from");

    let drawn = svg(&format!("\u{1b}[2m$\u{1b}[0m loam plan\n{coloured}"));
    let path = root().join(FILE);
    let found = fs::read_to_string(&path).unwrap_or_default();
    if is_update() && steady(&found) != steady(&drawn) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &drawn).unwrap();
        return;
    }
    assert_eq!(steady(&found), steady(&drawn), "{FILE} shows another plan; UPDATE_DOCS=1 draws it anew");
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
    let text = plain(coloured);
    let lines = text.trim_end().lines().count();
    let columns = text.lines().map(|line| line.chars().count()).max().unwrap_or_default();
    let (width, height) = ((columns as f64 * CHARACTER.0).ceil() as usize + 2 * SPACE, lines * CHARACTER.1 + 2 * SPACE);
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
    let mut line = String::new();
    let mut number = 0;
    for (code, piece) in pieces(coloured.trim_end()) {
        for (at, part) in piece.split('\n').enumerate() {
            if at > 0 {
                number += 1;
                draw(&mut svg, number, &std::mem::take(&mut line));
            }
            let part = part.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            match COLOURS.iter().find(|(colour, ..)| *colour == code) {
                Some((_, class, ..)) if !part.is_empty() => {
                    write!(line, "<tspan class=\"{class}\">{part}</tspan>").unwrap();
                }
                Some(_) => {}
                None => {
                    assert!(code == "0", "the picture has no colour for `{code}`");
                    line.push_str(&part);
                }
            }
        }
    }
    draw(&mut svg, number + 1, &line);
    svg.push_str("</svg>\n");
    svg
}

fn draw(svg: &mut String, number: usize, line: &str) {
    if !line.is_empty() {
        let y = SPACE + number * CHARACTER.1 - 5;
        writeln!(svg, "<text x=\"{SPACE}\" y=\"{y}\" xml:space=\"preserve\">{line}</text>").unwrap();
    }
}

/// Returns the lines of a picture with what differs from run to run, pids and times, made the same.
fn steady(svg: &str) -> Vec<String> {
    let is_part = |char: char| char.is_ascii_digit() || matches!(char, 'a'..='f' | '-' | ':');
    let lines = svg.lines().filter(|line| line.starts_with("<text "));
    let inside = lines.map(|line| line.split_once("preserve\">").map_or(line, |(_, inside)| inside));
    inside
        .map(|line| {
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
            steady
        })
        .collect()
}

#[test]
fn colours_become_classes() {
    let drawn = svg("a \u{1b}[32m+ <b>\u{1b}[0m\n\n1234 c\n");
    assert!(drawn.contains(">a <tspan class=\"added\">+ &lt;b&gt;</tspan></text>"), "{drawn}");
    assert_eq!(steady(&drawn)[1], "# c</text>\n");
}
