//! Reads the world: what has become of the objects the state knows.
//!
//! [`refresh()`] asks each object's provider in parallel and returns what it found, by slot. It
//! writes nothing; `plan` decides what the findings mean.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Instant,
};

use loam_provider::{Known, OpToken, ProgressSender, Str};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    event::{Event, Found, Reporter, Secrets, Trouble},
    host::{Call, CallError, Clock, Host},
    state::{Slot, Stored},
};

/// How to read the world.
#[derive(Debug, Clone)]
pub struct Options {
    /// The state that owns the objects.
    pub state_id: Str,
    /// At most how many objects are read at once.
    pub parallelism: usize,
    /// Cancelled when the user wants to stop.
    pub cancel: CancellationToken,
    /// The run's clock.
    pub clock: Clock,
}

/// What the world looked like.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    findings: BTreeMap<Slot, Observation>,
}

/// What was found of one object.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// It is there, like this.
    Present(Known),
    /// It is gone.
    Gone,
    /// Reading it failed.
    Failed(Trouble),
}

impl Observed {
    /// Returns findings that say that everything is as it was recorded, for plans that do not read the world.
    #[must_use]
    pub fn as_recorded(objects: &[Stored]) -> Self {
        let present = |stored: &Stored| Observation::Present(stored.object.attributes.clone());
        Self { findings: objects.iter().map(|stored| (stored.object.slot.clone(), present(stored))).collect() }
    }

    /// Returns the findings under the slots that objects have got since; those without another keep theirs.
    #[must_use]
    pub fn renamed(&self, renamed: impl Fn(&Slot) -> Option<Slot>) -> Self {
        let finding =
            |(slot, found): (&Slot, &Observation)| (renamed(slot).unwrap_or_else(|| slot.clone()), found.clone());
        Self { findings: self.findings.iter().map(finding).collect() }
    }

    /// Returns what was found of the object in a slot; `None` where it was not looked for.
    #[must_use]
    pub fn of(&self, slot: &Slot) -> Option<&Observation> {
        self.findings.get(slot)
    }
}

/// Reads every object, at most `parallelism` at once.
pub async fn refresh(host: &Arc<Host>, objects: &[Stored], options: &Options, reporter: &mut dyn Reporter) -> Observed {
    let began = Instant::now();
    reporter.event(&Event::RefreshStarted { objects: objects.len() });
    let mut waiting: VecDeque<&Stored> = objects.iter().collect();
    let mut running: JoinSet<(Slot, Observation)> = JoinSet::new();
    let mut observed = Observed::default();
    let recorded: BTreeMap<&Slot, &Known> =
        objects.iter().map(|stored| (&stored.object.slot, &stored.object.attributes)).collect();
    loop {
        while running.len() < options.parallelism.max(1)
            && let Some(stored) = waiting.pop_front()
        {
            running.spawn(read(Arc::clone(host), stored.clone(), options.clone()));
        }
        let Some(finished) = running.join_next().await else { break };
        let (slot, observation) = finished.expect("reading neither panics nor is aborted");
        let found = match &observation {
            Observation::Present(current) if recorded.get(&slot) == Some(&current) => Found::Same,
            Observation::Present(_) => Found::Changed,
            Observation::Gone => Found::Gone,
            Observation::Failed(_) => Found::Failed,
        };
        reporter.event(&Event::Refreshed { address: slot.addr.clone(), found });
        observed.findings.insert(slot, observation);
    }
    reporter.event(&Event::RefreshFinished { elapsed: began.elapsed() });
    observed
}

async fn read(host: Arc<Host>, stored: Stored, options: Options) -> (Slot, Observation) {
    let object = stored.object;
    let secrets = Secrets::of(&object.attributes, &object.sensitive);
    let observation = match object.provider.parse() {
        Err(error) => Observation::Failed(Trouble::of(&error, &secrets)),
        Ok(provider) => {
            let call = Call {
                provider,
                kind: object.kind.clone(),
                address: object.slot.addr.to_string().into(),
                state_id: options.state_id.clone(),
                // Reading changes nothing, so it needs no token of its own.
                token: OpToken("read".into()),
                cancel: options.cancel.clone(),
                timeout: None,
                progress: ProgressSender::silent(),
                clock: options.clock,
            };
            match host.read(&call, &object.attributes).await {
                Ok(Some(current)) => Observation::Present(current),
                Ok(None) => Observation::Gone,
                Err(CallError::Provider(error)) => Observation::Failed(Trouble::of_provider(&error, &secrets)),
                Err(error) => Observation::Failed(Trouble::of(&error, &secrets)),
            }
        }
    };
    (object.slot, observation)
}
