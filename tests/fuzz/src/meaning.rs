//! What a configuration means, without where it stands.
//!
//! The engine's own types are compared by what they print for debugging, so that nothing of them is forgotten here:
//! places are left out, and so are parentheses, which mean nothing once the text is read.

/// Returns what a value of the engine prints, without places and parentheses.
pub(crate) fn meaning(debug: &str) -> String {
    let mut meaning = String::with_capacity(debug.len() / 2);
    let mut rest = debug;
    // For each open bracket: whether it is one of parentheses.
    let mut open: Vec<bool> = Vec::new();
    while let Some(char) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("Span {") {
            rest = after.split_once('}').map_or("", |(_, after)| after);
        } else if let Some(after) = rest.strip_prefix(PARENTHESES) {
            open.push(true);
            rest = after;
        } else if char == '"' {
            let end = end_of_text(rest);
            meaning.push_str(&rest[..end]);
            rest = &rest[end..];
        } else {
            rest = &rest[char.len_utf8()..];
            match char {
                '(' | '{' | '[' => open.push(false),
                ')' if open.last() == Some(&true) => {
                    open.pop();
                    // The rest of the expression around it is its place.
                    rest = rest.split_once('}').map_or("", |(_, after)| after);
                    rest = rest.strip_prefix(" }").unwrap_or(rest);
                    continue;
                }
                ')' | '}' | ']' => drop(open.pop()),
                _ => {}
            }
            meaning.push(char);
        }
    }
    meaning
}

const PARENTHESES: &str = "Expr { kind: Parenthesised(";

/// Returns where the quoted text ends that this starts with.
fn end_of_text(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the meaning of an expression.
    fn of(text: &str) -> String {
        let mut sources = loam::source::Sources::default();
        let (expr, diagnostics) = loam::config::expression("text", text, &mut sources);
        assert!(diagnostics.is_empty(), "{text}");
        meaning(&format!("{expr:?}"))
    }

    #[test]
    fn white_space_and_parentheses_mean_nothing() {
        assert_eq!(of("[1,  2]"), of("[ 1 , 2 ]"));
        assert_eq!(of("(a.b)"), of("a.b"));
        assert_eq!(of("((1)) + [(\")\")]"), of("1+[\")\"]"));
        assert_eq!(of("\"${upper(\"}\")}\""), of("upper(\"}\")"));
    }

    #[test]
    fn everything_else_does() {
        for (one, other) in [("1 + 2 * 3", "(1 + 2) * 3"), ("\"a\"", "\"a \""), ("[1]", "[1, 1]"), ("a.b", "a.c")] {
            assert_ne!(of(one), of(other));
        }
    }
}
