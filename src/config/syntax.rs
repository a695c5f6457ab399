//! One item, expression or template to a syntax tree, and what to say where it is none.

use std::ops::Range;

use hcl_edit::{expr::Expression, parser, structure::Body, template::Template};

use super::scan::{self, Open, Problem};
use crate::{
    diag::{Diagnostic, Diagnostics},
    source::{SourceId, Span},
};

/// Parsing starts over after each duplicate that is taken out, so there is an end to it.
const MAX_DUPLICATES: usize = 50;
/// So many syntax errors in one block are looked for.
const MAX_ERRORS: usize = 20;
/// Keys of objects are renamed this often to get past those that come twice.
const MAX_RENAMED: usize = 500;

/// A text, or the part of it that is parsed on its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'t> {
    /// The whole text.
    pub(super) whole: &'t str,
    /// Where it came from.
    pub(super) source: SourceId,
    /// Where the part starts, and where it ends.
    pub(super) start: usize,
    pub(super) end: usize,
}

impl<'t> Piece<'t> {
    /// Returns the text of the part.
    pub(super) fn text(&self) -> &'t str {
        &self.whole[self.start..self.end]
    }

    /// Returns the place of a range within the part.
    pub(super) fn span(&self, range: Range<usize>) -> Span {
        let at = |byte: usize| u32::try_from((self.start + byte).min(self.whole.len())).unwrap_or(u32::MAX);
        Span { source: self.source, start: at(range.start), end: at(range.end.max(range.start)) }
    }
}

/// A syntax tree, and whether all of the text is in it.
pub(super) struct Parsed {
    pub(super) body: Body,
    /// Whether nothing had to be taken out because it is no valid HCL.
    pub(super) is_complete: bool,
}

/// Parses a top-level item. Lines that are no valid HCL are reported and left out; `None` where that does not help.
pub(super) fn body(piece: Piece<'_>, problems: &[Problem], diagnostics: &mut Diagnostics) -> Option<Parsed> {
    // A scan counts from the start of the whole text.
    report(Piece { start: 0, ..piece }, problems, diagnostics);
    let mut text = piece.text().to_owned();
    for problem in problems {
        let range = removable(piece, problem)?;
        blank(&mut text, range);
    }
    let mut is_complete = problems.is_empty();
    let (mut errors, mut duplicates, mut last) = (0, 0, 0);
    let mut renamed = Renamed::default();
    loop {
        let error = match parser::parse_body(&text) {
            Ok(body) => return Some(Parsed { body, is_complete }),
            Err(error) => error,
        };
        let at = floor(&text, error.location().offset());
        if without_duplicate_key(piece, &mut text, error.message(), at, &mut renamed, diagnostics)
            || without_large_number(&mut text, at)
        {
            continue;
        }
        if error.message().contains("unique attribute key") && duplicates < MAX_DUPLICATES {
            duplicates += 1;
            diagnostics.push(duplicate_argument(piece, &text, at));
            let length = first_item(&text[at..]);
            blank(&mut text, at..at + length);
            continue;
        }
        // An error before the last one is a consequence of what was taken out.
        if errors == 0 || at >= last {
            diagnostics.push(diagnose(piece, &text, error.message(), at));
        }
        errors += 1;
        is_complete = false;
        let line = line_of(&text, at);
        if errors == MAX_ERRORS || line.start == 0 || at < last || !is_removable(&text[line.clone()]) {
            return None;
        }
        last = line.end;
        blank(&mut text, line);
    }
}

fn duplicate_argument(piece: Piece<'_>, text: &str, at: usize) -> Diagnostic {
    let name = identifier(&text[at..]);
    let span = piece.span(at..at + name.len());
    let detail = format!("The argument `{name}` was already set in this block. Each may be set once.");
    Diagnostic::error("Duplicate argument", span, detail).hint("Remove one of the two.")
}

/// Returns the length of the first item of a text.
fn first_item(text: &str) -> usize {
    scan::scan(text, |_| false).items.first().map_or(0, |item| item.range.end)
}

