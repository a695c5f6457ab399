//! Texts made from the corpus by disturbing its white space, laid out by us and by an installed `terraform`.

use std::{fs, io, process::Command};

use super::{super::format, corpus, lexer, lexer::Kind};

/// How many texts are made of each text of the corpus.
const VARIANTS: u64 = 12;

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    /// Returns a number below a limit.
    fn roll(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn blanks(&mut self) -> &'static str {
        ["", "", " ", "  ", "     ", "\t", " \t "][usize::try_from(self.roll(7)).unwrap()]
    }
}

/// Returns the text with other white space, comments and empty lines, and the same tokens otherwise.
fn disturbed(text: &str, dice: &mut Dice) -> String {
    let mut disturbed = String::new();
    let mut open = Vec::new();
    let mut before: Option<(Kind, usize)> = None;
    for token in lexer::tokens(text).unwrap() {
        if let Some((kind, end)) = before {
            let gap = &text[end..token.at];
            disturbed.push_str(match (kind, token.kind) {
                _ if is_verbatim(kind, token.kind) => gap,
                _ if gap.is_empty() && sticks(kind, token.kind) => "",
                _ if !gap.is_empty() && !is_bracket(kind) && !is_bracket(token.kind) => {
                    ["  ", " ", "\t"][usize::try_from(dice.roll(3)).unwrap()]
                }
                _ => dice.blanks(),
            });
        }
        let is_free = !matches!(open.last(), Some(Kind::Interpolation | Kind::Directive));
        // The line that closes a heredoc holds nothing else.
        let is_closing = before.is_some_and(|(kind, _)| kind == Kind::CloseHeredoc);
        if token.kind == Kind::Newline && is_free && !is_closing && dice.roll(12) == 0 {
            disturbed.push_str(["# made", "  // up", " /* here */ # too"][usize::try_from(dice.roll(3)).unwrap()]);
        }
        disturbed.push_str(token.text);
        if token.kind == Kind::Newline && is_free && dice.roll(12) == 0 {
            disturbed.push_str(["\n", " \t\n", "\n\n"][usize::try_from(dice.roll(3)).unwrap()]);
        }
        match token.kind.depth() {
            1 => open.push(token.kind),
            -1 => drop(open.pop()),
            _ => {}
        }
        // Line breaks mean nothing in parentheses and brackets, but for the star of a splat.
        let is_in_brackets = matches!(open.last(), Some(Kind::OpenParen | Kind::OpenBracket));
        let can_break = matches!(token.kind, Kind::Comma | Kind::OpenParen | Kind::Logic);
        if is_in_brackets && can_break && dice.roll(6) == 0 {
            disturbed.push('\n');
        }
        before = Some((token.kind, token.at + token.text.len()));
    }
    disturbed
}

/// Returns whether what stands between two tokens is part of a text, or there is nothing to change.
fn is_verbatim(left: Kind, right: Kind) -> bool {
    matches!(left, Kind::Text | Kind::OpenQuote | Kind::OpenHeredoc | Kind::TemplateEnd)
        || matches!(right, Kind::Text | Kind::CloseQuote | Kind::CloseHeredoc)
        || (left == Kind::CloseHeredoc && right == Kind::Newline)
}

/// Returns whether two tokens without a gap are kept without: they would be read otherwise, or it is not allowed.
fn sticks(left: Kind, right: Kind) -> bool {
    matches!(left, Kind::DoubleColon | Kind::Dot) || matches!(right, Kind::DoubleColon | Kind::Dot | Kind::OpenParen)
}

fn is_bracket(kind: Kind) -> bool {
    kind.depth() != 0 || matches!(kind, Kind::Comma | Kind::Newline | Kind::LineComment)
}

#[test]
#[expect(clippy::print_stderr, reason = "says that a part of the test did not run")]
fn disturbed_texts_are_laid_out_as_terraform_does() {
    let mut texts = Vec::new();
    for (seed, (name, (text, _))) in (1..).zip(corpus()) {
        for variant in 0..VARIANTS {
            let text = text.trim_start_matches('\u{feff}');
            texts.push((format!("{name}-{variant}"), disturbed(text, &mut Dice(seed * 1000 + variant))));
        }
    }
    let distinct: std::collections::BTreeSet<&String> = texts.iter().map(|(_, text)| text).collect();
    assert!(distinct.len() > texts.len() * 3 / 4, "{} of {} texts are distinct", distinct.len(), texts.len());
    let ours: Vec<String> = texts
        .iter()
        .map(|(name, text)| format(text).unwrap_or_else(|error| panic!("{name}: {error}\n{text}")))
        .collect();
    for ((name, _), ours) in texts.iter().zip(&ours) {
        assert_eq!(format(ours).as_ref(), Ok(ours), "{name} is laid out differently a second time");
    }

    let dir = tempfile::tempdir().unwrap();
    for (name, text) in &texts {
        fs::write(dir.path().join(format!("{name}.tf")), text).unwrap();
    }
    match Command::new("terraform").args(["fmt", "-no-color", "-list=false"]).arg(dir.path()).output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            for ((name, text), ours) in texts.iter().zip(&ours) {
                let theirs = fs::read_to_string(dir.path().join(format!("{name}.tf"))).unwrap();
                assert_eq!(ours, &theirs, "{name}:\n{text}");
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            eprintln!("skipped: `terraform` is not installed, so nothing was compared with it");
        }
        Err(error) => panic!("failed to run `terraform`: {error}"),
    }
}
