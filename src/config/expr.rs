//! Expressions, lowered once from the syntax tree, with every name resolved to what it means.

use std::fmt;

use loam_provider::{Str, Value};

use crate::source::Span;

/// An expression and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// A known primitive or null.
    Literal(Value),
    /// A quoted template or a heredoc: text.
    Template(Box<[Part]>),
    /// `[a, b]`
    Tuple(Box<[Expr]>),
    /// `{ a = b }`
    Object(Box<[Item]>),
    /// A name.
    Reference(Subject),
    /// A value and the way into it: `.a`, `["a"]`, `[*]`.
    Traverse {
        /// The value.
        base: Box<Expr>,
        /// The way, from left to right; never empty.
        steps: Box<[Step]>,
    },
    /// `-a`, `!a`
    Unary {
        /// The operator.
        op: UnaryOp,
        /// What it is applied to.
        operand: Box<Expr>,
    },
    /// `a + b - c`: operators of one precedence, applied from left to right.
    ///
    /// A chain is one node, so that no chain is deep.
    Binary {
        /// The first operand.
        first: Box<Expr>,
        /// The others, each with the operator before it; never empty.
        rest: Box<[(BinaryOp, Expr)]>,
    },
    /// `a ? b : c`
    Conditional(Box<Conditional>),
    /// `[for …]`, `{for …}`
    For(Box<For>),
    /// `name(args)`
    Call(Box<Call>),
    /// `(a)`, and `"${a}"`, which is `a` itself
    Parenthesised(Box<Expr>),
    /// What stood here was wrong and has been reported; its value is unknown.
    Invalid,
}

/// One piece of a template.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Text as it comes out, with escapes, indentation and strip markers already applied.
    Text(Str),
    /// `${a}`
    Interpolation(Expr),
    /// `%{ if a }…%{ else }…%{ endif }`
    If {
        /// The condition.
        condition: Expr,
        /// The text where it holds.
        then: Box<[Part]>,
        /// The text where it does not.
        otherwise: Box<[Part]>,
    },
    /// `%{ for k, v in a }…%{ endfor }`
    For {
        /// The name of the key or index.
        key: Option<Str>,
        /// The name of the item.
        value: Str,
        /// What is gone through.
        collection: Expr,
        /// The text for each item.
        body: Box<[Part]>,
    },
}

/// One item of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its key; an identifier is a string literal here.
    pub key: Expr,
    /// Its value.
    pub value: Expr,
}

/// One step into a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What the step is.
    pub kind: StepKind,
    /// Where it stands.
    pub span: Span,
}

/// What a step into a value is.
#[derive(Debug, Clone, PartialEq)]
pub enum StepKind {
    /// `.name`
    Attribute(Str),
    /// `[key]`, and the old `.0`
    Index(Box<Expr>),
    /// `[*]` or `.*`, with the steps taken from each item.
    Splat(Box<[Step]>),
}

/// What a name means.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// `var.name`
    Variable(Str),
    /// `local.name`
    Local(Str),
    /// `kind.name`
    Resource {
        /// The kind.
        kind: Str,
        /// The name.
        name: Str,
    },
    /// `data.kind.name`
    Data {
        /// The kind.
        kind: Str,
        /// The name.
        name: Str,
    },
    /// `module.name`
    Module(Str),
    /// `each.key`
    EachKey,
    /// `each.value`
    EachValue,
    /// `count.index`
    CountIndex,
    /// `self`
    SelfObject,
    /// `path.module`
    PathModule,
    /// `path.root`
    PathRoot,
    /// `path.cwd`
    PathCwd,
    /// A name that a `for` binds, or a variable of a template file.
    Bound(Str),
}

/// Operators of one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOp {
    /// `-`
    Negate,
    /// `!`
    Not,
}

/// Operators of two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOp {
    /// `||`
    Or,
    /// `&&`
    And,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

/// `a ? b : c`
#[derive(Debug, Clone, PartialEq)]
pub struct Conditional {
    /// The condition.
    pub condition: Expr,
    /// The value where it holds.
    pub then: Expr,
    /// The value where it does not.
    pub otherwise: Expr,
}

