//! The scripted cloud, configured.

mod answer;
mod faults;
mod predict;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use loam_provider::{
    CallCx, DataSource, Failure, Kind, Known, OnDestroy, Period, PlanRequest, Planned, Provider, ProviderError,
    Remains, Resolution, Str, Type, Value,
};
use tokio::time::Instant;

pub(crate) use faults::Faults;

use crate::{
    Extent, Fault, Object, Verb, World, WorldError,
    script::CallSite,
    world::{By, Fate},
};

/// A world, and what goes wrong in it.
pub(crate) struct Sim {
    pub(crate) world: Arc<World>,
    pub(crate) faults: Vec<Arc<Faults>>,
    /// How long each change takes.
    pub(crate) latency: Duration,
    pub(crate) concurrency: Option<usize>,
}

/// How a call that was let through ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// With its answer.
    Honest,
    /// With an answer that breaks the contract.
    Wrong,
    /// Half-way.
    Partial,
    /// Without a reply.
    Lost,
    /// Not before it is cancelled.
    Hanging,
    /// For reads: with the answer that there is nothing.
    Unseen,
}

/// Why a wait ended early.
fn interrupted(cx: &CallCx) -> ProviderError {
    if cx.cancel.is_cancelled() {
        ProviderError::cancelled()
    } else {
        ProviderError::new(loam_provider::Trouble::TimedOut, "ran out of time")
    }
}

/// Waits, unless the call is cancelled or its time is up first.
async fn wait(cx: &CallCx, duration: Duration) -> Result<(), ProviderError> {
    if duration.is_zero() {
        return Ok(());
    }
    tokio::select! {
        biased;
        () = out_of_time(cx) => Err(interrupted(cx)),
        () = tokio::time::sleep(duration) => Ok(()),
    }
}

