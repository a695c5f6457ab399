//! The scripted cloud keeps the provider contract, and breaks it where a script says so.
#![expect(clippy::unwrap_used, reason = "tests")]

mod crash;
mod faults;
mod plan;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use loam_provider::{
    CallCx, ConfigureCx, Factory, Failure, Kind, Known, ObjectError, ObjectStore, OpToken, PlanRequest, ProgressSender,
    Provider, Report, Role, Stores, Type, Value,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::{SimFactory, SimWorld};

struct NoStores;

#[async_trait]
impl Stores for NoStores {
    async fn open(&self, url: &str) -> Result<Arc<dyn ObjectStore>, ObjectError> {
        Err(ObjectError::UnknownScheme { url: url.to_owned() })
    }
}

/// A world in a directory of its own, and a provider that works in it.
struct Bench {
    dir: TempDir,
    world: SimWorld,
    provider: Arc<dyn Provider>,
    kinds: Vec<Kind>,
    reports: Arc<Mutex<Vec<Report>>>,
    cancel: CancellationToken,
}

impl Bench {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let world = SimWorld::open(dir.path().join("world")).unwrap();
        let factory = SimFactory::within(&world);
        let provider = configured(&factory, dir.path().into(), &[]).await.unwrap();
        let kinds = factory.kinds().to_vec();
        Self { dir, world, provider, kinds, reports: Arc::default(), cancel: CancellationToken::new() }
    }

    fn kind(&self, name: &str) -> &Kind {
        self.kinds.iter().find(|kind| kind.name.as_str() == name).unwrap()
    }

    fn thing(&self) -> &Kind {
        self.kind("sim_thing")
    }

    /// The context of a call by this token on `sim_thing.a`.
    fn cx(&self, token: &str) -> CallCx {
        let reports = Arc::clone(&self.reports);
        CallCx {
            address: "sim_thing.a".into(),
            state_id: "state".into(),
            token: OpToken(token.into()),
            cancel: self.cancel.clone(),
            deadline: None,
            now: SystemTime::UNIX_EPOCH,
            progress: ProgressSender::new(move |report| reports.lock().unwrap().push(report)),
            stores: Arc::new(NoStores),
        }
    }

    async fn create(&self, token: &str, planned: &Value) -> Result<Known, Failure> {
        self.provider.create(self.thing(), &self.cx(token), planned).await
    }

    async fn update(&self, token: &str, before: &Known, planned: &Value) -> Result<Known, Failure> {
        self.provider.update(self.thing(), &self.cx(token), before, planned).await
    }

    async fn delete(&self, token: &str, before: &Known) -> Result<(), Failure> {
        self.provider.delete(self.thing(), &self.cx(token), before).await
    }

    async fn resolve(&self, token: &str) -> loam_provider::Resolution {
        let nothing = Value::Null(Type::Any);
        self.provider.resolve(self.thing(), &self.cx(token), &nothing).await.unwrap()
    }

    async fn planned(&self, config: &[(&str, Value)], prior: Option<&Known>) -> loam_provider::Planned {
        let config = configuration(self.thing(), config);
        let proposed = proposed(self.thing(), &config, prior);
        let request = PlanRequest { config: &config, proposed: &proposed, prior };
        self.provider.plan(self.thing(), &self.cx("plan"), request).await.unwrap()
    }

    /// The thing `a` as it will be when it is made.
    async fn fresh(&self) -> Value {
        self.planned(&[("name", "a".into()), ("input", Value::from(7u64))], None).await.after
    }

    /// The effects so far: verb, extent and number.
    fn effects(&self) -> Vec<String> {
        let effects = self.world.effects().unwrap();
        effects.iter().map(|effect| format!("{:?} {:?} {}", effect.verb, effect.extent, effect.attempt)).collect()
    }
}

async fn configured(
    factory: &SimFactory,
    base_dir: PathBuf,
    config: &[(&str, Known)],
) -> Result<Arc<dyn Provider>, loam_provider::ProviderError> {
    let cx = ConfigureCx { loam_dir: base_dir.join(".loam"), base_dir, executable: "loam".into() };
    let given = Known::object(config.iter().map(|(name, value)| (*name, value.clone())));
    factory.configure(&given.convert(&optional(factory)).unwrap(), &cx).await
}

/// The type of a provider block in which everything may be left out.
fn optional(factory: &SimFactory) -> Type {
    let attributes = factory.schema().attributes.iter().map(|(name, attribute)| {
        let presence = loam_provider::Presence::Optional { default: None };
        (name.clone(), loam_provider::Field { ty: attribute.ty.clone(), presence })
    });
    Type::Object(Arc::new(loam_provider::ObjectType { fields: attributes.collect() }))
}

/// A configuration: what is given, null for the other attributes, no blocks.
fn configuration(kind: &Kind, given: &[(&str, Value)]) -> Value {
    let attributes = kind.schema.attributes.iter().map(|(name, attribute)| {
        let given = given.iter().find(|(given, _)| *given == name.as_str()).map(|(_, value)| value.clone());
        (name.clone(), given.unwrap_or(Value::Null(attribute.ty.clone())))
    });
    let blocks = kind.schema.blocks.iter().map(|(name, block)| {
        let given = given.iter().find(|(given, _)| *given == name.as_str()).map(|(_, value)| value.clone());
        let empty = match block.ty() {
            Type::List(element) => Value::list((*element).clone(), []),
            Type::Map(element) => Value::map::<&str>((*element).clone(), []),
            other => Value::Null(other),
        };
        (name.clone(), given.unwrap_or(empty))
    });
    Value::object(attributes.chain(blocks).collect::<Vec<_>>())
}

