//! Which calls fail, and how.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Predicts an object.
    Plan,
    /// Reads an object.
    Read,
    /// Makes an object.
    Create,
    /// Changes an object.
    Update,
    /// Deletes an object.
    Delete,
    /// Tells what became of an operation.
    Resolve,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The call fails without an effect.
    FailBefore,
    /// The call has its effect, and its reply is lost.
    FailAfter,
    /// The call has some of its effect, and fails. A call that has no effect fails like [`Fault::FailBefore`].
    Partial,
    /// The call takes this many milliseconds longer.
    Delay(u64),
    /// The call does not end before it is cancelled or its time is up; it has no effect.
    Hang,
    /// The call has its effect, and does not end before it is cancelled or its time is up.
    HangAfter,
    /// The call fails without an effect, and may work later.
    Transient,
    /// The call has its effect, and its answer breaks the contract.
    WrongAnswer,
    /// For reads: an object is not seen by the first so many reads of it.
    Eventually(u64),
}

/// What a rule counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Count {
    /// The calls it matches with the same verb and address, so that parallelism changes nothing.
    #[default]
    Address,
    /// All calls it matches.
    All,
}

/// One rule of a script: the calls it is about, and their fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The kind; `*` stands for any text.
    #[serde(default = "anything")]
    pub kind: String,
    /// The address; `*` stands for any text.
    #[serde(default = "anything")]
    pub address: String,
    /// The verb; any if absent.
    #[serde(default)]
    pub verb: Option<Verb>,
    /// What is counted.
    #[serde(default)]
    pub count: Count,
    /// Only this call, counted from one.
    #[serde(default)]
    pub nth: Option<u64>,
    /// Only this many calls.
    #[serde(default)]
    pub first: Option<u64>,
    /// So many of a hundred calls, chosen by the seed; all if absent.
    #[serde(default)]
    pub percent: Option<u8>,
    /// What goes wrong.
    pub fault: Fault,
}

/// The rules of a world: every one that matches a call applies, in order, until one ends the call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Chooses the calls of rules with `percent`.
    #[serde(default)]
    pub seed: u64,
    /// The rules.
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// Why there is no script.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The file could not be read.
    #[error("failed to read `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// The file is not a script.
    #[error("`{}` is not a fault script", path.display())]
    Malformed { path: PathBuf, source: serde_json::Error },
}

/// A call, as rules see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallSite<'a> {
    pub(crate) kind: &'a str,
    pub(crate) address: &'a str,
    pub(crate) verb: Verb,
}

/// One call that a rule counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Counted {
    rule: usize,
    verb: Option<Verb>,
    address: Option<String>,
}

/// How often each rule has counted.
#[derive(Debug, Default)]
pub(crate) struct Counts(Mutex<BTreeMap<Counted, u64>>);

fn anything() -> String {
    "*".into()
}

impl Rule {
    /// Returns a rule about every call of a verb.
    #[must_use]
    pub fn every(verb: Verb, fault: Fault) -> Self {
        let any = anything();
        let count = Count::default();
        Self { kind: any.clone(), address: any, verb: Some(verb), count, nth: None, first: None, percent: None, fault }
    }

    /// Returns the rule for addresses that match a pattern.
    #[must_use]
    pub fn at(self, address: &str) -> Self {
        Self { address: address.into(), ..self }
    }

    /// Returns the rule for one call only, counted from one.
    #[must_use]
    pub fn nth(self, nth: u64) -> Self {
        Self { nth: Some(nth), ..self }
    }

    fn matches(&self, site: CallSite<'_>) -> bool {
        self.verb.is_none_or(|verb| verb == site.verb)
            && matches(&self.kind, site.kind)
            && matches(&self.address, site.address)
    }

    fn counted(&self, rule: usize, site: CallSite<'_>) -> Counted {
        match self.count {
            Count::Address => Counted { rule, verb: Some(site.verb), address: Some(site.address.into()) },
            Count::All => Counted { rule, verb: None, address: None },
        }
    }

    /// Returns whether the rule is about the call of this number.
    fn strikes(&self, number: u64, seed: u64, counted: &Counted) -> bool {
        let limit = match self.fault {
            Fault::Eventually(reads) => Some(self.first.map_or(reads, |first| first.min(reads))),
            _ => self.first,
        };
        self.nth.is_none_or(|nth| nth == number)
            && limit.is_none_or(|limit| number <= limit)
            && self.percent.is_none_or(|percent| chance(seed, counted, number) < u64::from(percent))
    }
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// When the file cannot be read or is not one.
    pub fn read(path: &Path) -> Result<Self, ScriptError> {
        let text = fs::read(path).map_err(|source| ScriptError::Read { path: path.to_owned(), source })?;
        serde_json::from_slice(&text).map_err(|source| ScriptError::Malformed { path: path.to_owned(), source })
    }

