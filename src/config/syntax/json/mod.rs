//! The JSON syntax: values to the same tree as native text, as Terraform reads `*.tf.json`.
//!
//! JSON does not tell arguments from blocks: names do (`shape`). What belongs to a kind is known only by its schema, so
//! such a property is read as an argument, and taken for blocks where it is evaluated.

mod shape;
mod text;

use std::borrow::Cow;

use loam_provider::Str;

use self::{
    shape::{Reading, Shape},
    text::{Json, JsonKind, Text},
};
use super::{
    Place,
    tree::{
        Array, Attribute, Block, BlockLabel, Body, Broken, Element, Expression, Ident, Notation, Object, ObjectKey,
        Spanned, Structure, UnaryOperation,
    },
};
use crate::{
    config::UnaryOp,
    diag::{Diagnostic, Diagnostics},
    source::{SourceId, Span},
};

/// What the strings of a file mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strings {
    Templates,
    Literal,
}

struct Reader {
    source: SourceId,
    strings: Strings,
    diagnostics: Diagnostics,
}

/// Reads a file of configuration.
pub(in crate::config) fn body(text: &str, source: SourceId) -> (Body, Diagnostics) {
    whole(text, source, Strings::Templates, |reader, json| reader.body(json, Shape::Root))
}

/// Reads a file of values, in which strings are what they say.
pub(in crate::config) fn values(text: &str, source: SourceId) -> (Body, Diagnostics) {
    whole(text, source, Strings::Literal, |reader, json| reader.body(json, Shape::Plain))
}