/// What the engine proposes: what is computed as it was before, or unknown.
fn proposed(kind: &Kind, config: &Value, prior: Option<&Known>) -> Value {
    kind.schema.attributes.iter().fold(config.clone(), |proposed, (name, attribute)| match attribute.role {
        Role::Computed => {
            let prior = prior.and_then(|prior| prior.get(name)).cloned();
            proposed.with(name, prior.unwrap_or(Value::Unknown(attribute.ty.clone())))
        }
        Role::Required | Role::Optional { .. } | Role::OptionalComputed => proposed,
    })
}

#[tokio::test]
async fn an_object_is_made_read_changed_and_deleted() {
    let bench = Bench::new().await;
    let made = bench.create("t1", &bench.fresh().await).await.unwrap();
    assert_eq!((made.get("id"), made.get("output")), (Some(&"sim-t1".into()), Some(&Value::from(7u64))));
    assert_eq!(bench.provider.read(bench.thing(), &bench.cx("r"), &made).await.unwrap(), Some(made.clone()));

    let bigger = bench.planned(&[("name", "a".into()), ("size", Value::from(2u64))], Some(&made)).await;
    let changed = bench.update("t2", &made, &bigger.after).await.unwrap();
    assert_eq!((changed.get("generation"), changed.get("id")), (Some(&Value::from(2u64)), made.get("id")));

    bench.delete("t3", &changed).await.unwrap();
    bench.delete("t4", &changed).await.unwrap();
    assert_eq!(bench.provider.read(bench.thing(), &bench.cx("r"), &made).await.unwrap(), None);
    assert_eq!(bench.effects(), ["Create Whole 1", "Update Whole 1", "Delete Whole 1"]);
    assert_eq!(bench.world.objects().unwrap(), []);
}

#[tokio::test]
async fn an_object_bears_its_address_its_state_and_its_token() {
    let bench = Bench::new().await;
    let made = bench.create("t1", &bench.fresh().await).await.unwrap();
    let objects = bench.world.objects_at("sim_thing.a").unwrap();
    let [object] = &objects[..] else { panic!("one object: {objects:?}") };
    assert_eq!((&*object.state_id, &*object.token.0, &object.attributes), ("state", "t1", &made));

    let other = CallCx { state_id: "other".into(), ..bench.cx("t2") };
    let refused = bench.provider.delete(bench.thing(), &other, &made).await.unwrap_err();
    let cause = std::error::Error::source(&refused.error).unwrap().to_string();
    assert_eq!(cause, "`sim-t1` belongs to state `state`");
    assert_eq!(bench.effects(), ["Create Whole 1"]);
}

#[tokio::test]
async fn values_come_back_with_their_types() {
    let bench = Bench::new().await;
    let input = Value::object([
        ("list", Value::list(Type::String, [Value::from("x")])),
        ("tuple", Value::tuple([Value::from(true), Value::Null(Type::String)])),
        ("set", Value::set(Type::Number, [Value::from(1u64)])),
    ]);
    let planned = bench.planned(&[("name", "a".into()), ("input", input.clone())], None).await;
    let made = bench.create("t1", &planned.after).await.unwrap();
    let read = bench.provider.read(bench.thing(), &bench.cx("r"), &made).await.unwrap().unwrap();
    assert_eq!((read.get("input"), &read), (Some(&input), &made));
}

#[tokio::test]
async fn what_takes_time_tells_how_far_it_is() {
    tokio::time::pause();
    let bench = Bench::new().await;
    let kind = bench.kind("sim_slow");
    let config = configuration(kind, &[("name", "s".into()), ("duration", "40s".into())]);
    let planned = proposed(kind, &config, None);
    let start = tokio::time::Instant::now();
    bench.provider.create(kind, &bench.cx("t1"), &planned).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(40));
    assert_eq!(bench.reports.lock().unwrap().len(), 5);
}

#[tokio::test]
async fn a_block_says_where_the_world_is_and_how_many_calls_it_takes() {
    let dir = tempfile::tempdir().unwrap();
    let factory = SimFactory::default();
    let config = [("world", Known::from("w")), ("concurrency", Known::from(3u64))];
    let provider = configured(&factory, dir.path().into(), &config).await.unwrap();
    assert_eq!(provider.concurrency(), Some(3));
    assert!(dir.path().join("w/effects.log").is_file());

    let none = configured(&factory, dir.path().into(), &[]).await.err().unwrap();
    assert_eq!(none.to_string(), "a world is required");
    let config = [("world", Known::from("w")), ("script", Known::from("missing.json"))];
    let missing = configured(&factory, dir.path().into(), &config).await.err().unwrap();
    let cause = std::error::Error::source(&missing).unwrap().to_string();
    assert!(cause.starts_with("failed to read `") && cause.ends_with("missing.json`"), "{cause}");
}
