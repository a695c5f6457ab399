//! Templates: escapes, strip markers and the indentation of heredocs, as HCL defines them.
//!
//! The parser's own text is not used: it leaves escapes in place inside directives and counts indentation otherwise.
//! A template is flattened into pieces in source order, the pieces are trimmed, and the tree is built again.

use hcl_edit::{
    Span as _,
    expr::Expression,
    template::{Directive, Element, HeredocTemplate, StringTemplate, Strip, Template},
};
use loam_provider::{Str, Value};
use unicode_segmentation::UnicodeSegmentation;

use super::{Expr, ExprKind, Part, lower::Lower};
use crate::{diag::Diagnostic, source::Span};

/// How the literal text of a template is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// In quotes: with backslash escapes.
    Quoted,
    /// In a heredoc: trimmed and indented line by line.
    Heredoc,
    /// In a file of its own.
    Bare,
}

enum Piece<'e> {
    Text(String),
    Interpolation(&'e Expression),
    If(&'e Expression),
    Else,
    EndIf,
    For { key: Option<Str>, value: Str, collection: &'e Expression },
    EndFor,
}

/// Lowers a quoted template. One that is nothing but `${a}` is `a` itself.
pub(super) fn quoted(cx: &mut Lower<'_, '_>, template: &StringTemplate, span: Span) -> Expr {
    let mut pieces = Vec::new();
    flatten(cx, template.iter(), Style::Quoted, &mut pieces);
    finish(cx, pieces, span)
}

/// Lowers quoted text without a template in it, from its source.
pub(super) fn plain(cx: &mut Lower<'_, '_>, source: &str, span: Span) -> Expr {
    let inside = source.trim().strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default();
    let start = span.start as usize - cx.piece.start + 1;
    let text = unescape(cx, inside, start, Style::Quoted);
    Expr { kind: ExprKind::Literal(Value::from(text)), span }
}

/// Lowers a template that is a file of its own.
pub(super) fn bare(cx: &mut Lower<'_, '_>, template: &Template, span: Span) -> Expr {
    let mut pieces = Vec::new();
    flatten(cx, template.iter(), Style::Bare, &mut pieces);
    finish(cx, pieces, span)
}

/// Lowers a heredoc.
pub(super) fn heredoc(cx: &mut Lower<'_, '_>, heredoc: &HeredocTemplate, span: Span) -> Expr {
    let mut pieces = Vec::new();
    flatten(cx, heredoc.template.iter(), Style::Heredoc, &mut pieces);
    if cx.text(heredoc).starts_with("<<-") {
        dedent(&mut pieces);
    }
    let text: Vec<Part> = parts(cx, pieces);
    match text.as_slice() {
        [] => Expr { kind: ExprKind::Literal(Value::from("")), span },
        [Part::Text(text)] => Expr { kind: ExprKind::Literal(Value::String(text.clone())), span },
        _ => Expr { kind: ExprKind::Template(text.into()), span },
    }
}

fn finish(cx: &mut Lower<'_, '_>, pieces: Vec<Piece<'_>>, span: Span) -> Expr {
    let mut parts = parts(cx, pieces);
    let kind = match parts.as_slice() {
        [] => ExprKind::Literal(Value::from("")),
        [Part::Text(text)] => ExprKind::Literal(Value::String(text.clone())),
        [Part::Interpolation(_)] => match parts.remove(0) {
            Part::Interpolation(expr) => ExprKind::Parenthesised(Box::new(expr)),
            Part::Text(_) | Part::If { .. } | Part::For { .. } => ExprKind::Template(parts.into()),
        },
        _ => ExprKind::Template(parts.into()),
    };
    Expr { kind, span }
}

/// Puts the elements of a template into one sequence, with strip markers applied to the text beside them.
fn flatten<'e>(
    cx: &mut Lower<'_, '_>,
    elements: impl Iterator<Item = &'e Element>,
    style: Style,
    pieces: &mut Vec<Piece<'e>>,
) {
    let mut flat = Flat { style, pieces, trim_next: false };
    for element in elements {
        flat.element(cx, element);
    }
}

struct Flat<'e, 'p> {
    style: Style,
    pieces: &'p mut Vec<Piece<'e>>,
    trim_next: bool,
}

impl<'e> Flat<'e, '_> {
    fn element(&mut self, cx: &mut Lower<'_, '_>, element: &'e Element) {
        match element {
            Element::Literal(literal) => {
                let raw = cx.text(literal);
                let raw = if raw.is_empty() { literal.value().as_str() } else { raw };
                let start = literal.span().map_or(0, |range| range.start);
                if self.style == Style::Heredoc {
                    for line in raw.split_inclusive('\n') {
                        self.text(unescape(cx, line, start, self.style));
                    }
                } else {
                    self.text(unescape(cx, raw, start, self.style));
                }
            }
            Element::Interpolation(interpolation) => {
                self.control(interpolation.strip, Piece::Interpolation(&interpolation.expr));
            }
            Element::Directive(directive) => match &**directive {
                Directive::If(found) => {
                    self.control(found.if_expr.strip, Piece::If(&found.if_expr.cond_expr));
                    found.if_expr.template.iter().for_each(|element| self.element(cx, element));
                    if let Some(otherwise) = &found.else_expr {
                        self.control(otherwise.strip, Piece::Else);
                        otherwise.template.iter().for_each(|element| self.element(cx, element));
                    }
                    self.control(found.endif_expr.strip, Piece::EndIf);
                }
                Directive::For(found) => {
                    let intro = &found.for_expr;
                    let key = intro.key_var.as_ref().map(|name| Str::from(name.as_str()));
                    let value = Str::from(intro.value_var.as_str());
                    let collection = &intro.collection_expr;
                    self.control(intro.strip, Piece::For { key, value, collection });
                    intro.template.iter().for_each(|element| self.element(cx, element));
                    self.control(found.endfor_expr.strip, Piece::EndFor);
                }
            },
        }
    }

    fn text(&mut self, mut text: String) {
        if std::mem::take(&mut self.trim_next) {
            text = text.trim_start().to_owned();
        }
        self.pieces.push(Piece::Text(text));
    }

    fn control(&mut self, strip: Strip, piece: Piece<'e>) {
        if strip.strip_start()
            && let Some(Piece::Text(text)) = self.pieces.last_mut()
        {
            text.truncate(text.trim_end().len());
        }
        self.pieces.push(piece);
        self.trim_next = strip.strip_end();
    }
}

