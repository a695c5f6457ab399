//! `required_version`: which versions of loam may read a configuration.

use std::{cmp::Ordering, fmt, str::FromStr};

use crate::{
    diag::{Diagnostic, Diagnostics},
    source::Span,
};

/// Reports a `required_version` that this loam does not have, or that is none.
pub fn check_version(text: &str, span: Span, diagnostics: &mut Diagnostics) {
    let running = Version::running();
    match text.parse::<Constraint>() {
        Ok(constraint) if constraint.allows(&running) => {}
        Ok(_) => {
            let detail = format!("This configuration is for loam {text}, but this is loam {running}.");
            let hint = "Use a loam of that version, or change `required_version`.";
            diagnostics.push(Diagnostic::error("Unsuitable version", span, detail).hint(hint));
        }
        Err(error) => {
            let detail = format!("{error}.");
            let hint = "Write for example `\">= 0.1, < 2\"`.";
            diagnostics.push(Diagnostic::error("Invalid version constraint", span, detail).hint(hint));
        }
    }
}

/// A version: `0.1.0`, `1.2.0-rc1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    numbers: [u64; 3],
    pre: Option<String>,
}

/// Conditions on a version, all of which must hold: `>= 0.1, < 2`.
#[derive(Debug, Clone)]
pub(super) struct Constraint(Vec<(Operator, Version, usize)>);

#[derive(Debug, Clone, Copy)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    /// `~>`: the last number given may grow.
    Pessimistic,
}

/// Why a text is no version or constraint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a version constraint")]
pub(super) struct InvalidConstraint(String);

impl FromStr for Constraint {
    type Err = InvalidConstraint;

    fn from_str(text: &str) -> Result<Self, InvalidConstraint> {
        let parts = text.split(',').map(|part| {
            let part = part.trim();
            let operators = [
                ("~>", Operator::Pessimistic),
                (">=", Operator::GreaterOrEqual),
                ("<=", Operator::LessOrEqual),
                ("!=", Operator::NotEqual),
                (">", Operator::Greater),
                ("<", Operator::Less),
                ("=", Operator::Equal),
            ];
            let found = operators.iter().find_map(|(sign, operator)| Some((*operator, part.strip_prefix(sign)?)));
            let (operator, version) = found.unwrap_or((Operator::Equal, part));
            let (version, given) = parse(version.trim()).ok_or_else(|| InvalidConstraint(part.to_owned()))?;
            Ok((operator, version, given))
        });
        parts.collect::<Result<_, _>>().map(Self)
    }
}

impl Constraint {
    /// Returns whether a version meets every condition.
    pub(super) fn allows(&self, version: &Version) -> bool {
        self.0.iter().all(|(operator, wanted, given)| {
            let order = version.order(wanted);
            match operator {
                Operator::Equal => order == Ordering::Equal,
                Operator::NotEqual => order != Ordering::Equal,
                Operator::Greater => order == Ordering::Greater,
                Operator::GreaterOrEqual => order != Ordering::Less,
                Operator::Less => order == Ordering::Less,
                Operator::LessOrEqual => order != Ordering::Greater,
                Operator::Pessimistic => {
                    let fixed = given.saturating_sub(1).max(1);
                    order != Ordering::Less && version.numbers[..fixed] == wanted.numbers[..fixed]
                }
            }
        })
    }
}

impl Version {
    /// Returns the version of this loam.
    pub(super) fn running() -> Self {
        let version = parse(env!("CARGO_PKG_VERSION"));
        version.expect("the package has a version of three numbers").0
    }

    fn order(&self, other: &Self) -> Ordering {
        let pre = match (&self.pre, &other.pre) {
            (None, None) => Ordering::Equal,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(own), Some(other)) => own.cmp(other),
        };
        self.numbers.cmp(&other.numbers).then(pre)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")?;
        self.pre.as_ref().map_or(Ok(()), |pre| write!(f, "-{pre}"))
    }
}

/// Reads a version; returns it with how many numbers were given.
fn parse(text: &str) -> Option<(Version, usize)> {
    let (numbers, pre) = text.split_once('-').map_or((text, None), |(numbers, pre)| (numbers, Some(pre.to_owned())));
    let parsed: Vec<u64> = numbers.split('.').map(|number| number.parse().ok()).collect::<Option<_>>()?;
    if parsed.len() > 3 {
        return None;
    }
    let mut all = [0; 3];
    all[..parsed.len()].copy_from_slice(&parsed);
    Some((Version { numbers: all, pre }, parsed.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_conditions_must_hold() {
        let allows = |constraint: &str, version: &str| {
            let constraint: Constraint = constraint.parse().expect("a constraint");
            constraint.allows(&parse(version).expect("a version").0)
        };
        assert!(allows(">= 0.1, < 2", "1.9.3") && !allows(">= 0.1, < 2", "2.0.0"));
        assert!(allows("~> 1.2", "1.9.0") && !allows("~> 1.2", "2.0.0") && !allows("~> 1.2.3", "1.3.0"));
        assert!(allows("1.0", "1.0.0") && !allows("!= 1.0", "1.0.0") && allows("> 1.0.0-rc1", "1.0.0"));
        assert!("> x".parse::<Constraint>().is_err() && "".parse::<Constraint>().is_err());
    }
}