fn whole(
    text: &str,
    source: SourceId,
    strings: Strings,
    read: impl FnOnce(&mut Reader, &Json<'_>) -> Body,
) -> (Body, Diagnostics) {
    let mut reader = Reader { source, strings, diagnostics: Diagnostics::default() };
    let body = match text::read(text) {
        Ok(json) => read(&mut reader, &json),
        Err(fault) => {
            let span = Span { source, start: fault.start, end: fault.end };
            let diagnostic = Diagnostic::error("Invalid JSON", span, fault.detail);
            reader.diagnostics.push(diagnostic.maybe_hint(fault.hint.map(str::to_owned)));
            let broken = vec![Broken { ident: None, labels: Vec::new() }];
            Body { structures: Vec::new(), broken, is_complete: false, notation: Notation::Json, span }
        }
    };
    (body, reader.diagnostics)
}

impl Reader {
    fn span(&self, start: u32, end: u32) -> Span {
        Span { source: self.source, start, end }
    }

    fn ident(&self, name: &Text<'_>) -> Ident {
        Spanned { value: (*name.text).into(), span: self.span(name.start, name.end) }
    }

    fn error(&mut self, summary: &'static str, span: Span, detail: String) {
        self.diagnostics.push(Diagnostic::error(summary, span, detail));
    }

    /// Reads an object, or an array of objects, as the inside of a block.
    fn body(&mut self, json: &Json<'_>, shape: Shape) -> Body {
        let span = self.span(json.start, json.end);
        let notation = Notation::Json;
        let mut body = Body { structures: Vec::new(), broken: Vec::new(), is_complete: true, notation, span };
        let parts: Vec<&Json<'_>> = match &json.kind {
            JsonKind::Array(items) => items.iter().collect(),
            _ => vec![json],
        };
        for part in parts {
            match &part.kind {
                JsonKind::Object(properties) => {
                    for (name, value) in properties.iter().filter(|(name, _)| name.text != "//") {
                        self.property(name, value, shape, &mut body);
                    }
                }
                _ => {
                    let span = self.span(part.start, part.end);
                    let detail = "Here an object in braces is expected, with arguments and blocks as its properties.";
                    self.error("Invalid JSON", span, detail.into());
                    body.is_complete = false;
                    body.broken.push(Broken { ident: None, labels: Vec::new() });
                }
            }
        }
        body
    }

    fn property(&mut self, name: &Text<'_>, value: &Json<'_>, shape: Shape, body: &mut Body) {
        if let Some((labels, inner)) = shape.block(&name.text, value) {
            return self.blocks(name, value, labels, &mut Vec::new(), inner, body);
        }
        let key = self.ident(name);
        let first = body.structures.iter().find_map(|structure| match structure {
            Structure::Attribute(other) if other.key.value == key.value => Some(other.key.span),
            Structure::Attribute(_) | Structure::Block(_) => None,
        });
        if let Some(first) = first {
            let detail = format!("The argument `{}` was already set here. Each may be set once.", key.as_str());
            let diagnostic = Diagnostic::error("Duplicate argument", key.span, detail).related(first, "first set here");
            self.diagnostics.push(diagnostic.hint("Remove one of the two."));
            return;
        }
        match self.read(value, shape.reading(&name.text)) {
            Some(value) => body.structures.push(Structure::Attribute(Attribute { key, value })),
            None => {
                body.is_complete = false;
                body.broken.push(Broken { ident: Some(key), labels: Vec::new() });
            }
        }
    }

    /// Reads blocks of one type: below so many labels an object, or an array of them.
    fn blocks(
        &mut self,
        name: &Text<'_>,
        value: &Json<'_>,
        missing: usize,
        labels: &mut Vec<BlockLabel>,
        shape: Shape,
        body: &mut Body,
    ) {
        match &value.kind {
            JsonKind::Null => {}
            JsonKind::Array(items) => {
                for item in items {
                    self.blocks(name, item, missing, labels, shape, body);
                }
            }
            JsonKind::Object(properties) if missing > 0 => {
                for (label, value) in properties.iter().filter(|(label, _)| label.text != "//") {
                    labels.push(self.ident(label));
                    self.blocks(name, value, missing - 1, labels, shape, body);
                    labels.pop();
                }
            }
            JsonKind::Object(_) => {
                let inner = self.body(value, shape);
                body.is_complete &= inner.is_complete;
                let (ident, labels) = (self.ident(name), labels.clone());
                body.structures.push(Structure::Block(Block { ident, labels, body: inner }));
            }
            JsonKind::Bool(_) | JsonKind::Number(_) | JsonKind::String(_) => {
                let span = self.span(value.start, value.end);
                let detail = match missing {
                    0 => format!("`{}` is a block: an object in braces is expected here.", name.text),
                    _ => format!(
                        "`{}` is a block: an object whose properties are its labels is expected here.",
                        name.text
                    ),
                };
                self.error("Invalid JSON", span, detail);
                body.is_complete = false;
                body.broken.push(Broken { ident: Some(self.ident(name)), labels: labels.clone() });
            }
        }
    }

    /// Reads the value of an argument; `None` after a mistake.
    fn read(&mut self, json: &Json<'_>, reading: Reading) -> Option<Expression> {
        let span = self.span(json.start, json.end);
        match (reading, &json.kind) {
            (Reading::Words, JsonKind::String(text)) => self.expression(text),
            (Reading::Words, JsonKind::Array(items)) => {
                let items = items.iter().map(|item| self.read(item, Reading::Words));
                Some(Expression::Array(Array { items: items.collect::<Option<_>>()?, span }))
            }
            (Reading::Words, JsonKind::Object(properties)) => {
                let items = properties.iter().map(|(name, value)| {
                    let key = match self.expression(name)? {
                        Expression::Variable(ident) => ObjectKey::Ident(ident),
                        other => ObjectKey::Expression(other),
                    };
                    Some((key, self.read(value, Reading::Words)?))
                });
                Some(Expression::Object(Object { items: items.collect::<Option<_>>()?, span }))
            }
            (_, JsonKind::Null) => Some(Expression::Null(span)),
            (_, JsonKind::Bool(value)) => Some(Expression::Bool(Spanned { value: *value, span })),
            (_, JsonKind::Number(number)) => Some(self::number(number, span)),
            (Reading::Value, JsonKind::String(text)) => self.template(text),
            (Reading::Value, JsonKind::Array(items)) => {
                let items: Vec<_> = items.iter().map(|item| self.read(item, Reading::Value)).collect();
                Some(Expression::Array(Array { items: items.into_iter().collect::<Option<_>>()?, span }))
            }
            (Reading::Value, JsonKind::Object(properties)) => {
                let items: Vec<_> = properties
                    .iter()
                    .map(|(name, value)| {
                        let key = self.template(name);
                        let value = self.read(value, Reading::Value);
                        Some((ObjectKey::Expression(key?), value?))
                    })
                    .collect();
                Some(Expression::Object(Object { items: items.into_iter().collect::<Option<_>>()?, span }))
            }
        }
    }

    fn place(&self, text: &Text<'_>) -> Place {
        match &text.text {
            Cow::Borrowed(_) => Place::From { source: self.source, start: text.start + 1 },
            Cow::Owned(_) => Place::Within(self.span(text.start, text.end)),
        }
    }

    /// Reads a string that holds an expression of the native syntax.
    fn expression(&mut self, text: &Text<'_>) -> Option<Expression> {
        super::expression(&text.text, self.place(text), &mut self.diagnostics)
    }

    /// Reads a string that is a template.
    fn template(&mut self, text: &Text<'_>) -> Option<Expression> {
        let span = self.span(text.start, text.end);
        let plain = |value: Str| Some(Expression::String(Spanned { value, span }));
        if self.strings == Strings::Literal || !text.text.contains(['$', '%']) {
            return plain((*text.text).into());
        }
        let mut found = super::template(&text.text, self.place(text), &mut self.diagnostics)?;
        found.span = span;
        match found.elements.as_slice() {
            [] => plain("".into()),
            [Element::Text(text)] => plain(text.clone()),
            _ => Some(Expression::StringTemplate(found)),
        }
    }
}

fn number(number: &str, span: Span) -> Expression {
    let digits = |digits: &str| Expression::Number(Spanned { value: digits.into(), span });
    match number.strip_prefix('-') {
        None => digits(number),
        Some(number) => {
            let (operator, expr) = (UnaryOp::Negate, digits(number));
            Expression::UnaryOp(Box::new(UnaryOperation { operator, expr, span }))
        }
    }
}
