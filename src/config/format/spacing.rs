//! Whether a space stands between two tokens of a line.

use super::lexer::{Kind, Token};

/// Returns whether a space stands between two neighbours; `before` is what stands before the first of them.
pub(super) fn is_spaced(before: Option<&Token<'_>>, left: &Token<'_>, right: &Token<'_>) -> bool {
    use Kind::{
        Bang, CloseBrace, CloseHeredoc, CloseQuote, Comma, Directive, Dot, DoubleColon, Ellipsis, Identifier,
        Interpolation, Minus, Newline, Number, OpenBrace, OpenBracket, OpenHeredoc, OpenParen, OpenQuote, TemplateEnd,
        Text,
    };
    match (left.kind, right.kind) {
        (_, Newline) => false,
        (Identifier, OpenParen | DoubleColon) | (DoubleColon, Identifier) => false,
        // `1 .5` indexes a number, which is a mistake; `1.5` is another number.
        (Number, Dot) if before.is_none_or(|before| before.kind != Dot) => true,
        (Dot, _) | (_, Dot | Comma | Ellipsis) => false,
        (Comma, _) => true,
        (Text | OpenQuote | OpenHeredoc, _) | (_, Text | CloseQuote | CloseHeredoc) => false,
        // `in` before a list is a word of a `for`, not what is indexed.
        (Identifier, _) if left.text == "in" && before.is_some_and(|before| before.kind == Identifier) => true,
        (Identifier | Number, OpenBracket) => false,
        (left, OpenBracket) if left.depth() < 0 => false,
        (Bang, _) => false,
        (Minus, _) => is_subtraction(before),
        (OpenBrace, CloseBrace) => false,
        (OpenBrace, _) | (_, CloseBrace) => true,
        // `${ {` and `} }` keep two brackets of different meaning apart.
        (Interpolation | Directive, OpenBrace) | (CloseBrace, TemplateEnd) => true,
        (TemplateEnd, Interpolation | Directive) => false,
        (left, right) => left.depth() <= 0 && right.depth() >= 0,
    }
}

/// Returns whether a minus after this token subtracts, rather than negates.
fn is_subtraction(before: Option<&Token<'_>>) -> bool {
    let Some(before) = before else { return false };
    match before.kind {
        Kind::OpenParen | Kind::OpenBrace | Kind::OpenBracket => false,
        Kind::Equal | Kind::Colon | Kind::Comma | Kind::Question => false,
        Kind::Arithmetic | Kind::Minus | Kind::Comparison | Kind::Logic | Kind::Bang => false,
        Kind::Identifier | Kind::Number | Kind::Newline | Kind::LineComment | Kind::InlineComment => true,
        Kind::CloseBrace | Kind::CloseBracket | Kind::CloseParen => true,
        Kind::OpenQuote | Kind::CloseQuote | Kind::OpenHeredoc | Kind::CloseHeredoc | Kind::Text => true,
        Kind::Interpolation | Kind::Directive | Kind::TemplateEnd => true,
        Kind::Dot | Kind::Ellipsis | Kind::DoubleColon | Kind::FatArrow => true,
    }
}
