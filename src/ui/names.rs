//! The names under which attributes are written in configuration.

use loam_provider::{Attribute, Nesting, Role, Schema};

use super::text::attribute_name;

/// What the schema says about the names in one part of an object.
#[derive(Clone, Copy)]
pub(super) enum Names<'s> {
    /// Nothing: a plain value.
    None,
    /// The attributes and blocks of a schema.
    Of(&'s Schema),
    /// Labels or positions of blocks, each of this schema.
    Blocks(&'s Schema),
}

impl<'s> Names<'s> {
    /// Returns the name as the user writes it: `nodes` for what is recorded as `node_count`.
    pub(super) fn shown(self, name: &str) -> String {
        let Self::Of(schema) = self else { return attribute_name(name) };
        if let Some(written) = self.attribute(name).and_then(|attribute| attribute.written_as.as_deref()) {
            return attribute_name(written);
        }
        // The argument of this name is another attribute: this one is what the object exports under it.
        let is_taken = schema.attributes.values().any(|attribute| attribute.written_as.as_deref() == Some(name));
        if is_taken { format!("{name} (exported)") } else { attribute_name(name) }
    }

    /// Returns what is known of the names one step inside.
    pub(super) fn inside(self, name: &str) -> Self {
        match self {
            Self::None => Self::None,
            Self::Blocks(schema) => Self::Of(schema),
            Self::Of(schema) => match schema.blocks.get(name) {
                None => Self::None,
                Some(block) => match block.nesting {
                    Nesting::Optional | Nesting::Required => Self::Of(&block.schema),
                    Nesting::List | Nesting::Labelled => Self::Blocks(&block.schema),
                },
            },
        }
    }

    /// Returns an attribute of the schema.
    pub(super) fn attribute(self, name: &str) -> Option<&'s Attribute> {
        if let Self::Of(schema) = self { schema.attributes.get(name) } else { None }
    }

    /// Returns whether the provider alone sets an attribute.
    pub(super) fn is_exported(self, name: &str) -> bool {
        self.attribute(name).is_some_and(|attribute| attribute.role == Role::Computed)
    }

    /// Returns whether an attribute takes another object, which is written as one name.
    pub(super) fn is_reference(self, name: &str) -> bool {
        self.attribute(name).is_some_and(|attribute| matches!(attribute.ty, loam_provider::Type::Object(_)))
    }

    /// Returns a path as the user writes it.
    pub(super) fn path(self, path: &loam_provider::Path) -> String {
        use loam_provider::Step;
        let mut shown = String::new();
        let mut names = self;
        for step in path.steps() {
            match step {
                Step::Index(index) => {
                    shown.push_str(&format!("[{index}]"));
                    names = names.inside("");
                }
                Step::Name(name) => {
                    let written = match names {
                        Self::Of(_) => names.shown(name),
                        Self::None | Self::Blocks(_) => attribute_name(name),
                    };
                    if written.starts_with('"') {
                        shown.push_str(&format!("[{written}]"));
                    } else {
                        shown.push_str(if shown.is_empty() { "" } else { "." });
                        shown.push_str(&written);
                    }
                    names = names.inside(name);
                }
            }
        }
        shown
    }
}