    /// Returns the faults of a call, and what was counted to find them.
    pub(crate) fn faults(&self, site: CallSite<'_>, counts: &Counts) -> (Vec<Fault>, Vec<Counted>) {
        let (mut faults, mut all) = (Vec::new(), Vec::new());
        for (index, rule) in self.rules.iter().enumerate().filter(|(_, rule)| rule.matches(site)) {
            let counted = rule.counted(index, site);
            let number = counts.count(counted.clone());
            if rule.strikes(number, self.seed, &counted) {
                faults.push(rule.fault.clone());
            }
            all.push(counted);
        }
        (faults, all)
    }
}

impl Counts {
    /// Counts a call and returns its number, from one.
    pub(crate) fn count(&self, counted: Counted) -> u64 {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = counts.entry(counted).or_default();
        *number += 1;
        *number
    }
}

impl Fault {
    /// Returns how much longer the call takes.
    pub(crate) fn delay(&self) -> Option<Duration> {
        match self {
            Self::Delay(milliseconds) => Some(Duration::from_millis(*milliseconds)),
            Self::FailBefore | Self::FailAfter | Self::Partial | Self::Hang | Self::HangAfter => None,
            Self::Transient | Self::WrongAnswer | Self::Eventually(_) => None,
        }
    }
}

/// Returns whether text matches a pattern in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let Some((middle, tail)) = rest.rsplit_once('*') else { return text.ends_with(rest) };
    for part in middle.split('*') {
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    text.ends_with(tail)
}

/// Returns a number below a hundred that depends on nothing but its arguments.
fn chance(seed: u64, counted: &Counted, number: u64) -> u64 {
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(PRIME);
    let text = format!("{seed} {} {:?} {:?} {number}", counted.rule, counted.verb, counted.address);
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325, mix);
    // The low bits of this hash are weak for texts that differ in their last digit.
    ((hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) % 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text) in [("*", ""), ("a*", "ab"), ("*.b", "a.b"), ("a*b*c", "a1b2c"), ("a*a", "aa"), ("a", "a")]
        {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "ab"), ("a*a", "a"), ("a*b*c", "acb"), ("*b", "a"), ("*b*b", "ab")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn calls_are_counted_for_each_address() {
        let script = Script { seed: 0, rules: vec![Rule::every(Verb::Create, Fault::Transient).nth(2)] };
        let counts = Counts::default();
        let struck = |address| {
            let site = CallSite { kind: "sim_thing", address, verb: Verb::Create };
            !script.faults(site, &counts).0.is_empty()
        };
        assert_eq!(["a", "b", "a", "b", "a"].map(struck), [false, false, true, true, false]);
    }

    #[test]
    fn the_seed_alone_chooses_among_calls() {
        let struck = |seed| {
            let script =
                Script { seed, rules: vec![Rule { percent: Some(30), ..Rule::every(Verb::Read, Fault::Transient) }] };
            let counts = Counts::default();
            (0..1000)
                .map(|index| {
                    let address = format!("sim_thing.a[{index}]");
                    let site = CallSite { kind: "sim_thing", address: &address, verb: Verb::Read };
                    !script.faults(site, &counts).0.is_empty()
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(struck(1), struck(1));
        assert_ne!(struck(1), struck(2));
        let share = struck(1).into_iter().filter(|struck| *struck).count();
        assert!((250..350).contains(&share), "{share}");
    }

    #[test]
    fn a_script_is_plain_json_and_its_mistakes_are_named() {
        let text = r#"{"rules": [{"address": "sim_thing.a*", "verb": "create", "nth": 1, "fault": {"delay": 5}}]}"#;
        let script: Script = serde_json::from_str(text).expect("it is a script");
        let rule = Rule::every(Verb::Create, Fault::Delay(5)).at("sim_thing.a*").nth(1);
        assert_eq!(script, Script { seed: 0, rules: vec![rule] });
        let error = serde_json::from_str::<Script>(r#"{"rules": [{"fualt": "hang"}]}"#).expect_err("a misspelt field");
        assert!(error.to_string().contains("unknown field `fualt`"), "{error}");
    }
}
