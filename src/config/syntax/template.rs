//! Tokens to templates: escapes, strip markers and the indentation of heredocs, as HCL defines them.
//!
//! A template is first a row of pieces as they are written; strip markers and indentation are taken off the texts in
//! it; then directives are matched with their ends.

use loam_provider::Str;
use unicode_segmentation::UnicodeSegmentation;

use super::{
    parser::{Newlines, Parsed, Parser, Reported},
    token::{Kind, Token},
    tree::{BlockLabel, Element, Expression, Ident, Spanned, Template},
};

/// How the literal text of a template is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// In quotes: with backslash escapes.
    Quoted,
    /// In a heredoc or a file.
    Plain,
}

enum Piece {
    Text(String),
    Interpolation(Expression),
    If(Expression, Token),
    Else(Token),
    EndIf(Token),
    For { key: Option<Ident>, value: Ident, collection: Expression, token: Token },
    EndFor(Token),
}

/// A directive that waits for its end.
struct Unended {
    token: Token,
    directive: Directive,
    /// What stood before it.
    before: Vec<Element>,
}

enum Directive {
    If { condition: Expression, then: Option<Vec<Element>> },
    For { key: Option<Ident>, value: Ident, collection: Expression },
}

impl Parser<'_> {
    /// Reads a string in quotes, the first of which is taken.
    pub(super) fn quoted(&mut self, open: Token) -> Parsed<Expression> {
        if self.peek().kind == Kind::Text && self.after_next().kind == Kind::CloseQuote {
            let token = self.take();
            let close = self.take();
            let value = self.unescape(token, Style::Quoted)?.into();
            return Ok(Expression::String(Spanned { value, span: self.between(open, close) }));
        }
        let pieces = self.pieces(Kind::CloseQuote, Style::Quoted);
        let span = self.between(open, self.previous());
        let mut elements = self.elements(pieces?)?;
        Ok(match (elements.len(), elements.pop()) {
            (_, None) => Expression::String(Spanned { value: "".into(), span }),
            (1, Some(Element::Text(value))) => Expression::String(Spanned { value, span }),
            (_, Some(last)) => {
                elements.push(last);
                Expression::StringTemplate(Template { elements, span })
            }
        })
    }

    /// Reads a heredoc, the first line of which is taken.
    pub(super) fn heredoc(&mut self, open: Token) -> Parsed<Expression> {
        let pieces = self.pieces(Kind::CloseHeredoc, Style::Plain);
        let span = self.between(open, self.previous());
        let mut pieces = pieces?;
        if self.slice(open).starts_with("<<-") {
            dedent(&mut pieces);
        }
        let elements = self.elements(pieces)?;
        Ok(Expression::HeredocTemplate(Template { elements, span }))
    }

    /// Reads a template without anything around it.
    pub(super) fn bare_template(&mut self) -> Parsed<Vec<Element>> {
        let pieces = self.pieces(Kind::End, Style::Plain)?;
        self.elements(pieces)
    }

    /// Reads a label of a block in quotes.
    pub(super) fn label(&mut self) -> Parsed<BlockLabel> {
        let open = self.take();
        let mut value = String::new();
        let mut result = Ok(());
        loop {
            let token = self.take();
            match token.kind {
                Kind::Text => match self.unescape(token, Style::Quoted) {
                    Ok(text) => value.push_str(&text),
                    Err(Reported) => result = Err(Reported),
                },
                Kind::OpenInterpolation | Kind::OpenDirective => {
                    result = Err(self.template_in_label(token));
                    self.skip_until(|_| false);
                    self.take();
                }
                _ => return result.map(|()| Spanned { value: value.into(), span: self.between(open, token) }),
            }
        }
    }

    /// Reads the pieces of a template and the token that ends it, which is taken whatever is wrong.
    fn pieces(&mut self, end: Kind, style: Style) -> Parsed<Vec<Piece>> {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut result = Ok(());
        let mut trim_next = false;
        loop {
            let token = self.take();
            let piece = match token.kind {
                kind if kind == end || kind == Kind::End => break,
                Kind::Text => {
                    let text = self.unescape(token, style);
                    let trim = std::mem::take(&mut trim_next);
                    text.map(|text| Piece::Text(if trim { text.trim_start().to_owned() } else { text }))
                }
                Kind::OpenInterpolation | Kind::OpenDirective => {
                    if self.slice(token).ends_with('~')
                        && let Some(Piece::Text(text)) = pieces.last_mut()
                    {
                        text.truncate(text.trim_end().len());
                    }
                    let piece = self.sequence(token);
                    trim_next = self.slice(self.previous()).starts_with('~');
                    piece
                }
                // Whatever does not nest has been reported.
                _ => Err(Reported),
            };
            match piece {
                Ok(piece) => pieces.push(piece),
                Err(Reported) => result = Err(Reported),
            }
        }
        result.map(|()| pieces)
    }

    fn sequence(&mut self, open: Token) -> Parsed<Piece> {
        let found = if open.kind == Kind::OpenInterpolation {
            let expected = "`}` at the end of this template expression";
            self.enclosed(Kind::CloseSequence, Newlines::Blank, expected, |parser| {
                parser.expression().map(Piece::Interpolation)
            })
        } else {
            let expected = "`}` at the end of this directive";
            self.enclosed(Kind::CloseSequence, Newlines::Blank, expected, |parser| parser.directive(open))
        };
        found.map(|(piece, _)| piece)
    }

    fn directive(&mut self, open: Token) -> Parsed<Piece> {
        let keyword = self.peek();
        let word = if keyword.kind == Kind::Identifier { self.slice(keyword) } else { "" };
        if !matches!(word, "if" | "else" | "endif" | "for" | "endfor") {
            return Err(self.unknown_directive(open, keyword));
        }
        self.take();
        Ok(match word {
            "if" => Piece::If(self.expression()?, open),
            "else" => Piece::Else(open),
            "endif" => Piece::EndIf(open),
            "for" => {
                let (key, value) = self.for_names()?;
                Piece::For { key, value, collection: self.expression()?, token: open }
            }
            _ => Piece::EndFor(open),
        })
    }

    /// Matches directives with their ends.
    fn elements(&mut self, pieces: Vec<Piece>) -> Parsed<Vec<Element>> {
        let mut unended: Vec<Unended> = Vec::new();
        let mut elements: Vec<Element> = Vec::new();
        let mut text = String::new();
        let count = pieces.len();
        for piece in pieces {
            if let Piece::Text(more) = piece {
                text.push_str(&more);
                continue;
            }
            if !text.is_empty() {
                elements.push(Element::Text(Str::from(std::mem::take(&mut text))));
            }
            match piece {
                Piece::Text(_) => {}
                Piece::Interpolation(expr) => elements.push(Element::Interpolation(expr)),
                Piece::If(condition, token) => {
                    let directive = Directive::If { condition, then: None };
                    unended.push(Unended { token, directive, before: std::mem::take(&mut elements) });
                }
                Piece::For { key, value, collection, token } => {
                    let directive = Directive::For { key, value, collection };
                    unended.push(Unended { token, directive, before: std::mem::take(&mut elements) });
                }
                Piece::Else(token) => match unended.last_mut() {
                    Some(Unended { directive: Directive::If { then: then @ None, .. }, .. }) => {
                        *then = Some(std::mem::take(&mut elements));
                    }
                    around => {
                        let around = around.map(|unended| unended.token);
                        return Err(self.unbalanced("else", token, around));
                    }
                },
                Piece::EndIf(token) => match unended.pop() {
                    Some(Unended { directive: Directive::If { condition, then }, before, .. }) => {
                        let inside = std::mem::replace(&mut elements, before);
                        let (then, otherwise) = match then {
                            Some(then) => (then, inside),
                            None => (inside, Vec::new()),
                        };
                        elements.push(Element::If { condition, then, otherwise });
                    }
                    around => return Err(self.unbalanced("endif", token, around.map(|unended| unended.token))),
                },
                Piece::EndFor(token) => match unended.pop() {
                    Some(Unended { directive: Directive::For { key, value, collection }, before, .. }) => {
                        let body = std::mem::replace(&mut elements, before);
                        elements.push(Element::For { key, value, collection, body });
                    }
                    around => return Err(self.unbalanced("endfor", token, around.map(|unended| unended.token))),
                },
            }
            self.check_depth(unended.len())?;
        }
        if !text.is_empty() {
            elements.push(Element::Text(text.into()));
        }
        if count > 1 && matches!(elements.as_slice(), [Element::Interpolation(_)]) {
            // Beside text, even if all of it was stripped, a value is text.
            elements.push(Element::Text("".into()));
        }
        match unended.first() {
            Some(first) => Err(self.unended(first.token)),
            None => Ok(elements),
        }
    }

    /// Returns literal text with its escapes replaced.
    fn unescape(&mut self, token: Token, style: Style) -> Parsed<String> {
        let raw = self.slice(token);
        let mut out = String::with_capacity(raw.len());
        let mut result = Ok(());
        let mut at = 0;
        let is_special = |char| matches!(char, '$' | '%') || (char == '\\' && style == Style::Quoted);
        while let Some(length) = raw[at..].find(is_special) {
            out.push_str(&raw[at..at + length]);
            at += length;
            let rest = &raw[at..];
            if rest.starts_with("$${") || rest.starts_with("%%{") {
                out.push_str(&rest[1..3]);
                at += 3;
            } else if let Some(after) = rest.strip_prefix('\\') {
                match escape(after) {
                    Ok((escaped, length)) => {
                        out.push(escaped);
                        at += 1 + length;
                    }
                    Err(length) => {
                        let start = token.start as usize + at;
                        result = Err(self.invalid_escape(start, start + 1 + length));
                        at += 1 + length;
                    }
                }
            } else {
                out.push_str(&rest[..1]);
                at += 1;
            }
        }
        out.push_str(&raw[at..]);
        result.map(|()| out)
    }
}