fn line_of(text: &str, at: usize) -> Range<usize> {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    start..text[at..].find('\n').map_or(text.len(), |newline| at + newline)
}

/// Returns whether a line can be taken out: it must not open or close anything.
fn is_removable(line: &str) -> bool {
    let scan = scan::scan(line, |_| false);
    !line.trim().is_empty() && scan.items.iter().all(|item| item.problems.is_empty()) && !line.contains("<<")
}

/// Returns the lines that a problem spoils, counted from the start of the piece; `None` where it spoils it all.
fn removable(piece: Piece<'_>, problem: &Problem) -> Option<Range<usize>> {
    let (at, until) = match problem {
        Problem::Unclosed { at, until, .. } => (*at, (*until)?),
        Problem::UnclosedString { at, end } => (*at, *end),
        Problem::Stray { .. } | Problem::TooDeep { .. } => return None,
    };
    let start = line_of(piece.text(), at - piece.start).start;
    (start > 0).then(|| start..until - piece.start)
}

/// How often keys were renamed, and the last of them.
#[derive(Default)]
struct Renamed {
    count: usize,
    last: Option<usize>,
}

/// Renames a key that is in its object already, in as many bytes: keys are read from the source anyway, and the last
/// value of a key is the one that stays. Says so once.
fn without_duplicate_key(
    piece: Piece<'_>,
    text: &mut String,
    message: &str,
    at: usize,
    renamed: &mut Renamed,
    diagnostics: &mut Diagnostics,
) -> bool {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    if !message.contains("unique object key") || renamed.count == MAX_RENAMED {
        return false;
    }
    let quote = usize::from(text[at..].starts_with('"'));
    let first = at + quote;
    if !text.as_bytes().get(first).is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_') {
        return false;
    }
    if renamed.last != Some(at) {
        let key = identifier(&text[first..]);
        let detail = format!("The key `{key}` is already in this object. Only the last of its values is kept.");
        let span = piece.span(at..first + key.len() + quote);
        diagnostics.push(Diagnostic::warning("Duplicate key", span, detail).hint("Remove all but one."));
        renamed.last = Some(at);
    }
    let letter = char::from(LETTERS[renamed.count % LETTERS.len()]);
    renamed.count += 1;
    text.replace_range(first..=first, letter.encode_utf8(&mut [0; 4]));
    true
}

/// Makes a number that is too large for the parser smaller, in as many bytes: numbers are read from the source anyway.
fn without_large_number(text: &mut String, at: usize) -> bool {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = &bytes[at..];
    if at > 0 && bytes[at - 1].is_ascii_digit() && matches!(rest.first(), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(rest.get(1), Some(b'+' | b'-')));
        let count = digits(at + 1 + sign);
        if count > 0 {
            text.replace_range(at..at + 1 + sign + count, &"0".repeat(1 + sign + count));
            return true;
        }
    }
    let Some(start) = (at..text.len()).find(|start| !matches!(bytes[*start], b' ' | b'\t' | b'=')) else {
        return false;
    };
    let count = digits(start);
    if count > 300 {
        text.replace_range(start..start + count, &format!("1.{}", "0".repeat(count - 2)));
        return true;
    }
    false
}

/// Parses an expression that stands alone.
pub(super) fn expression(piece: Piece<'_>, diagnostics: &mut Diagnostics) -> Option<Expression> {
    if report(piece, &scan::scan_inside(piece.text()), diagnostics) {
        return None;
    }
    let mut text = piece.text().to_owned();
    let mut renamed = Renamed::default();
    loop {
        let error = match parser::parse_expr(&text) {
            Ok(expr) => return Some(expr),
            Err(error) => error,
        };
        let at = floor(&text, error.location().offset());
        let handled = without_duplicate_key(piece, &mut text, error.message(), at, &mut renamed, diagnostics)
            || without_large_number(&mut text, at);
        if !handled {
            diagnostics.push(diagnose(piece, &text, error.message(), at));
            return None;
        }
    }
}

