//! Kinds and data sources as JSON, for editors and other programs: `schemas/kinds/*.json`, `schemas/data_sources/*.json`.

use std::collections::BTreeMap;

use loam_provider::{
    Attribute, Block, DataSource, Format, Kind, Nesting, OnChange, OnDestroy, Role, Schema, Sensitivity, Str, Type,
};
use serde::Serialize;

/// A kind as other programs read it.
#[derive(Debug, Serialize)]
pub struct KindDescription<'k> {
    name: &'k str,
    doc: &'k str,
    on_destroy: OnDestroy,
    #[serde(flatten)]
    inside: Inside<'k>,
}

/// A data source as other programs read it.
#[derive(Debug, Serialize)]
pub struct DataSourceDescription<'k> {
    name: &'k str,
    doc: &'k str,
    #[serde(flatten)]
    inside: Inside<'k>,
}

#[derive(Debug, Serialize)]
struct Inside<'k> {
    /// By the name they are written as, or, where only the provider sets them, exported as.
    attributes: BTreeMap<&'k str, AttributeDescription<'k>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    blocks: BTreeMap<&'k str, BlockDescription<'k>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    exports: BTreeMap<&'k str, AttributeDescription<'k>>,
}

#[derive(Debug, Serialize)]
struct AttributeDescription<'k> {
    doc: &'k str,
    r#type: &'k Type,
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded_as: Option<&'k Str>,
    presence: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<serde_json::Value>,
    on_change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    one_of: Option<&'static [&'static str]>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    sensitive: bool,
}

#[derive(Debug, Serialize)]
struct BlockDescription<'k> {
    doc: &'k str,
    nesting: &'static str,
    on_change: &'static str,
    #[serde(flatten)]
    inside: Inside<'k>,
}

/// Describes a kind.
#[must_use]
pub fn describe(kind: &Kind) -> KindDescription<'_> {
    let Kind { name, doc, schema, on_destroy } = kind;
    KindDescription { name, doc, on_destroy: *on_destroy, inside: inside(schema) }
}

/// Describes a data source.
#[must_use]
pub fn describe_data_source(source: &DataSource) -> DataSourceDescription<'_> {
    let DataSource { name, doc, schema } = source;
    DataSourceDescription { name, doc, inside: inside(schema) }
}

fn inside(schema: &Schema) -> Inside<'_> {
    let (mut attributes, mut exports) = (BTreeMap::new(), BTreeMap::new());
    for (name, attribute) in &schema.attributes {
        let described = described(name, attribute);
        match attribute.role {
            Role::Computed => exports.insert(name.as_str(), described),
            Role::Required | Role::Optional { .. } | Role::OptionalComputed => {
                attributes.insert(attribute.written_as.as_ref().unwrap_or(name).as_str(), described)
            }
        };
    }
    let blocks = schema.blocks.iter().map(|(name, block)| (name.as_str(), block_described(block))).collect();
    Inside { attributes, blocks, exports }
}

fn described<'k>(name: &'k Str, attribute: &'k Attribute) -> AttributeDescription<'k> {
    let (presence, default) = match &attribute.role {
        Role::Required => ("required", None),
        Role::Optional { default } => ("optional", default.as_ref().map(loam_provider::Known::to_json)),
        Role::OptionalComputed => ("optional_computed", None),
        Role::Computed => ("computed", None),
    };
    let (format, one_of) = match attribute.format {
        Format::Plain => (None, None),
        Format::Size => (Some("size"), None),
        Format::Rate => (Some("rate"), None),
        Format::Period => (Some("duration"), None),
        Format::OneOf(words) => (None, Some(words)),
    };
    AttributeDescription {
        doc: &attribute.doc,
        r#type: &attribute.ty,
        recorded_as: attribute.written_as.as_ref().map(|_| name),
        presence,
        default,
        on_change: on_change(attribute.on_change),
        format,
        one_of,
        sensitive: attribute.sensitive == Sensitivity::Secret,
    }
}

fn block_described(block: &Block) -> BlockDescription<'_> {
    let nesting = match block.nesting {
        Nesting::Optional => "optional",
        Nesting::Required => "required",
        Nesting::List => "list",
        Nesting::Labelled => "labelled",
    };
    BlockDescription { doc: &block.doc, nesting, on_change: on_change(block.on_change), inside: inside(&block.schema) }
}

fn on_change(on_change: OnChange) -> &'static str {
    match on_change {
        OnChange::Update => "update",
        OnChange::Replace => "replace",
        OnChange::CreationOnly => "creation_only",
    }
}