/// Reads what follows a backslash; returns the character and how many bytes it took, or how many bytes are wrong.
fn escape(rest: &str) -> Result<(char, usize), usize> {
    let hex = |digits: usize| {
        let given = rest[1..].bytes().take(digits).take_while(u8::is_ascii_hexdigit).count();
        let code = u32::from_str_radix(&rest[1..=given], 16).ok().filter(|_| given == digits);
        code.and_then(char::from_u32).map(|char| (char, 1 + digits)).ok_or(1 + given)
    };
    match rest.chars().next() {
        Some('n') => Ok(('\n', 1)),
        Some('r') => Ok(('\r', 1)),
        Some('t') => Ok(('\t', 1)),
        Some('"') => Ok(('"', 1)),
        Some('\\') => Ok(('\\', 1)),
        Some('u') => hex(4),
        Some('U') => hex(8),
        Some(other) => Err(other.len_utf8()),
        None => Err(0),
    }
}

/// Takes away the indentation that all lines of a heredoc share; blank lines do not count.
fn dedent(pieces: &mut [Piece]) {
    let mut least: Option<usize> = None;
    let mut is_line_start = true;
    let mut starts = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        if is_line_start {
            is_line_start = false;
            match piece {
                Piece::Text(text) => {
                    let content = text.trim_start();
                    if !(content.is_empty() && text.ends_with('\n')) {
                        let indent = text[..text.len() - content.len()].graphemes(true).count();
                        least = Some(least.map_or(indent, |least| least.min(indent)));
                        starts.push(index);
                    }
                }
                Piece::Interpolation(_) | Piece::If(..) | Piece::Else(_) | Piece::EndIf(_) => least = Some(0),
                Piece::For { .. } | Piece::EndFor(_) => least = Some(0),
            }
        }
        if let Piece::Text(text) = piece {
            is_line_start = text.ends_with('\n');
        }
    }
    let least = least.unwrap_or(0);
    for index in starts {
        if let Piece::Text(text) = &mut pieces[index] {
            *text = text.graphemes(true).skip(least).collect();
        }
    }
}
