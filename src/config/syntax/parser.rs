//! Tokens to attributes and blocks.

use std::collections::{HashMap, hash_map::Entry};

use loam_provider::Str;

use super::{
    MAX_NESTING, Place,
    lexer::{Lexed, offset},
    recover::Problem,
    token::{Kind, Token},
    tree::{Attribute, Block, BlockLabel, Body, Broken, Expression, Ident, Notation, Spanned, Structure, Template},
};
use crate::{
    diag::{Diagnostic, Diagnostics},
    source::Span,
};

/// How many mistakes of one text are told: nobody reads more, and each shows its line, however long.
pub(super) const MOST_REPORTED: usize = 1000;

/// The stack is grown when less than this is left of it, so that nesting never overflows it.
const STACK_LEFT: usize = 128 << 10;
/// By so much.
const STACK_MORE: usize = 1 << 20;

/// What was wrong has been reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reported;

pub(super) type Parsed<T> = Result<T, Reported>;

/// What line ends mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Newlines {
    /// They end something.
    Separate,
    /// They are blanks.
    Blank,
}

/// Where the brace may stand that closes a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closing {
    /// On a line of its own.
    OwnLine,
    /// Anywhere: that the block is wrong has been reported.
    Anywhere,
}

pub(super) struct Parser<'t> {
    pub(super) text: &'t str,
    pub(super) diagnostics: Diagnostics,
    pub(super) newlines: Newlines,
    pub(super) place: Place,
    tokens: Vec<Token>,
    pub(super) problems: Vec<(u32, Problem)>,
    /// The next token.
    pub(super) at: usize,
    depth: usize,
    closing: Closing,
    /// How many errors were reported.
    errors: usize,
}

impl<'t> Parser<'t> {
    pub(super) fn new(text: &'t str, place: Place, lexed: Lexed) -> Self {
        Self {
            text,
            diagnostics: Diagnostics::default(),
            newlines: Newlines::Separate,
            place,
            tokens: lexed.tokens,
            problems: lexed.problems,
            at: 0,
            depth: 0,
            closing: Closing::OwnLine,
            errors: 0,
        }
    }

    /// Returns the next token that means something.
    pub(super) fn peek(&mut self) -> Token {
        if self.newlines == Newlines::Blank {
            while self.tokens[self.at].kind == Kind::Newline {
                self.at += 1;
            }
        }
        self.tokens[self.at]
    }

    /// Returns the token after the next, whatever it is.
    pub(super) fn after_next(&self) -> Token {
        self.tokens[(self.at + 1).min(self.tokens.len() - 1)]
    }

    /// Returns the next token and all after it.
    pub(super) fn rest(&self) -> &[Token] {
        &self.tokens[self.at..]
    }

    /// Returns the next token that is no end of a line.
    fn after_lines(&self) -> Token {
        let mut rest = self.tokens[self.at..].iter().filter(|token| token.kind != Kind::Newline);
        rest.next().copied().unwrap_or(self.tokens[self.tokens.len() - 1])
    }

    /// Returns the token before the next.
    pub(super) fn previous(&self) -> Token {
        let meant = self.tokens[..self.at].iter().rev().find(|token| token.kind != Kind::Newline);
        meant.copied().unwrap_or(Token { kind: Kind::End, start: 0, end: 0 })
    }

    /// Takes the next token.
    pub(super) fn take(&mut self) -> Token {
        let token = self.peek();
        if token.kind != Kind::End {
            self.at += 1;
        }
        token
    }

    /// Takes the next token if it is of this kind.
    pub(super) fn take_if(&mut self, kind: Kind) -> Option<Token> {
        (self.peek().kind == kind).then(|| self.take())
    }

    pub(super) fn is_word(&mut self, word: &str) -> bool {
        let token = self.peek();
        token.kind == Kind::Identifier && self.slice(token) == word
    }