/// Returns literal text with its escapes replaced.
fn unescape(cx: &mut Lower<'_, '_>, raw: &str, start: usize, style: Style) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut at = 0;
    while let Some(char) = raw[at..].chars().next() {
        let rest = &raw[at..];
        if rest.starts_with("$${") || rest.starts_with("%%{") {
            out.push_str(&rest[1..3]);
            at += 3;
        } else if char == '\\' && style == Style::Quoted {
            match escape(&rest[1..]) {
                Some((escaped, length)) => {
                    out.push(escaped);
                    at += 1 + length;
                }
                None => {
                    let span = cx.piece.span(start + at..start + at + 2);
                    let detail =
                        "A backslash in a string starts one of \\n, \\r, \\t, \\\", \\\\, \\uNNNN and \\UNNNNNNNN.";
                    let diagnostic = Diagnostic::error("Invalid escape sequence", span, detail);
                    cx.diagnostics.push(diagnostic.hint("For a backslash itself, write `\\\\`."));
                    at += 1;
                }
            }
        } else {
            if char == '"' && style == Style::Quoted {
                let span = cx.piece.span(start + at..start + at + 1);
                let detail = "The string ends here, but a directive in it (`%{ if }` or `%{ for }`) is not ended yet.";
                cx.diagnostics.push(Diagnostic::error("Unbalanced template", span, detail));
            }
            out.push(char);
            at += char.len_utf8();
        }
    }
    out
}