/// A `for` expression.
#[derive(Debug, Clone, PartialEq)]
pub struct For {
    /// The name of the key or index.
    pub key: Option<Str>,
    /// The name of the item.
    pub value: Str,
    /// What is gone through.
    pub collection: Expr,
    /// What is built.
    pub result: ForResult,
    /// Which items take part.
    pub condition: Option<Expr>,
}

/// What a `for` expression builds.
#[derive(Debug, Clone, PartialEq)]
pub enum ForResult {
    /// A tuple of this.
    Tuple(Expr),
    /// An object; a key that comes twice is an error.
    Object {
        /// The key.
        key: Expr,
        /// The value.
        value: Expr,
    },
    /// An object of tuples (`...`): values whose key is the same stand together.
    Groups {
        /// The key.
        key: Expr,
        /// The value.
        value: Expr,
    },
}

/// A function call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The function's name, with `::` where it has namespaces.
    pub name: Str,
    /// Where the name stands.
    pub name_span: Span,
    /// The arguments.
    pub args: Box<[Expr]>,
    /// Whether the last argument is expanded into the rest (`...`).
    pub final_arg: FinalArg,
}

/// What becomes of the last argument of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinalArg {
    /// It is an argument like the others.
    Plain,
    /// It is a sequence of arguments: `f(a...)`.
    Expanded,
}

/// A name used in an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// What it means.
    pub subject: Subject,
    /// Where it stands.
    pub span: Span,
    /// Which output is meant, where the name is that of a module and what follows it says so.
    pub output: Option<OutputName>,
    /// What follows, where the name is that of a resource or data source and it says whether an instance is meant.
    pub way: Option<Way>,
}

/// What follows the name of a resource or data source. Only the block can tell which of the two forms is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// `kind.name.attribute`
    Attribute(Str),
    /// `kind.name["key"]`, `kind.name[0]`, `kind.name[count.index]`: nothing but an instance can be meant.
    Instance,
}

/// An output of a module, as it is named from outside. Only the call can tell which of the two forms is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutputName {
    /// `module.name.output`
    Of(Str),
    /// `module.name[key].output`, `module.name[*].output`
    OfInstance(Str),
}

impl Expr {
    /// Returns an expression that stands for something already reported.
    #[must_use]
    pub fn invalid(span: Span) -> Self {
        Self { kind: ExprKind::Invalid, span }
    }

    /// Returns the value of a literal.
    #[must_use]
    pub fn literal(&self) -> Option<&Value> {
        match &self.kind {
            ExprKind::Literal(value) => Some(value),
            ExprKind::Parenthesised(inner) => inner.literal(),
            _ => None,
        }
    }

    /// Returns the name this expression is, or starts from.
    #[must_use]
    pub fn subject(&self) -> Option<&Subject> {
        if let ExprKind::Traverse { base, .. } = &self.kind {
            return base.subject();
        }
        if let ExprKind::Reference(subject) = &self.kind { Some(subject) } else { None }
    }

    /// Returns every name used, other than those bound inside, in the order they stand.
    #[must_use]
    pub fn references(&self) -> Vec<Reference> {
        let mut found = Vec::new();
        // What a traversal says about the name it starts from, which is seen next.
        let mut way: Option<(&Expr, &[Step])> = None;
        self.visit(&mut |expr| match &expr.kind {
            ExprKind::Traverse { base, steps } => {
                if let ExprKind::Reference(_) = &base.kind {
                    way = Some((&**base, steps));
                }
            }
            ExprKind::Reference(Subject::Bound(_)) => {}
            ExprKind::Reference(subject) => {
                let steps =
                    way.take().filter(|(base, _)| std::ptr::eq(*base, expr)).map_or(&[][..], |(_, steps)| steps);
                let (output, way) = match subject {
                    Subject::Module(_) => (output(steps), None),
                    Subject::Resource { .. } | Subject::Data { .. } => (None, into_block(steps)),
                    _ => (None, None),
                };
                found.push(Reference { subject: subject.clone(), span: expr.span, output, way });
            }
            _ => {}
        });
        found
    }

