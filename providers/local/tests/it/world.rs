//! A directory, a configured provider, and the engine's part in a few lines.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::SystemTime};

use async_trait::async_trait;
use loam_local::LocalFactory;
use loam_provider::{
    Attribute, CallCx, ConfigureCx, Factory, Failure, Kind, Known, Nesting, ObjectError, ObjectStore, OnChange,
    OpToken, PlanRequest, Planned, ProgressSender, Provider, ProviderError, Resolution, Role, Schema, Stores, Type,
    Value,
};
use tokio_util::sync::CancellationToken;

pub(crate) const LAUNCH: &str = env!("CARGO_BIN_EXE_loam-launch");

pub(crate) struct World {
    pub(crate) dir: tempfile::TempDir,
    provider: Arc<dyn Provider>,
    kinds: Vec<Kind>,
    pub(crate) cx: CallCx,
}

struct NoStores;

#[async_trait]
impl Stores for NoStores {
    async fn open(&self, url: &str) -> Result<Arc<dyn ObjectStore>, ObjectError> {
        Err(ObjectError::UnknownScheme { url: url.to_owned() })
    }
}

impl World {
    pub(crate) async fn new(address: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let base_dir = dir.path().canonicalize().unwrap();
        let cx = ConfigureCx { loam_dir: base_dir.join(".loam"), base_dir, executable: LAUNCH.into() };
        let factory = LocalFactory::default();
        let provider = factory.configure(&Known::object::<&str>([]), &cx).await.unwrap();
        let mut kinds = factory.kinds().to_vec();
        for kind in &mut kinds {
            if let Some(extension) = factory.extension(&kind.name) {
                let block = loam_provider::Block::new(Nesting::Optional, extension.clone(), "of this provider");
                kind.schema = kind.schema.clone().block("local", block);
            }
        }
        let cx = CallCx {
            address: address.into(),
            state_id: format!("state of {}", dir.path().display()).into(),
            token: OpToken("token-1".into()),
            cancel: CancellationToken::new(),
            deadline: None,
            now: SystemTime::UNIX_EPOCH,
            progress: ProgressSender::silent(),
            stores: Arc::new(NoStores),
        };
        Self { dir, provider, kinds, cx }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    /// Uses another operation token from now on, as every step of a plan does.
    pub(crate) fn next_operation(&mut self) {
        self.cx.token = OpToken(format!("{}'", self.cx.token.0).into());
    }

    fn kind(&self) -> Kind {
        let kind = self.cx.address.split('.').next().unwrap();
        self.kinds.iter().find(|known| known.name.as_str() == kind).unwrap().clone()
    }

    pub(crate) async fn plan(&self, config: &Value, prior: Option<&Known>) -> Result<Planned, ProviderError> {
        let kind = self.kind();
        let written = typed(&kind.schema, config, Filling::Nulls, None);
        let proposed = typed(&kind.schema, config, Filling::Defaults, prior);
        let request = PlanRequest { config: &written, proposed: &proposed, prior };
        let planned = self.provider.plan(&kind, &self.cx, request).await?;
        assert_eq!(planned.after.convert(&kind.schema.ty()).unwrap(), planned.after, "the prediction fits the schema");
        Ok(planned)
    }

    pub(crate) async fn create(&self, config: &Value) -> Result<Known, Failure> {
        let planned = self.plan(config, None).await?;
        self.create_planned(&planned.after).await
    }

    pub(crate) async fn create_planned(&self, planned: &Value) -> Result<Known, Failure> {
        let made = self.provider.create(&self.kind(), &self.cx, planned).await?;
        assert_agrees(planned, &made);
        Ok(made)
    }

    pub(crate) async fn read(&self, current: &Known) -> Option<Known> {
        let kind = self.kind();
        let read = self.provider.read(&kind, &self.cx, current).await.unwrap();
        if let Some(read) = &read {
            assert_eq!(
                read.value().convert(&kind.schema.ty()).unwrap(),
                *read.value(),
                "what was read fits the schema"
            );
        }
        read
    }

    /// Reads, plans and updates; returns the notes of the plan and the object.
    pub(crate) async fn apply(&mut self, config: &Value, current: &Known) -> Result<(Vec<String>, Known), Failure> {
        self.next_operation();
        let prior = self.read(current).await.unwrap();
        let planned = self.plan(config, Some(&prior)).await?;
        assert_ne!(planned.after, *prior.value(), "there is something to do");
        let after = self.provider.update(&self.kind(), &self.cx, &prior, &planned.after).await?;
        assert_agrees(&planned.after, &after);
        Ok((planned.notes, after))
    }

    /// Checks that a plan right after an apply is empty.
    pub(crate) async fn assert_settled(&self, config: &Value, current: &Known) {
        let read = self.read(current).await.unwrap();
        assert_eq!(read, *current, "nothing drifted");
        let planned = self.plan(config, Some(&read)).await.unwrap();
        assert_eq!(planned.after, *read.value());
        assert!(planned.notes.is_empty() && planned.replace.is_empty(), "{:?}", planned.notes);
    }

    pub(crate) async fn delete(&mut self, current: &Known) -> Result<(), Failure> {
        self.next_operation();
        self.provider.delete(&self.kind(), &self.cx, current).await
    }

    pub(crate) async fn resolve(&self, planned: &Value) -> Resolution {
        self.provider.resolve(&self.kind(), &self.cx, planned).await.unwrap()
    }

    /// Returns what stands below the directory, without `.loam` itself.
    pub(crate) fn left(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut open = vec![self.path("")];
        while let Some(dir) = open.pop() {
            for entry in std::fs::read_dir(dir).unwrap() {
                let entry = entry.unwrap();
                let name = entry.path().strip_prefix(self.path("")).unwrap().display().to_string();
                if entry.file_type().unwrap().is_dir() {
                    open.push(entry.path());
                }
                if name != ".loam" {
                    found.push(name);
                }
            }
        }
        found.sort();
        found
    }
}

/// A test that fails leaves no process behind.
impl Drop for World {
    fn drop(&mut self) {
        for name in self.left().iter().filter(|name| name.ends_with("/record.json")) {
            let text = std::fs::read_to_string(self.path(name)).unwrap_or_default();
            let record: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
            let pid = record["identity"]["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
            let environment =
                pid.and_then(|pid| std::fs::read(format!("/proc/{pid}/environ")).ok()).unwrap_or_default();
            if let Some(pid) = pid
                && String::from_utf8_lossy(&environment).contains("LOAM_PROCESS=")
                && runs(pid)
            {
                kill(pid);
            }
        }
    }
}

/// What stands where the configuration says nothing.
#[derive(Clone, Copy)]
enum Filling {
    Nulls,
    Defaults,
}

fn typed(schema: &Schema, config: &Value, filling: Filling, prior: Option<&Known>) -> Value {
    let attribute = |name: &str, attribute: &Attribute| {
        let was = prior.and_then(|prior| prior.get(name)).cloned();
        let given =
            config.get(attribute.written_as.as_deref().unwrap_or(name)).filter(|_| attribute.role != Role::Computed);
        let null = || Value::Null(Value::Null(Type::Any).convert(&attribute.ty).unwrap().ty());
        match (given, &attribute.role, filling) {
            (_, _, Filling::Defaults) if attribute.on_change == OnChange::CreationOnly && was.is_some() => was.unwrap(),
            (Some(given), ..) => given.convert(&attribute.ty).unwrap(),
            (None, Role::Optional { default: Some(default) }, Filling::Defaults) => default.value().clone(),
            (None, Role::Computed | Role::OptionalComputed, Filling::Defaults) => {
                was.unwrap_or_else(|| Value::Unknown(null().ty()))
            }
            _ => null(),
        }
    };
    let mut fields: BTreeMap<String, Value> =
        schema.attributes.iter().map(|(name, known)| (name.to_string(), attribute(name, known))).collect();
    for (name, block) in &schema.blocks {
        let inside = |config: &Value| typed(&block.schema, config, filling, None);
        let given = config.get(name);
        let value = match (block.nesting, given) {
            (Nesting::Labelled, given) => {
                let labelled = given.and_then(Value::entries).into_iter().flatten();
                Value::map(block.schema.ty(), labelled.map(|(label, config)| (label.clone(), inside(config))))
            }
            (_, Some(config)) => inside(config),
            (_, None) => Value::Null(block.ty()),
        };
        fields.insert(name.to_string(), value.convert(&block.ty()).unwrap());
    }
    Value::object(fields)
}

/// Checks that whatever was known in the prediction came back.
fn assert_agrees(planned: &Value, made: &Known) {
    let mut wrong = Vec::new();
    let _ = planned.transform(&mut |path, value| {
        let is_leaf = value.entries().is_none() && value.items().is_none() && !value.is_unknown();
        let same =
            matches!((&value, made.at(path)), (Value::Null(_), Some(Value::Null(_)))) || made.at(path) == Some(&value);
        if is_leaf && !same {
            wrong.push(format!("{path}: {value:?} became {:?}", made.at(path)));
        }
        value
    });
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Returns an object of texts, numbers and objects, read from JSON.
pub(crate) fn config(json: serde_json::Value) -> Value {
    Known::from_json(&json, &Type::Any).unwrap().into_value()
}

pub(crate) fn text<'v>(object: &'v Value, path: &str) -> &'v str {
    object.at(&path.parse().unwrap()).and_then(Value::as_str).unwrap_or("(nothing)")
}

pub(crate) fn number(object: &Value, path: &str) -> u32 {
    let found = object.at(&path.parse().unwrap()).and_then(Value::as_number);
    found.map_or(0, |number| number.to_string().parse().unwrap())
}

/// Returns whether a process of this pid runs; a zombie does while it has threads besides its first.
pub(crate) fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let Some((_, fields)) = stat.rsplit_once(") ") else { return false };
    let fields: Vec<&str> = fields.split(' ').collect();
    match fields[0] {
        "X" | "x" => false,
        "Z" => fields[17].parse::<u32>().unwrap() > 1,
        _ => true,
    }
}

/// Kills a process and waits until it is gone.
pub(crate) fn kill(pid: u32) {
    let raw = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(raw, rustix::process::Signal::KILL).unwrap();
    while runs(pid) {
        std::thread::yield_now();
    }
}

/// Asks a node, as `curl` would.
pub(crate) fn get(endpoint: &str) -> String {
    use std::io::{Read, Write};
    let host = endpoint.strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    stream.write_all(format!("GET /value HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}
