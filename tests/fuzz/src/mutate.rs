//! Texts made of other texts by breaking them.

use crate::dice::Dice;

/// What is put into texts: what parsers are known to stumble over.
const PIECES: &[&str] = &[
    "\"",
    "${",
    "%{",
    "}",
    "{",
    "[",
    "]",
    "(",
    ")",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "<<EOT\n",
    "<<-EOT\n",
    "EOT\n",
    "/*",
    "*/",
    "#",
    "//",
    "...",
    "=>",
    "==",
    "=",
    ":",
    "?",
    ",",
    ".",
    "::",
    "~}",
    "${~",
    "$${",
    "\\",
    "\\u",
    "\\U0010FFFF",
    "\\ud800",
    "null",
    "for",
    "in",
    "if",
    "else",
    "endif",
    "endfor",
    "%{ if true }",
    "%{ endif }",
    "[*]",
    ".*",
    ".0",
    "-",
    "!",
    "1e",
    "1e999999999",
    "0x1f",
    "1.",
    ".5",
    "\u{feff}",
    "\u{0}",
    "\u{7f}",
    "\u{301}",
    "\u{200d}",
    "\u{2028}",
    "日本",
    "🏳️‍🌈",
    "provider::x::y(",
    "local.b",
    "var.list[",
    "dynamic \"x\" {\n",
    "type = ",
    "'",
    "`",
    "@",
    ";",
    "|",
    "&",
    "<",
    ">",
];

/// Returns a text made of one or two others.
pub(crate) fn mutated(dice: &mut Dice, text: &str, other: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=dice.below(6) {
        step(dice, &mut bytes, other.as_bytes());
    }
    // The interfaces take text; what is no text is refused before.
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn step(dice: &mut Dice, bytes: &mut Vec<u8>, other: &[u8]) {
    let at = dice.below(bytes.len() + 1);
    let longest = [3, 20, 400][dice.below(3)];
    let length = dice.below(longest);
    let end = (at + length).min(bytes.len());
    match dice.below(9) {
        0 => drop(bytes.drain(at..end)),
        1 => {
            let copy = bytes[at..end].to_vec();
            let to = dice.below(bytes.len() + 1);
            bytes.splice(to..to, copy);
        }
        2 => {
            let from = dice.below(other.len() + 1);
            let piece = other[from..(from + length).min(other.len())].to_vec();
            bytes.splice(at..at, piece);
        }
        3 if at < bytes.len() => bytes[at] = u8::try_from(dice.below(128)).unwrap_or_default(),
        4 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
        5 => bytes.truncate(at),
        6 => {
            // Much of the same: nesting and repetition.
            let most = if dice.once_in(20) { 20_000 } else { 12 };
            let piece = dice.pick(PIECES).repeat(1 + dice.below(most));
            bytes.splice(at..at, piece.into_bytes());
        }
        _ => {
            let piece = dice.pick(PIECES).as_bytes().to_vec();
            bytes.splice(at..at, piece);
        }
    }
}
