//! A little engine: proposes, plans, applies, and compares every answer with the contract.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use loam_local::LocalFactory;
use loam_provider::{
    CallCx, ConfigureCx, Factory, Failure, Kind, Known, ObjectError, ObjectStore, OpToken, PlanRequest, Planned,
    ProgressSender, Provider, ProviderError, Report, Resolution, Role, Schema, Stores, Type, Value,
};
use serde_json::Value as Json;
use tokio_util::sync::CancellationToken;

/// Starts detached processes, and serves as one.
pub(crate) const LAUNCH: &str = env!("CARGO_BIN_EXE_loam-launch");

/// A directory with a configured provider, and the state that uses it.
pub(crate) struct World {
    folder: Arc<tempfile::TempDir>,
    factory: LocalFactory,
    provider: Arc<dyn Provider>,
    state: String,
    tokens: Mutex<u32>,
    pub(crate) notes: Arc<Mutex<Vec<String>>>,
}

struct Open(Arc<dyn Provider>);

#[async_trait]
impl Stores for Open {
    async fn open(&self, url: &str) -> Result<Arc<dyn ObjectStore>, ObjectError> {
        self.0.open(url).await
    }
}

/// What an apply did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Did {
    Nothing,
    Create,
    Update,
    Replace,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::of_state("one", Arc::new(tempfile::tempdir().unwrap())).await
    }

    /// Returns the world of another state in the same directory.
    pub(crate) async fn another(&self) -> Self {
        Self::of_state("two", Arc::clone(&self.folder)).await
    }

    async fn of_state(state: &str, folder: Arc<tempfile::TempDir>) -> Self {
        let factory = LocalFactory::default();
        let cx = ConfigureCx {
            base_dir: folder.path().to_owned(),
            loam_dir: folder.path().join(".loam"),
            executable: LAUNCH.into(),
        };
        let provider = factory.configure(&Known::object::<&str>([]), &cx).await.unwrap();
        let (tokens, notes) = (Mutex::new(0), Arc::default());
        Self { folder, factory, provider, state: state.to_owned(), tokens, notes }
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes files; the content of each is a text.
    pub(crate) fn write<const N: usize>(&self, files: [(&str, &str); N]) {
        for (path, content) in files {
            let path = self.path(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
    }

    pub(crate) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// Returns the paths of all files beneath a directory, sorted; nothing for one that is not there.
    pub(crate) fn files(&self, path: &str) -> Vec<String> {
        let top = self.path(path);
        let (mut found, mut folders) = (Vec::new(), vec![top.clone()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.push(path.strip_prefix(&top).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        found.sort();
        found
    }

    /// Runs a shell line in the directory and returns what it printed; it must succeed.
    pub(crate) fn shell(&self, line: &str) -> String {
        let output = Command::new("sh").args(["-ec", line]).current_dir(self.folder.path()).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn kind(&self, name: &str) -> Kind {
        let kind = self.factory.kinds().iter().find(|kind| kind.name.as_str() == name).unwrap().clone();
        match self.factory.extension(name) {
            None => kind,
            Some(extension) => {
                let block = loam_provider::Block::new(loam_provider::Nesting::Optional, extension.clone(), "local");
                Kind { schema: kind.schema.clone().block("local", block), ..kind }
            }
        }
    }

    pub(crate) fn cx(&self, address: &str) -> CallCx {
        let mut tokens = self.tokens.lock().unwrap();
        *tokens += 1;
        let notes = Arc::clone(&self.notes);
        CallCx {
            address: address.into(),
            state_id: self.state.as_str().into(),
            token: OpToken(format!("{}-{tokens}", self.state).into()),
            cancel: CancellationToken::new(),
            deadline: None,
            now: SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000 + u64::from(*tokens)),
            progress: ProgressSender::new(move |report| {
                if let Report::Note(note) = report {
                    notes.lock().unwrap().push(note);
                }
            }),
            stores: Arc::new(Open(Arc::clone(&self.provider))),
        }
    }

    /// Returns what a block says, as an object of the kind's type.
    pub(crate) fn config(&self, kind: &str, block: &Json) -> Value {
        let ty = self.kind(kind).schema.ty();
        Known::from_json(block, &ty).unwrap().value().convert(&ty).unwrap()
    }

    pub(crate) async fn plan_of(
        &self,
        cx: &CallCx,
        kind: &str,
        config: &Value,
        prior: Option<&Known>,
    ) -> Result<Planned, ProviderError> {
        let kind = self.kind(kind);
        let proposed = proposed(&kind.schema, config, prior.map(Known::value));
        let request = PlanRequest { config, proposed: &proposed, prior };
        let planned = self.provider.plan(&kind, cx, request).await?;
        fits(&planned.after, &kind.schema.ty());
        agrees(config, &planned.after);
        Ok(planned)
    }

    pub(crate) async fn plan(
        &self,
        address: &str,
        block: &Json,
        prior: Option<&Known>,
    ) -> Result<Planned, ProviderError> {
        let kind = kind_of(address);
        self.plan_of(&self.cx(address), kind, &self.config(kind, block), prior).await
    }

    pub(crate) async fn read(&self, address: &str, current: &Known) -> Option<Known> {
        let kind = self.kind(kind_of(address));
        let read = self.provider.read(&kind, &self.cx(address), current).await.unwrap();
        if let Some(read) = &read {
            fits(read, &kind.schema.ty());
        }
        read
    }

    pub(crate) async fn create(&self, cx: &CallCx, kind: &str, planned: &Value) -> Result<Known, Failure> {
        self.provider.create(&self.kind(kind), cx, planned).await
    }

    pub(crate) async fn update(
        &self,
        cx: &CallCx,
        kind: &str,
        before: &Known,
        planned: &Value,
    ) -> Result<Known, Failure> {
        self.provider.update(&self.kind(kind), cx, before, planned).await
    }

    pub(crate) async fn resolve(&self, cx: &CallCx, kind: &str, planned: &Value) -> Resolution {
        self.provider.resolve(&self.kind(kind), cx, planned).await.unwrap()
    }

    /// Takes over what is there, as the object that a block declares.
    pub(crate) async fn import(&self, address: &str, id: &str, block: &Json) -> Result<Option<Known>, ProviderError> {
        let kind = self.kind(kind_of(address));
        let config = self.config(&kind.name, block);
        let found = self.provider.import(&kind, &self.cx(address), id, &config).await?;
        if let Some(found) = &found {
            fits(found, &kind.schema.ty());
        }
        Ok(found)
    }

    /// Reads a data source; what the block says stays as it is.
    pub(crate) async fn fetch(&self, cx: &CallCx, name: &str, block: &Json) -> Result<Known, ProviderError> {
        let source = self.factory.data_sources().iter().find(|source| source.name.as_str() == name).unwrap();
        let ty = source.schema.ty();
        let config = Known::from_json(block, &ty).unwrap().value().convert(&ty).unwrap();
        let read = self.provider.fetch(source, cx, &config).await?;
        fits(&read, &ty);
        agrees(&config, &read);
        Ok(read)
    }

    pub(crate) async fn delete(&self, address: &str, before: &Known) -> Result<(), Failure> {
        self.provider.delete(&self.kind(kind_of(address)), &self.cx(address), before).await
    }

    /// Brings an object to what a block says, and checks that nothing is left to do then.
    pub(crate) async fn apply(
        &self,
        address: &str,
        block: &Json,
        prior: Option<&Known>,
    ) -> Result<(Did, Known), Failure> {
        let kind_name = kind_of(address);
        let (kind, config) = (self.kind(kind_name), self.config(kind_name, block));
        let prior = match prior {
            Some(prior) => self.read(address, prior).await,
            None => None,
        };
        let cx = self.cx(address);
        let planned = self.plan_of(&cx, kind_name, &config, prior.as_ref()).await?;
        let replaces = !planned.replace.is_empty()
            || prior.as_ref().is_some_and(|prior| changes_identity(&kind.schema, prior, &planned.after));
        let (did, made) = match &prior {
            None => (Did::Create, self.provider.create(&kind, &cx, &planned.after).await?),
            Some(prior) if &planned.after == prior.value() => (Did::Nothing, prior.clone()),
            Some(prior) if replaces => {
                self.provider.delete(&kind, &cx, prior).await?;
                let planned = self.plan_of(&cx, kind_name, &config, None).await?;
                (Did::Replace, self.provider.create(&kind, &cx, &planned.after).await?)
            }
            Some(prior) => (Did::Update, self.provider.update(&kind, &cx, prior, &planned.after).await?),
        };
        fits(&made, &kind.schema.ty());
        if did != Did::Replace {
            kept(&planned.after, &made);
        }
        let read = self.read(address, &made).await;
        assert_eq!(read.as_ref(), Some(&made), "what is read is what was made");
        let again = self.plan_of(&self.cx(address), kind_name, &config, read.as_ref()).await?;
        assert_eq!(again.after, *made.value(), "nothing is left to do");
        assert!(again.replace.is_empty());
        Ok((did, made))
    }

    pub(crate) async fn made(&self, address: &str, block: &Json) -> Known {
        let (did, made) =
            self.apply(address, block, None).await.unwrap_or_else(|failure| panic!("{}", said(&failure.error)));
        assert_eq!(did, Did::Create);
        made
    }

    /// Makes a bucket and returns what refers to it.
    pub(crate) async fn bucket(&self, name: &str) -> Json {
        let made = self.made(&format!("bucket.{name}"), &serde_json::json!({ "name": name })).await;
        made.to_json()
    }
}

/// Lets nobody write beneath a directory, and again everybody.
pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Returns an error with its causes, its hint and what it is about.
pub(crate) fn said(error: &ProviderError) -> String {
    let mut said = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        said.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    if let Some(path) = &error.path {
        said.push_str(&format!(" [{path}]"));
    }
    for line in &error.evidence {
        said.push_str(&format!(" | {line}"));
    }
    said
}

pub(crate) fn text(object: &Known, name: &str) -> String {
    object.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("`{name}` is no text")).to_owned()
}

pub(crate) fn number(object: &Known, name: &str) -> u64 {
    object
        .get(name)
        .and_then(Value::as_number)
        .unwrap_or_else(|| panic!("`{name}` is no number"))
        .to_string()
        .parse()
        .unwrap()
}

fn kind_of(address: &str) -> &str {
    let words: Vec<&str> = address.split('.').collect();
    words[words.len() - 2]
}

fn proposed(schema: &Schema, config: &Value, prior: Option<&Value>) -> Value {
    let mut fields = BTreeMap::new();
    for (name, attribute) in &schema.attributes {
        let written = config.get(name).filter(|value| !value.is_null()).cloned();
        let before = || prior.and_then(|prior| prior.get(name)).cloned();
        let value = match &attribute.role {
            Role::Required => written,
            Role::Optional { default } => written.or_else(|| default.as_ref().map(|default| default.value().clone())),
            Role::OptionalComputed => written.or_else(before).or(Some(Value::Unknown(attribute.ty.clone()))),
            Role::Computed => before().or(Some(Value::Unknown(attribute.ty.clone()))),
        };
        fields.insert(name.clone(), value.unwrap_or_else(|| null(&attribute.ty)));
    }
    for (name, block) in &schema.blocks {
        let inside = config.get(name).filter(|value| value.entries().is_some());
        let value = inside.map(|inside| proposed(&block.schema, inside, prior.and_then(|prior| prior.get(name))));
        let value = value.or_else(|| config.get(name).cloned());
        fields.insert(name.clone(), value.unwrap_or_else(|| null(&block.ty())));
    }
    Value::object(fields)
}

fn null(ty: &Type) -> Value {
    Value::Null(Type::Any).convert(ty).unwrap()
}

fn changes_identity(schema: &Schema, prior: &Value, after: &Value) -> bool {
    let differs = |name: &str| prior.get(name) != after.get(name);
    let attributes = schema.attributes.iter();
    let mut replaced = attributes.filter(|(_, attribute)| attribute.on_change == loam_provider::OnChange::Replace);
    replaced.any(|(name, _)| differs(name))
        || schema.blocks.iter().any(|(name, block)| match (prior.get(name), after.get(name)) {
            (Some(prior), Some(after)) => changes_identity(&block.schema, prior, after),
            _ => false,
        })
}

fn fits(value: &Value, ty: &Type) {
    assert_eq!(value.convert(ty).as_ref(), Ok(value), "it has the kind's type");
}

/// What the configuration says is what is planned.
fn agrees(config: &Value, planned: &Value) {
    for (name, written) in config.entries().unwrap() {
        let nested = written.entries().is_some();
        if !written.is_null() && !nested && written.is_wholly_known() {
            assert_eq!(planned.get(name), Some(written), "`{name}` is as it is written");
        }
    }
}

/// What was planned as known is what was made.
fn kept(planned: &Value, made: &Value) {
    let _ = planned.transform(&mut |path, value| {
        if value.is_wholly_known() {
            assert_eq!(made.at(path), Some(&value), "`{path}` is as it was planned");
        }
        value
    });
}
