//! The providers: what they offer, which of them realises a block, and every call on them.
//!
//! The only module that holds a `dyn Provider`. It compares each answer with the contract
//! (planned against configuration, result against plan), so that a provider's bug becomes an
//! error that names the provider and not a corrupt state. It knows no plan and no state.
//! [`Offers`] is what is known before configuration, [`Host`] what can be called.

mod builtin;
mod call;
mod check;
mod describe;
mod offers;

use std::{
    collections::BTreeMap,
    fmt,
    str::FromStr,
    sync::{Arc, RwLock},
};

use async_trait::async_trait;
use loam_provider::{ConfigureCx, DataSource, Kind, Known, ObjectError, ObjectStore, Provider, Stores, Str};

use crate::addr::{self, InstanceKey, ModulePath};

pub use call::{Call, CallError, CallFailure, Clock};
pub use check::{Breach, conforms};
pub use describe::{DataSourceDescription, KindDescription, describe, describe_data_source};
pub use offers::{NoProvider, Offers};

/// Names a configured provider: `local`, `kube.ci`, `kube.by_region["eu"]`, `module.site.kube`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProviderRef {
    /// The provider's name.
    pub name: Str,
    /// Which of several configurations; none for the default one.
    pub alias: Option<Str>,
    /// Which instance of the configuration, where it has `for_each`.
    pub key: Option<Str>,
    /// The module that configures it; the root but for modules that bring their own.
    pub module: ModulePath,
}

/// Configured providers, ready to be called.
pub struct Host {
    offers: Offers,
    providers: BTreeMap<ProviderRef, Configured>,
    stores: Arc<OpenStores>,
}

/// One configured provider.
struct Configured {
    provider: Arc<dyn Provider>,
    limit: Option<Arc<tokio::sync::Semaphore>>,
}

/// A provider refused its configuration.
#[derive(Debug, thiserror::Error)]
#[error("failed to configure provider `{provider}`")]
pub struct ConfigureError {
    /// Which one.
    pub provider: ProviderRef,
    /// What it said.
    pub source: loam_provider::ProviderError,
}

impl ProviderRef {
    /// Returns a configuration of the root module.
    #[must_use]
    pub fn new(name: impl Into<Str>, alias: Option<Str>) -> Self {
        Self { name: name.into(), alias, key: None, module: ModulePath::root() }
    }

    /// Returns whether this is what everyone means who names the provider alone.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.alias.is_none() && self.key.is_none() && self.module.is_root()
    }
}

impl Host {
    /// Configures providers: those given, and with an empty configuration every other that needs none.
    ///
    /// # Errors
    /// The first [`ConfigureError`].
    pub async fn configure(
        offers: Offers,
        configurations: &BTreeMap<ProviderRef, Known>,
        cx: &ConfigureCx,
    ) -> Result<Self, ConfigureError> {
        let mut providers = BTreeMap::new();
        let mut schemes = BTreeMap::new();
        for factory in offers.factories() {
            let default = ProviderRef::new(factory.name(), None);
            let mut wanted: BTreeMap<ProviderRef, Known> = configurations
                .iter()
                .filter(|(provider, _)| provider.name == default.name)
                .map(|(provider, config)| (provider.clone(), config.clone()))
                .collect();
            if let (false, Some(empty)) = (wanted.contains_key(&default), offers::empty_configuration(factory.schema()))
            {
                wanted.insert(default.clone(), empty);
            }
            for (reference, config) in wanted {
                let provider = factory
                    .configure(&config, cx)
                    .await
                    .map_err(|source| ConfigureError { provider: reference.clone(), source })?;
                if reference.is_default() {
                    for scheme in factory.schemes() {
                        schemes.insert((*scheme).to_owned(), Arc::clone(&provider));
                    }
                }
                let limit = provider.concurrency().map(|most| Arc::new(tokio::sync::Semaphore::new(most.max(1))));
                providers.insert(reference, Configured { provider, limit });
            }
        }
        let stores = Arc::new(OpenStores { schemes, open: RwLock::default() });
        Ok(Self { offers, providers, stores })
    }

