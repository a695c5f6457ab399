//! One call on a provider: who, about what, and whether the answer keeps the contract.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use jiff::Timestamp;
use loam_provider::{
    CallCx, Failure, Kind, Known, OpToken, PlanRequest, Planned, ProgressSender, Provider, ProviderError, Remains,
    Resolution, Stores, Str, Value,
};
use tokio_util::sync::CancellationToken;

use super::{Breach, Configured, Host, ProviderRef, check};

/// What a call is about.
#[derive(Clone)]
pub struct Call {
    /// The provider that realises the object.
    pub provider: ProviderRef,
    /// The object's kind.
    pub kind: Str,
    /// The object's address, as text.
    pub address: Str,
    /// The state that owns it.
    pub state_id: Str,
    /// The operation's token.
    pub token: OpToken,
    /// Cancelled when the call must end now.
    pub cancel: CancellationToken,
    /// How long the whole call may take.
    pub timeout: Option<Duration>,
    /// Where progress goes.
    pub progress: ProgressSender,
    /// The run's clock.
    pub clock: Clock,
}

/// Tells the time of a run; passed in so that the same inputs give the same results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock(pub SystemTime);

impl Clock {
    /// Returns the time.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        Timestamp::try_from(self.0).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// Why a call that changes nothing failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The provider is not configured.
    #[error("provider `{provider}` is not configured")]
    NotConfigured { provider: ProviderRef },
    /// No provider knows the kind any more.
    #[error("no provider offers `{kind}`")]
    UnknownKind { kind: Str },
    /// The provider said so.
    #[error(transparent)]
    Provider(ProviderError),
    /// The provider's answer breaks the contract.
    #[error("provider `{provider}` broke its contract for `{address}`; this is a bug in the provider")]
    Contract { provider: ProviderRef, address: Str, source: Breach },
}

/// Why a call that changes the world failed, and what it left.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct CallFailure {
    /// Why.
    #[source]
    pub error: CallError,
    /// What stands now.
    pub remains: Remains,
}

impl From<CallError> for CallFailure {
    /// The failure of a call that never reached the world.
    fn from(error: CallError) -> Self {
        Self { error, remains: Remains::Nothing }
    }
}

impl From<Failure> for CallFailure {
    fn from(failure: Failure) -> Self {
        Self { error: CallError::Provider(failure.error), remains: failure.remains }
    }
}

impl Host {
    /// Predicts an object after its change.
    ///
    /// # Errors
    /// What the provider said, or how its answer breaks the contract.
    #[tracing::instrument(level = "debug", skip_all, fields(address = %call.address, provider = %call.provider))]
    pub async fn plan(&self, call: &Call, request: PlanRequest<'_>) -> Result<Planned, CallError> {
        let (provider, kind) = self.enter(call).await?;
        let planned = provider.get().plan(kind, &self.cx(call), request).await.map_err(CallError::Provider)?;
        check::prediction(&kind.schema, request, &planned.after).map_err(|breach| broke(call, breach))?;
        Ok(planned)
    }

    /// Reads an object; `None` if it is gone.
    ///
    /// # Errors
    /// What the provider said, or how its answer breaks the contract.
    #[tracing::instrument(level = "debug", skip_all, fields(address = %call.address, provider = %call.provider))]
    pub async fn read(&self, call: &Call, current: &Known) -> Result<Option<Known>, CallError> {
        let (provider, kind) = self.enter(call).await?;
        let read = provider.get().read(kind, &self.cx(call), current).await.map_err(CallError::Provider)?;
        if let Some(read) = &read {
            check::object(&kind.schema, read).map_err(|breach| broke(call, breach))?;
        }
        Ok(read)
    }

    /// Makes an object.
    ///
    /// # Errors
    /// What failed, and what it left.
    #[tracing::instrument(level = "debug", skip_all, fields(address = %call.address, provider = %call.provider))]
    pub async fn create(&self, call: &Call, planned: &Value) -> Result<Known, CallFailure> {
        let (provider, kind) = self.enter(call).await?;
        let made = provider.get().create(kind, &self.cx(call), planned).await?;
        kept(call, kind, planned, made)
    }

