//! Operators.

use std::cmp::Ordering;

use loam_provider::{ArithmeticError, List, Map, Number, Type, Value};

use super::{
    Evaluated, Scope,
    describe::{a_type, about},
    expr,
};
use crate::{
    config::{BinaryOp, Expr, UnaryOp},
    diag::{Diagnostic, Diagnostics},
    source::Span,
};

/// One side of an operator: an operand, or what the operators before it made of theirs.
struct Side<'e> {
    value: Evaluated,
    first: &'e Expr,
    rest: &'e [(BinaryOp, Expr)],
}

impl<'e> Side<'e> {
    fn new(operand: &'e Expr, scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> Self {
        Self { value: expr::expr(operand, scope, diagnostics), first: operand, rest: &[] }
    }

    fn span(&self) -> Span {
        self.rest.last().map_or(self.first.span, |(_, last)| self.first.span.to(last.span))
    }

    fn exprs(&self) -> Vec<&'e Expr> {
        std::iter::once(self.first).chain(self.rest.iter().map(|(_, operand)| operand)).collect()
    }
}

/// Evaluates an operator of one operand.
pub(super) fn unary(op: UnaryOp, operand: &Expr, scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> Evaluated {
    let (sign, ty) = match op {
        UnaryOp::Negate => ("-", Type::Number),
        UnaryOp::Not => ("!", Type::Bool),
    };
    let side = Side::new(operand, scope, diagnostics);
    let value = converted(sign, "operand", &side, &ty, scope, diagnostics);
    let result = match (op, &value.value) {
        (UnaryOp::Negate, Value::Number(number)) => Value::Number(-number.clone()),
        (UnaryOp::Not, Value::Bool(claim)) => Value::Bool(!claim),
        (UnaryOp::Negate | UnaryOp::Not, _) => Value::Unknown(ty),
    };
    Evaluated::new(result, value.marks.collapsed())
}

/// Evaluates operators of one precedence from left to right.
pub(super) fn chain(
    first: &Expr,
    rest: &[(BinaryOp, Expr)],
    scope: &Scope<'_>,
    diagnostics: &mut Diagnostics,
) -> Evaluated {
    let mut left = Side::new(first, scope, diagnostics);
    for (index, (op, right)) in rest.iter().enumerate() {
        let value = binary(*op, &left, right, scope, diagnostics);
        left = Side { value, first, rest: &rest[..=index] };
    }
    left.value
}

fn binary(op: BinaryOp, left: &Side<'_>, right: &Expr, scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> Evaluated {
    match op {
        BinaryOp::Equal | BinaryOp::NotEqual => {
            let left = left.value.clone();
            let right = expr::expr(right, scope, diagnostics);
            let marks = left.marks.and(&right.marks).collapsed();
            let equal = equal(&left.value, &right.value).map(|equal| equal == (op == BinaryOp::Equal));
            Evaluated::new(equal.map_or(Value::Unknown(Type::Bool), Value::Bool), marks)
        }
        BinaryOp::And | BinaryOp::Or => {
            let sign = op.to_string();
            let left = converted(&sign, "left side", left, &Type::Bool, scope, diagnostics);
            let right = Side::new(right, scope, diagnostics);
            let right = converted(&sign, "right side", &right, &Type::Bool, scope, diagnostics);
            let marks = left.marks.and(&right.marks).collapsed();
            // One side may decide alone, even where the other is not known.
            let deciding = op == BinaryOp::Or;
            let value = match (left.value.as_bool(), right.value.as_bool()) {
                (Some(left), Some(_)) if left == deciding => Value::Bool(deciding),
                (Some(_), Some(right)) => Value::Bool(right),
                (Some(known), None) | (None, Some(known)) if known == deciding => Value::Bool(deciding),
                (Some(_) | None, None) | (None, Some(_)) => Value::Unknown(Type::Bool),
            };
            Evaluated::new(value, marks)
        }
        BinaryOp::Less => ordered(op, left, right, scope, diagnostics, Ordering::is_lt),
        BinaryOp::LessOrEqual => ordered(op, left, right, scope, diagnostics, Ordering::is_le),
        BinaryOp::Greater => ordered(op, left, right, scope, diagnostics, Ordering::is_gt),
        BinaryOp::GreaterOrEqual => ordered(op, left, right, scope, diagnostics, Ordering::is_ge),
        BinaryOp::Add => computed(op, left, right, scope, diagnostics, Number::checked_add),
        BinaryOp::Subtract => computed(op, left, right, scope, diagnostics, Number::checked_sub),
        BinaryOp::Multiply => computed(op, left, right, scope, diagnostics, Number::checked_mul),
        BinaryOp::Divide => computed(op, left, right, scope, diagnostics, Number::checked_div),
        BinaryOp::Remainder => computed(op, left, right, scope, diagnostics, Number::checked_rem),
    }
}

fn ordered(
    op: BinaryOp,
    left: &Side<'_>,
    right: &Expr,
    scope: &Scope<'_>,
    diagnostics: &mut Diagnostics,
    holds: fn(Ordering) -> bool,
) -> Evaluated {
    numbers(op, left, right, Type::Bool, scope, diagnostics, |left, right| Ok(holds(left.value_cmp(right)).into()))
}

fn computed(
    op: BinaryOp,
    left: &Side<'_>,
    right: &Expr,
    scope: &Scope<'_>,
    diagnostics: &mut Diagnostics,
    compute: fn(&Number, &Number) -> Result<Number, ArithmeticError>,
) -> Evaluated {
    numbers(op, left, right, Type::Number, scope, diagnostics, |a, b| {
        compute(a, b).map(Value::Number).map_err(|error| {
            // Zero by zero is called undefined rather than a division by zero.
            let zero = matches!(op, BinaryOp::Divide | BinaryOp::Remainder) && b.is_zero();
            let (summary, detail) = if zero {
                ("Division by zero", "The right side is zero, and nothing can be divided by zero.".to_owned())
            } else {
                ("Number out of range", format!("This cannot be computed: {error}."))
            };
            let mut exprs = left.exprs();
            exprs.push(right);
            Diagnostic::error(summary, left.span().to(right.span), detail).values(about(&exprs, scope))
        })
    })
}

fn numbers(
    op: BinaryOp,
    left: &Side<'_>,
    right: &Expr,
    ty: Type,
    scope: &Scope<'_>,
    diagnostics: &mut Diagnostics,
    compute: impl FnOnce(&Number, &Number) -> Result<Value, Diagnostic>,
) -> Evaluated {
    let sign = op.to_string();
    let left = converted(&sign, "left side", left, &Type::Number, scope, diagnostics);
    let right = Side::new(right, scope, diagnostics);
    let right = converted(&sign, "right side", &right, &Type::Number, scope, diagnostics);
    let marks = left.marks.and(&right.marks).collapsed();
    let value = match (left.value.as_number(), right.value.as_number()) {
        (Some(left), Some(right)) => compute(left, right).unwrap_or_else(|diagnostic| {
            diagnostics.push(diagnostic);
            Value::Unknown(ty)
        }),
        (Some(_) | None, _) => Value::Unknown(ty),
    };
    Evaluated::new(value, marks)
}

/// Returns a side as a value of a type; what is wrong is reported and unknown.
fn converted(
    sign: &str,
    name: &str,
    side: &Side<'_>,
    ty: &Type,
    scope: &Scope<'_>,
    diagnostics: &mut Diagnostics,
) -> Evaluated {
    let value = &side.value.value;
    let marks = side.value.marks.clone();
    let wanted = if *ty == Type::Number { "a number" } else { "true or false" };
    match value.clone().convert(ty) {
        Ok(Value::Null(_)) => {
            let detail = format!("The {name} of `{sign}` must be {wanted}, but it is null.");
            let diagnostic = Diagnostic::error("Null value", side.span(), detail);
            diagnostics.push(diagnostic.values(about(&side.exprs(), scope)));
            Evaluated::new(Value::Unknown(ty.clone()), marks)
        }
        Ok(value) => Evaluated::new(value, marks),
        Err(_) => {
            let detail = format!("The {name} of `{sign}` must be {wanted}, but it is {}.", a_type(&value.ty()));
            let mut diagnostic = Diagnostic::error("Invalid operand", side.span(), detail);
            if sign == "+" && matches!(value, Value::String(_)) {
                diagnostic = diagnostic.hint("To put texts together, write `\"${a}${b}\"`.");
            }
            diagnostics.push(diagnostic.values(about(&side.exprs(), scope)));
            Evaluated::new(Value::Unknown(ty.clone()), marks)
        }
    }
}

/// Returns whether two types may turn out to be the same once all of them is known.
fn may_be_one(left: &Type, right: &Type) -> bool {
    match (left, right) {
        (Type::Any, _) | (_, Type::Any) => true,
        (Type::List(a), Type::List(b)) | (Type::Set(a), Type::Set(b)) | (Type::Map(a), Type::Map(b)) => {
            may_be_one(a, b)
        }
        (Type::Object(_), Type::Object(_)) | (Type::Tuple(_), Type::Tuple(_)) => true,
        (left, right) => left == right,
    }
}

/// Returns whether two values are equal, or `None` where that is not known yet. Values of different types are not.
pub(super) fn equal(left: &Value, right: &Value) -> Option<bool> {
    match (left, right) {
        (Value::Unknown(_), Value::Null(_)) | (Value::Null(_), Value::Unknown(_)) => None,
        (Value::Unknown(a), other) | (other, Value::Unknown(a)) => {
            let b = other.ty();
            let different = (a.is_concrete() && *a != b || !may_be_one(a, &b)) && !other.is_unknown();
            if different { Some(false) } else { None }
        }
        (Value::Null(_), other) | (other, Value::Null(_)) => Some(other.is_null()),
        (Value::List(List { element: a, items: left }), Value::List(List { element: b, items: right })) => {
            if a.is_concrete() && b.is_concrete() && a != b {
                return Some(false);
            }
            sequences(left, right)
        }
        (Value::Tuple(left), Value::Tuple(right)) => sequences(left, right),
        (Value::Set(a), Value::Set(b)) => {
            if left.is_wholly_known() && right.is_wholly_known() {
                return Some(a == b || (a.items().is_empty() && b.items().is_empty()));
            }
            None
        }
        (Value::Map(Map { element: a, items: left }), Value::Map(Map { element: b, items: right })) => {
            if a.is_concrete() && b.is_concrete() && a != b {
                return Some(false);
            }
            fields(left, right)
        }
        (Value::Object(left), Value::Object(right)) => fields(left, right),
        (left, right) => Some(left == right),
    }
}

fn sequences(left: &[Value], right: &[Value]) -> Option<bool> {
    if left.len() != right.len() {
        return Some(false);
    }
    all(left.iter().zip(right).map(|(left, right)| equal(left, right)))
}

type Fields = std::collections::BTreeMap<loam_provider::Str, Value>;

fn fields(left: &Fields, right: &Fields) -> Option<bool> {
    if !left.keys().eq(right.keys()) {
        return Some(false);
    }
    all(left.values().zip(right.values()).map(|(left, right)| equal(left, right)))
}

/// One that is false decides; otherwise one that is not known leaves it open.
fn all(results: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut outcome = Some(true);
    for result in results {
        match result {
            Some(false) => return Some(false),
            Some(true) => {}
            None => outcome = None,
        }
    }
    outcome
}
