//! What a worker does: one call on a provider.

use loam_provider::{Known, Remains, Value};

use crate::{
    event::Action,
    host::{Call, CallError, CallFailure, Host},
};

/// What came back from a call.
pub(super) enum Returned {
    /// The object as it was made or changed.
    Made(Known),
    /// The object is gone.
    Deleted,
    /// The call failed.
    Failed {
        /// Why.
        error: CallError,
        /// What stands now.
        remains: Remains,
    },
}

/// Makes the call that a step is about.
pub(super) async fn work(host: &Host, call: &Call, action: Action, before: Option<Known>, planned: Value) -> Returned {
    let result = match (action, before) {
        (Action::Read, _) => host.fetch(call, &planned).await.map(Returned::Made).map_err(CallFailure::from),
        (Action::Create, _) => host.create(call, &planned).await.map(Returned::Made),
        (Action::Update, Some(before)) => host.update(call, &before, &planned).await.map(Returned::Made),
        (Action::Delete, Some(before)) => host.delete(call, &before).await.map(|()| Returned::Deleted),
        // These call nobody, and what has no object before it is neither updated nor deleted.
        (Action::Forget | Action::Record | Action::Update | Action::Delete, _) => Ok(Returned::Deleted),
        (Action::Import | Action::Check, _) => Ok(Returned::Deleted),
    };
    result.unwrap_or_else(|CallFailure { error, remains }| Returned::Failed { error, remains })
}
