//! The syntax tree: what a text says, with the place of everything in it and no meaning yet.

use loam_provider::Str;

pub(in crate::config) use super::super::Notation;
use super::super::{BinaryOp, UnaryOp};
use crate::source::Span;

/// Something that stands at a place in a text.
pub(in crate::config) trait Node {
    /// Returns where it stands.
    fn span(&self) -> Span;
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::config) struct Spanned<T> {
    pub(in crate::config) value: T,
    pub(in crate::config) span: Span,
}

/// A name.
pub(in crate::config) type Ident = Spanned<Str>;

/// A label of a block, as text.
pub(in crate::config) type BlockLabel = Spanned<Str>;

/// The attributes and blocks of a file, or between the braces of a block.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::config) struct Body {
    pub(in crate::config) structures: Vec<Structure>,
    /// What could not be read.
    pub(in crate::config) broken: Vec<Broken>,
    /// Whether everything in it could be read, also further inside.
    pub(in crate::config) is_complete: bool,
    pub(in crate::config) notation: Notation,
    pub(in crate::config) span: Span,
}

/// An attribute or a block.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::config) enum Structure {
    Attribute(Attribute),
    Block(Block),
}

/// `key = value`
#[derive(Debug, Clone, PartialEq)]
pub(in crate::config) struct Attribute {
    pub(in crate::config) key: Ident,
    pub(in crate::config) value: Expression,
}

/// `ident "label" { … }`
#[derive(Debug, Clone, PartialEq)]
pub(in crate::config) struct Block {
    pub(in crate::config) ident: Ident,
    pub(in crate::config) labels: Vec<BlockLabel>,
    pub(in crate::config) body: Body,
}

/// What is known of an attribute or block that could not be read: it has been reported.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::config) struct Broken {
    /// Its name, if it starts with one.
    pub(in crate::config) ident: Option<Ident>,
    pub(in crate::config) labels: Vec<BlockLabel>,
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::config) enum Expression {
    Null(Span),
    Bool(Spanned<bool>),
    /// The number as it is written.
    Number(Spanned<Str>),
    /// Text in quotes without anything to be evaluated in it, escapes replaced.
    String(Spanned<Str>),
    Array(Array),
    Object(Object),
    /// Text in quotes with something to be evaluated in it.
    StringTemplate(Template),
    HeredocTemplate(Template),
    Parenthesis(Box<Parenthesis>),
    Variable(Ident),
    Traversal(Box<Traversal>),
    Conditional(Box<Conditional>),
    FuncCall(Box<FuncCall>),
    UnaryOp(Box<UnaryOperation>),
    BinaryOp(Box<BinaryOperation>),
    ForExpr(Box<ForExpr>),
}

/// `[a, b]`
#[derive(Debug, Clone, PartialEq)]
pub(in crate::config) struct Array {
    pub(in crate::config) items: Vec<Expression>,
    pub(in crate::config) span: Span,
}

/// `{ a = b }`
#[derive(Debug, Clone, PartialEq)]
pub(in crate::config) struct Object {
    pub(in crate::config) items: Vec<(ObjectKey, Expression)>,
    pub(in crate::config) span: Span,
}

/// The key of an item of an object.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::config) enum ObjectKey {
    /// A word, which is the key itself.
    Ident(Ident),
    /// Anything else, whose value is the key.
    Expression(Expression),
}

/// Text with values in it; escapes, strip markers and indentation are already dealt with.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::config) struct Template {
    pub(in crate::config) elements: Vec<Element>,
    pub(in crate::config) span: Span,
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::config) enum Element {
    Text(Str),
    /// `${a}`
    Interpolation(Expression),
    /// `%{ if a }…%{ else }…%{ endif }`
    If {
        condition: Expression,
        then: Vec<Element>,
        otherwise: Vec<Element>,
    },
    /// `%{ for k, v in a }…%{ endfor }`
    For {
        key: Option<Ident>,
        value: Ident,
        collection: Expression,
        body: Vec<Element>,
    },
}

/// `(a)`
#[derive(Debug, Clone, PartialEq)]
pub(in crate::config) struct Parenthesis {
    pub(in crate::config) inner: Expression,
    pub(in crate::config) span: Span,
}

/// A value and the way into it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::config) struct Traversal {
    pub(in crate::config) expr: Expression,
    /// From left to right; never empty.
    pub(in crate::config) operators: Vec<Spanned<TraversalOperator>>,
    pub(in crate::config) span: Span,
}

/// A step into a value.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::config) enum TraversalOperator {
    /// `.name`
    GetAttr(Ident),
    /// `[key]`
    Index(Expression),
    /// `.0`
    LegacyIndex(Str),
    /// `.*`: what follows is taken from each item, as far as it is attributes.
    AttrSplat,
    /// `[*]`: all that follows is taken from each item.
    FullSplat,
}

/// `a ? b : c`
#[derive(Debug, Clone, PartialEq)]
pub(in crate::config) struct Conditional {
    pub(in crate::config) cond_expr: Expression,
    pub(in crate::config) true_expr: Expression,
    pub(in crate::config) false_expr: Expression,
    pub(in crate::config) span: Span,
}

/// `name(args)`
#[derive(Debug, Clone, PartialEq)]
pub(in crate::config) struct FuncCall {
    pub(in crate::config) name: FuncName,
    pub(in crate::config) args: FuncArgs,
    pub(in crate::config) span: Span,
}

