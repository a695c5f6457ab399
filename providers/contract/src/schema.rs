//! What a kind looks like: its attributes, blocks, and what a change to each of them means.

use std::collections::BTreeMap;

use crate::{Known, Path, Str, Type, Value};

/// A resource type with one schema, whoever realises it.
#[derive(Debug, Clone)]
pub struct Kind {
    /// The type's name in configuration: `network`.
    pub name: Str,
    /// One sentence for help and documentation.
    pub doc: String,
    /// Its attributes and blocks.
    pub schema: Schema,
    /// What `destroy` does where the block does not say.
    pub on_destroy: OnDestroy,
}

/// Something that can be read and is not managed: the type of a `data` block.
#[derive(Debug, Clone)]
pub struct DataSource {
    /// The type's name in configuration: `file`.
    pub name: Str,
    /// One sentence for help and documentation.
    pub doc: String,
    /// Its arguments, and what is read.
    pub schema: Schema,
}

/// What happens to the real thing when its object leaves the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDestroy {
    /// It is deleted.
    Delete,
    /// It stays, and loam forgets it.
    Retain,
}

/// The attributes and blocks of a kind, of a nested block, or of a provider's configuration.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    /// Attributes by the name under which objects record them.
    pub attributes: BTreeMap<Str, Attribute>,
    /// Nested blocks by type.
    pub blocks: BTreeMap<Str, Block>,
}

/// One attribute.
#[derive(Debug, Clone)]
pub struct Attribute {
    /// The constraint its value is converted to.
    pub ty: Type,
    /// Who sets it.
    pub role: Role,
    /// What a different value means for an object that exists.
    pub on_change: OnChange,
    /// What a string must look like.
    pub format: Format,
    /// Whether every value of it is a secret.
    pub sensitive: Sensitivity,
    /// The name it is written as in configuration where an export has taken its own (`nodes = 3` is recorded as
    /// `node_count`, because `nodes` exports the nodes).
    pub written_as: Option<Str>,
    /// One sentence for help and documentation.
    pub doc: String,
}

/// Who sets an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// The configuration must.
    Required,
    /// The configuration may; otherwise it is this value, or null.
    Optional {
        /// The value where the configuration says nothing.
        default: Option<Known>,
    },
    /// The configuration may; otherwise the provider does.
    OptionalComputed,
    /// The provider does.
    Computed,
}

/// What a different value means for an object that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnChange {
    /// The object is updated.
    Update,
    /// The object is replaced.
    Replace,
    /// Nothing: it is only used when the object is made.
    CreationOnly,
}

/// What a string attribute must look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// Anything.
    Plain,
    /// A [`crate::Size`].
    Size,
    /// A [`crate::Rate`].
    Rate,
    /// A [`crate::Period`].
    Period,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

/// Whether values of an attribute are secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sensitivity {
    /// They are shown.
    Plain,
    /// They are never shown.
    Secret,
}

/// A nested block.
#[derive(Debug, Clone)]
pub struct Block {
    /// How many there may be, and what they become.
    pub nesting: Nesting,
    /// What stands inside.
    pub schema: Schema,
    /// What a change of it means; `Update` leaves it to the attributes inside.
    pub on_change: OnChange,
    /// One sentence for help and documentation.
    pub doc: String,
}

/// How many blocks of a type there may be, and the shape of what they become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nesting {
    /// At most one: an object, or null.
    Optional,
    /// Exactly one: an object.
    Required,
    /// Any number, in order: a list of objects (a tuple where a type inside is `Any`).
    List,
    /// Any number, each with one label: a map from label to object.
    Labelled,
}

impl Attribute {
    fn new(ty: Type, role: Role, doc: &str) -> Self {
        Self {
            ty,
            role,
            on_change: OnChange::Update,
            format: Format::Plain,
            sensitive: Sensitivity::Plain,
            written_as: None,
            doc: doc.to_owned(),
        }
    }

    /// Returns an attribute the configuration must set.
    #[must_use]
    pub fn required(ty: Type, doc: &str) -> Self {
        Self::new(ty, Role::Required, doc)
    }

    /// Returns an attribute the configuration may set.
    #[must_use]
    pub fn optional(ty: Type, doc: &str) -> Self {
        Self::new(ty, Role::Optional { default: None }, doc)
    }

    /// Returns an attribute with a default.
    #[must_use]
    pub fn default(ty: Type, default: impl Into<Known>, doc: &str) -> Self {
        Self::new(ty, Role::Optional { default: Some(default.into()) }, doc)
    }

    /// Returns an attribute that the provider sets where the configuration does not.
    #[must_use]
    pub fn optional_computed(ty: Type, doc: &str) -> Self {
        Self::new(ty, Role::OptionalComputed, doc)
    }

    /// Returns an attribute that only the provider sets.
    #[must_use]
    pub fn computed(ty: Type, doc: &str) -> Self {
        Self::new(ty, Role::Computed, doc)
    }