    /// Calls `see` with this expression and every one inside it, from the outside in.
    pub fn visit<'e>(&'e self, see: &mut dyn FnMut(&'e Expr)) {
        see(self);
        match &self.kind {
            ExprKind::Literal(_) | ExprKind::Reference(_) | ExprKind::Invalid => {}
            ExprKind::Template(parts) => visit_parts(parts, see),
            ExprKind::Tuple(items) => items.iter().for_each(|item| item.visit(see)),
            ExprKind::Object(items) => items.iter().for_each(|Item { key, value }| {
                key.visit(see);
                value.visit(see);
            }),
            ExprKind::Traverse { base, steps } => {
                base.visit(see);
                visit_steps(steps, see);
            }
            ExprKind::Unary { operand, .. } => operand.visit(see),
            ExprKind::Binary { first, rest } => {
                first.visit(see);
                rest.iter().for_each(|(_, operand)| operand.visit(see));
            }
            ExprKind::Conditional(conditional) => {
                conditional.condition.visit(see);
                conditional.then.visit(see);
                conditional.otherwise.visit(see);
            }
            ExprKind::For(looped) => {
                looped.collection.visit(see);
                match &looped.result {
                    ForResult::Tuple(value) => value.visit(see),
                    ForResult::Object { key, value } | ForResult::Groups { key, value } => {
                        key.visit(see);
                        value.visit(see);
                    }
                }
                if let Some(condition) = &looped.condition {
                    condition.visit(see);
                }
            }
            ExprKind::Call(call) => call.args.iter().for_each(|arg| arg.visit(see)),
            ExprKind::Parenthesised(inner) => inner.visit(see),
        }
    }
}

/// Returns the output that the steps after a module's name lead to.
fn output(steps: &[Step]) -> Option<OutputName> {
    let name = |step: &Step| match &step.kind {
        StepKind::Attribute(name) => Some(name.clone()),
        StepKind::Index(key) => Some(key.literal()?.as_str()?.into()),
        StepKind::Splat(_) => None,
    };
    match steps {
        [Step { kind: StepKind::Attribute(name), .. }, ..] => Some(OutputName::Of(name.clone())),
        [Step { kind: StepKind::Splat(each), .. }, ..] => Some(OutputName::OfInstance(name(each.first()?)?)),
        [Step { kind: StepKind::Index(_), .. }, next, ..] => Some(OutputName::OfInstance(name(next)?)),
        _ => None,
    }
}

/// Returns what the first step after the name of a resource or data source says of its instances.
fn into_block(steps: &[Step]) -> Option<Way> {
    match &steps.first()?.kind {
        StepKind::Attribute(name) => Some(Way::Attribute(name.clone())),
        StepKind::Index(key) => {
            let is_instance = key.literal().is_some() || matches!(key.kind, ExprKind::Reference(Subject::CountIndex));
            is_instance.then_some(Way::Instance)
        }
        StepKind::Splat(_) => None,
    }
}

fn visit_parts<'e>(parts: &'e [Part], see: &mut dyn FnMut(&'e Expr)) {
    for part in parts {
        match part {
            Part::Text(_) => {}
            Part::Interpolation(expr) => expr.visit(see),
            Part::If { condition, then, otherwise } => {
                condition.visit(see);
                visit_parts(then, see);
                visit_parts(otherwise, see);
            }
            Part::For { collection, body, .. } => {
                collection.visit(see);
                visit_parts(body, see);
            }
        }
    }
}

fn visit_steps<'e>(steps: &'e [Step], see: &mut dyn FnMut(&'e Expr)) {
    for step in steps {
        match &step.kind {
            StepKind::Attribute(_) => {}
            StepKind::Index(key) => key.visit(see),
            StepKind::Splat(each) => visit_steps(each, see),
        }
    }
}

/// Writes the name as it is written in configuration.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "var.{name}"),
            Self::Local(name) => write!(f, "local.{name}"),
            Self::Resource { kind, name } => write!(f, "{kind}.{name}"),
            Self::Data { kind, name } => write!(f, "data.{kind}.{name}"),
            Self::Module(name) => write!(f, "module.{name}"),
            Self::EachKey => f.write_str("each.key"),
            Self::EachValue => f.write_str("each.value"),
            Self::CountIndex => f.write_str("count.index"),
            Self::SelfObject => f.write_str("self"),
            Self::PathModule => f.write_str("path.module"),
            Self::PathRoot => f.write_str("path.root"),
            Self::PathCwd => f.write_str("path.cwd"),
            Self::Bound(name) => write!(f, "{name}"),
        }
    }
}

impl fmt::Display for BinaryOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Or => "||",
            Self::And => "&&",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        })
    }
}
