//! What people write who come from other languages, and what it is called here.

use super::{
    parser::{MOST_REPORTED, Parser},
    token::{Kind, Token},
};

/// So far the end of what is almost a heredoc is looked for, so that many of them take no time.
const MOST_SKIPPED: usize = 5000;

const CONDITIONAL: &str = "A value that depends on a condition is written `CONDITION ? VALUE : VALUE`.";

impl Parser<'_> {
    /// Returns what to write instead, where a value has ended and something follows that belongs to another language.
    pub(super) fn habit_after_value(&mut self) -> Option<String> {
        let (before, token) = (self.previous(), self.peek());
        let starts_value = matches!(token.kind, Kind::Identifier | Kind::Number | Kind::OpenQuote);
        let word = if before.kind == Kind::Identifier { self.slice(before) } else { "" };
        Some(match (word, token.kind, self.slice(token)) {
            (_, Kind::Identifier, "and") => "Both of two conditions: write `&&`.".into(),
            (_, Kind::Identifier, "or") => "One of two conditions: write `||`.".into(),
            ("not", ..) if starts_value => "The opposite of a condition: write `!`.".into(),
            ("if", ..) if starts_value => CONDITIONAL.into(),
            (_, Kind::Identifier, "if" | "then" | "else") => CONDITIONAL.into(),
            (_, Kind::FatArrow, _) => {
                "`=>` belongs to `for` expressions, as in `{ for k, v in MAP : k => v }`; there are no functions of \
                 one's own."
                    .into()
            }
            ("" | "true" | "false" | "null", ..) => return None,
            (word, Kind::Number | Kind::OpenQuote, _) if self.stands_alone(before) => {
                format!("If `{word}` is a function, put its arguments in parentheses: `{word}(…)`.")
            }
            _ => return None,
        })
    }

    /// Returns what to write instead of two signs that are an operator elsewhere, the second of which is next.
    pub(super) fn habit_in_operator(&mut self) -> Option<&'static str> {
        let (before, token) = (self.previous(), self.peek());
        if before.end != token.start {
            return None;
        }
        Some(match (before.kind, token.kind) {
            (Kind::EqualEqual, Kind::Equal) => "To compare, write `==`.",
            (Kind::NotEqual, Kind::Equal) | (Kind::Less, Kind::Greater) => "To tell whether values differ, write `!=`.",
            (Kind::Star, Kind::Star) => "A power is written `pow(BASE, EXPONENT)`.",
            (Kind::Plus, Kind::Plus) => "Values do not change: write `VALUE + 1` where the next one is needed.",
            (Kind::Question, Kind::Question | Kind::Colon) => {
                "Where a value may be null, write `coalesce(VALUE, OTHER)`."
            }
            (Kind::Question, Kind::Dot) => "Where a value may be missing, write `try(VALUE.ATTRIBUTE, null)`.",
            _ => return None,
        })
    }

    /// Returns what to write instead of `name += 1`, `name++` and `name := 1`; the name has been taken.
    pub(super) fn habit_of_setting(&mut self, name: &str) -> Option<String> {
        let (token, next) = (self.peek(), self.after_next());
        match (token.kind, next.kind) {
            (Kind::Plus | Kind::Minus | Kind::Star | Kind::Slash | Kind::Percent, Kind::Equal)
            | (Kind::Plus, Kind::Plus)
            | (Kind::Minus, Kind::Minus) => {
                Some(format!("Values do not change: write `{name} = VALUE`, and give another value another name."))
            }
            (Kind::Colon, Kind::Equal) => Some(format!("To set an argument, write `{name} = VALUE`.")),
            _ => None,
        }
    }

    /// Steps over the text of `<< EOT`, which is next and no heredoc, so that its lines are not taken for arguments.
    pub(super) fn skip_almost_heredoc(&mut self) {
        let tokens = self.rest();
        let ([_, _, marker, end, ..], true) = (tokens, self.diagnostics.len() < MOST_REPORTED) else { return };
        if marker.kind != Kind::Identifier || end.kind != Kind::Newline {
            return;
        }
        let mut depth = 0_usize;
        for (at, token) in tokens.iter().enumerate().take(MOST_SKIPPED).skip(4) {
            let ends_line = || tokens.get(at + 1).is_none_or(|next| matches!(next.kind, Kind::Newline | Kind::End));
            if token.kind.closes() {
                let Some(outer) = depth.checked_sub(1) else { return };
                depth = outer;
            } else if token.kind.opens() {
                depth += 1;
            } else if depth == 0
                && tokens[at - 1].kind == Kind::Newline
                && self.slice(*token) == self.slice(*marker)
                && ends_line()
            {
                self.at += at + 1;
                return;
            }
        }
    }

    /// Returns whether a name is not a part of a longer one.
    fn stands_alone(&self, name: Token) -> bool {
        let before = self.text.get(..name.start as usize).unwrap_or_default().trim_end();
        !before.ends_with('.') && !before.ends_with(':')
    }
}
