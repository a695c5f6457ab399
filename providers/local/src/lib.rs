//! The provider of this machine: directories as buckets, archives, volumes, processes and
//! networks of processes, snapshots and replicas.
//!
//! Each kind is a module whose one struct implements [`Provider`] for that kind alone;
//! `Local` only hands a call to the kind it is about. Start in [`LocalFactory`].

mod data;
mod files;
mod machine;
mod network;
mod process;
mod sources;

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use loam_bundle::store::Directory;
use loam_provider::{
    CallCx, ConfigureCx, DataSource, Factory, Failure, Kind, Known, ObjectError, ObjectStore, PlanRequest, Planned,
    Provider, ProviderError, Resolution, Schema, Str, Value,
};

pub use machine::Machine;
pub use process::launch;

/// What this provider offers.
pub struct LocalFactory {
    schema: Schema,
    kinds: Vec<Kind>,
    sources: Vec<DataSource>,
    extensions: BTreeMap<Str, Schema>,
}

impl Default for LocalFactory {
    fn default() -> Self {
        let mut kinds = vec![files::directory(), files::file(), loam_provider::kinds::network(), process::process()];
        kinds.extend(data::kinds());
        let extensions = [("network".into(), network::extension())].into_iter().chain(data::extensions()).collect();
        Self { schema: Schema::default(), kinds, sources: sources::sources(), extensions }
    }
}

#[async_trait]
impl Factory for LocalFactory {
    fn name(&self) -> &'static str {
        "local"
    }

    fn doc(&self) -> &'static str {
        "Networks, archives and data on this machine."
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

    fn extension(&self, kind: &str) -> Option<&Schema> {
        self.extensions.get(kind)
    }

    fn schemes(&self) -> &[&'static str] {
        &["file"]
    }

    async fn configure(&self, _config: &Known, cx: &ConfigureCx) -> Result<Arc<dyn Provider>, ProviderError> {
        let machine = Arc::new(Machine::new(cx));
        Ok(Arc::new(Local::new(&machine)))
    }
}

/// This machine, configured.
struct Local {
    machine: Arc<Machine>,
    kinds: BTreeMap<&'static str, Box<dyn Provider>>,
}

impl Local {
    fn new(machine: &Arc<Machine>) -> Self {
        let mut kinds: BTreeMap<&'static str, Box<dyn Provider>> = data::providers(machine).into();
        kinds.insert("directory", Box::new(files::Directory(Arc::clone(machine))));
        kinds.insert("file", Box::new(files::File(Arc::clone(machine))));
        kinds.insert("network", Box::new(network::Network(Arc::clone(machine))));
        kinds.insert("process", Box::new(process::Process(Arc::clone(machine))));
        Self { machine: Arc::clone(machine), kinds }
    }

    fn of(&self, kind: &Kind) -> Result<&dyn Provider, ProviderError> {
        let found = self.kinds.get(kind.name.as_str());
        found
            .map(|provider| &**provider)
            .ok_or_else(|| ProviderError::failed(format!("`local` does not offer `{}`", kind.name)))
    }
}

#[async_trait]
impl Provider for Local {
    async fn plan(&self, kind: &Kind, cx: &CallCx, request: PlanRequest<'_>) -> Result<Planned, ProviderError> {
        self.of(kind)?.plan(kind, cx, request).await
    }

    async fn read(&self, kind: &Kind, cx: &CallCx, current: &Known) -> Result<Option<Known>, ProviderError> {
        self.of(kind)?.read(kind, cx, current).await
    }

    async fn create(&self, kind: &Kind, cx: &CallCx, planned: &Value) -> Result<Known, Failure> {
        self.of(kind)?.create(kind, cx, planned).await
    }

    async fn update(&self, kind: &Kind, cx: &CallCx, before: &Known, planned: &Value) -> Result<Known, Failure> {
        self.of(kind)?.update(kind, cx, before, planned).await
    }

    async fn delete(&self, kind: &Kind, cx: &CallCx, before: &Known) -> Result<(), Failure> {
        self.of(kind)?.delete(kind, cx, before).await
    }

    async fn resolve(&self, kind: &Kind, cx: &CallCx, planned: &Value) -> Result<Resolution, ProviderError> {
        self.of(kind)?.resolve(kind, cx, planned).await
    }

    async fn fetch(&self, source: &DataSource, cx: &CallCx, config: &Value) -> Result<Known, ProviderError> {
        sources::fetch(source, &self.machine, cx, config).await
    }

    async fn import(&self, kind: &Kind, cx: &CallCx, id: &str, config: &Value) -> Result<Option<Known>, ProviderError> {
        let because = match kind.name.as_str() {
            "network" => "its nodes are known by the records of the run that started them",
            "process" => "it is known by the record of the run that started it",
            "snapshot" => "each of its archives bears the marks of the run that took it",
            "replica" => "what it holds is known by the marks of the run that copied it",
            _ => return self.of(kind)?.import(kind, cx, id, config).await,
        };
        let hint = "Leave the import out; loam manages those that it made.";
        Err(ProviderError::unsupported(format!("the import of a `{}`: {because}", kind.name)).hint(hint))
    }

    async fn open(&self, url: &str) -> Result<Arc<dyn ObjectStore>, ObjectError> {
        Ok(Arc::new(Directory::open(url)?))
    }
}
