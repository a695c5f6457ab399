//! The name the user probably meant.

/// Returns the candidate nearest to a misspelt name, if one is near enough: within a third of the name's length,
/// where a swap of neighbours counts as one mistake.
#[must_use]
pub fn suggest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let name: Vec<char> = name.chars().collect();
    let limit = (name.len() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let chars: Vec<char> = candidate.chars().collect();
        if chars.len().abs_diff(name.len()) > limit {
            continue;
        }
        let distance = distance(&name, &chars);
        if distance <= limit && best.is_none_or(|(nearest, _)| distance < nearest) && distance < chars.len() {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Returns the hint for a misspelt name, if there is a candidate near enough.
#[must_use]
pub fn did_you_mean<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<String> {
    suggest(name, candidates).map(|candidate| format!("Did you mean `{candidate}`?"))
}

/// Returns the Damerau-Levenshtein distance (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        for (j, right) in b.iter().enumerate() {
            let changed = last[j] + usize::from(left != right);
            let mut least = changed.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *left == b[j - 1] && a[i - 1] == *right {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested_and_far_ones_not() {
        let names = ["network", "bucket", "snapshot", "id"];
        assert_eq!(suggest("netwrok", names), Some("network"));
        assert_eq!(suggest("buckets", names), Some("bucket"));
        assert_eq!(suggest("snap", names), None);
        assert_eq!(suggest("xy", names), None);
        assert_eq!(suggest("di", names), Some("id"));
        assert_eq!(did_you_mean("bukcet", names).as_deref(), Some("Did you mean `bucket`?"));
    }
}
