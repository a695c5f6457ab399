//! The contract between the engine and those who change the world.
//!
//! A [`Factory`] says what a provider offers before it is configured; the [`Provider`] it makes
//! plans, reads, creates, updates, deletes, and after a crash resolves what became of a call.
//! The host compares every answer with this contract.

use std::{fmt, path::PathBuf, sync::Arc, time::SystemTime};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::{DataSource, Kind, Known, ObjectError, ObjectStore, Path, ProviderError, Schema, Stores, Str, Value};

/// What a provider offers, before it is configured.
#[async_trait]
pub trait Factory: Send + Sync {
    /// Returns the provider's name in configuration: `local`.
    fn name(&self) -> &'static str;

    /// Returns one sentence for help and documentation.
    fn doc(&self) -> &'static str;

    /// Returns the schema of a `provider` block's body.
    fn schema(&self) -> &Schema;

    /// Returns the kinds it realises: the common ones and its own.
    fn kinds(&self) -> &[Kind];

    /// Returns the data sources it reads.
    fn data_sources(&self) -> &[DataSource] {
        &[]
    }

    /// Returns what may stand in the nested block of this provider's name in a block of a common kind.
    fn extension(&self, kind: &str) -> Option<&Schema>;

    /// Returns the URL schemes of the buckets it opens: `["file"]`.
    fn schemes(&self) -> &[&'static str];

    /// Makes a provider of a configuration that fits [`Factory::schema`].
    async fn configure(&self, config: &Known, cx: &ConfigureCx) -> Result<Arc<dyn Provider>, ProviderError>;
}

/// What a provider learns when it is configured.
#[derive(Debug, Clone)]
pub struct ConfigureCx {
    /// The absolute directory that relative paths in configuration start from.
    pub base_dir: PathBuf,
    /// The absolute directory where loam keeps what is its own: `BASE/.loam`.
    pub loam_dir: PathBuf,
    /// The running loam executable, for providers that start helpers of it.
    pub executable: PathBuf,
}

/// Realises kinds in one place: this machine, a cloud, a cluster.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Predicts the object after the change. May read the world, never changes it.
    async fn plan(&self, kind: &Kind, cx: &CallCx, request: PlanRequest<'_>) -> Result<Planned, ProviderError>;

    /// Returns the object as it is now, or `None` if it is gone.
    async fn read(&self, kind: &Kind, cx: &CallCx, current: &Known) -> Result<Option<Known>, ProviderError>;

    /// Makes the object. Unknowns in `planned` are what only the provider can tell.
    async fn create(&self, kind: &Kind, cx: &CallCx, planned: &Value) -> Result<Known, Failure>;

    /// Changes the object in place.
    async fn update(&self, kind: &Kind, cx: &CallCx, before: &Known, planned: &Value) -> Result<Known, Failure>;

    /// Deletes the object; one that is already gone is a success.
    async fn delete(&self, kind: &Kind, cx: &CallCx, before: &Known) -> Result<(), Failure>;

    /// Returns what became of the call with this op token, after a crash.
    async fn resolve(&self, kind: &Kind, cx: &CallCx, planned: &Value) -> Result<Resolution, ProviderError>;

    /// Reads a data source. `config` is an object of its type, wholly known, with null for what is to be read.
    async fn fetch(&self, source: &DataSource, _cx: &CallCx, _config: &Value) -> Result<Known, ProviderError> {
        Err(ProviderError::unsupported(format!("data source `{}`", source.name)))
    }

    /// Returns what `id` names as an object of the kind, so that it can be taken over, or `None` if there is nothing.
    /// Changes nothing; the mark of ownership is made by the update that follows. `config` is what the block says.
    async fn import(
        &self,
        kind: &Kind,
        _cx: &CallCx,
        _id: &str,
        _config: &Value,
    ) -> Result<Option<Known>, ProviderError> {
        Err(ProviderError::unsupported(format!("the import of `{}`", kind.name)))
    }

    /// Opens a bucket of one of the factory's schemes.
    async fn open(&self, url: &str) -> Result<Arc<dyn ObjectStore>, ObjectError> {
        Err(ObjectError::UnknownScheme { url: url.to_owned() })
    }

    /// Returns at most how many calls it takes at once; `None` leaves it to the engine.
    fn concurrency(&self) -> Option<usize> {
        None
    }
}

/// What is asked of [`Provider::plan`].
#[derive(Debug, Clone, Copy)]
pub struct PlanRequest<'a> {
    /// What the configuration says: an object of the kind's type, null where it says nothing.
    pub config: &'a Value,
    /// The configuration with defaults, and what is computed as it was before, or unknown.
    pub proposed: &'a Value,
    /// The object as it was just read, or `None` when it will be created.
    pub prior: Option<&'a Known>,
}

