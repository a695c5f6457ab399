//! Syntax trees to [`Expr`], with every name resolved.

use std::collections::HashSet;

use loam_provider::{Number, Str, Type, Value};

use super::{
    Call, Conditional, Expr, ExprKind, FinalArg, For, ForResult, Item, UnaryOp, names,
    overrides::Layer,
    syntax::tree::{Expression, ForExpr, FuncCall, Node, Object, ObjectKey, Traversal, TraversalOperator},
    template,
};
use crate::{
    diag::{Diagnostic, Diagnostics},
    source::Span,
};

/// The stack is grown when less than this is left of it, so that nesting never overflows it.
const STACK_LEFT: usize = 128 << 10;
/// By so much.
const STACK_MORE: usize = 1 << 20;

/// What names may stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// Variables, locals, resources: what a module has.
    Module,
    /// Nothing but the variables given to a template file.
    Template,
}

/// Lowers the expressions of one text.
pub(super) struct Lower<'t, 'd> {
    text: &'t str,
    pub(super) names: Names,
    /// Whether all of the block could be read; otherwise what seems to be missing may stand where a mistake is.
    pub(super) is_complete: bool,
    /// Whether the text declares, or changes what others declare.
    pub(super) layer: Layer,
    /// What `for` expressions around the current place bind.
    pub(super) bound: Vec<Str>,
    pub(super) diagnostics: &'d mut Diagnostics,
}

impl<'t, 'd> Lower<'t, 'd> {
    pub(super) fn new(text: &'t str, diagnostics: &'d mut Diagnostics) -> Self {
        Self { text, names: Names::Module, is_complete: true, layer: Layer::Base, bound: Vec::new(), diagnostics }
    }

    /// Returns where a node stands.
    pub(super) fn span(&self, node: &dyn Node) -> Span {
        node.span()
    }

    /// Returns the source text of a node.
    pub(super) fn text(&self, node: &dyn Node) -> &'t str {
        let span = node.span();
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    pub(super) fn error(&mut self, summary: &'static str, span: Span, detail: impl Into<String>) -> Expr {
        self.diagnostics.push(Diagnostic::error(summary, span, detail));
        Expr::invalid(span)
    }

    /// Lowers an expression.
    pub(super) fn expr(&mut self, expr: &Expression) -> Expr {
        stacker::maybe_grow(STACK_LEFT, STACK_MORE, || self.lower(expr))
    }

    fn lower(&mut self, expr: &Expression) -> Expr {
        let span = self.span(expr);
        let kind = match expr {
            Expression::Null(_) => ExprKind::Literal(Value::Null(Type::Any)),
            Expression::Bool(claim) => ExprKind::Literal(Value::Bool(*claim.value())),
            Expression::Number(digits) => return self.number(digits.as_str(), span),
            Expression::String(text) => ExprKind::Literal(Value::String(text.value().clone())),
            Expression::Array(array) => ExprKind::Tuple(array.iter().map(|item| self.expr(item)).collect()),
            Expression::Object(object) => self.object(object),
            Expression::StringTemplate(found) => return template::quoted(self, found),
            Expression::HeredocTemplate(heredoc) => return template::heredoc(self, heredoc),
            Expression::Parenthesis(inner) => ExprKind::Parenthesised(Box::new(self.expr(inner.inner()))),
            Expression::Variable(_) | Expression::Traversal(_) => return names::lower(self, expr, span),
            Expression::Conditional(found) => ExprKind::Conditional(Box::new(Conditional {
                condition: self.expr(&found.cond_expr),
                then: self.expr(&found.true_expr),
                otherwise: self.expr(&found.false_expr),
            })),
            Expression::FuncCall(call) => self.call(call),
            Expression::UnaryOp(unary) => {
                let operand = self.expr(&unary.expr);
                match (unary.operator, &unary.expr, operand.kind) {
                    (UnaryOp::Negate, Expression::Number(_), ExprKind::Literal(Value::Number(number))) => {
                        ExprKind::Literal(Value::Number(-number))
                    }
                    (op, _, kind) => ExprKind::Unary { op, operand: Box::new(Expr { kind, span: operand.span }) },
                }
            }
            Expression::BinaryOp(binary) => ExprKind::Binary {
                first: Box::new(self.expr(&binary.first)),
                rest: binary.rest.iter().map(|(op, operand)| (*op, self.expr(operand))).collect(),
            },
            Expression::ForExpr(found) => return self.for_expr(found, span),
        };
        Expr { kind, span }
    }

