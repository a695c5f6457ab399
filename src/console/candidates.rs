//! How what is typed may go on.

use loam_provider::{Type, Value};

use super::{Answer, Console};
use crate::{addr::Mode, eval::functions, source::Sources};

/// Names that every expression may start with.
const ROOTS: [&str; 5] = ["data.", "local.", "module.", "path.", "var."];
/// Words of the language that may stand where a name may.
const WORDS: [&str; 3] = ["false", "null", "true"];
/// What `path` has.
const PATHS: [&str; 3] = ["cwd", "module", "root"];

/// One way to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// What stands instead of the word that was begun.
    pub text: String,
    /// What says more about it: the signature and the purpose of a function, the type of an attribute.
    pub about: String,
}

/// The ways to go on, in order, and where the word starts that they replace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidates {
    /// The first byte of the word.
    pub start: usize,
    /// The ways.
    pub ways: Vec<Candidate>,
}

impl Console<'_> {
    /// Returns how a text may go on at its end.
    pub fn candidates(&mut self, text: &str) -> Candidates {
        let start = start_of_name(text);
        let name = &text[start..];
        let Some(dot) = name.rfind('.') else { return sorted(start, name, self.first_words()) };
        let (base, word) = (&name[..dot], &name[dot + 1..]);
        sorted(start + dot + 1, word, self.after(base))
    }

    /// Returns the signature of the function whose arguments begin at the end of a text.
    #[must_use]
    pub fn signature(text: &str) -> Option<String> {
        let before = text.strip_suffix('(')?;
        let name = &before[start_of_name(before)..];
        let signature = functions::all().find(|function| function.name == name)?.signature();
        signature.strip_prefix(name)?.strip_prefix('(').map(str::to_owned)
    }

    fn first_words(&self) -> Vec<Candidate> {
        let functions = functions::all()
            .chain(functions::of_console())
            .map(|function| way(format!("{}(", function.name), format!("{}  {}", function.signature(), function.doc)));
        let kinds = self.module.resources.keys().filter(|name| name.mode == Mode::Managed);
        let kinds = kinds.map(|name| way(format!("{}.", name.kind), String::new()));
        let fixed = ROOTS.into_iter().chain(WORDS).map(|word| way(word.into(), String::new()));
        functions.chain(kinds).chain(fixed).collect()
    }

    /// Returns what may follow a name and a dot.
    fn after(&mut self, base: &str) -> Vec<Candidate> {
        let named = |names: &mut dyn Iterator<Item = &str>| names.map(|name| way(name.into(), String::new())).collect();
        let of_kind = |mode, wanted: &str| {
            let blocks = self.module.resources.keys().filter(|name| name.mode == mode && &*name.kind == wanted);
            blocks.map(|name| way(name.name.to_string(), String::new())).collect::<Vec<_>>()
        };
        match base {
            "var" => {
                let variables = self.module.variables.values();
                variables
                    .map(|found| way(found.name.to_string(), found.description.clone().unwrap_or_default()))
                    .collect()
            }
            "local" => named(&mut self.module.locals.keys().map(|name| name.as_str())),
            "module" => named(&mut self.module.calls.keys().map(|name| name.as_str())),
            "path" => named(&mut PATHS.into_iter()),
            "data" => {
                let kinds = self.module.resources.keys().filter(|name| name.mode == Mode::Data);
                kinds.map(|name| way(format!("{}.", name.kind), String::new())).collect()
            }
            base => {
                let data = base.strip_prefix("data.").map(|kind| of_kind(Mode::Data, kind));
                let found = data.unwrap_or_else(|| of_kind(Mode::Managed, base));
                if found.is_empty() { self.inside(base) } else { found }
            }
        }
    }

    /// Returns the attributes and keys of what a name means.
    fn inside(&mut self, base: &str) -> Vec<Candidate> {
        let (answer, _) = self.evaluate("", 1, base, &mut Sources::default());
        let Some(Answer::Value(found)) = answer else { return Vec::new() };
        match &found.value {
            _ if found.marks.is_whole() => Vec::new(),
            Value::Unknown(Type::Object(object)) => {
                let fields = object.fields.iter();
                fields.map(|(name, field)| way(name.to_string(), field.ty.friendly())).collect()
            }
            value => {
                let entries = value.entries().into_iter().flatten().filter(|(name, _)| is_name(name));
                entries.map(|(name, item)| way(name.to_string(), item.ty().friendly())).collect()
            }
        }
    }
}

fn way(text: String, about: String) -> Candidate {
    Candidate { text, about }
}

fn sorted(start: usize, word: &str, mut ways: Vec<Candidate>) -> Candidates {
    ways.retain(|way| way.text.starts_with(word));
    ways.sort_by(|a, b| a.text.cmp(&b.text));
    ways.dedup_by(|a, b| a.text == b.text);
    Candidates { start, ways }
}

/// Returns where the name at the end of a text starts: `var.servers["a"].po` is one.
fn start_of_name(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut start = bytes.len();
    while let Some(before) = start.checked_sub(1) {
        match bytes[before] {
            b']' => match text[..before].rfind('[') {
                Some(open) => start = open,
                None => return start,
            },
            byte if byte.is_ascii_alphanumeric() || b"_.-".contains(&byte) || !byte.is_ascii() => start = before,
            _ => return start,
        }
    }
    start
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && chars.all(|char| char.is_alphanumeric() || char == '_' || char == '-')
}