    /// Changes an object in place.
    ///
    /// # Errors
    /// What failed, and what it left.
    #[tracing::instrument(level = "debug", skip_all, fields(address = %call.address, provider = %call.provider))]
    pub async fn update(&self, call: &Call, before: &Known, planned: &Value) -> Result<Known, CallFailure> {
        let (provider, kind) = self.enter(call).await?;
        let made = provider.get().update(kind, &self.cx(call), before, planned).await?;
        kept(call, kind, planned, made)
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// What failed, and what it left.
    #[tracing::instrument(level = "debug", skip_all, fields(address = %call.address, provider = %call.provider))]
    pub async fn delete(&self, call: &Call, before: &Known) -> Result<(), CallFailure> {
        let (provider, kind) = self.enter(call).await?;
        Ok(provider.get().delete(kind, &self.cx(call), before).await?)
    }

    /// Returns what became of a call whose answer was lost.
    ///
    /// # Errors
    /// What the provider said, or how its answer breaks the contract.
    #[tracing::instrument(level = "debug", skip_all, fields(address = %call.address, provider = %call.provider))]
    pub async fn resolve(&self, call: &Call, planned: &Value) -> Result<Resolution, CallError> {
        let (provider, kind) = self.enter(call).await?;
        let resolution = provider.get().resolve(kind, &self.cx(call), planned).await.map_err(CallError::Provider)?;
        match &resolution {
            Resolution::Partial(known) | Resolution::Done(known) => {
                check::object(&kind.schema, known).map_err(|breach| broke(call, breach))?;
            }
            Resolution::Nothing => {}
        }
        Ok(resolution)
    }

    /// Reads a data source; the call's kind is its name.
    ///
    /// # Errors
    /// What the provider said, or how its answer breaks the contract.
    #[tracing::instrument(level = "debug", skip_all, fields(address = %call.address, provider = %call.provider))]
    pub async fn fetch(&self, call: &Call, config: &Value) -> Result<Known, CallError> {
        let unknown = || CallError::UnknownKind { kind: call.kind.clone() };
        let source = self.data_source(&call.kind).ok_or_else(unknown)?;
        let provider = self.configured_of(call)?.enter().await;
        let fetched = provider.get().fetch(source, &self.cx(call), config).await.map_err(CallError::Provider)?;
        check::fetched(&source.schema, config, &fetched).map_err(|breach| broke(call, breach))?;
        Ok(fetched)
    }

    /// Finds what an id names, so that it can be taken over; `None` if there is nothing.
    ///
    /// # Errors
    /// What the provider said, or how its answer breaks the contract.
    #[tracing::instrument(level = "debug", skip_all, fields(address = %call.address, provider = %call.provider))]
    pub async fn import(&self, call: &Call, id: &str, config: &Value) -> Result<Option<Known>, CallError> {
        let (provider, kind) = self.enter(call).await?;
        let found = provider.get().import(kind, &self.cx(call), id, config).await.map_err(CallError::Provider)?;
        if let Some(found) = &found {
            check::object(&kind.schema, found).map_err(|breach| broke(call, breach))?;
        }
        Ok(found)
    }

    async fn enter(&self, call: &Call) -> Result<(Entered, &Kind), CallError> {
        let (configured, kind) = self.of(call)?;
        Ok((configured.enter().await, kind))
    }

    fn cx(&self, call: &Call) -> CallCx {
        CallCx {
            address: call.address.clone(),
            state_id: call.state_id.clone(),
            token: call.token.clone(),
            cancel: call.cancel.clone(),
            deadline: call.timeout.map(|timeout| Instant::now() + timeout),
            now: call.clock.0,
            progress: call.progress.clone(),
            stores: Arc::clone(&self.stores) as Arc<dyn Stores>,
        }
    }
}

impl Configured {
    /// Waits for the permission to call it.
    async fn enter(&self) -> Entered {
        let permit = match &self.limit {
            Some(limit) => Some(Arc::clone(limit).acquire_owned().await.expect("it is never closed")),
            None => None,
        };
        Entered { provider: Arc::clone(&self.provider), _permit: permit }
    }
}

/// A provider with the permission to call it.
struct Entered {
    provider: Arc<dyn Provider>,
    _permit: Option<tokio::sync::OwnedSemaphorePermit>,
}

impl Entered {
    fn get(&self) -> &dyn Provider {
        &*self.provider
    }
}

/// Checks a result; one that breaks the contract still stands, so it is kept as partial.
fn kept(call: &Call, kind: &Kind, planned: &Value, made: Known) -> Result<Known, CallFailure> {
    match check::result(&kind.schema, planned, &made) {
        Ok(()) => Ok(made),
        Err(breach) => {
            let remains = match check::object(&kind.schema, &made) {
                Ok(()) => Remains::Partial(made),
                Err(_) => Remains::InDoubt,
            };
            Err(CallFailure { error: broke(call, breach), remains })
        }
    }
}

fn broke(call: &Call, source: Breach) -> CallError {
    CallError::Contract { provider: call.provider.clone(), address: call.address.clone(), source }
}