/// Parses a template that stands alone, as in a template file.
pub(super) fn template(piece: Piece<'_>, diagnostics: &mut Diagnostics) -> Option<Template> {
    match parser::parse_template(piece.text()) {
        Ok(template) => Some(template),
        Err(error) => {
            diagnostics.push(explain(piece, piece.text(), error.message(), error.location().offset()));
            None
        }
    }
}

fn blank(text: &mut String, range: Range<usize>) {
    let blanks: String = text[range.clone()].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect();
    text.replace_range(range, &blanks);
}

/// Reports what a scan found; returns whether there was anything.
fn report(piece: Piece<'_>, problems: &[Problem], diagnostics: &mut Diagnostics) -> bool {
    for problem in problems {
        diagnostics.push(match problem {
            Problem::Unclosed { open, at, suspect, .. } => {
                let at = *at;
                let (what, close, length) = describe(open);
                let detail = format!("{what} opened here is never closed.");
                let diagnostic = Diagnostic::error("Unclosed bracket", piece.span(at..at + length), detail)
                    .label(format!("expected {close} for this"));
                match suspect {
                    None => diagnostic.hint(format!("Add {close} where it ends.")),
                    Some(suspect) => {
                        let suspect = *suspect;
                        let span = piece.span(suspect..suspect + 1);
                        diagnostic
                            .related(span, "the indentation suggests that this one is not closed")
                            .hint(format!("Add {close} where it ends."))
                    }
                }
            }
            Problem::UnclosedString { at, end } => {
                let span = piece.span(*at..*end);
                let detail = "This string is not closed before the end of the line.";
                Diagnostic::error("Unclosed string", span, detail)
                    .hint("Add `\"` where it ends. For text of several lines, write \\n or use a heredoc: <<EOT")
            }
            Problem::Stray { at } => {
                let at = *at;
                let span = piece.span(at..at + 1);
                let found = piece.whole.get(piece.start + at..piece.start + at + 1).unwrap_or_default();
                let detail = format!("Nothing is open here that `{found}` could close.");
                Diagnostic::error("Unexpected bracket", span, detail)
                    .hint("Remove it, or add the opening bracket it belongs to.")
            }
            Problem::TooDeep { at } => {
                let at = *at;
                let detail = format!("More than {} brackets are open here.", scan::MAX_NESTING);
                Diagnostic::error("Nesting too deep", piece.span(at..at + 1), detail)
                    .hint("Give a part of the expression a name in a `locals` block.")
            }
        });
    }
    !problems.is_empty()
}

fn describe(open: &Open) -> (&'static str, String, usize) {
    match open {
        Open::Brace => ("The brace", "`}`".into(), 1),
        Open::Bracket => ("The bracket", "`]`".into(), 1),
        Open::Paren => ("The parenthesis", "`)`".into(), 1),
        Open::Quote => ("The string", "`\"`".into(), 1),
        Open::Interpolation => ("The template expression", "`}`".into(), 2),
        Open::Heredoc(marker) => ("The heredoc", format!("a line with only `{marker}`"), 2 + marker.len()),
        Open::Comment => ("The comment", "`*/`".into(), 2),
    }
}

/// Says what the parser means. Where it went back to the start of an argument, the argument is looked at on its own,
/// and where it went back to the start of a string, the template in it.
fn diagnose(piece: Piece<'_>, text: &str, message: &str, at: usize) -> Diagnostic {
    if message.contains("unique object key") {
        return explain(piece, text, message, at);
    }
    let name = identifier(&text[at..]);
    let after = &text[at + name.len()..];
    let equals = after.len() - after.trim_start_matches([' ', '\t']).len();
    if !name.is_empty() && after[equals..].starts_with('=') && !after[equals..].starts_with("==") {
        let value = at + name.len() + equals + 1;
        let value = value + (text[value..].len() - text[value..].trim_start_matches([' ', '\t']).len());
        let inner = &text[value..value + first_item(&text[value..])];
        if let Err(error) = parser::parse_expr(inner) {
            let piece = Piece { start: piece.start + value, end: piece.start + value + inner.len(), ..piece };
            return diagnose_value(piece, inner, error.message(), floor(inner, error.location().offset()));
        }
    }
    diagnose_value(piece, text, message, at)
}

