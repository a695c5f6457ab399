//! What happens to one instance.

use std::time::Duration;

use loam_provider::{Cause, Kind, Known, OnDestroy, OpToken, Path, PlanRequest, ProgressSender, Str, Trouble, Value};
use tokio_util::sync::CancellationToken;

use super::{Change, Drift, ObjectChange, Origin, Reason, ReplaceOrder, imports::Found, propose, secret};
use crate::{
    addr::{Instance, Resource as Address},
    config::Resource,
    diag::Diagnostic,
    eval::Evaluated,
    event::{self, Secrets},
    host::{Call, CallError, Clock, Host, ProviderRef},
    refresh::Observation,
    state::{Condition, Stored},
};

/// All that the fate of one instance depends on.
#[derive(Clone)]
pub(super) struct Case<'p> {
    pub(super) addr: Instance,
    pub(super) block: &'p Resource,
    pub(super) kind: &'p Kind,
    pub(super) provider: ProviderRef,
    pub(super) config: Evaluated,
    pub(super) stored: Option<&'p Stored>,
    /// What is taken over, where the state has nothing.
    pub(super) found: Option<Found>,
    pub(super) observed: Option<&'p Observation>,
    pub(super) dependencies: &'p [Address],
    pub(super) order: ReplaceOrder,
    /// What its block says becomes of the thing when its object leaves the state.
    pub(super) on_destroy: Option<OnDestroy>,
    /// Why it must be replaced whatever the provider says.
    pub(super) forced: Vec<Reason>,
}

/// What every call made while planning has in common.
pub(crate) struct Calls<'p> {
    pub(crate) host: &'p Host,
    pub(crate) state_id: Str,
    pub(crate) cancel: CancellationToken,
    pub(crate) clock: Clock,
    /// The secrets among the variables.
    pub(crate) secrets: Secrets,
}

impl Calls<'_> {
    /// Returns a call about one object that changes nothing.
    pub(super) fn call(&self, provider: &ProviderRef, kind: &Str, addr: &Instance) -> Call {
        Call {
            provider: provider.clone(),
            kind: kind.clone(),
            address: addr.to_string().into(),
            state_id: self.state_id.clone(),
            // Planning changes nothing, so it needs no token of its own.
            token: OpToken("plan".into()),
            cancel: self.cancel.clone(),
            timeout: None::<Duration>,
            progress: ProgressSender::silent(),
            clock: self.clock,
        }
    }
}

/// Decides what happens to one instance.
pub(super) async fn decide(case: Case<'_>, calls: &Calls<'_>) -> Result<ObjectChange, Box<Diagnostic>> {
    let schema = &case.kind.schema;
    let prior = match case.observed {
        Some(Observation::Present(current)) => Some(current),
        Some(Observation::Gone) => None,
        Some(Observation::Failed(trouble)) => return Err(Box::new(unreadable(&case, trouble))),
        None => case.stored.map(|stored| &stored.object.attributes),
    };
    let prior = prior.or(case.found.as_ref().map(|found| &found.object));
    let config = match prior {
        Some(prior) => propose::ignoring(&case.config.value, prior, &case.block.lifecycle.ignore_changes),
        None => case.config.value.clone(),
    };
    let (change, notes, ineffective) = match prior {
        None => {
            let proposal = propose::propose(schema, &config, None);
            let request = PlanRequest { config: &config, proposed: &proposal.proposed, prior: None };
            let planned = predict(&case, calls, request).await?;
            if let Some(cause) = planned.replace.first() {
                return Err(Box::new(refused(&case, cause)));
            }
            let because = if case.stored.is_some() { Reason::Gone } else { Reason::New };
            (Change::Create { after: planned.after, because }, planned.notes, Vec::new())
        }
        Some(prior) => existing(&case, calls, &config, prior).await?,
    };
    let drift = match (case.stored, prior) {
        (Some(stored), Some(prior)) if stored.object.attributes != *prior => {
            Some(Drift { recorded: stored.object.attributes.clone() })
        }
        _ => None,
    };
    let marks = case.config.marks.paths().cloned();
    let mut secret = match change.after() {
        Some(after) => secret::paths(schema, after, marks, &calls.secrets),
        None => marks.collect(),
    };
    if let Change::Keep { current } = &change {
        secret.retain(|path| current.at(path).is_some());
    }
    let mut sensitive = secret.clone();
    // A secret of before is still one while it is shown as the old side of a difference.
    if (change.is_effective() || drift.is_some())
        && let Some(prior) = prior
    {
        sensitive.extend(secret::paths(schema, prior, before_secrets(&case), &calls.secrets));
    }
    Ok(ObjectChange {
        deposed: None,
        provider: case.provider.clone(),
        change,
        sensitive: sensitive.into_iter().collect(),
        secret: secret.into_iter().collect(),
        drift,
        notes,
        ineffective,
        on_destroy: case.on_destroy.unwrap_or(case.kind.on_destroy),
        replace_order: case.order,
        dependencies: case.dependencies.to_vec(),
        origin: case.found.as_ref().map(|found| Origin::Imported { id: found.id.clone() }),
        addr: case.addr,
        has_open_conditions: false,
    })
}

