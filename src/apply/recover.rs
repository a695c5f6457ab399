//! What became of the steps that a dead run left open.

use loam_provider::{Known, Path, ProgressSender, Resolution, Value};
use tokio_util::sync::CancellationToken;

use super::{Tools, record};
use crate::{
    event::{Event, Recovered, Secrets},
    host::{Call, CallError, Clock},
    plan::secret,
    state::{
        Action, Condition, Ended, Entry, Object, Outcome, RunId, RunOutcome, Slot, StateError, Status, StepRecord,
        Store, Stored, Terms, Write,
    },
};

/// Asks the providers about every open step of runs that are over, records what they say, and closes those runs.
///
/// The caller holds the state's lock, so whatever is open belongs to a process that is gone. What cannot be told
/// stays in doubt, and is asked again next time.
///
/// # Errors
/// Only when the state cannot be read or written.
pub async fn recover(tools: &mut Tools<'_>) -> Result<Recovered, StateError> {
    let mut recovered = Recovered::default();
    let open = tools.store.unfinished_steps()?;
    let mut outcomes = Vec::new();
    for step in &open {
        let (ended, writes) = settle(tools, step, &mut recovered).await?;
        outcomes.push(Entry::End(Outcome { step: step.id, ended, writes }));
    }
    if !outcomes.is_empty() {
        tools.store.journal((tools.now)(), &outcomes)?;
    }
    for run in tools.store.runs()? {
        if run.end.is_none() && run.id != tools.run {
            undo_depositions(tools, run.id)?;
            tools.store.finish_run((tools.now)(), run.id, RunOutcome::Died)?;
        }
    }
    if !open.is_empty() {
        tools.reporter.event(&Event::Recovered(recovered));
    }
    Ok(recovered)
}

/// Gives objects their places back that a dead run had moved away, and then not come to the call.
fn undo_depositions(tools: &mut Tools<'_>, run: RunId) -> Result<(), StateError> {
    let mut writes = Vec::new();
    for step in tools.store.steps(run)? {
        if step.status == Status::Planned {
            writes.extend(restored(tools.store, &step)?);
        }
    }
    if !writes.is_empty() {
        tools.store.write((tools.now)(), Some(tools.run), &writes)?;
    }
    Ok(())
}

async fn settle(
    tools: &mut Tools<'_>,
    step: &StepRecord,
    recovered: &mut Recovered,
) -> Result<(Ended, Vec<Write>), StateError> {
    let stored = tools.store.object(&step.slot)?;
    let planned = step
        .planned
        .clone()
        .unwrap_or(crate::state::Planned { value: Value::Null(loam_provider::Type::Any), sensitive: Vec::new() });
    let answer = ask(tools, step, stored.as_ref(), &planned.value).await.map(|answer| about(step.action, answer));
    let before = stored.as_ref().map(|stored| &stored.object);
    let of_before = before.map(|object| Secrets::of(&object.attributes, &object.sensitive)).unwrap_or_default();
    let secrets = Secrets::of(&planned.value, &planned.sensitive).and(&of_before);
    let schema = tools.host.kind(&step.kind).map(|kind| &kind.schema);
    let put = |attributes: Known, condition| {
        let mut sensitive = planned.sensitive.clone();
        if step.action == Action::Delete || condition == Condition::Partial || step.action == Action::Update {
            // Half of it may be as it was, with the secrets it had.
            sensitive.extend(before.into_iter().flat_map(|object| object.sensitive.iter().cloned()));
        }
        if let Some(schema) = schema {
            sensitive = secret::paths(schema, attributes.value(), sensitive, &secrets).into_iter().collect();
        }
        vec![Write::Put(Box::new(adopted(step, before, record::tidy(sensitive, &attributes), attributes, condition)))]
    };
    Ok(match answer {
        Ok(Resolution::Nothing) => {
            recovered.retried += 1;
            let reason = "the run died before it had an effect".to_owned();
            (Ended::Abandoned { reason }, restored(tools.store, step)?)
        }
        Ok(Resolution::Done(_)) if step.action == Action::Delete => {
            recovered.resolved += 1;
            let writes = stored.iter().map(|_| Write::Drop(step.slot.clone())).collect();
            (Ended::Committed, writes)
        }
        Ok(Resolution::Done(known)) => {
            recovered.resolved += 1;
            (Ended::Committed, put(known, Condition::Ready))
        }
        Ok(Resolution::Partial(known)) => {
            recovered.partial += 1;
            let condition = match step.action {
                Action::Update => Condition::Ready,
                Action::Create | Action::Delete | Action::Forget | Action::Import => Condition::Partial,
            };
            (Ended::Failed { error: "the run died half-way".to_owned() }, put(known, condition))
        }
        Err(error) => {
            recovered.unknown += 1;
            (Ended::InDoubt { error: secrets.redact(&error.to_string()) }, Vec::new())
        }
    })
}

