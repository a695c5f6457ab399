//! What the state holds after a step.

use loam_provider::{Known, Remains};

use super::prepare::Prepared;
use crate::{
    event::{Action, Remaining, Secrets, Trouble},
    host::CallError,
    plan::{Change, ObjectChange, ReplaceOrder, Work},
    state::{self, Condition, DeposedId, Ended, Object, Outcome, Slot, StepId, Write},
};

/// The version of the kinds' schemas.
pub(super) const KIND_VERSION: u32 = 1;

/// How a step ended.
pub(super) enum Concluded {
    /// It did what it was to do.
    Done {
        /// The object, unless it was deleted.
        made: Option<Known>,
    },
    /// It failed.
    Failed {
        /// Why.
        trouble: Trouble,
        /// What stands now.
        remains: Left,
    },
}

/// What a failed step left.
pub(super) enum Left {
    /// The world is as before.
    Nothing,
    /// This much of the object.
    Partial(Known),
    /// All of the object, although something about it is wrong.
    Whole(Known),
    /// Nobody can tell.
    InDoubt,
}

impl From<Remains> for Left {
    fn from(remains: Remains) -> Self {
        match remains {
            Remains::Nothing => Self::Nothing,
            Remains::Partial(known) => Self::Partial(known),
            Remains::InDoubt => Self::InDoubt,
        }
    }
}

impl Left {
    pub(super) fn remaining(&self) -> Remaining {
        match self {
            Self::Nothing => Remaining::Nothing,
            Self::Partial(_) | Self::Whole(_) => Remaining::Partial,
            Self::InDoubt => Remaining::InDoubt,
        }
    }
}

/// Returns what a user calls the work of a step; none for work that nobody sees.
pub(super) fn action(work: &Work) -> Option<Action> {
    match work {
        Work::Create { .. } => Some(Action::Create),
        Work::Update { .. } => Some(Action::Update),
        Work::Delete { .. } => Some(Action::Delete),
        Work::Forget { .. } => Some(Action::Forget),
        Work::Record { .. } | Work::Gather { .. } => None,
    }
}

/// Returns what the journal calls the work of a step; none for work without a call.
pub(super) fn journalled(work: &Work) -> Option<state::Action> {
    match work {
        Work::Create { .. } => Some(state::Action::Create),
        Work::Update { .. } => Some(state::Action::Update),
        Work::Delete { .. } => Some(state::Action::Delete),
        Work::Forget { .. } | Work::Record { .. } | Work::Gather { .. } => None,
    }
}

/// Returns a call's failure as it is shown.
pub(super) fn trouble(error: &CallError, secrets: &Secrets) -> Trouble {
    match error {
        CallError::Provider(error) => Trouble::of_provider(error, secrets),
        CallError::NotConfigured { .. } | CallError::UnknownKind { .. } | CallError::Contract { .. } => {
            Trouble::of(error, secrets)
        }
    }
}

/// Returns what the journal and the objects say about a step that ended.
pub(super) fn outcome(
    step: StepId,
    slot: &Slot,
    change: &ObjectChange,
    prepared: &Prepared,
    concluded: Concluded,
    deposed: Option<DeposedId>,
) -> Outcome {
    let put = |known: Known, condition| {
        vec![Write::Put(Box::new(object(slot.clone(), change, prepared.sensitive.clone(), known, condition)))]
    };
    let (ended, writes) = match concluded {
        Concluded::Done { made: Some(known) } => (Ended::Committed, put(known, Condition::Ready)),
        Concluded::Done { made: None } => (Ended::Committed, vec![Write::Drop(slot.clone())]),
        Concluded::Failed { trouble, remains } => {
            let error = one_line(&trouble);
            match (remains, prepared.action) {
                (Left::InDoubt, _) => (Ended::InDoubt { error }, Vec::new()),
                (Left::Whole(known), _) => (Ended::Failed { error }, put(known, Condition::Ready)),
                // An update that came half-way leaves an object that the next plan compares and goes on with.
                (Left::Partial(known), Action::Update) => (Ended::Failed { error }, put(known, Condition::Ready)),
                (Left::Partial(known), _) => (Ended::Failed { error }, put(known, Condition::Partial)),
                (Left::Nothing, Action::Create) => (Ended::Failed { error }, restored(change, deposed)),
                (Left::Nothing, _) => (Ended::Failed { error }, Vec::new()),
            }
        }
    };
    Outcome { step, ended, writes }
}

/// Makes the old object current again where its replacement came to nothing.
fn restored(change: &ObjectChange, deposed: Option<DeposedId>) -> Vec<Write> {
    let addr = &change.addr;
    let rename = |id| Write::Rename { from: Slot::deposed(addr.clone(), id), to: Slot::current(addr.clone()) };
    deposed.map(rename).into_iter().collect()
}

/// Returns the record of an object that stays, if the object is there.
pub(super) fn brought_up_to_date(slot: Slot, change: &ObjectChange) -> Option<Write> {
    let current = change.change.before()?.clone();
    Some(Write::Put(Box::new(object(slot, change, change.sensitive.clone(), current, Condition::Ready))))
}

pub(super) fn object(
    slot: Slot,
    change: &ObjectChange,
    mut sensitive: Vec<loam_provider::Path>,
    attributes: Known,
    condition: Condition,
) -> Object {
    sensitive.retain(|path| attributes.at(path).is_some());
    sensitive.sort();
    sensitive.dedup();
    let replace_order = match &change.change {
        Change::Replace { order, .. } => *order,
        Change::Create { .. } | Change::Update { .. } | Change::Keep { .. } => ReplaceOrder::DeleteFirst,
        Change::Delete { .. } | Change::Forget { .. } => ReplaceOrder::DeleteFirst,
    };
    Object {
        kind: slot.addr.resource.kind.clone(),
        slot,
        kind_version: KIND_VERSION,
        provider: change.provider.to_string().into(),
        attributes,
        sensitive,
        condition,
        dependencies: change.dependencies.clone(),
        on_destroy: change.on_destroy,
        replace_order,
    }
}

fn one_line(trouble: &Trouble) -> String {
    let causes = trouble.causes.iter().map(String::as_str);
    std::iter::once(trouble.message.as_str()).chain(causes).collect::<Vec<_>>().join(": ")
}
