//! Syntax trees to [`Expr`], with every name resolved.

use hcl_edit::expr::{BinaryOperator, Expression, ForExpr, FuncCall, Object, ObjectKey, UnaryOperator};
use loam_provider::{Number, Str, Type, Value};

use super::{
    BinaryOp, Call, Conditional, Expr, ExprKind, FinalArg, For, ForResult, Item, UnaryOp, names, syntax::Piece,
    template,
};
use crate::{
    diag::{Diagnostic, Diagnostics},
    source::Span,
};

/// What names may stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// Variables, locals, resources: what a module has.
    Module,
    /// Nothing but the variables given to a template file.
    Template,
}

/// Lowers the expressions of one piece of text.
pub(super) struct Lower<'t, 'd> {
    pub(super) piece: Piece<'t>,
    pub(super) names: Names,
    /// Whether all of the text is there; otherwise what seems to be missing may have been taken out.
    pub(super) is_complete: bool,
    /// What `for` expressions around the current place bind.
    pub(super) bound: Vec<Str>,
    pub(super) diagnostics: &'d mut Diagnostics,
}

impl<'t, 'd> Lower<'t, 'd> {
    pub(super) fn new(piece: Piece<'t>, diagnostics: &'d mut Diagnostics) -> Self {
        Self { piece, names: Names::Module, is_complete: true, bound: Vec::new(), diagnostics }
    }

    /// Returns where a node stands.
    pub(super) fn span(&self, node: &dyn hcl_edit::Span) -> Span {
        self.piece.span(node.span().unwrap_or(0..0))
    }

    /// Returns the source text of a node.
    pub(super) fn text(&self, node: &dyn hcl_edit::Span) -> &'t str {
        node.span().and_then(|range| self.piece.text().get(range)).unwrap_or_default()
    }

    pub(super) fn error(&mut self, summary: &'static str, span: Span, detail: impl Into<String>) -> Expr {
        self.diagnostics.push(Diagnostic::error(summary, span, detail));
        Expr::invalid(span)
    }

    /// Lowers an expression.
    pub(super) fn expr(&mut self, expr: &Expression) -> Expr {
        let span = self.span(expr);
        let kind = match expr {
            Expression::Null(_) => ExprKind::Literal(Value::Null(Type::Any)),
            Expression::Bool(claim) => ExprKind::Literal(Value::Bool(*claim.value())),
            Expression::Number(_) => return self.number(self.text(expr), span),
            Expression::String(text) => ExprKind::Literal(Value::string(text.value())),
            Expression::Array(array) => ExprKind::Tuple(array.iter().map(|item| self.expr(item)).collect()),
            Expression::Object(object) => self.object(object),
            Expression::StringTemplate(found) => return template::quoted(self, found, span),
            Expression::HeredocTemplate(heredoc) => return template::heredoc(self, heredoc, span),
            Expression::Parenthesis(inner) => ExprKind::Parenthesised(Box::new(self.expr(inner.inner()))),
            Expression::Variable(_) | Expression::Traversal(_) => return names::lower(self, expr, span),
            Expression::Conditional(found) => ExprKind::Conditional(Box::new(Conditional {
                condition: self.expr(&found.cond_expr),
                then: self.expr(&found.true_expr),
                otherwise: self.expr(&found.false_expr),
            })),
            Expression::FuncCall(call) => self.call(call),
            Expression::UnaryOp(unary) => ExprKind::Unary {
                op: match unary.operator.value() {
                    UnaryOperator::Neg => UnaryOp::Negate,
                    UnaryOperator::Not => UnaryOp::Not,
                },
                operand: Box::new(self.expr(&unary.expr)),
            },
            Expression::BinaryOp(binary) => ExprKind::Binary {
                left: Box::new(self.expr(&binary.lhs_expr)),
                op: operator(*binary.operator.value()),
                right: Box::new(self.expr(&binary.rhs_expr)),
            },
            Expression::ForExpr(found) => return self.for_expr(found, span),
        };
        Expr { kind, span }
    }

    /// Reads a number from its text: the parser keeps only what a machine float holds.
    fn number(&mut self, text: &str, span: Span) -> Expr {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits.trim_start_matches(|char: char| !char.is_ascii_digit())),
            None => (false, text),
        };
        match Number::parse(digits) {
            Ok(number) if negative => Expr { kind: ExprKind::Literal(Value::Number(-number)), span },
            Ok(number) => Expr { kind: ExprKind::Literal(Value::Number(number)), span },
            Err(error) => self.error("Invalid number", span, format!("The number cannot be used: {error}.")),
        }
    }

    fn object(&mut self, object: &Object) -> ExprKind {
        let mut items = Vec::with_capacity(object.len());
        for (key, value) in object {
            let key = match key {
                ObjectKey::Ident(ident) => {
                    // From the source: the parser may have been given another name.
                    let name = identifier(self.text(key), ident.as_str());
                    Expr { kind: ExprKind::Literal(Value::string(name)), span: self.span(key) }
                }
                ObjectKey::Expression(expr) => self.key(expr),
            };
            items.push(Item { key, value: self.expr(value.expr()) });
        }
        ExprKind::Object(items.into())
    }

    fn key(&mut self, expr: &Expression) -> Expr {
        let span = self.span(expr);
        match expr {
            Expression::String(_) => template::plain(self, self.text(expr), span),
            Expression::Null(_) | Expression::Bool(_) => {
                Expr { kind: ExprKind::Literal(Value::string(self.text(expr).trim())), span }
            }
            Expression::Traversal(_) => {
                let text = self.text(expr).trim();
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
        let collection = self.expr(&found.intro.collection_expr);
        let key = found.intro.key_var.as_ref().map(|name| Str::from(name.as_str()));
        let value = Str::from(found.intro.value_var.as_str());
        let outside = self.bound.len();
        self.bound.extend(key.iter().cloned().chain([value.clone()]));
        let result_value = self.expr(&found.value_expr);
        let result = match &found.key_expr {
            None => ForResult::Tuple(result_value),
            Some(key) if found.grouping => ForResult::Groups { key: self.expr(key), value: result_value },
            Some(key) => ForResult::Object { key: self.expr(key), value: result_value },
        };
        let condition = found.cond.as_ref().map(|condition| self.expr(&condition.expr));
        self.bound.truncate(outside);
        Expr { kind: ExprKind::For(Box::new(For { key, value, collection, result, condition })), span }
    }
}

fn identifier<'t>(source: &'t str, parsed: &'t str) -> &'t str {
    let source = source.trim();
    if source.is_empty() { parsed } else { source }
}

fn operator(operator: BinaryOperator) -> BinaryOp {
    match operator {
        BinaryOperator::Or => BinaryOp::Or,
        BinaryOperator::And => BinaryOp::And,
        BinaryOperator::Eq => BinaryOp::Equal,
        BinaryOperator::NotEq => BinaryOp::NotEqual,
        BinaryOperator::Less => BinaryOp::Less,
        BinaryOperator::LessEq => BinaryOp::LessOrEqual,
        BinaryOperator::Greater => BinaryOp::Greater,
        BinaryOperator::GreaterEq => BinaryOp::GreaterOrEqual,
        BinaryOperator::Plus => BinaryOp::Add,
        BinaryOperator::Minus => BinaryOp::Subtract,
        BinaryOperator::Mul => BinaryOp::Multiply,
        BinaryOperator::Div => BinaryOp::Divide,
        BinaryOperator::Mod => BinaryOp::Remainder,
    }
}