    /// Reads a number as it is written.
    pub(super) fn number(&mut self, digits: &str, span: Span) -> Expr {
        match Number::parse(digits) {
            Ok(number) => Expr { kind: ExprKind::Literal(Value::Number(number)), span },
            Err(error) => self.error("Invalid number", span, format!("The number cannot be used: {error}.")),
        }
    }

    fn object(&mut self, object: &Object) -> ExprKind {
        let mut items = Vec::with_capacity(object.items.len());
        let mut names: HashSet<Str> = HashSet::new();
        for (key, value) in object {
            let span = self.span(key);
            let key = match key {
                ObjectKey::Ident(ident) => Expr { kind: ExprKind::Literal(Value::String(ident.value.clone())), span },
                ObjectKey::Expression(expr) => self.key(expr),
            };
            if let ExprKind::Literal(Value::String(name)) = &key.kind
                && !names.insert(name.clone())
            {
                let detail =
                    format!("The key `{name}` is already in this object. Only the last of its values is kept.");
                let diagnostic = Diagnostic::warning("Duplicate key", span, detail);
                self.diagnostics.push(diagnostic.hint("Remove all but one."));
            }
            items.push(Item { key, value: self.expr(value) });
        }
        ExprKind::Object(items.into())
    }

    fn key(&mut self, expr: &Expression) -> Expr {
        match expr {
            // A splat is a value; a name with attributes and indexes written out could be meant as text.
            Expression::Traversal(found) if is_dotted(found) => {
                let (span, text) = (self.span(expr), self.text(expr));
                self.diagnostics.push(
                    Diagnostic::error("Ambiguous key", span, "A key with a dot may be a name or a reference.")
                        .hint(format!("For the value of the reference write `({text})`, for the text `\"{text}\"`.")),
                );
                Expr::invalid(span)
            }
            expr => self.expr(expr),
        }
    }

    fn call(&mut self, call: &FuncCall) -> ExprKind {
        let names = call.name.namespace.iter().chain([&call.name.name]);
        let name = names.map(|name| name.as_str()).collect::<Vec<_>>().join("::");
        let first = call.name.namespace.first().unwrap_or(&call.name.name);
        let name_span = self.span(first).to(self.span(&call.name.name));
        let args = call.args.iter().map(|arg| self.expr(arg)).collect();
        let final_arg = if call.args.expand_final() { FinalArg::Expanded } else { FinalArg::Plain };
        ExprKind::Call(Box::new(Call { name: name.into(), name_span, args, final_arg }))
    }

    fn for_expr(&mut self, found: &ForExpr, span: Span) -> Expr {
        let collection = self.expr(&found.collection_expr);
        let key = found.key_var.as_ref().map(|name| name.value.clone());
        let value = found.value_var.value.clone();
        let outside = self.bound.len();
        self.bound.extend(key.iter().cloned().chain([value.clone()]));
        let result_value = self.expr(&found.value_expr);
        let result = match &found.key_expr {
            None => ForResult::Tuple(result_value),
            Some(key) if found.grouping => ForResult::Groups { key: self.expr(key), value: result_value },
            Some(key) => ForResult::Object { key: self.expr(key), value: result_value },
        };
        let condition = found.cond.as_ref().map(|condition| self.expr(condition));
        self.bound.truncate(outside);
        Expr { kind: ExprKind::For(Box::new(For { key, value, collection, result, condition })), span }
    }
}

/// Returns whether a traversal is a name with nothing after it but attributes and indexes that are written out.
fn is_dotted(found: &Traversal) -> bool {
    matches!(found.expr, Expression::Variable(_))
        && found.operators.iter().all(|operator| match operator.value() {
            TraversalOperator::GetAttr(_) | TraversalOperator::LegacyIndex(_) => true,
            TraversalOperator::Index(key) => matches!(key, Expression::String(_) | Expression::Number(_)),
            TraversalOperator::AttrSplat | TraversalOperator::FullSplat => false,
        })
}