/// `a::b`
#[derive(Debug, Clone, PartialEq)]
pub(in crate::config) struct FuncName {
    pub(in crate::config) namespace: Vec<Ident>,
    pub(in crate::config) name: Ident,
}

/// The arguments of a call.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::config) struct FuncArgs {
    pub(in crate::config) args: Vec<Expression>,
    /// Whether the last argument is expanded into the rest: `f(a...)`.
    pub(in crate::config) expand_final: bool,
}

/// `-a`
#[derive(Debug, Clone, PartialEq)]
pub(in crate::config) struct UnaryOperation {
    pub(in crate::config) operator: UnaryOp,
    pub(in crate::config) expr: Expression,
    pub(in crate::config) span: Span,
}

/// `a + b - c`: operators of one precedence, applied from left to right.
///
/// A chain is one node, so that no chain is deep.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::config) struct BinaryOperation {
    pub(in crate::config) first: Expression,
    /// Never empty.
    pub(in crate::config) rest: Vec<(BinaryOp, Expression)>,
    pub(in crate::config) span: Span,
}

/// `[for k, v in a : b if c]`, `{for k, v in a : b => c... if d}`
#[derive(Debug, Clone, PartialEq)]
pub(in crate::config) struct ForExpr {
    pub(in crate::config) key_var: Option<Ident>,
    pub(in crate::config) value_var: Ident,
    pub(in crate::config) collection_expr: Expression,
    /// Set where an object is built.
    pub(in crate::config) key_expr: Option<Expression>,
    pub(in crate::config) value_expr: Expression,
    pub(in crate::config) grouping: bool,
    pub(in crate::config) cond: Option<Expression>,
    pub(in crate::config) span: Span,
}

impl<T> Spanned<T> {
    /// Returns the value.
    pub(in crate::config) fn value(&self) -> &T {
        &self.value
    }
}

impl Spanned<Str> {
    /// Returns the text.
    pub(in crate::config) fn as_str(&self) -> &str {
        self.value.as_str()
    }
}

impl Body {
    /// Returns the attributes directly inside.
    pub(in crate::config) fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.structures.iter().filter_map(|structure| match structure {
            Structure::Attribute(attribute) => Some(attribute),
            Structure::Block(_) => None,
        })
    }

    /// Returns an attribute by its name.
    pub(in crate::config) fn get_attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes().find(|attribute| attribute.key.as_str() == name)
    }

    /// Returns the blocks directly inside.
    pub(in crate::config) fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.structures.iter().filter_map(|structure| match structure {
            Structure::Attribute(_) => None,
            Structure::Block(block) => Some(block),
        })
    }
}

impl<'b> IntoIterator for &'b Body {
    type Item = &'b Structure;
    type IntoIter = std::slice::Iter<'b, Structure>;
    fn into_iter(self) -> Self::IntoIter {
        self.structures.iter()
    }
}

impl Array {
    /// Returns the items.
    pub(in crate::config) fn iter(&self) -> std::slice::Iter<'_, Expression> {
        self.items.iter()
    }
}

impl<'a> IntoIterator for &'a Array {
    type Item = &'a Expression;
    type IntoIter = std::slice::Iter<'a, Expression>;
    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

impl<'o> IntoIterator for &'o Object {
    type Item = (&'o ObjectKey, &'o Expression);
    type IntoIter = std::iter::Map<
        std::slice::Iter<'o, (ObjectKey, Expression)>,
        fn(&'o (ObjectKey, Expression)) -> (&'o ObjectKey, &'o Expression),
    >;
    fn into_iter(self) -> Self::IntoIter {
        self.items.iter().map(|(key, value)| (key, value))
    }
}

impl Parenthesis {
    /// Returns what stands in the parentheses.
    pub(in crate::config) fn inner(&self) -> &Expression {
        &self.inner
    }
}

impl FuncArgs {
    /// Returns the arguments.
    pub(in crate::config) fn iter(&self) -> std::slice::Iter<'_, Expression> {
        self.args.iter()
    }

    /// Returns whether the last argument is expanded into the rest.
    pub(in crate::config) fn expand_final(&self) -> bool {
        self.expand_final
    }
}

impl<T> Node for Spanned<T> {
    fn span(&self) -> Span {
        self.span
    }
}

impl Node for Body {
    fn span(&self) -> Span {
        self.span
    }
}

impl Node for ObjectKey {
    fn span(&self) -> Span {
        match self {
            Self::Ident(ident) => ident.span,
            Self::Expression(expr) => expr.span(),
        }
    }
}

impl Node for Expression {
    fn span(&self) -> Span {
        match self {
            Self::Null(span) => *span,
            Self::Bool(found) => found.span,
            Self::Number(found) | Self::String(found) | Self::Variable(found) => found.span,
            Self::Array(found) => found.span,
            Self::Object(found) => found.span,
            Self::StringTemplate(found) | Self::HeredocTemplate(found) => found.span,
            Self::Parenthesis(found) => found.span,
            Self::Traversal(found) => found.span,
            Self::Conditional(found) => found.span,
            Self::FuncCall(found) => found.span,
            Self::UnaryOp(found) => found.span,
            Self::BinaryOp(found) => found.span,
            Self::ForExpr(found) => found.span,
        }
    }
}
