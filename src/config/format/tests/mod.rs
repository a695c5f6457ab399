//! `tests/corpus/fmt` holds texts and what `terraform fmt` makes of them.
#![expect(clippy::unwrap_used, reason = "tests")]

mod oracle;

use std::{collections::BTreeMap, fs, path::Path};

use super::{format, lexer, lexer::Kind};

/// The texts of the corpus and how they are laid out, by name.
fn corpus() -> BTreeMap<String, (String, String)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/fmt");
    let paths = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
    let names = paths.filter_map(|path| Some(path.file_name()?.to_str()?.strip_suffix(".in.hcl")?.to_owned()));
    let read = |name: String| fs::read_to_string(dir.join(name)).unwrap();
    names.map(|name| (name.clone(), (read(format!("{name}.in.hcl")), read(format!("{name}.out.hcl"))))).collect()
}

/// The tokens of a text: all of it but white space.
fn tokens(text: &str) -> Vec<(Kind, &str)> {
    let text = text.trim_start_matches('\u{feff}');
    lexer::tokens(text).unwrap().into_iter().map(|token| (token.kind, token.text)).collect()
}

#[test]
fn texts_are_laid_out_as_terraform_does() {
    let corpus = corpus();
    assert!(corpus.len() >= 70, "{} texts", corpus.len());
    for (name, (text, expected)) in corpus {
        assert_eq!(format(&text).as_ref(), Ok(&expected), "{name}");
    }
}

#[test]
fn a_text_that_is_laid_out_stays_as_it_is() {
    for (name, (_, laid_out)) in corpus() {
        assert_eq!(format(&laid_out).as_ref(), Ok(&laid_out), "{name}");
    }
}

#[test]
fn only_white_space_and_old_spellings_change() {
    let rewritten = [
        "blocks",
        "labels",
        "legacy_types",
        "legacy_types_quoted",
        "modules",
        "one_line_blocks",
        "strips_and_objects_in_templates",
        "unwrapped_in_blocks",
        "unwrapped_interpolations",
        "unwrapped_over_lines",
        "unwrapped_with_comments",
    ];
    for (name, (text, _)) in corpus() {
        let laid_out = format(&text).unwrap();
        let is_same = tokens(&text) == tokens(&laid_out);
        assert_eq!(is_same, !rewritten.contains(&name.as_str()), "{name}");
    }
}

#[test]
fn interpolations_inside_interpolations_are_unwrapped_at_once() {
    assert_eq!(format("a=\"${\"${b}\"}\"\n").as_deref(), Ok("a = b\n"));
    let commented = "a=\"${ /* c */ \"${~ b}\" /* d */ }\"\n";
    assert_eq!(format(commented).as_deref(), Ok("a = /* c */ b /* d */\n"));
}

#[test]
fn comments_are_never_lost_and_never_break_the_text() {
    // `terraform fmt` drops the first of these comments, and leaves the other texts broken or with an empty line more.
    assert_eq!(format("x /* c */ b {\n}\n").as_deref(), Ok("x /* c */ \"b\" {\n}\n"));
    assert_eq!(format("a=\"${ # c\nx\n}\"\n").as_deref(), Ok("a = ( # c\nx)\n"));
    assert_eq!(format("a=\"${x # c\n}\"\n").as_deref(), Ok("a = (x # c\n)\n"));
    assert_eq!(format("a=\"${(b)\n+(c)}\"\n").as_deref(), Ok("a = ((b)\n+ (c))\n"));
}

#[test]
fn a_line_may_hold_any_number_of_sequences() {
    let sequences = "a${b}%{if c}d%{endif}".repeat(40_000);
    for text in [format!("a = \"{sequences}\"\n"), format!("a = <<E\n{sequences}\nE\n")] {
        assert_eq!(lexer::tokens(&text).unwrap().len(), 40_000 * 12 + if text.contains('"') { 5 } else { 6 });
    }
}

#[test]
fn identifiers_are_those_of_the_parser() {
    assert_eq!(format("größe=1\nनाम=2\n").as_deref(), Ok("größe = 1\nनाम    = 2\n"));
    for refused in ["a\u{200d}b", "a\u{30fb}b"] {
        assert!(!crate::config::syntax::is_identifier(refused), "{refused:?}");
        assert!(format(&format!("{refused} = 1\n")).is_err(), "{refused:?}");
    }
}

#[test]
fn numbers_are_those_of_the_parser() {
    assert_eq!(format("a=b[1...2]\n").as_deref(), Ok("a = b[1...2]\n"), "one number, which is wrong");
    assert_eq!(format("a=max(1...)\nb=5-6\n").as_deref(), Ok("a = max(1...)\nb = 5 - 6\n"));
}

#[test]
fn what_is_indexed_is_not_joined_with_its_index() {
    assert_eq!(format("a = 1. 5\n").as_deref(), Ok("a = 1 .5\n"), "1.5 would be a number");
    assert_eq!(format("a = b . 0 . 1\n").as_deref(), Ok("a = b.0.1\n"));
}

#[test]
fn what_is_nested_too_deep_is_refused() {
    let nested = |open: &str, close: &str| open.repeat(100_000) + "a = 1" + &close.repeat(100_000) + "\n";
    for text in [nested("x {\n", "\n}"), format!("a = {}", nested("\"${", "}\"").replace("a = 1", "1"))] {
        assert!(format(&text).unwrap_err().to_string().contains("250"), "{}", format(&text).unwrap_err());
    }
}

#[test]
fn letters_that_follow_a_number_stay_with_it() {
    for text in ["a = 1e5e9\n", "a = 0x1f\n", "a = 1x\n"] {
        let laid_out = format(text).unwrap_or_else(|_| text.to_owned());
        assert_eq!(laid_out, text);
    }
}

#[test]
fn a_text_that_is_cut_anywhere_is_laid_out_or_refused() {
    let (mut laid_out, mut refused) = (0, 0);
    for (name, (text, _)) in corpus() {
        for (end, _) in text.char_indices().step_by(3) {
            match format(&text[..end]) {
                Ok(cut) => {
                    assert_eq!(format(&cut).as_ref(), Ok(&cut), "{name} cut at {end}");
                    laid_out += 1;
                }
                Err(error) => {
                    assert!(error.location.line > 0 && error.location.column > 0, "{name} cut at {end}");
                    refused += 1;
                }
            }
        }
    }
    assert!(laid_out > 100 && refused > 100, "{laid_out} laid out, {refused} refused");
}

#[test]
fn what_is_not_hcl_is_refused_with_its_place() {
    let refused = |text: &str| format(text).unwrap_err().to_string();
    assert_eq!(refused("a = 1\nb = \"x\n"), "unterminated string at line 2, column 5");
    assert_eq!(refused("a = <<EOT\nx\nEOT"), "unterminated heredoc `EOT` at line 1, column 5");
    assert_eq!(refused("/* x"), "unterminated comment at line 1, column 1");
    assert_eq!(refused("a = [1}\n"), "unexpected `}` at line 1, column 7");
    assert_eq!(refused("a = é`1`\n"), "unexpected character '`' at line 1, column 6");
    assert_eq!(refused("block {\n"), "unexpected end of the file at line 2, column 1");
    assert_eq!(refused("a = (1\n"), "unexpected end of the file at line 2, column 1");
    assert_eq!(refused("a =\n"), "unexpected end of the line at line 1, column 4");
    assert!(refused("a = 1 2\n").starts_with("syntax error: "));
}