    pub(super) fn slice(&self, token: Token) -> &'t str {
        self.text.get(token.start as usize..token.end as usize).unwrap_or_default()
    }

    pub(super) fn span(&self, token: Token) -> Span {
        self.place.span(token.start, token.end)
    }

    pub(super) fn ident(&self, token: Token) -> Ident {
        Spanned { value: self.slice(token).into(), span: self.span(token) }
    }

    pub(super) fn report(&mut self, diagnostic: Diagnostic) -> Reported {
        self.errors += 1;
        if self.diagnostics.len() < MOST_REPORTED {
            self.diagnostics.push(diagnostic);
        }
        Reported
    }

    /// Parses something that stands inside something else.
    pub(super) fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.check_depth(1)?;
        self.depth += 1;
        let found = stacker::maybe_grow(STACK_LEFT, STACK_MORE, || parse(self));
        self.depth -= 1;
        found
    }

    /// Returns whether so much more may be nested here.
    pub(super) fn check_depth(&mut self, more: usize) -> Parsed<()> {
        if self.depth + more > MAX_NESTING { Err(self.too_deep()) } else { Ok(()) }
    }

    /// Parses what stands between brackets, the first of which is taken. The bracket that ends it is taken too,
    /// whatever is wrong inside.
    pub(super) fn enclosed<T>(
        &mut self,
        close: Kind,
        newlines: Newlines,
        expected: &str,
        parse: impl FnOnce(&mut Self) -> Parsed<T>,
    ) -> Parsed<(T, Token)> {
        let outer = std::mem::replace(&mut self.newlines, newlines);
        let mut found = parse(self);
        if found.is_ok() && self.peek().kind != close {
            found = Err(self.expected(expected));
        }
        if found.is_err() {
            self.skip_until(|_| false);
        }
        let end = self.take();
        self.newlines = outer;
        found.map(|found| (found, end))
    }

    /// Steps over tokens up to one that is wanted and not inside of further brackets, or closes the brackets around.
    pub(super) fn skip_until(&mut self, wanted: impl Fn(Kind) -> bool) {
        self.at = self.end_of(self.at, wanted);
    }

    fn end_of(&self, from: usize, wanted: impl Fn(Kind) -> bool) -> usize {
        let mut depth = 0_usize;
        let mut at = from;
        loop {
            let kind = self.tokens[at].kind;
            if kind == Kind::End || (depth == 0 && (kind.closes() || wanted(kind))) {
                return at;
            }
            if kind.opens() {
                depth += 1;
            } else if kind.closes() {
                depth -= 1;
            }
            at += 1;
        }
    }

    /// Reads an expression that is the whole text.
    pub(super) fn whole_expression(&mut self) -> Option<Expression> {
        self.newlines = Newlines::Blank;
        let expr = self.expression().ok()?;
        if self.peek().kind != Kind::End {
            self.unexpected_end_of_expression();
        }
        (self.errors == 0).then_some(expr)
    }

    /// Reads a template that is the whole text.
    pub(super) fn whole_template(&mut self) -> Option<Template> {
        let elements = self.bare_template().ok()?;
        let span = self.place.span(0, offset(self.text.len()));
        (self.errors == 0).then_some(Template { elements, span })
    }

    /// Reads attributes and blocks up to the token that ends them.
    pub(super) fn body(&mut self, end: Kind) -> Body {
        let start = self.previous().end;
        let mut body = self.empty_body(start);
        let mut names = HashMap::new();
        loop {
            let token = self.peek();
            match token.kind {
                Kind::Newline => self.at += 1,
                Kind::Identifier => self.structure(&mut body, &mut names, end),
                Kind::End => break,
                kind if kind == end => break,
                Kind::Stray => {
                    self.at += 1;
                    body.lose(None, Vec::new());
                }
                _ => {
                    let ident = self.unexpected_structure();
                    body.lose(ident, Vec::new());
                    self.skip_statement();
                    self.skip_continuation();
                }
            }
        }
        body.span = self.place.span(start, self.peek().start.max(start));
        // Most bodies are small, and there may be many.
        body.structures.shrink_to_fit();
        body
    }

    fn empty_body(&self, start: u32) -> Body {
        let (span, notation) = (self.place.span(start, start), Notation::Native);
        Body { structures: Vec::new(), broken: Vec::new(), is_complete: true, notation, span }
    }

    fn structure(&mut self, body: &mut Body, names: &mut HashMap<Str, Span>, end: Kind) {
        let start = self.at;
        let token = self.take();
        let ident = self.ident(token);
        match self.peek().kind {
            Kind::Equal => match self.attribute(start, &ident) {
                Some(_) if !self.end_of_statement() => body.lose(Some(ident), Vec::new()),
                Some(attribute) => match names.entry(ident.value.clone()) {
                    Entry::Vacant(entry) => {
                        entry.insert(ident.span);
                        body.structures.push(Structure::Attribute(attribute));
                    }
                    Entry::Occupied(first) => self.duplicate_argument(&ident, *first.get(), end),
                },
                None => body.lose(Some(ident), Vec::new()),
            },
            Kind::OpenBrace | Kind::OpenQuote | Kind::Identifier => self.block(start, ident, body),
            Kind::Newline if self.after_lines().kind == Kind::OpenBrace => self.block(start, ident, body),
            _ => {
                if !self.is_spoiled(start, self.end_of(self.at, |kind| kind == Kind::Newline) + 1) {
                    self.neither_argument_nor_block(&ident, &[]);
                }
                self.skip_statement();
                body.lose(Some(ident), Vec::new());
            }
        }
    }

    /// Reads the value of an attribute, and leaves the end of its line.
    fn attribute(&mut self, start: usize, key: &Ident) -> Option<Attribute> {
        self.take();
        let end = self.end_of(self.at, |kind| kind == Kind::Newline);
        if self.is_spoiled(start, end) {
            self.at = end;
            return None;
        }
        let errors = self.errors;
        let found = self.expression();
        match found {
            Ok(value) if self.errors == errors => Some(Attribute { key: key.clone(), value }),
            Ok(_) => {
                self.skip_statement();
                None
            }
            Err(Reported) => {
                let ends_line = self.peek().kind == Kind::Newline;
                self.skip_statement();
                if ends_line {
                    self.skip_continuation();
                }
                None
            }
        }
    }

    fn block(&mut self, start: usize, ident: Ident, body: &mut Body) {
        let Ok(labels) = self.labels(&ident) else {
            self.skip_statement();
            return body.lose(Some(ident), Vec::new());
        };
        let is_spoiled = self.is_spoiled(start, self.at);
        let is_unclosed = self.is_spoiled(self.at, self.at + 1);
        self.take();
        let inner = self.nested(|parser| Ok(parser.block_body()));
        if inner.is_err() {
            self.skip_until(|_| false);
        }
        self.take();
        match inner {
            Ok(inner) if !is_spoiled && !is_unclosed => {
                body.is_complete &= inner.is_complete;
                body.structures.push(Structure::Block(Block { ident, labels, body: inner }));
            }
            Ok(_) | Err(Reported) if is_spoiled => body.lose(None, Vec::new()),
            Ok(_) | Err(Reported) => body.lose(Some(ident), labels),
        }
        if !is_spoiled {
            self.end_of_statement();
        }
    }

    /// Reads the labels of a block, up to its brace.
    fn labels(&mut self, ident: &Ident) -> Parsed<Vec<BlockLabel>> {
        let mut labels = Vec::new();
        loop {
            match self.peek().kind {
                Kind::OpenBrace => {
                    labels.shrink_to_fit();
                    return Ok(labels);
                }
                Kind::OpenQuote => labels.push(self.label()?),
                Kind::Identifier => {
                    let token = self.take();
                    labels.push(self.ident(token));
                }
                Kind::Newline if self.after_lines().kind == Kind::OpenBrace => {
                    self.brace_on_next_line();
                    while self.take_if(Kind::Newline).is_some() {}
                    return Ok(labels);
                }
                _ => return Err(self.neither_argument_nor_block(ident, &labels)),
            }
        }
    }

    /// Reads a body in braces: of any number of lines, or of one argument on the line of the brace.
    fn block_body(&mut self) -> Body {
        match self.peek().kind {
            Kind::Newline | Kind::CloseBrace | Kind::Stray => return self.body(Kind::CloseBrace),
            _ => {}
        }
        let errors = self.errors;
        let start = self.previous().end;
        let mut body = self.empty_body(start);
        let first = self.at;
        let token = self.peek();
        if token.kind == Kind::Identifier && self.after_next().kind == Kind::Equal {
            self.take();
            let ident = self.ident(token);
            match self.attribute(first, &ident) {
                Some(attribute) => body.structures.push(Structure::Attribute(attribute)),
                None => body.lose(Some(ident), Vec::new()),
            }
        }
        if self.peek().kind != Kind::CloseBrace {
            if self.errors == errors && !self.is_spoiled(first, self.at) {
                self.not_one_line();
            }
            body.is_complete = false;
            self.skip_statement();
            // What follows is read all the same.
            let closing = std::mem::replace(&mut self.closing, Closing::Anywhere);
            let more = self.body(Kind::CloseBrace);
            self.closing = closing;
            body.structures.extend(more.structures);
            body.broken.extend(more.broken);
        }
        body.span = self.place.span(start, self.peek().start.max(start));
        body
    }

    /// Expects the end of the line. Returns whether what stands before it can be taken for what was meant.
    fn end_of_statement(&mut self) -> bool {
        let token = self.peek();
        let kind = token.kind;
        // What was left open is closed by tokens without text.
        let is_unclosed = kind.closes() && token.start == token.end;
        if matches!(kind, Kind::Newline | Kind::End) || is_unclosed || self.is_spoiled(self.at, self.at + 1) {
            return true;
        }
        if kind == Kind::CloseBrace && self.closing == Closing::Anywhere {
            return true;
        }
        self.expected_end_of_line();
        // A whole block or argument may follow, which is read.
        let follows = self.after_next().kind;
        let is_statement = kind == Kind::Identifier
            && matches!(follows, Kind::Equal | Kind::OpenBrace | Kind::OpenQuote)
            && self.habit_after_value().is_none();
        if !is_statement && kind != Kind::CloseBrace {
            self.skip_statement();
        }
        matches!(kind, Kind::Comma | Kind::CloseBrace)
    }

    /// Steps to the end of the line, or of what is opened on it.
    fn skip_statement(&mut self) {
        self.skip_until(|kind| kind == Kind::Newline);
    }

    /// Steps over lines that go on with an expression of the line before.
    fn skip_continuation(&mut self) {
        while self.is_continued() {
            self.at += 1;
            self.skip_statement();
        }
    }

    /// Returns whether the next line starts neither an argument nor a block.
    pub(super) fn is_continued(&self) -> bool {
        let kind = |ahead: usize| self.tokens.get(self.at + ahead).map_or(Kind::End, |token| token.kind);
        match (kind(0), kind(1)) {
            (Kind::Newline, Kind::Identifier) => {
                !matches!(kind(2), Kind::Equal | Kind::OpenBrace | Kind::OpenQuote | Kind::Identifier)
            }
            (Kind::Newline, Kind::Newline | Kind::End | Kind::Stray | Kind::Invalid | Kind::OpenQuote) => false,
            (Kind::Newline, next) => !next.closes(),
            _ => false,
        }
    }

    /// Returns whether brackets or quotes do not nest among some tokens.
    fn is_spoiled(&self, start: usize, end: usize) -> bool {
        let first = self.problems.partition_point(|(token, _)| (*token as usize) < start);
        self.problems.get(first).is_some_and(|(token, _)| (*token as usize) < end)
    }
}

impl Body {
    /// Notes that something could not be read.
    fn lose(&mut self, ident: Option<Ident>, labels: Vec<BlockLabel>) {
        self.is_complete = false;
        self.broken.push(Broken { ident, labels });
    }
}
