//! Tokens, and what they are called in messages.

/// One token. Blanks and comments are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// The first byte.
    pub(super) start: u32,
    /// The byte after the last.
    pub(super) end: u32,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Identifier,
    Number,
    Newline,
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,
    OpenParen,
    CloseParen,
    OpenQuote,
    CloseQuote,
    /// From `<<` through the end of the line.
    OpenHeredoc,
    /// The line of the marker, without its end.
    CloseHeredoc,
    /// Literal text in a template; in heredocs and files at most one line.
    Text,
    /// `${` or `${~`
    OpenInterpolation,
    /// `%{` or `%{~`
    OpenDirective,
    /// `}` or `~}` of either.
    CloseSequence,
    Equal,
    Comma,
    Dot,
    Ellipsis,
    Colon,
    DoubleColon,
    Question,
    FatArrow,
    Bang,
    Minus,
    Plus,
    Star,
    Slash,
    Percent,
    EqualEqual,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
    /// A closing bracket where nothing is open that it could close; it has been reported.
    Stray,
    /// A character without a meaning.
    Invalid,
    /// The end of the text.
    End,
}

impl Kind {
    /// Returns whether this opens something that has to be closed.
    pub(super) fn opens(self) -> bool {
        matches!(
            self,
            Self::OpenBrace
                | Self::OpenBracket
                | Self::OpenParen
                | Self::OpenQuote
                | Self::OpenHeredoc
                | Self::OpenInterpolation
                | Self::OpenDirective
        )
    }

    /// Returns whether this closes something.
    pub(super) fn closes(self) -> bool {
        matches!(
            self,
            Self::CloseBrace
                | Self::CloseBracket
                | Self::CloseParen
                | Self::CloseQuote
                | Self::CloseHeredoc
                | Self::CloseSequence
        )
    }
}

/// The symbols, the longer before those they start with.
pub(super) const SYMBOLS: &[(&str, Kind)] = &[
    ("...", Kind::Ellipsis),
    ("=>", Kind::FatArrow),
    ("==", Kind::EqualEqual),
    ("!=", Kind::NotEqual),
    ("<=", Kind::LessOrEqual),
    (">=", Kind::GreaterOrEqual),
    ("&&", Kind::And),
    ("||", Kind::Or),
    ("::", Kind::DoubleColon),
    ("=", Kind::Equal),
    (",", Kind::Comma),
    (".", Kind::Dot),
    (":", Kind::Colon),
    ("?", Kind::Question),
    ("!", Kind::Bang),
    ("-", Kind::Minus),
    ("+", Kind::Plus),
    ("*", Kind::Star),
    ("/", Kind::Slash),
    ("%", Kind::Percent),
    ("<", Kind::Less),
    (">", Kind::Greater),
];

/// Returns whether a character starts an identifier (UAX #31, and `_`).
pub(in crate::config) fn starts_identifier(char: char) -> bool {
    char == '_' || unicode_ident::is_xid_start(char)
}

/// Returns whether a character may stand in an identifier after its start: UAX #31, and `-`. Unicode took joiners and
/// middle dots in after Terraform's tables were made.
pub(in crate::config) fn continues_identifier(char: char) -> bool {
    let is_late = matches!(char, '\u{200c}' | '\u{200d}' | '\u{30fb}' | '\u{ff65}');
    char == '-' || (unicode_ident::is_xid_continue(char) && !is_late)
}

/// Returns the length of the identifier that a text starts with.
pub(in crate::config) fn identifier(text: &str) -> usize {
    if !text.starts_with(starts_identifier) {
        return 0;
    }
    text.find(|char| !continues_identifier(char)).unwrap_or(text.len())
}

/// Returns the length of the number that a text starts with. `1.2.3` is taken whole, as HCL does, and is no number.
pub(in crate::config) fn number(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let (mut at, mut end) = (0, 0);
    loop {
        if is_digit(at) {
            at += 1;
            end = at;
        } else if at > 0 && bytes.get(at) == Some(&b'.') {
            at += 1;
        } else if at > 0 && matches!(bytes.get(at), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
            if !is_digit(at + 1 + sign) {
                return end;
            }
            at += 2 + sign;
            end = at;
        } else {
            return end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_long_as_in_hcl() {
        for (text, length) in [
            ("1", 1),
            ("1.5", 3),
            ("1.", 1),
            ("1..2", 4),
            ("1...", 1),
            ("1.2.3x", 5),
            ("1e5", 3),
            ("1E-5e", 4),
            ("1e", 1),
            ("1.e5", 4),
            ("0x1F", 1),
            ("007", 3),
            ("1_000", 1),
            ("x", 0),
        ] {
            assert_eq!(number(text), length, "{text}");
        }
    }

    #[test]
    fn identifiers_are_those_of_unicode_with_dashes() {
        for (text, length) in [("a-b_c1.d", 6), ("été=", 5), ("_x", 2), ("-a", 0), ("1a", 0), ("日本", 6), ("a·b", 4)]
        {
            assert_eq!(identifier(text), length, "{text}");
        }
    }
}