/// A prediction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The object after the change; unknown where only the change itself will tell. Equal to `prior` if nothing changes.
    pub after: Value,
    /// What cannot be changed in place, and why: not empty makes it a replacement.
    pub replace: Vec<Cause>,
    /// What the user should know: facts found on the way, in sentences.
    pub notes: Vec<String>,
}

impl Planned {
    /// Returns a prediction without replacement or notes.
    #[must_use]
    pub fn new(after: Value) -> Self {
        Self { after, replace: Vec::new(), notes: Vec::new() }
    }
}

/// A place in an object, and what about it matters.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cause {
    /// The place.
    pub path: Path,
    /// A fragment such as `the source's content changed`; empty where the difference says it all.
    pub because: String,
}

/// What became of a call whose answer was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// It had no effect.
    Nothing,
    /// It had some of its effect; this is what stands.
    Partial(Known),
    /// It had all of its effect. For a delete: `Done(null)`.
    Done(Known),
}

/// A failed call, and what it left behind.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Failure {
    /// What went wrong.
    pub error: ProviderError,
    /// What stands now.
    pub remains: Remains,
}

/// What a failed call leaves behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remains {
    /// The world is as before the call.
    Nothing,
    /// This much of the object exists.
    Partial(Known),
    /// Nobody can tell; `resolve` will be asked.
    InDoubt,
}

impl From<ProviderError> for Failure {
    /// A failure that left nothing behind.
    fn from(error: ProviderError) -> Self {
        Self { error, remains: Remains::Nothing }
    }
}

/// The token of one operation: the same when it is tried again, written onto whatever the operation makes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct OpToken(pub Str);

/// What every call on a provider is given.
#[derive(Clone)]
pub struct CallCx {
    /// The object's address: `module.a["x"].network.bench[0]`.
    pub address: Str,
    /// The state that owns the object; an object of another state is never touched.
    pub state_id: Str,
    /// This operation's token.
    pub token: OpToken,
    /// Cancelled when the user wants the call to end now.
    pub cancel: CancellationToken,
    /// When the whole call must have ended.
    pub deadline: Option<std::time::Instant>,
    /// The time of the run, by the engine's clock.
    pub now: SystemTime,
    /// Where progress and notes go.
    pub progress: ProgressSender,
    /// Opens buckets, whoever owns them.
    pub stores: Arc<dyn Stores>,
}

impl fmt::Debug for CallCx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallCx").field("address", &self.address).field("token", &self.token).finish_non_exhaustive()
    }
}

/// How far a call has come.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Progress {
    /// What it is doing: `extracting`, `waiting for node 2`.
    pub phase: String,
    /// How much is done.
    pub done: u64,
    /// How much there is in all, where that is known.
    pub total: Option<u64>,
    /// What is counted.
    pub unit: Unit,
}

/// What progress counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Things: nodes, files, objects.
    Items,
}

/// What a running call tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// How far it has come.
    Progress(Progress),
    /// Something worth a line: `adopted what an earlier run had made`.
    Note(String),
}

/// Where a running call tells how far it has come. Never blocks and never fails.
#[derive(Clone)]
pub struct ProgressSender(Arc<dyn Fn(Report) + Send + Sync>);

impl ProgressSender {
    /// Returns a sender that hands every report to a function, which must be quick.
    pub fn new(send: impl Fn(Report) + Send + Sync + 'static) -> Self {
        Self(Arc::new(send))
    }

    /// Returns a sender that drops everything.
    #[must_use]
    pub fn silent() -> Self {
        Self::new(|_| ())
    }

    /// Tells how many bytes are done.
    pub fn bytes(&self, phase: &str, done: u64, total: Option<u64>) {
        (self.0)(Report::Progress(Progress { phase: phase.to_owned(), done, total, unit: Unit::Bytes }));
    }

    /// Tells how many things are done.
    pub fn items(&self, phase: &str, done: u64, total: Option<u64>) {
        (self.0)(Report::Progress(Progress { phase: phase.to_owned(), done, total, unit: Unit::Items }));
    }

    /// Tells something worth a line.
    pub fn note(&self, text: impl Into<String>) {
        (self.0)(Report::Note(text.into()));
    }
}
