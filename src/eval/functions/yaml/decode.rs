//! Reads YAML into values: events to nodes, anchors to what they name.

use std::collections::{BTreeMap, HashMap};

use libyaml_safer::{EventData, Parser, ScalarStyle};
use loam_provider::{Str, Type, Value};

use super::scalar;

/// Deeper nesting is refused.
const MOST_DEEP: usize = 128;
/// All aliases of a document together stand for no more nodes than this.
const MOST_ALIASED: usize = 1 << 20;

/// Returns the value of the one document of a text.
pub(in super::super) fn decode(text: &str) -> Result<Value, String> {
    if let Some(char) = text.chars().find(|char| char.is_control() && !matches!(char, '\t' | '\n' | '\r' | '\u{85}')) {
        return Err(format!("the character {} is not allowed in YAML", char.escape_unicode()));
    }
    let mut parser = Parser::new();
    parser.set_input(text.as_bytes());
    let mut builder = Builder::default();
    loop {
        let event = parser.parse().map_err(|error| {
            let place = error.problem_mark().map(|mark| format!("line {}: ", mark.line)).unwrap_or_default();
            format!("{place}{}", error.problem())
        })?;
        if event.data == EventData::StreamEnd {
            return builder.done.map(|node| node.value).ok_or_else(|| "it holds no document".into());
        }
        builder.event(event.data).map_err(|because| format!("line {}: {because}", event.start_mark.line))?;
    }
}

/// A node that is complete.
#[derive(Clone)]
struct Node {
    value: Value,
    /// How many nodes it is made of.
    size: usize,
    /// Whether it is the key `<<` of a merge.
    is_merge: bool,
}

/// A collection that is not complete yet.
struct Open {
    anchor: Option<String>,
    size: usize,
    items: Items,
}

enum Items {
    Sequence(Vec<Value>),
    Mapping { fields: BTreeMap<Str, Value>, key: Option<Key> },
}

/// A key that waits for its value.
enum Key {
    Name(Str),
    Merge,
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<String, Node>,
    aliased: usize,
    documents: usize,
    done: Option<Node>,
}

impl Builder {
    fn event(&mut self, event: EventData) -> Result<(), String> {
        match event {
            EventData::StreamStart { .. } | EventData::StreamEnd | EventData::DocumentEnd { .. } => Ok(()),
            EventData::DocumentStart { .. } => {
                self.documents += 1;
                if self.documents > 1 { Err("a second document begins".into()) } else { Ok(()) }
            }
            EventData::Alias { anchor } => {
                let missing = || format!("nothing before the alias `*{anchor}` is named so");
                let node = self.anchors.get(&anchor).cloned().ok_or_else(missing)?;
                self.aliased += node.size;
                if self.aliased > MOST_ALIASED {
                    return Err(format!("the aliases stand for more than {MOST_ALIASED} nodes"));
                }
                self.add(node)
            }
            EventData::Scalar { anchor, tag, value: text, style, .. } => {
                let tag = tag.as_deref().map(name).transpose()?;
                let is_plain = style == ScalarStyle::Plain;
                let value = scalar::value(&text, is_plain, tag)?;
                let is_merge = text == "<<" && tag.is_none_or(|tag| tag == "merge");
                self.complete(Node { value, size: 1, is_merge }, anchor)
            }
            EventData::SequenceStart { anchor, tag, .. } => {
                allow(tag.as_deref(), "seq")?;
                self.begin(anchor, Items::Sequence(Vec::new()))
            }
            EventData::MappingStart { anchor, tag, .. } => {
                allow(tag.as_deref(), "map")?;
                self.begin(anchor, Items::Mapping { fields: BTreeMap::new(), key: None })
            }
            EventData::SequenceEnd | EventData::MappingEnd => {
                let Some(Open { anchor, size, items }) = self.open.pop() else { return Ok(()) };
                let value = match items {
                    Items::Sequence(items) => Value::tuple(items),
                    Items::Mapping { fields, .. } => Value::object(fields),
                };
                self.complete(Node { value, size, is_merge: false }, anchor)
            }
        }
    }

    fn begin(&mut self, anchor: Option<String>, items: Items) -> Result<(), String> {
        if self.open.len() == MOST_DEEP {
            return Err(format!("it is nested more than {MOST_DEEP} levels deep"));
        }
        self.open.push(Open { anchor, size: 1, items });
        Ok(())
    }

    fn complete(&mut self, node: Node, anchor: Option<String>) -> Result<(), String> {
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, node.clone());
        }
        self.add(node)
    }

    /// Puts a node where it belongs.
    fn add(&mut self, node: Node) -> Result<(), String> {
        let Some(open) = self.open.last_mut() else {
            self.done = Some(node);
            return Ok(());
        };
        open.size += node.size;
        match &mut open.items {
            Items::Sequence(items) => items.push(node.value),
            Items::Mapping { fields, key } => match key.take() {
                None if node.is_merge => *key = Some(Key::Merge),
                None => match node.value.convert(&Type::String) {
                    Ok(Value::String(name)) => *key = Some(Key::Name(name)),
                    _ => return Err("a key must be text".into()),
                },
                Some(Key::Name(name)) => {
                    fields.insert(name, node.value);
                }
                Some(Key::Merge) => match &node.value {
                    Value::Object(merged) => {
                        fields.extend(merged.iter().map(|(name, value)| (name.clone(), value.clone())));
                    }
                    _ => return Err("`<<` takes in a mapping".into()),
                },
            },
        }
        Ok(())
    }
}

/// Returns the name of one of YAML's own tags.
fn name(tag: &str) -> Result<&str, String> {
    tag.strip_prefix("tag:yaml.org,2002:").ok_or_else(|| format!("the tag `{tag}` is not known"))
}

/// Refuses tags that change what a collection is.
fn allow(tag: Option<&str>, wanted: &str) -> Result<(), String> {
    match tag.map(name).transpose()? {
        Some(name) if name != wanted => Err(format!("the tag `!!{name}` cannot be on this node")),
        _ => Ok(()),
    }
}