/// Reads what follows a backslash; returns the character and how many bytes it took.
fn escape(rest: &str) -> Option<(char, usize)> {
    let hex = |digits: usize| {
        let code = u32::from_str_radix(rest.get(1..1 + digits)?, 16).ok()?;
        Some((char::from_u32(code)?, 1 + digits))
    };
    match rest.chars().next()? {
        'n' => Some(('\n', 1)),
        'r' => Some(('\r', 1)),
        't' => Some(('\t', 1)),
        '"' => Some(('"', 1)),
        '\\' => Some(('\\', 1)),
        'u' => hex(4),
        'U' => hex(8),
        _ => None,
    }
}

/// Takes away the indentation that all lines of a heredoc share; blank lines do not count.
fn dedent(pieces: &mut [Piece<'_>]) {
    let mut least: Option<usize> = None;
    let mut at_line_start = true;
    let mut starts = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        if at_line_start {
            at_line_start = false;
            match piece {
                Piece::Text(text) => {
                    let content = text.trim_start();
                    if !(content.is_empty() && text.ends_with('\n')) {
                        let indent = text[..text.len() - content.len()].graphemes(true).count();
                        least = Some(least.map_or(indent, |least| least.min(indent)));
                        starts.push(index);
                    }
                }
                Piece::Interpolation(_) | Piece::If(_) | Piece::Else | Piece::EndIf => least = Some(0),
                Piece::For { .. } | Piece::EndFor => least = Some(0),
            }
        }
        if let Piece::Text(text) = piece {
            at_line_start = text.ends_with('\n');
        }
    }
    let least = least.unwrap_or(0);
    for index in starts {
        if let Piece::Text(text) = &mut pieces[index] {
            *text = text.graphemes(true).skip(least).collect();
        }
    }
}

/// Builds the tree from the pieces.
fn parts(cx: &mut Lower<'_, '_>, pieces: Vec<Piece<'_>>) -> Vec<Part> {
    let mut pieces = pieces.into_iter();
    branch(cx, &mut pieces).0
}

enum End {
    Else,
    If,
    For,
    Template,
}

fn branch<'e>(cx: &mut Lower<'_, '_>, pieces: &mut impl Iterator<Item = Piece<'e>>) -> (Vec<Part>, End) {
    let mut parts: Vec<Part> = Vec::new();
    let mut text = String::new();
    let flush = |text: &mut String, parts: &mut Vec<Part>| {
        if !text.is_empty() {
            parts.push(Part::Text(std::mem::take(text).into()));
        }
    };
    while let Some(piece) = pieces.next() {
        if let Piece::Text(more) = &piece {
            text.push_str(more);
            continue;
        }
        flush(&mut text, &mut parts);
        match piece {
            Piece::Text(_) => {}
            Piece::Interpolation(expr) => parts.push(Part::Interpolation(cx.expr(expr))),
            Piece::If(condition) => {
                let condition = cx.expr(condition);
                let (then, end) = branch(cx, pieces);
                let otherwise = if matches!(end, End::Else) { branch(cx, pieces).0 } else { Vec::new() };
                parts.push(Part::If { condition, then: then.into(), otherwise: otherwise.into() });
            }
            Piece::For { key, value, collection } => {
                let collection = cx.expr(collection);
                let outside = cx.bound.len();
                cx.bound.extend(key.iter().cloned().chain([value.clone()]));
                let body = branch(cx, pieces).0.into();
                cx.bound.truncate(outside);
                parts.push(Part::For { key, value, collection, body });
            }
            Piece::Else => return (parts, End::Else),
            Piece::EndIf => return (parts, End::If),
            Piece::EndFor => return (parts, End::For),
        }
    }
    flush(&mut text, &mut parts);
    (parts, End::Template)
}
