//! Tokens to expressions.

use super::{
    parser::{Newlines, Parsed, Parser, Reported},
    token::{Kind, Token},
    tree::{
        Array, BinaryOperation, Conditional, Expression, ForExpr, FuncArgs, FuncCall, FuncName, Ident, Node as _,
        Object, ObjectKey, Parenthesis, Spanned, Traversal, TraversalOperator, UnaryOperation,
    },
};
use crate::{
    config::{BinaryOp, UnaryOp},
    source::Span,
};

/// Returns the operator that a token is, and how tightly it binds.
fn operator(kind: Kind) -> Option<(BinaryOp, u8)> {
    Some(match kind {
        Kind::Or => (BinaryOp::Or, 0),
        Kind::And => (BinaryOp::And, 1),
        Kind::EqualEqual => (BinaryOp::Equal, 2),
        Kind::NotEqual => (BinaryOp::NotEqual, 2),
        Kind::Less => (BinaryOp::Less, 3),
        Kind::LessOrEqual => (BinaryOp::LessOrEqual, 3),
        Kind::Greater => (BinaryOp::Greater, 3),
        Kind::GreaterOrEqual => (BinaryOp::GreaterOrEqual, 3),
        Kind::Plus => (BinaryOp::Add, 4),
        Kind::Minus => (BinaryOp::Subtract, 4),
        Kind::Star => (BinaryOp::Multiply, 5),
        Kind::Slash => (BinaryOp::Divide, 5),
        Kind::Percent => (BinaryOp::Remainder, 5),
        _ => return None,
    })
}

