//! What the providers offer before they are configured: kinds, and who realises them.

use std::collections::{BTreeMap, BTreeSet};

use loam_provider::{Block, DataSource, Factory, Kind, Known, Nesting, Role, Schema, Str, Type, Value};

use super::{ProviderRef, builtin};
use crate::addr::Mode;

/// The provider that realises a kind where several could and the configuration does not say.
const FALLBACK: &str = "local";

/// All that can be configured and declared.
pub struct Offers {
    factories: Vec<Box<dyn Factory>>,
    kinds: BTreeMap<Str, Offered>,
    sources: BTreeMap<Str, OfferedSource>,
}

/// A data source, and the providers that read it.
struct OfferedSource {
    source: DataSource,
    by: BTreeSet<Str>,
}

/// A kind, and the providers that realise it.
struct Offered {
    kind: Kind,
    by: BTreeSet<Str>,
}

/// Why no provider can be named for a block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoProvider {
    /// Nobody offers the kind.
    #[error("no provider offers `{kind}`")]
    UnknownKind { kind: Str },
    /// The provider that was named does not.
    #[error("provider `{provider}` does not offer `{kind}`; {} does", list(by))]
    NotOffered { provider: ProviderRef, kind: Str, by: Vec<Str> },
    /// Several could, and none is the usual one.
    #[error("several providers offer `{kind}`: {}", list(by))]
    Ambiguous { kind: Str, by: Vec<Str> },
}

fn list(names: &[Str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

impl Offers {
    /// Collects what factories offer, and what the engine itself does (`loam_data`).
    ///
    /// The schema of a kind that several providers share is that of the first, with a nested block for each
    /// provider that has more to say about it.
    #[must_use]
    pub fn new(factories: Vec<Box<dyn Factory>>) -> Self {
        let mut all: Vec<Box<dyn Factory>> = vec![Box::new(builtin::LoamFactory::default())];
        all.extend(factories);
        let mut kinds: BTreeMap<Str, Offered> = BTreeMap::new();
        for factory in &all {
            for kind in factory.kinds() {
                let offered = kinds
                    .entry(kind.name.clone())
                    .or_insert_with(|| Offered { kind: kind.clone(), by: BTreeSet::new() });
                offered.by.insert(factory.name().into());
                if let Some(extension) = factory.extension(&kind.name) {
                    let doc = format!("What only `{}` understands.", factory.name());
                    let block = Block::new(Nesting::Optional, extension.clone(), &doc);
                    offered.kind.schema.blocks.insert(factory.name().into(), block);
                }
            }
        }
        let mut sources: BTreeMap<Str, OfferedSource> = BTreeMap::new();
        for factory in &all {
            for source in factory.data_sources() {
                let offered = sources
                    .entry(source.name.clone())
                    .or_insert_with(|| OfferedSource { source: source.clone(), by: BTreeSet::new() });
                offered.by.insert(factory.name().into());
            }
        }
        Self { factories: all, kinds, sources }
    }

    /// Returns the factories, the engine's own first.
    #[must_use]
    pub fn factories(&self) -> &[Box<dyn Factory>] {
        &self.factories
    }

    /// Returns a provider's factory by name.
    #[must_use]
    pub fn factory(&self, name: &str) -> Option<&dyn Factory> {
        self.factories.iter().find(|factory| factory.name() == name).map(|factory| &**factory)
    }

    /// Returns a kind by name.
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<&Kind> {
        self.kinds.get(name).map(|offered| &offered.kind)
    }

    /// Returns all kinds, by name.
    pub fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.values().map(|offered| &offered.kind)
    }

    /// Returns a data source by name.
    #[must_use]
    pub fn data_source(&self, name: &str) -> Option<&DataSource> {
        self.sources.get(name).map(|offered| &offered.source)
    }

    /// Returns all data sources, by name.
    pub fn data_sources(&self) -> impl Iterator<Item = &DataSource> {
        self.sources.values().map(|offered| &offered.source)
    }

    /// Returns the names of the providers that realise a kind.
    pub fn offered_by(&self, kind: &str) -> impl Iterator<Item = &Str> {
        self.kinds.get(kind).into_iter().flat_map(|offered| &offered.by)
    }

    /// Returns who realises a block: who it names, else the only configured provider that offers the kind, else `local`.
    ///
    /// # Errors
    /// [`NoProvider`], with those that could.
    pub fn provider_of(
        &self,
        kind: &str,
        named: Option<&ProviderRef>,
        configured: &BTreeSet<ProviderRef>,
    ) -> Result<ProviderRef, NoProvider> {
        let unknown = || NoProvider::UnknownKind { kind: kind.into() };
        chosen(kind, &self.kinds.get(kind).ok_or_else(unknown)?.by, named, configured)
    }

    /// Returns the schema of what a block of this mode and type says.
    #[must_use]
    pub fn schema(&self, mode: Mode, kind: &str) -> Option<&Schema> {
        match mode {
            Mode::Managed => self.kind(kind).map(|kind| &kind.schema),
            Mode::Data => self.data_source(kind).map(|source| &source.schema),
        }
    }

    /// Returns who reads a data source, by the same rule.
    ///
    /// # Errors
    /// [`NoProvider`], with those that could.
    pub fn reader_of(
        &self,
        source: &str,
        named: Option<&ProviderRef>,
        configured: &BTreeSet<ProviderRef>,
    ) -> Result<ProviderRef, NoProvider> {
        let unknown = || NoProvider::UnknownKind { kind: source.into() };
        chosen(source, &self.sources.get(source).ok_or_else(unknown)?.by, named, configured)
    }
}

/// Returns which of those that offer something does it.
fn chosen(
    kind: &str,
    offered: &BTreeSet<Str>,
    named: Option<&ProviderRef>,
    configured: &BTreeSet<ProviderRef>,
) -> Result<ProviderRef, NoProvider> {
    let by = || offered.iter().cloned().collect();
    if let Some(named) = named {
        return if offered.contains(&named.name) {
            Ok(named.clone())
        } else {
            Err(NoProvider::NotOffered { provider: named.clone(), kind: kind.into(), by: by() })
        };
    }
    let default = |name: &Str| ProviderRef::new(name.clone(), None);
    let mut candidates = configured.iter().filter(|provider| offered.contains(&provider.name));
    match (candidates.next(), candidates.next()) {
        (Some(only), None) => Ok(only.clone()),
        _ if offered.len() == 1 => Ok(default(offered.first().expect("there is one"))),
        _ if offered.contains(FALLBACK) => Ok(default(&FALLBACK.into())),
        _ => Err(NoProvider::Ambiguous { kind: kind.into(), by: by() }),
    }
}

/// Returns the configuration of a provider whose block is absent, or `None` if something is required.
pub(super) fn empty_configuration(schema: &Schema) -> Option<Known> {
    let needs_more = schema.attributes.values().any(|attribute| attribute.role == Role::Required)
        || schema.blocks.values().any(|block| block.nesting == Nesting::Required);
    let Type::Object(object) = schema.ty() else { return None };
    let fields = object.fields.iter().map(|(name, field)| {
        let default = schema.attributes.get(name).and_then(|attribute| match &attribute.role {
            Role::Optional { default } => default.clone(),
            Role::Required | Role::OptionalComputed | Role::Computed => None,
        });
        (name.clone(), default.map_or_else(|| Value::Null(field.ty.clone()), Known::into_value))
    });
    (!needs_more).then(|| Known::new(Value::object(fields)).expect("nulls and defaults are known"))
}
