//! Who made something: address, state and op token, written onto everything that is made.

use std::collections::BTreeMap;

use loam_provider::{CallCx, ObjectMeta, OpToken, ProviderError, Str};
use serde::{Deserialize, Serialize};

const STATE: &str = "loam-state";
const ADDRESS: &str = "loam-address";
const TOKEN: &str = "loam-token";

/// Who made something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owner {
    /// The state that records it.
    pub(crate) state: Str,
    /// The object's address when it was made; it may have moved since.
    pub(crate) address: Str,
    /// The operation that wrote it last.
    pub(crate) token: OpToken,
}

impl Owner {
    /// Returns the owner of what this call makes.
    pub(crate) fn of(cx: &CallCx) -> Self {
        Self { state: cx.state_id.clone(), address: cx.address.clone(), token: cx.token.clone() }
    }

    /// Returns the owner that an object in a bucket names, if it names one.
    pub(crate) fn of_object(object: &ObjectMeta) -> Option<Self> {
        let mark = |name: &str| object.metadata.get(name).map(Str::from);
        Some(Self { state: mark(STATE)?, address: mark(ADDRESS)?, token: OpToken(mark(TOKEN)?) })
    }

    /// Returns the owner as metadata of an object in a bucket.
    pub(crate) fn metadata(&self) -> BTreeMap<String, String> {
        [(STATE, &self.state), (ADDRESS, &self.address), (TOKEN, &self.token.0)]
            .map(|(name, mark)| (name.to_owned(), mark.to_string()))
            .into()
    }

    /// Returns whether the calling state made it.
    pub(crate) fn is_in(&self, cx: &CallCx) -> bool {
        self.state == cx.state_id
    }

    /// Returns whether the calling object made it.
    pub(crate) fn is(&self, cx: &CallCx) -> bool {
        self.is_in(cx) && self.address == cx.address
    }

    /// Returns whether this very operation wrote it.
    pub(crate) fn did(&self, cx: &CallCx) -> bool {
        self.is_in(cx) && self.token == cx.token
    }

    /// Returns the error of a call that would have had to touch what this owner made.
    pub(crate) fn refuses(&self, what: &str, cx: &CallCx) -> ProviderError {
        if self.is_in(cx) {
            return ProviderError::failed(format!("{what} is already made by `{}`", self.address))
                .hint("Give one of them another place, or refer to the other instead of making it again.");
        }
        ProviderError::failed(format!("{what} belongs to `{}` of another state, `{}`", self.address, self.state))
            .hint("Choose another place; loam never touches what another state has made.")
    }
}
