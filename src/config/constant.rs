//! The values of expressions that need nothing to be known: literals and what is built of them.

use loam_provider::{Str, Value};

use super::{Expr, ExprKind, Part, UnaryOp};

/// Returns the value of an expression that is written out in full, or `None` where it refers to anything.
#[must_use]
pub fn constant(expr: &Expr) -> Option<Value> {
    match &expr.kind {
        ExprKind::Literal(value) => Some(value.clone()),
        ExprKind::Parenthesised(inner) => constant(inner),
        ExprKind::Tuple(items) => Some(Value::tuple(items.iter().map(constant).collect::<Option<Vec<_>>>()?)),
        ExprKind::Object(items) => {
            let fields = items.iter().map(|item| {
                let key = constant(&item.key)?;
                Some((Str::from(key.as_str()?), constant(&item.value)?))
            });
            Some(Value::object(fields.collect::<Option<Vec<_>>>()?))
        }
        ExprKind::Unary { op: UnaryOp::Negate, operand } => match constant(operand)? {
            Value::Number(number) => Some(Value::Number(-number)),
            _ => None,
        },
        ExprKind::Template(parts) => {
            let texts = parts.iter().map(|part| match part {
                Part::Text(text) => Some(text.as_str()),
                Part::Interpolation(_) | Part::If { .. } | Part::For { .. } => None,
            });
            Some(Value::string(texts.collect::<Option<String>>()?))
        }
        ExprKind::Unary { .. } | ExprKind::Binary { .. } | ExprKind::Conditional(_) | ExprKind::For(_) => None,
        ExprKind::Reference(_) | ExprKind::Traverse { .. } | ExprKind::Call(_) | ExprKind::Invalid => None,
    }
}