impl Parser<'_> {
    /// Reads an expression.
    pub(super) fn expression(&mut self) -> Parsed<Expression> {
        self.nested(Self::conditional)
    }

    fn conditional(&mut self) -> Parsed<Expression> {
        let cond_expr = self.binary(0)?;
        if self.take_if(Kind::Question).is_none() {
            return Ok(cond_expr);
        }
        let true_expr = self.expression()?;
        if self.take_if(Kind::Colon).is_none() {
            return Err(self.expected("`:` (a conditional is written `CONDITION ? VALUE : VALUE`)"));
        }
        let false_expr = self.expression()?;
        let span = cond_expr.span().to(false_expr.span());
        Ok(Expression::Conditional(Box::new(Conditional { cond_expr, true_expr, false_expr, span })))
    }

    /// Reads operands and operators that bind at least so tightly.
    fn binary(&mut self, least: u8) -> Parsed<Expression> {
        let mut first = self.unary()?;
        while let Some((_, level)) = operator(self.peek().kind).filter(|(_, level)| *level >= least) {
            let mut rest = Vec::new();
            let mut span = first.span();
            while let Some((found, _)) = operator(self.peek().kind).filter(|(_, other)| *other == level) {
                self.take();
                let right = self.binary(level + 1)?;
                span = span.to(right.span());
                rest.push((found, right));
            }
            first = Expression::BinaryOp(Box::new(BinaryOperation { first, rest, span }));
        }
        Ok(first)
    }

    fn unary(&mut self) -> Parsed<Expression> {
        let token = self.peek();
        let operator = match token.kind {
            Kind::Minus => UnaryOp::Negate,
            Kind::Bang => UnaryOp::Not,
            _ => return self.traversal(),
        };
        self.take();
        let expr = self.nested(Self::unary)?;
        let span = self.span(token).to(expr.span());
        Ok(Expression::UnaryOp(Box::new(UnaryOperation { operator, expr, span })))
    }

    /// Reads a value and the ways into it.
    fn traversal(&mut self) -> Parsed<Expression> {
        let expr = self.term()?;
        let mut operators: Vec<Spanned<TraversalOperator>> = Vec::new();
        let mut splats = 0;
        loop {
            let operator = match self.peek().kind {
                Kind::Dot => {
                    let dot = self.take();
                    self.after_dot(dot, operators.last().map(Spanned::value))?
                }
                Kind::OpenBracket => self.index()?,
                _ => break,
            };
            if matches!(operator.value, TraversalOperator::FullSplat) {
                splats += 1;
                self.check_depth(splats)?;
            }
            operators.push(operator);
        }
        let Some(last) = operators.last() else { return Ok(expr) };
        let span = expr.span().to(last.span);
        Ok(Expression::Traversal(Box::new(Traversal { expr, operators, span })))
    }

    fn after_dot(&mut self, dot: Token, before: Option<&TraversalOperator>) -> Parsed<Spanned<TraversalOperator>> {
        let token = self.peek();
        let value = match token.kind {
            Kind::Identifier => {
                self.take();
                TraversalOperator::GetAttr(self.ident(token))
            }
            Kind::Number => {
                self.take();
                self.legacy_index(dot, token)?
            }
            Kind::Star => {
                if matches!(before, Some(TraversalOperator::AttrSplat)) {
                    return Err(self.nested_splat(dot));
                }
                self.take();
                TraversalOperator::AttrSplat
            }
            _ => return Err(self.expected_after_dot(dot)),
        };
        Ok(Spanned { value, span: self.between(dot, token) })
    }

    fn legacy_index(&mut self, dot: Token, token: Token) -> Parsed<TraversalOperator> {
        let digits = self.slice(token);
        match digits.split_once('.') {
            Some((first, second)) => {
                let (first, second) = (first.to_owned(), second.to_owned());
                Err(self.two_legacy_indexes(dot, token, &first, &second))
            }
            None => Ok(TraversalOperator::LegacyIndex(digits.into())),
        }
    }

    fn index(&mut self) -> Parsed<Spanned<TraversalOperator>> {
        let open = self.take();
        if self.newlines_are_here() || self.peek().kind != Kind::Star {
            let expected = "`]` after this index";
            let found = self.enclosed(Kind::CloseBracket, Newlines::Blank, expected, Self::expression);
            let span = self.between(open, self.previous());
            let key = found.map_or(Expression::Null(span), |(key, _)| key);
            return Ok(Spanned { value: TraversalOperator::Index(key), span });
        }
        self.take();
        let Some(close) = self.take_if(Kind::CloseBracket) else {
            self.expected("`]` after the star");
            self.skip_until(|_| false);
            let close = self.take();
            return Ok(Spanned { value: TraversalOperator::FullSplat, span: self.between(open, close) });
        };
        Ok(Spanned { value: TraversalOperator::FullSplat, span: self.between(open, close) })
    }

    fn newlines_are_here(&mut self) -> bool {
        self.peek().kind == Kind::Newline
    }

    fn term(&mut self) -> Parsed<Expression> {
        let token = self.peek();
        let found = match token.kind {
            Kind::Number => {
                self.take();
                return Ok(Expression::Number(self.ident(token)));
            }
            Kind::Identifier => return self.named(token),
            Kind::OpenQuote => {
                self.take();
                self.quoted(token)
            }
            Kind::OpenHeredoc => {
                self.take();
                self.heredoc(token)
            }
            Kind::OpenParen => self.parenthesis(),
            Kind::OpenBracket => self.array(),
            Kind::OpenBrace => self.object(),
            _ => return Err(self.expected_value()),
        };
        // What is wrong inside of brackets ends with them: something stands for it, so that more can be found.
        Ok(found.unwrap_or_else(|Reported| Expression::Null(self.span(token))))
    }

    fn named(&mut self, token: Token) -> Parsed<Expression> {
        self.take();
        let span = self.span(token);
        if matches!(self.peek().kind, Kind::OpenParen | Kind::DoubleColon) {
            return self.call(token);
        }
        Ok(match self.slice(token) {
            "null" => Expression::Null(span),
            "true" => Expression::Bool(Spanned { value: true, span }),
            "false" => Expression::Bool(Spanned { value: false, span }),
            _ => Expression::Variable(self.ident(token)),
        })
    }

    fn parenthesis(&mut self) -> Parsed<Expression> {
        let open = self.take();
        let (inner, close) =
            self.enclosed(Kind::CloseParen, Newlines::Blank, "`)` after this value", Self::expression)?;
        let span = self.between(open, close);
        Ok(Expression::Parenthesis(Box::new(Parenthesis { inner, span })))
    }

    fn call(&mut self, first: Token) -> Parsed<Expression> {
        let mut names = vec![self.ident(first)];
        while self.take_if(Kind::DoubleColon).is_some() {
            let token = self.peek();
            if token.kind != Kind::Identifier {
                return Err(self.expected("the name of a function after `::`"));
            }
            self.take();
            names.push(self.ident(token));
        }
        if self.take_if(Kind::OpenParen).is_none() {
            return Err(self.expected("`(` and the arguments of this function"));
        }
        let expected = "`,` or `)` after this argument";
        let mut expand_final = false;
        let found = self.enclosed(Kind::CloseParen, Newlines::Blank, expected, |parser| {
            parser.items(Kind::CloseParen, expected, |parser| {
                let arg = parser.expression()?;
                expand_final = parser.take_if(Kind::Ellipsis).is_some();
                if expand_final && parser.peek().kind != Kind::CloseParen {
                    return Err(parser.expected("`)` after `...`, which stands behind the last argument"));
                }
                Ok(arg)
            })
        });
        let args = found.map_or(Vec::new(), |(args, _)| args);
        let span = self.between(first, self.previous());
        let name = names.pop().unwrap_or_else(|| self.ident(first));
        let (name, args) = (FuncName { namespace: names, name }, FuncArgs { args, expand_final });
        Ok(Expression::FuncCall(Box::new(FuncCall { name, args, span })))
    }

    /// Reads items with commas between them. After a mistake it goes on with the next item.
    fn items<T>(
        &mut self,
        close: Kind,
        expected: &str,
        mut item: impl FnMut(&mut Self) -> Parsed<T>,
    ) -> Parsed<Vec<T>> {
        let mut items = Vec::new();
        let mut result = Ok(());
        while self.peek().kind != close {
            let found = item(self).and_then(|found| match self.peek().kind {
                Kind::Comma => Ok(found),
                kind if kind == close => Ok(found),
                _ => Err(self.expected_separator(expected)),
            });
            match found {
                Ok(found) => items.push(found),
                Err(Reported) => {
                    result = Err(Reported);
                    self.skip_until(|kind| kind == Kind::Comma);
                }
            }
            if self.take_if(Kind::Comma).is_none() {
                break;
            }
        }
        result.map(|()| items)
    }

    fn array(&mut self) -> Parsed<Expression> {
        let open = self.take();
        if self.newlines_in(Newlines::Blank, |parser| parser.is_word("for")) {
            return self.for_expr(open, Kind::CloseBracket);
        }
        let expected = "`,` or `]` after this item";
        let (items, close) = self.enclosed(Kind::CloseBracket, Newlines::Blank, expected, |parser| {
            parser.items(Kind::CloseBracket, expected, Self::expression)
        })?;
        Ok(Expression::Array(Array { items, span: self.between(open, close) }))
    }

    /// Looks at what follows with another meaning of line ends.
    fn newlines_in<T>(&mut self, newlines: Newlines, look: impl FnOnce(&mut Self) -> T) -> T {
        let (outer, at) = (std::mem::replace(&mut self.newlines, newlines), self.at);
        let found = look(self);
        (self.newlines, self.at) = (outer, at);
        found
    }

    fn object(&mut self) -> Parsed<Expression> {
        let open = self.take();
        if self.newlines_in(Newlines::Blank, |parser| parser.is_word("for")) {
            return self.for_expr(open, Kind::CloseBrace);
        }
        let expected = "`,`, a new line or `}` after this item";
        let (items, close) = self.enclosed(Kind::CloseBrace, Newlines::Separate, expected, Self::object_items)?;
        Ok(Expression::Object(Object { items, span: self.between(open, close) }))
    }

    fn object_items(&mut self) -> Parsed<Vec<(ObjectKey, Expression)>> {
        let mut items = Vec::new();
        let mut result = Ok(());
        loop {
            match self.peek().kind {
                Kind::Newline => {
                    self.take();
                    continue;
                }
                Kind::CloseBrace | Kind::End => return result.map(|()| items),
                _ => {}
            }
            match self.object_item() {
                Ok(item) => items.push(item),
                Err(Reported) => {
                    result = Err(Reported);
                    self.skip_until(|kind| matches!(kind, Kind::Comma | Kind::Newline));
                }
            }
            if self.take_if(Kind::Comma).is_none() && self.take_if(Kind::Newline).is_none() {
                return result.map(|()| items);
            }
        }
    }

    fn object_item(&mut self) -> Parsed<(ObjectKey, Expression)> {
        let start = self.peek();
        let key = match (self.expression()?, start.kind) {
            // In parentheses it is a name that has a value.
            (key, Kind::OpenParen) => ObjectKey::Expression(key),
            (Expression::Variable(name), _) => ObjectKey::Ident(name),
            (Expression::Null(_) | Expression::Bool(_), Kind::Identifier) => ObjectKey::Ident(self.ident(start)),
            (key, _) => ObjectKey::Expression(key),
        };
        if self.take_if(Kind::Equal).is_none() && self.take_if(Kind::Colon).is_none() {
            return Err(self.expected_after_key());
        }
        let value = self.expression()?;
        match self.peek().kind {
            Kind::Comma | Kind::Newline | Kind::CloseBrace => Ok((key, value)),
            _ => Err(self.expected_after_item()),
        }
    }

    fn for_expr(&mut self, open: Token, close: Kind) -> Parsed<Expression> {
        let expected = if close == Kind::CloseBrace {
            "`}` at the end of this `for` expression"
        } else {
            "`]` at the end of this `for` expression"
        };
        let (mut found, end) = self.enclosed(close, Newlines::Blank, expected, |parser| parser.for_inside(close))?;
        found.span = self.between(open, end);
        Ok(Expression::ForExpr(Box::new(found)))
    }

    fn for_inside(&mut self, close: Kind) -> Parsed<ForExpr> {
        let start = self.take();
        let (key_var, value_var) = self.for_names()?;
        let collection_expr = self.expression()?;
        if self.take_if(Kind::Colon).is_none() {
            return Err(self.expected("`:` (a `for` is written `[for x in LIST : VALUE]`)"));
        }
        let first = self.expression()?;
        let (key_expr, value_expr) = match self.take_if(Kind::FatArrow) {
            Some(arrow) if close == Kind::CloseBracket => return Err(self.key_in_tuple(arrow)),
            Some(_) => (Some(first), self.expression()?),
            None if close == Kind::CloseBrace => {
                return Err(self.expected("`=>` (an object is built by `{for k, v in MAP : KEY => VALUE}`)"));
            }
            None => (None, first),
        };
        let ellipsis = self.take_if(Kind::Ellipsis);
        if let (Some(token), Kind::CloseBracket) = (ellipsis, close) {
            return Err(self.grouping_in_tuple(token));
        }
        let cond = if self.is_word("if") {
            self.take();
            Some(self.expression()?)
        } else {
            None
        };
        let grouping = ellipsis.is_some();
        let span = self.span(start);
        Ok(ForExpr { key_var, value_var, collection_expr, key_expr, value_expr, grouping, cond, span })
    }

    /// Reads `k, v in`.
    pub(super) fn for_names(&mut self) -> Parsed<(Option<Ident>, Ident)> {
        let first = self.for_name()?;
        let (key, value) =
            if self.take_if(Kind::Comma).is_some() { (Some(first), self.for_name()?) } else { (None, first) };
        if !self.is_word("in") {
            return Err(self.expected("`in` (a `for` is written `[for x in LIST : VALUE]`)"));
        }
        self.take();
        Ok((key, value))
    }

    fn for_name(&mut self) -> Parsed<Ident> {
        let token = self.peek();
        if token.kind != Kind::Identifier {
            return Err(self.expected("a name"));
        }
        self.take();
        Ok(self.ident(token))
    }

    /// Returns the place from one token to another.
    pub(super) fn between(&self, first: Token, last: Token) -> Span {
        self.span(first).to(self.span(last))
    }
}