fn diagnose_value(piece: Piece<'_>, text: &str, message: &str, at: usize) -> Diagnostic {
    let line = &text[at..line_of(text, at).end];
    if text[at..].starts_with('"')
        && message.starts_with("unexpected")
        && let Some(directive) = line.find("%{")
    {
        let start = at + directive;
        let end = at + line.rfind('"').unwrap_or(line.len()).max(directive);
        if let Err(error) = parser::parse_template(&text[start..end]) {
            let piece = Piece { start: piece.start + start, end: piece.start + end, ..piece };
            return explain(piece, &text[start..end], error.message(), error.location().offset());
        }
    }
    explain(piece, text, message, at)
}

/// Says what the parser means, at the token it means.
fn explain(piece: Piece<'_>, text: &str, message: &str, at: usize) -> Diagnostic {
    let at = floor(text, at);
    let (found, length) = token(&text[at..]);
    let span = piece.span(at..at + length);
    let invalid = |detail: String| Diagnostic::error("Invalid syntax", span, detail);
    let expression = |detail: String| Diagnostic::error("Invalid expression", span, detail);
    if message.contains("nesting depth") || message.contains("chained binary operators") {
        let detail = "This expression has more parts inside each other than can be read.";
        return Diagnostic::error("Nesting too deep", span, detail)
            .hint("Give a part of the expression a name in a `locals` block.");
    }
    if message.contains("unique object key") {
        let key = text[at..].split(['=', ':', '\n']).next().unwrap_or_default().trim();
        let detail = format!("The key `{key}` is already in this object. Only one of the two values could be kept.");
        return Diagnostic::error("Duplicate key", piece.span(at..at + key.len()), detail)
            .hint("Remove one of the two.");
    }
    if text[at..].starts_with('\'') {
        return expression("Strings are written in double quotes.".into()).hint("Use `\"` instead of `'`.");
    }
    if text[at..].starts_with('`') {
        return expression("The character \"`\" has no meaning here.".into())
            .hint("Strings are written in double quotes. For text of several lines use a heredoc: <<EOT");
    }
    if message.contains("escape sequence") || message.contains("hex code") {
        let start = text[..at].rfind('\\').unwrap_or(at);
        let span = piece.span(start..(start + 2).max(at + length));
        let detail = "A backslash in a string starts one of \\n, \\r, \\t, \\\", \\\\, \\uNNNN and \\UNNNNNNNN.";
        return Diagnostic::error("Invalid escape sequence", span, detail)
            .hint("For a backslash itself, write `\\\\`.");
    }
    if message.contains("heredoc end delimiter") {
        return invalid("The line that ends this heredoc is missing.".into());
    }
    if message.contains("newline or eof") {
        let diagnostic =
            invalid(format!("Expected the end of the line after this argument or block, but found {found}."));
        return match text[at..].chars().next() {
            Some(',') => diagnostic.hint("Arguments are separated by line breaks alone. Remove the comma."),
            Some('=') => diagnostic.hint("To compare, write `==`."),
            Some(';') => diagnostic.hint("Lines end without `;`."),
            _ => diagnostic.hint("Each argument and each block stands on a line of its own."),
        };
    }
    if message.contains("invalid structure") {
        let name = last_identifier(&text[..at]);
        return invalid(format!("Expected `=` and a value, or a block in braces, after `{name}`, but found {found}."))
            .hint(format!("An argument is written `{name} = VALUE`, a block `{name} {{ … }}`."));
    }
    if message.contains("invalid block body") {
        return invalid(format!("Expected an argument, a block or `}}` here, but found {found}."))
            .hint("A block on one line holds at most one argument; otherwise start a new line after `{`.");
    }
    if message.contains("invalid object value assignment") {
        return invalid(format!("Expected `=` or `:` after this key, but found {found}."));
    }
    if message.contains("invalid object item") {
        return invalid(format!("Expected `,`, a new line or `}}` after this item, but found {found}."));
    }
    if message.contains("traversal operator") {
        let dot = text[..at].trim_end().len();
        let (found, _) = token(&text[dot..]);
        let span = piece.span(dot.saturating_sub(1)..dot);
        let invalid = |detail: String| Diagnostic::error("Invalid syntax", span, detail);
        return invalid(format!("Expected the name of an attribute after the dot, but found {found}."));
    }
    if message.contains("invalid expression") {
        return expression(format!("Expected a value here, but found {found}."));
    }
    for (word, what) in [
        ("`]`", "`,` or `]` after this item"),
        ("`)`", "`,` or `)`"),
        ("`}`", "`}` at the end of this template expression"),
        ("`:`", "`:` (a conditional is written `CONDITION ? VALUE : VALUE`, a `for` is `[for x in LIST : VALUE]`)"),
        ("`in`", "`in` (a `for` is written `[for x in LIST : VALUE]`)"),
        ("`=>`", "`=>` (an object is built by `{for k, v in MAP : KEY => VALUE}`)"),
        ("`endif`", "`%{ endif }`"),
        ("`endfor`", "`%{ endfor }`"),
        ("identifier", "a name"),
        ("digit", "a digit"),
    ] {
        if message.contains(word) {
            return invalid(format!("Expected {what}, but found {found}."));
        }
    }
    unexpected(piece, text, at, &found, span)
}

