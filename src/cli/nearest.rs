//! What somebody may have meant by an address that nobody knows.

use crate::{addr::Instance, diag::did_you_mean};

/// More instances of a block than these are not named.
const MOST: usize = 3;

/// Returns a hint: the instances of the block where only their keys are missing, or the address that is most like it.
pub(super) fn nearest<'a>(address: &Instance, known: impl Iterator<Item = &'a Instance> + Clone) -> Option<String> {
    let mut siblings = known.clone().filter(|known| known.resource == address.resource);
    let first: Vec<String> = siblings.by_ref().take(MOST).map(|known| format!("'{known}'")).collect();
    if first.is_empty() {
        let texts: Vec<String> = known.map(ToString::to_string).collect();
        return did_you_mean(&address.to_string(), texts.iter().map(String::as_str));
    }
    let more = siblings.count();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    Some(format!("What there is of `{}`: {}{more}.", address.resource, first.join(", ")))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_answered_with_its_instances() {
        let known = ["a.m[0]", "a.m[1]", "a.m[2]", "a.m[3]", "a.x[\"eu\"]", "a.one"];
        let known: Vec<Instance> = known.iter().map(|known| known.parse().unwrap()).collect();
        let hint = |address: &str| nearest(&address.parse().unwrap(), known.iter()).unwrap_or_default();
        assert_eq!(hint("a.m"), "What there is of `a.m`: 'a.m[0]', 'a.m[1]', 'a.m[2]' and 1 more.");
        assert_eq!(hint("a.x[\"us\"]"), "What there is of `a.x`: 'a.x[\"eu\"]'.");
        assert_eq!(hint("a.oen"), "Did you mean `a.one`?");
        assert_eq!(hint("far.away"), "");
    }
}
