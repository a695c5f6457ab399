//! `$(NAME)` in texts, as Kubernetes writes it in a container's command; `$$(` is a literal `$(`.

use std::collections::BTreeMap;

/// What names stand for; `None` is what exists and is not known yet.
pub(crate) type Names = BTreeMap<String, Option<String>>;

/// Why a text cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Invalid {
    /// There is nothing of this name.
    Unknown(String),
    /// What follows `$(` is no name, or has no end.
    NoName(String),
}

/// Returns a text with its names replaced, or `None` if one of them is not known yet.
pub(crate) fn expand(text: &str, names: &Names) -> Result<Option<String>, Invalid> {
    let (mut expanded, mut rest, mut is_known) = (String::new(), text, true);
    while let Some(at) = rest.find('$') {
        expanded.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("$$(") {
            expanded.push_str("$(");
            rest = after;
        } else if let Some(after) = rest.strip_prefix("$(") {
            let end = after.find(|char: char| !char.is_ascii_alphanumeric() && char != '_').unwrap_or(after.len());
            let (name, closing) = after.split_at(end);
            let Some(closed) = closing.strip_prefix(')').filter(|_| !name.is_empty()) else {
                let shown: String = rest.chars().take(20).collect();
                return Err(Invalid::NoName(shown));
            };
            match names.get(name) {
                Some(Some(value)) => expanded.push_str(value),
                Some(None) => is_known = false,
                None => return Err(Invalid::Unknown(name.to_owned())),
            }
            rest = closed;
        } else {
            expanded.push('$');
            rest = &rest[1..];
        }
    }
    expanded.push_str(rest);
    Ok(is_known.then_some(expanded))
}

/// Returns a text that expands to this one.
pub(super) fn literal(text: &str) -> String {
    text.replace("$(", "$$(")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let known = |name: &str, value: &str| (name.to_owned(), Some(value.to_owned()));
        [known("NODE_NAME", "a"), known("PORT_CLIENT", "80"), ("PEERS".to_owned(), None)].into()
    }

    #[test]
    fn names_are_replaced_and_dollars_kept() {
        let table = [
            ("", Ok(Some(""))),
            ("plain $5 $ $$ ${x}", Ok(Some("plain $5 $ $$ ${x}"))),
            ("$(NODE_NAME)=http://h:$(PORT_CLIENT)", Ok(Some("a=http://h:80"))),
            ("$$(NODE_NAME) $$$(NODE_NAME)", Ok(Some("$(NODE_NAME) $$(NODE_NAME)"))),
            ("é$(NODE_NAME)é", Ok(Some("éaé"))),
            ("x $(PEERS)", Ok(None)),
            ("$(NODE)", Err(Invalid::Unknown("NODE".into()))),
            ("$(date +%s)", Err(Invalid::NoName("$(date +%s)".into()))),
            ("$()", Err(Invalid::NoName("$()".into()))),
            ("$(NODE_NAME", Err(Invalid::NoName("$(NODE_NAME".into()))),
        ];
        for (text, expected) in table {
            assert_eq!(expand(text, &names()), expected.map(|text| text.map(str::to_owned)), "{text}");
        }
    }

    #[test]
    fn a_literal_text_expands_to_itself() {
        for text in ["", "$(NODE_NAME) $$(x) $$$(", "é $ $5 ${x}"] {
            assert_eq!(expand(&literal(text), &Names::new()), Ok(Some(text.to_owned())), "{text}");
        }
    }
}