fn before_secrets(case: &Case<'_>) -> impl Iterator<Item = Path> {
    case.stored.into_iter().flat_map(|stored| stored.object.sensitive.iter().cloned())
}

type Decided = (Change, Vec<String>, Vec<Path>);

async fn existing(
    case: &Case<'_>,
    calls: &Calls<'_>,
    config: &Value,
    prior: &Known,
) -> Result<Decided, Box<Diagnostic>> {
    let schema = &case.kind.schema;
    let mut because = case.forced.clone();
    if let Some(stored) = case.stored {
        match stored.object.condition {
            Condition::Ready => {}
            Condition::Tainted | Condition::Partial => because.push(Reason::Tainted),
        }
        if *stored.object.provider != case.provider.to_string()
            && let Ok(from) = stored.object.provider.parse()
        {
            because.push(Reason::ProviderChanged { from });
        }
    }
    let proposal = propose::propose(schema, config, Some(prior));
    let causes = propose::replacing(schema, prior, &proposal.proposed);
    because.extend(
        causes
            .into_iter()
            .map(|name| cannot_update(Cause { path: Path::attribute(name.clone()), because: String::new() })),
    );
    let mut notes = Vec::new();
    if because.is_empty() {
        let request = PlanRequest { config, proposed: &proposal.proposed, prior: Some(prior) };
        let planned = predict(case, calls, request).await?;
        notes = planned.notes;
        if planned.replace.is_empty() {
            let change = if planned.after == *prior.value() {
                Change::Keep { current: prior.clone() }
            } else {
                Change::Update { before: prior.clone(), after: planned.after }
            };
            return Ok((change, notes, proposal.ineffective));
        }
        because.extend(planned.replace.into_iter().map(cannot_update));
    }
    // The new object is another one: nothing computed is carried over, and what only matters at creation matters.
    let anew = propose::propose(schema, config, None);
    let request = PlanRequest { config, proposed: &anew.proposed, prior: None };
    let planned = predict(case, calls, request).await?;
    notes.extend(planned.notes.into_iter().filter(|note| !notes.contains(note)).collect::<Vec<_>>());
    let change = Change::Replace { before: prior.clone(), after: planned.after, order: case.order, because };
    Ok((change, notes, Vec::new()))
}

fn cannot_update(cause: Cause) -> Reason {
    Reason::CannotUpdate { cause }
}

async fn predict(
    case: &Case<'_>,
    calls: &Calls<'_>,
    request: PlanRequest<'_>,
) -> Result<loam_provider::Planned, Box<Diagnostic>> {
    let call = calls.call(&case.provider, &case.kind.name, &case.addr);
    tokio::select! {
        biased;
        () = calls.cancel.cancelled() => Err(Box::new(interrupted())),
        planned = calls.host.plan(&call, request) => planned.map_err(|error| Box::new(explain(case, &error))),
    }
}

