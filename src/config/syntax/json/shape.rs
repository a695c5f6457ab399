//! Which properties of an object are blocks, and how the others are read.

use super::text::{Json, JsonKind};

/// What stands in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A file.
    Root,
    /// Nothing but arguments.
    Plain,
    /// Arguments of a kind or provider: its schema tells which of them are blocks.
    Own,
    Settings,
    Variable,
    Output,
    Resource,
    Lifecycle,
    Module,
    Moved,
    Removed,
    Import,
    Check,
    Dynamic,
}

/// How a value is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Strings are templates.
    Value,
    /// Strings are expressions: references, types and the like.
    Words,
}

impl Shape {
    /// Returns how many labels a block of this name has, and what stands in it; `None` if it is an argument.
    pub(super) fn block(self, name: &str, value: &Json<'_>) -> Option<(usize, Shape)> {
        let found = match (self, name) {
            (Self::Root, "loam") => (0, Self::Settings),
            (Self::Root, "provider") => (1, Self::Own),
            (Self::Root, "resource" | "data") => (2, Self::Resource),
            (Self::Root, "variable") => (1, Self::Variable),
            (Self::Root, "locals") => (0, Self::Plain),
            (Self::Root, "output") => (1, Self::Output),
            (Self::Root, "module") => (1, Self::Module),
            (Self::Root, "moved") => (0, Self::Moved),
            (Self::Root, "removed") => (0, Self::Removed),
            (Self::Root, "import") => (0, Self::Import),
            (Self::Root, "check") => (1, Self::Check),
            // Of what is misspelt only its name matters.
            (Self::Root, _) if matches!(value.kind, JsonKind::Object(_) | JsonKind::Array(_)) => (0, Self::Plain),
            (Self::Settings, "backend") => (1, Self::Own),
            (Self::Variable, "validation") => (0, Self::Plain),
            (Self::Output, "precondition") => (0, Self::Plain),
            (Self::Resource, "lifecycle") => (0, Self::Lifecycle),
            (Self::Resource, "timeouts" | "connection") => (0, Self::Plain),
            (Self::Resource | Self::Removed, "provisioner") => (1, Self::Plain),
            (Self::Resource | Self::Own, "dynamic") => (1, Self::Dynamic),
            (Self::Lifecycle, "precondition" | "postcondition") => (0, Self::Plain),
            (Self::Removed, "lifecycle") => (0, Self::Plain),
            (Self::Check, "data") => (2, Self::Resource),
            (Self::Check, "assert") => (0, Self::Plain),
            (Self::Dynamic, "content") => (0, Self::Own),
            _ => return None,
        };
        Some(found)
    }

    /// Returns how an argument is read.
    pub(super) fn reading(self, name: &str) -> Reading {
        match (self, name) {
            (Self::Variable, "type")
            | (Self::Resource, "provider" | "depends_on")
            | (Self::Lifecycle, "ignore_changes" | "replace_triggered_by")
            | (Self::Output, "depends_on")
            | (Self::Module, "depends_on" | "providers")
            | (Self::Moved, "from" | "to")
            | (Self::Removed, "from")
            | (Self::Import, "to" | "provider")
            | (Self::Dynamic, "iterator") => Reading::Words,
            _ => Reading::Value,
        }
    }
}