/// Says something of use where the parser only says that it did not go on.
fn unexpected(piece: Piece<'_>, text: &str, at: usize, found: &str, span: Span) -> Diagnostic {
    let rest = &text[at..];
    let directive = rest.strip_prefix("%{").map(|inside| identifier(inside.trim_start_matches(['~', ' ', '\t'])));
    match directive {
        Some(word @ ("endif" | "endfor" | "else")) => {
            let detail = format!("This `%{{ {word} }}` has no `%{{ if }}` or `%{{ for }}` before it.");
            Diagnostic::error("Unbalanced template", span, detail)
        }
        Some("if" | "for") => {
            let detail = "The directive that starts here is not complete.";
            Diagnostic::error("Unbalanced template", span, detail)
                .hint("They are written `%{ if CONDITION }…%{ endif }` and `%{ for x in LIST }…%{ endfor }`.")
        }
        Some(_) => {
            let detail = "A template directive is one of `if`, `else`, `endif`, `for` and `endfor`.";
            Diagnostic::error("Unknown directive", span, detail).hint("For the characters themselves, write `%%{`.")
        }
        None if rest.trim().is_empty() => {
            let at = text.trim_end().len();
            let span = piece.span(at..at);
            Diagnostic::error("Invalid expression", span, "Expected a value, but the text ends here.")
        }
        None => Diagnostic::error("Invalid syntax", span, format!("{} has no meaning here.", capital(found))),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '_' | '-')
}

fn identifier(text: &str) -> &str {
    &text[..text.find(|char| !is_word(char)).unwrap_or(text.len())]
}

fn last_identifier(text: &str) -> &str {
    let text = text.trim_end();
    text.rfind(|char| !is_word(char)).map_or(text, |at| {
        let next = text[at..].chars().next().map_or(1, char::len_utf8);
        &text[at + next..]
    })
}

/// Returns what to call the next token, and its length.
fn token(rest: &str) -> (String, usize) {
    let line = rest.split('\n').next().unwrap_or_default();
    let shown = line.trim_start_matches([' ', '\t', '\r']);
    let skipped = line.len() - shown.len();
    match shown.chars().next() {
        None if rest.trim().is_empty() => ("the end of the text".into(), 0),
        None | Some('#') => ("the end of the line".into(), 0),
        Some(first) if is_word(first) => {
            let word = identifier(shown);
            (format!("`{word}`"), skipped + word.len())
        }
        Some('"') => ("a string".into(), skipped + 1),
        Some(first) => {
            let pair = ["==", "=>", "&&", "||", "${", "%{", "!=", "<=", ">=", "..."];
            let word = pair.iter().find(|pair| shown.starts_with(**pair)).copied();
            let length = word.map_or(first.len_utf8(), str::len);
            (format!("`{}`", &shown[..length]), skipped + length)
        }
    }
}