/// The user did not want to wait for the plan.
pub(super) fn interrupted() -> Diagnostic {
    Diagnostic::error_nowhere("Interrupted", "The plan was not finished. Nothing was changed.")
}

/// Turns a provider's refusal into a diagnostic at the attribute it is about.
fn explain(case: &Case<'_>, error: &CallError) -> Diagnostic {
    let marks = case.config.marks.paths().cloned();
    let of_config = secret::paths(&case.kind.schema, &case.config.value, marks, &Secrets::default());
    let mut secrets = Secrets::of(&case.config.value, &of_config);
    if let Some(stored) = case.stored {
        secrets = secrets.and(&Secrets::of(&stored.object.attributes, &stored.object.sensitive));
    }
    let trouble = match error {
        CallError::Provider(error) => event::Trouble::of_provider(error, &secrets),
        CallError::NotConfigured { .. } | CallError::UnknownKind { .. } | CallError::Contract { .. } => {
            event::Trouble::of(error, &secrets)
        }
    };
    let (summary, path) = match error {
        CallError::Provider(error) if error.trouble == Trouble::Invalid => ("Invalid value", error.path.as_ref()),
        CallError::Provider(error) => ("Planning failed", error.path.as_ref()),
        CallError::Contract { .. } => ("Provider bug", None),
        CallError::NotConfigured { .. } | CallError::UnknownKind { .. } => ("Planning failed", None),
    };
    let span = path.and_then(|path| place(case, path)).unwrap_or(case.block.span);
    let mut detail = sentence(&trouble.message);
    for cause in &trouble.causes {
        detail.push_str("\nCause: ");
        detail.push_str(cause);
    }
    for line in &trouble.evidence {
        detail.push_str("\n  ");
        detail.push_str(line);
    }
    Diagnostic::error(summary, span, detail).address(&case.addr).maybe_hint(trouble.hint)
}

/// Returns where the configuration writes the attribute or block that a path leads through.
fn place(case: &Case<'_>, path: &Path) -> Option<crate::source::Span> {
    let loam_provider::Step::Name(first) = path.steps().first()? else { return None };
    let written =
        case.kind.schema.attributes.get(first).and_then(|attribute| attribute.written_as.as_ref()).unwrap_or(first);
    let body = &case.block.body;
    let attribute = body.attribute(written).map(|attribute| attribute.expr.span);
    attribute.or_else(|| {
        let block = body.blocks.iter().find(|block| block.kind == *first)?;
        let inside = path.steps().iter().skip(1).find_map(|step| match step {
            loam_provider::Step::Name(name) => block.body.attribute(name).map(|attribute| attribute.expr.span),
            loam_provider::Step::Index(_) => None,
        });
        Some(inside.unwrap_or(block.span))
    })
}

fn unreadable(case: &Case<'_>, trouble: &event::Trouble) -> Diagnostic {
    let causes = trouble.causes.iter().map(|cause| format!("\nCause: {cause}"));
    let detail: String = std::iter::once(sentence(&trouble.message)).chain(causes).collect();
    Diagnostic::error("Refresh failed", case.block.span, detail)
        .address(&case.addr)
        .maybe_hint(trouble.hint.clone())
        .hint("With `--refresh=false` the plan starts from what was recorded.")
}

fn refused(case: &Case<'_>, cause: &Cause) -> Diagnostic {
    let detail =
        format!("The provider wants to replace an object that does not exist yet, because of `{}`.", cause.path);
    Diagnostic::error("Provider bug", case.block.span, detail).address(&case.addr)
}

/// Returns a fragment as a sentence.
pub(super) fn sentence(fragment: &str) -> String {
    let mut chars = fragment.chars();
    let first = chars.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    let end = if fragment.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", chars.as_str())
}
