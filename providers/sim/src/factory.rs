//! What the scripted cloud offers, before it is configured.

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use loam_provider::{
    Attribute, ConfigureCx, DataSource, Factory, Format, Kind, Known, Path as ValuePath, Period, Provider,
    ProviderError, Schema, Type, decode,
};
use serde::Deserialize;

use crate::{
    Script, SimWorld, World, kinds,
    provider::{Faults, Sim},
};

/// Offers `sim`.
pub struct SimFactory {
    schema: Schema,
    kinds: Vec<Kind>,
    sources: Vec<DataSource>,
    held: Option<SimWorld>,
}

/// A `provider "sim"` block.
#[derive(Debug, Deserialize)]
struct Config {
    world: Option<String>,
    script: Option<String>,
    concurrency: Option<usize>,
    latency: Option<Period>,
    #[serde(default)]
    durable: bool,
}

impl Default for SimFactory {
    fn default() -> Self {
        Self::new(Attribute::required(Type::String, WORLD), None)
    }
}

const WORLD: &str = "The directory that plays the cloud.";

impl SimFactory {
    /// Returns a factory whose providers all work in a world that a test holds; `world` may be left out then.
    #[must_use]
    pub fn within(world: &SimWorld) -> Self {
        Self::new(Attribute::optional(Type::String, WORLD), Some(world.clone()))
    }

    fn new(world: Attribute, held: Option<SimWorld>) -> Self {
        let schema = Schema::new([
            ("world", world),
            ("script", Attribute::optional(Type::String, "A file that says which calls fail, and how.")),
            ("concurrency", Attribute::optional(Type::Number, "How many calls it takes at once.")),
            ("latency", Attribute::optional(Type::String, "How long each change takes.").format(Format::Period)),
            ("durable", Attribute::default(Type::Bool, false, "Whether effects survive a power cut.")),
        ]);
        Self { schema, kinds: kinds::all(), sources: kinds::sources(), held }
    }

    fn world(&self, config: &Config, base_dir: &Path) -> Result<Arc<World>, ProviderError> {
        if let Some(held) = &self.held {
            return Ok(held.world());
        }
        let Some(dir) = &config.world else {
            return Err(ProviderError::invalid(ValuePath::attribute("world"), "a world is required"));
        };
        let dir = base_dir.join(dir);
        let opened = if config.durable { World::open_durable(dir) } else { World::open(dir) };
        opened.map(Arc::new).map_err(|source| ProviderError::because("failed to open the world", source))
    }
}

#[async_trait]
impl Factory for SimFactory {
    fn name(&self) -> &'static str {
        "sim"
    }

    fn doc(&self) -> &'static str {
        "A scripted cloud with delays, faults and lost replies, for tests."
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    fn data_sources(&self) -> &[DataSource] {
        &self.sources
    }

    fn extension(&self, _kind: &str) -> Option<&Schema> {
        None
    }

    fn schemes(&self) -> &[&'static str] {
        &[]
    }

    async fn configure(&self, config: &Known, cx: &ConfigureCx) -> Result<Arc<dyn Provider>, ProviderError> {
        let config: Config = decode(config)?;
        if config.concurrency == Some(0) {
            let path = ValuePath::attribute("concurrency");
            return Err(ProviderError::invalid(path, "a cloud that takes no call at all does nothing"));
        }
        let world = self.world(&config, &cx.base_dir)?;
        let mut faults: Vec<Arc<Faults>> = self.held.iter().map(SimWorld::faults).collect();
        if let Some(script) = &config.script {
            let unread = |source| ProviderError::because("failed to read the fault script", source);
            let script = Script::read(&cx.base_dir.join(script)).map_err(unread)?;
            let counted = |source| ProviderError::because("failed to open the world", source);
            faults.push(Arc::new(Faults::kept_in(world.dir(), script).map_err(counted)?));
        }
        let latency = config.latency.map_or(Duration::ZERO, |period| period.0);
        Ok(Arc::new(Sim { world, faults, latency, concurrency: config.concurrency }))
    }
}