/// Returns what an answer says about a step: what a provider finds standing in answer to a delete was not deleted.
fn about(action: Action, answer: Resolution) -> Resolution {
    match answer {
        Resolution::Done(known) if action == Action::Delete && !known.value().is_null() => Resolution::Nothing,
        Resolution::Nothing | Resolution::Partial(_) | Resolution::Done(_) => answer,
    }
}

async fn ask(
    tools: &Tools<'_>,
    step: &StepRecord,
    stored: Option<&Stored>,
    planned: &Value,
) -> Result<Resolution, CallError> {
    let provider = step.provider.parse().map_err(|_| CallError::UnknownKind { kind: step.kind.clone() })?;
    let call = Call {
        provider,
        kind: step.kind.clone(),
        address: step.slot.addr.to_string().into(),
        state_id: tools.state_id.clone(),
        token: step.token.clone(),
        cancel: CancellationToken::new(),
        timeout: None,
        progress: ProgressSender::silent(),
        clock: Clock((tools.now)().into()),
    };
    // For a delete, what is asked about is the object that was to go.
    let about = match (step.action, stored) {
        (Action::Delete, Some(stored)) => stored.object.attributes.value(),
        _ => planned,
    };
    tools.host.resolve(&call, about).await
}

/// Makes an object current again that was moved out of the way for a replacement which came to nothing.
fn restored(store: &dyn Store, step: &StepRecord) -> Result<Vec<Write>, StateError> {
    if step.action != Action::Create {
        return Ok(Vec::new());
    }
    let objects = store.objects_of(&step.slot.addr)?;
    let is_free = objects.iter().all(|stored| stored.object.slot.deposed.is_some());
    let moved = objects
        .iter()
        .find(|stored| stored.object.slot.deposed.as_ref().is_some_and(|deposed| deposed.0 == step.token.0));
    Ok(match moved {
        Some(moved) if is_free => {
            vec![Write::Rename { from: moved.object.slot.clone(), to: Slot::current(step.slot.addr.clone()) }]
        }
        _ => Vec::new(),
    })
}

fn adopted(
    step: &StepRecord,
    before: Option<&Object>,
    sensitive: Vec<Path>,
    attributes: Known,
    condition: Condition,
) -> Object {
    let Terms { dependencies, on_destroy, replace_order } = step.terms.clone();
    let base = match (step.action, before) {
        (Action::Update | Action::Delete | Action::Forget, Some(before)) => before.clone(),
        (Action::Create | Action::Import, _) | (_, None) => Object {
            slot: step.slot.clone(),
            kind: step.kind.clone(),
            kind_version: record::KIND_VERSION,
            provider: step.provider.clone(),
            attributes: attributes.clone(),
            sensitive: Vec::new(),
            condition,
            dependencies,
            on_destroy,
            replace_order,
        },
    };
    Object { attributes, sensitive, condition, ..base }
}