    /// Returns the attribute with another consequence of change.
    #[must_use]
    pub fn on_change(self, on_change: OnChange) -> Self {
        Self { on_change, ..self }
    }

    /// Returns the attribute with a format.
    #[must_use]
    pub fn format(self, format: Format) -> Self {
        Self { format, ..self }
    }

    /// Returns the attribute as a secret.
    #[must_use]
    pub fn secret(self) -> Self {
        Self { sensitive: Sensitivity::Secret, ..self }
    }

    /// Returns the attribute written under another name than it is recorded under.
    #[must_use]
    pub fn written_as(self, name: &str) -> Self {
        Self { written_as: Some(name.into()), ..self }
    }
}

impl Block {
    /// Returns a block type.
    #[must_use]
    pub fn new(nesting: Nesting, schema: Schema, doc: &str) -> Self {
        Self { nesting, schema, on_change: OnChange::Update, doc: doc.to_owned() }
    }

    /// Returns the block type with another consequence of change.
    #[must_use]
    pub fn on_change(self, on_change: OnChange) -> Self {
        Self { on_change, ..self }
    }

    /// Returns the type of what the blocks become.
    #[must_use]
    pub fn ty(&self) -> Type {
        let inside = self.schema.ty();
        match self.nesting {
            Nesting::Optional | Nesting::Required => inside,
            Nesting::List if inside.is_concrete() => Type::list(inside),
            Nesting::Labelled if inside.is_concrete() => Type::map(inside),
            Nesting::List | Nesting::Labelled => Type::Any,
        }
    }
}

impl Schema {
    /// Returns a schema of these attributes.
    pub fn new(attributes: impl IntoIterator<Item = (&'static str, Attribute)>) -> Self {
        let attributes = attributes.into_iter().map(|(name, attribute)| (name.into(), attribute)).collect();
        Self { attributes, blocks: BTreeMap::new() }
    }

    /// Returns the schema with a nested block type added.
    #[must_use]
    pub fn block(mut self, name: &str, block: Block) -> Self {
        self.blocks.insert(name.into(), block);
        self
    }

    /// Returns the type of an object of this schema, as it is recorded.
    #[must_use]
    pub fn ty(&self) -> Type {
        let attributes = self.attributes.iter().map(|(name, attribute)| (name.clone(), attribute.ty.clone()));
        let blocks = self.blocks.iter().map(|(name, block)| (name.clone(), block.ty()));
        Type::object(attributes.chain(blocks))
    }

    /// Returns the attribute that configuration writes under a name, with the name it is recorded under.
    #[must_use]
    pub fn written(&self, name: &str) -> Option<(&Str, &Attribute)> {
        let aliased = self.attributes.iter().find(|(_, attribute)| attribute.written_as.as_deref() == Some(name));
        aliased.or_else(|| self.attributes.get_key_value(name).filter(|(_, attribute)| attribute.written_as.is_none()))
    }

    /// Returns the paths of a value at which this schema says that secrets stand.
    #[must_use]
    pub fn secrets(&self, value: &Value) -> Vec<Path> {
        let mut found = Vec::new();
        self.collect_secrets(value, &Path::root(), &mut found);
        found
    }

    fn collect_secrets(&self, value: &Value, at: &Path, found: &mut Vec<Path>) {
        for (name, attribute) in &self.attributes {
            if attribute.sensitive == Sensitivity::Secret && value.get(name).is_some_and(|value| !value.is_null()) {
                found.push(at.name(name.clone()));
            }
        }
        for (name, block) in &self.blocks {
            let at = at.name(name.clone());
            let Some(inside) = value.get(name) else { continue };
            match block.nesting {
                Nesting::Optional | Nesting::Required => block.schema.collect_secrets(inside, &at, found),
                Nesting::List => {
                    for (index, item) in inside.items().unwrap_or_default().iter().enumerate() {
                        block.schema.collect_secrets(item, &at.index(index), found);
                    }
                }
                Nesting::Labelled => {
                    for (label, item) in inside.entries().into_iter().flatten() {
                        block.schema.collect_secrets(item, &at.name(label.clone()), found);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_may_be_recorded_under_another_name() {
        let schema = Schema::new([
            ("node_count", Attribute::optional(Type::Number, "how many").written_as("nodes")),
            ("nodes", Attribute::computed(Type::map(Type::String), "the nodes")),
        ]);
        assert_eq!(schema.written("nodes").map(|(name, _)| name.as_str()), Some("node_count"));
        assert!(schema.written("node_count").is_none());
    }

    #[test]
    fn secrets_are_found_inside_blocks() {
        let inner = Schema::new([("password", Attribute::optional(Type::String, "a secret").secret())]);
        let schema = Schema::default().block("user", Block::new(Nesting::Labelled, inner, "a user"));
        let user = Value::object([("password", Value::from("x"))]);
        let value = Value::object([("user", Value::object([("ada", user)]))]);
        assert_eq!(schema.secrets(&value), ["user.ada.password".parse().expect("a path")]);
    }
}