/// Waits until the call is cancelled or its time is up.
async fn out_of_time(cx: &CallCx) {
    let deadline = async {
        match cx.deadline {
            Some(deadline) => tokio::time::sleep_until(Instant::from_std(deadline)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = cx.cancel.cancelled() => {}
        () = deadline => {}
    }
}

fn broken(source: WorldError) -> ProviderError {
    ProviderError::because("the world is broken", source)
}

/// The failure of a call about which nobody can tell what it left.
fn in_doubt(error: ProviderError) -> Failure {
    Failure { error, remains: Remains::InDoubt }
}

impl Sim {
    /// Lets a call through, late perhaps, and says how it will end; or fails it before it has an effect.
    async fn enter(&self, kind: &Kind, cx: &CallCx, verb: Verb) -> Result<Ending, ProviderError> {
        if cx.cancel.is_cancelled() || cx.deadline.is_some_and(|deadline| deadline <= std::time::Instant::now()) {
            return Err(interrupted(cx));
        }
        let site = CallSite { kind: &kind.name, address: &cx.address, verb };
        let mut ending = Ending::Honest;
        for faults in &self.faults {
            for fault in faults.of(site).map_err(broken)? {
                if let Some(delay) = fault.delay() {
                    wait(cx, delay).await?;
                }
                ending = match fault {
                    Fault::Delay(_) => ending,
                    Fault::FailBefore => return Err(ProviderError::failed("the cloud refused")),
                    Fault::Transient => {
                        let trouble = loam_provider::Trouble::Transient;
                        return Err(ProviderError::new(trouble, "the cloud is busy").hint("Try again later."));
                    }
                    Fault::Hang => {
                        out_of_time(cx).await;
                        return Err(interrupted(cx));
                    }
                    Fault::HangAfter => Ending::Hanging,
                    Fault::FailAfter => Ending::Lost,
                    Fault::Partial => Ending::Partial,
                    Fault::WrongAnswer => Ending::Wrong,
                    Fault::Eventually(_) => Ending::Unseen,
                };
            }
        }
        Ok(ending)
    }

    /// Lets a call through that changes nothing: there is no effect to stop half-way.
    async fn look(&self, kind: &Kind, cx: &CallCx, verb: Verb) -> Result<Ending, ProviderError> {
        match self.enter(kind, cx, verb).await? {
            Ending::Partial | Ending::Lost => Err(ProviderError::failed("the reply was lost")),
            Ending::Hanging => {
                out_of_time(cx).await;
                Err(interrupted(cx))
            }
            ending @ (Ending::Honest | Ending::Wrong | Ending::Unseen) => Ok(ending),
        }
    }

    /// Takes the time that a change takes, telling how far it has come.
    async fn work(&self, cx: &CallCx, object: &Value) -> Result<(), ProviderError> {
        const PARTS: u32 = 4;
        wait(cx, self.latency).await?;
        let duration = object.get("duration").and_then(Value::as_str);
        let Some(duration) = duration.and_then(|text| text.parse::<Period>().ok()) else { return Ok(()) };
        for part in 0..PARTS {
            cx.progress.items("working", u64::from(part), Some(u64::from(PARTS)));
            wait(cx, duration.0 / PARTS).await?;
        }
        cx.progress.items("working", u64::from(PARTS), Some(u64::from(PARTS)));
        Ok(())
    }

    /// Does something to the world to its end, even when the caller stops waiting for it.
    async fn touch<T: Send + 'static>(
        &self,
        act: impl FnOnce(&World) -> Result<T, WorldError> + Send + 'static,
    ) -> Result<T, WorldError> {
        let world = Arc::clone(&self.world);
        match tokio::task::spawn_blocking(move || act(&world)).await {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }

    /// Makes or changes an object and ends as the script says.
    async fn put(&self, kind: &Kind, cx: &CallCx, change: Change) -> Result<Known, Failure> {
        let ending = self.enter(kind, cx, change.verb).await?;
        self.work(cx, &change.planned).await?;
        let extent = if ending == Ending::Partial { Extent::Part } else { Extent::Whole };
        let attributes = change.attributes(kind, extent)?;
        let (name, own) = (kind.name.clone(), cx.clone());
        let put = move |world: &World| {
            let by = By { kind: &name, address: &own.address, state_id: &own.state_id, token: &own.token };
            world.put(by, change.verb, &change.id, extent, &attributes)
        };
        let object = self.touch(put).await.map_err(|error| match error {
            WorldError::Write { .. } => in_doubt(broken(error)),
            WorldError::Foreign { .. } | WorldError::Gone { .. } => {
                ProviderError::because("the cloud refused", error).into()
            }
            WorldError::Read { .. } | WorldError::Malformed { .. } | WorldError::Attributes { .. } => {
                broken(error).into()
            }
        })?;
        let made = object.attributes;
        match self.end(cx, ending).await? {
            Reply::Answer => Ok(made),
            Reply::Wrong => Ok(answer::misnamed(&made)),
            Reply::Partial => {
                let error = ProviderError::failed("the cloud gave up half-way");
                Err(Failure { error, remains: Remains::Partial(made) })
            }
        }
    }

    /// Ends a call that had its effect.
    async fn end(&self, cx: &CallCx, ending: Ending) -> Result<Reply, Failure> {
        match ending {
            Ending::Honest | Ending::Unseen => Ok(Reply::Answer),
            Ending::Wrong => Ok(Reply::Wrong),
            Ending::Partial => Ok(Reply::Partial),
            Ending::Lost => Err(in_doubt(ProviderError::failed("the reply was lost"))),
            Ending::Hanging => {
                out_of_time(cx).await;
                Err(in_doubt(interrupted(cx)))
            }
        }
    }
}

/// How a call that had its effect answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reply {
    Answer,
    Wrong,
    Partial,
}

/// What a create or update does.
struct Change {
    verb: Verb,
    id: Str,
    before: Option<Known>,
    planned: Value,
}

impl Change {
    /// Returns the attributes after the change, or after a part of it.
    fn attributes(&self, kind: &Kind, extent: Extent) -> Result<Known, ProviderError> {
        let after = answer::after(&self.planned, self.before.as_ref(), &self.id)?;
        Ok(match extent {
            Extent::Whole => after,
            Extent::Part => answer::half(kind, self.before.as_ref(), &after),
        })
    }
}

/// Returns the id that an object's attributes bear.
fn id_of(attributes: &Value) -> Option<Str> {
    attributes.get("id").and_then(Value::as_str).map(Str::from)
}

fn without_id() -> ProviderError {
    ProviderError::failed("the object has no `id`")
}

#[async_trait]
impl Provider for Sim {
    async fn plan(&self, kind: &Kind, cx: &CallCx, request: PlanRequest<'_>) -> Result<Planned, ProviderError> {
        let ending = self.look(kind, cx, Verb::Plan).await?;
        let planned = predict::predict(kind, request)?;
        Ok(match ending {
            Ending::Wrong => Planned { after: planned.after.with("name", answer::WRONG.into()), ..planned },
            Ending::Honest | Ending::Unseen | Ending::Partial | Ending::Lost | Ending::Hanging => planned,
        })
    }

    async fn read(&self, kind: &Kind, cx: &CallCx, current: &Known) -> Result<Option<Known>, ProviderError> {
        let ending = self.look(kind, cx, Verb::Read).await?;
        let id = id_of(current).ok_or_else(without_id)?;
        let object = self.touch(move |world| world.get(&id)).await.map_err(broken)?;
        Ok(match ending {
            Ending::Unseen => None,
            Ending::Wrong => object.map(|object| answer::misshapen(&object.attributes)),
            Ending::Honest | Ending::Partial | Ending::Lost | Ending::Hanging => object.map(|object| object.attributes),
        })
    }

    async fn create(&self, kind: &Kind, cx: &CallCx, planned: &Value) -> Result<Known, Failure> {
        let id = World::id_made_by(&cx.token);
        self.put(kind, cx, Change { verb: Verb::Create, id, before: None, planned: planned.clone() }).await
    }

    async fn update(&self, kind: &Kind, cx: &CallCx, before: &Known, planned: &Value) -> Result<Known, Failure> {
        let id = id_of(before).ok_or_else(without_id)?;
        let before = Some(before.clone());
        self.put(kind, cx, Change { verb: Verb::Update, id, before, planned: planned.clone() }).await
    }

    async fn delete(&self, kind: &Kind, cx: &CallCx, before: &Known) -> Result<(), Failure> {
        let ending = self.enter(kind, cx, Verb::Delete).await?;
        self.work(cx, before).await?;
        let id = id_of(before).ok_or_else(without_id)?;
        let extent = if ending == Ending::Partial { Extent::Part } else { Extent::Whole };
        let (name, own) = (kind.name.clone(), cx.clone());
        let delete = move |world: &World| {
            let by = By { kind: &name, address: &own.address, state_id: &own.state_id, token: &own.token };
            world.delete(by, &id, extent)
        };
        let left = self.touch(delete).await.map_err(|error| match error {
            WorldError::Write { .. } => in_doubt(broken(error)),
            WorldError::Foreign { .. } => ProviderError::because("the cloud refused", error).into(),
            WorldError::Read { .. } | WorldError::Malformed { .. } => broken(error).into(),
            WorldError::Attributes { .. } | WorldError::Gone { .. } => broken(error).into(),
        })?;
        match (self.end(cx, ending).await?, left) {
            (Reply::Partial, Some(object)) => {
                let error = ProviderError::failed("the cloud gave up half-way");
                Err(Failure { error, remains: Remains::Partial(object.attributes) })
            }
            // There is no answer that could be wrong, and nothing of an object that was gone already.
            (Reply::Partial, None) | (Reply::Answer | Reply::Wrong, _) => Ok(()),
        }
    }

    async fn resolve(&self, kind: &Kind, cx: &CallCx, _planned: &Value) -> Result<Resolution, ProviderError> {
        let ending = self.look(kind, cx, Verb::Resolve).await?;
        let token = cx.token.clone();
        let fate = self.touch(move |world| world.fate(&token)).await.map_err(broken)?;
        let of = |object: Object| match ending {
            Ending::Wrong => answer::misshapen(&object.attributes),
            Ending::Honest | Ending::Unseen | Ending::Partial | Ending::Lost | Ending::Hanging => object.attributes,
        };
        Ok(match fate {
            Fate::Nothing => Resolution::Nothing,
            Fate::Standing(Extent::Part, object) => Resolution::Partial(of(object)),
            Fate::Standing(Extent::Whole, object) => Resolution::Done(of(object)),
            Fate::Deleted => Resolution::Done(Known::null()),
        })
    }

    /// Reads an object by its id. Rules for it name the data source as the kind, and the verb `read`.
    async fn fetch(&self, source: &DataSource, cx: &CallCx, config: &Value) -> Result<Known, ProviderError> {
        let kind = Kind {
            name: source.name.clone(),
            doc: String::new(),
            schema: source.schema.clone(),
            on_destroy: OnDestroy::Retain,
        };
        let ending = self.look(&kind, cx, Verb::Read).await?;
        let id = id_of(config).ok_or_else(without_id)?;
        let object = self.touch(move |world| world.get(&id)).await.map_err(broken)?;
        let object = object.filter(|_| ending != Ending::Unseen).map(|object| object.attributes);
        let secret = object.as_ref().and_then(|object| object.get("secret").cloned());
        let told = config
            .with("exists", Value::Bool(object.is_some()))
            .with("secret", secret.unwrap_or(Value::Null(Type::String)))
            .with("attributes", object.map_or(Value::Null(Type::Any), Known::into_value));
        let told = if ending == Ending::Wrong { told.with("id", answer::WRONG.into()) } else { told };
        Known::new(told).map_err(|source| ProviderError::because("the world is broken", source))
    }

    /// Finds an object by its id.
    async fn import(&self, kind: &Kind, cx: &CallCx, id: &str, _: &Value) -> Result<Option<Known>, ProviderError> {
        let ending = self.look(kind, cx, Verb::Read).await?;
        let id = Str::from(id);
        let object = self.touch(move |world| world.get(&id)).await.map_err(broken)?;
        Ok(object.filter(|_| ending != Ending::Unseen).map(|object| object.attributes))
    }

    fn concurrency(&self) -> Option<usize> {
        self.concurrency
    }
}