    /// Returns what the providers offer.
    #[must_use]
    pub fn offers(&self) -> &Offers {
        &self.offers
    }

    /// Returns a kind by name.
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<&Kind> {
        self.offers.kind(name)
    }

    /// Returns a data source by name.
    #[must_use]
    pub fn data_source(&self, name: &str) -> Option<&DataSource> {
        self.offers.data_source(name)
    }

    /// Returns the configured providers.
    pub fn configured(&self) -> impl Iterator<Item = &ProviderRef> {
        self.providers.keys()
    }

    fn configured_of(&self, call: &Call) -> Result<&Configured, CallError> {
        let configured = self.providers.get(&call.provider);
        configured.ok_or_else(|| CallError::NotConfigured { provider: call.provider.clone() })
    }

    fn of(&self, call: &Call) -> Result<(&Configured, &Kind), CallError> {
        let configured = self.configured_of(call)?;
        let kind = self.offers.kind(&call.kind).ok_or_else(|| CallError::UnknownKind { kind: call.kind.clone() })?;
        Ok((configured, kind))
    }
}

/// Opens buckets through the default configuration of the provider that answers for their scheme.
struct OpenStores {
    schemes: BTreeMap<String, Arc<dyn Provider>>,
    open: RwLock<BTreeMap<String, Arc<dyn ObjectStore>>>,
}

#[async_trait]
impl Stores for OpenStores {
    async fn open(&self, url: &str) -> Result<Arc<dyn ObjectStore>, ObjectError> {
        if let Some(store) = self.open.read().expect("nobody panics while holding it").get(url) {
            return Ok(Arc::clone(store));
        }
        let unknown = || ObjectError::UnknownScheme { url: url.to_owned() };
        let (scheme, _) = url.split_once("://").ok_or_else(unknown)?;
        let provider = self.schemes.get(scheme).ok_or_else(unknown)?;
        let store = provider.open(url).await?;
        self.open.write().expect("nobody panics while holding it").insert(url.to_owned(), Arc::clone(&store));
        Ok(store)
    }
}

impl fmt::Display for ProviderRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.module.is_root() {
            write!(f, "{}.", self.module)?;
        }
        f.write_str(&self.name)?;
        if let Some(alias) = &self.alias {
            write!(f, ".{alias}")?;
        }
        self.key.as_ref().map_or(Ok(()), |key| write!(f, "{}", InstanceKey::Key(key.clone())))
    }
}

/// The text names no configuration of a provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a provider reference")]
pub struct InvalidProviderRef(String);

impl FromStr for ProviderRef {
    type Err = InvalidProviderRef;

    fn from_str(text: &str) -> Result<Self, InvalidProviderRef> {
        match addr::named(text) {
            Ok((module, name, alias, None)) => Ok(Self { name, alias, key: None, module }),
            Ok((module, name, alias, Some(InstanceKey::Key(key)))) => Ok(Self { name, alias, key: Some(key), module }),
            Ok((_, _, _, Some(InstanceKey::Index(_)))) | Err(_) => Err(InvalidProviderRef(text.to_owned())),
        }
    }
}

impl TryFrom<String> for ProviderRef {
    type Error = InvalidProviderRef;
    fn try_from(text: String) -> Result<Self, InvalidProviderRef> {
        text.parse()
    }
}

impl From<ProviderRef> for String {
    fn from(reference: ProviderRef) -> Self {
        reference.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_round_trip() {
        for text in ["local", "kube.ci", r#"kube.by_region["eu"]"#, r#"kube.a["x.y\"z"]"#, "module.a.module.b.kube.ci"]
        {
            let reference: ProviderRef = text.parse().expect(text);
            assert_eq!(reference.to_string(), text);
        }
        for text in ["", "kube.", ".ci", "kube.a.b", "kube[0]", "module.a", "kube.a[\"x\"]b"] {
            assert!(text.parse::<ProviderRef>().is_err(), "{text}");
        }
    }
}
