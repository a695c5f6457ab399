//! What the state holds after a step.

use loam_provider::{Known, Path, Remains};

use crate::{
    event::{Action, Remaining, Secrets, Trouble},
    host::CallError,
    plan::{ObjectChange, Work},
    state::{self, Condition, DeposedId, Object, Outcome, Slot, StepId, Stored, Terms, Write},
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
        Work::Import { .. } => Some(Action::Import),
        Work::Read { .. } => Some(Action::Read),
        Work::Check { .. } => Some(Action::Check),
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
        Work::Import { .. } | Work::Read { .. } | Work::Check { .. } => None,
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

/// A step that ended, and what is known about its object.
pub(super) struct Ended<'p> {
    pub(super) step: StepId,
    pub(super) slot: Slot,
    pub(super) change: &'p ObjectChange,
    pub(super) action: Action,
    /// What in the object is secret.
    pub(super) sensitive: Vec<Path>,
    /// The record of what was to be deleted.
    pub(super) before: Option<Stored>,
    /// Where the object that is replaced was put.
    pub(super) deposed: Option<DeposedId>,
}

impl Ended<'_> {
    /// Returns what the journal and the objects say about it.
    pub(super) fn with(self, concluded: Concluded) -> Outcome {
        let (ended, writes) = match concluded {
            Concluded::Done { made: Some(known) } => (state::Ended::Committed, self.put(known, Condition::Ready)),
            Concluded::Done { made: None } => (state::Ended::Committed, vec![Write::Drop(self.slot.clone())]),
            Concluded::Failed { trouble, remains } => {
                let error = one_line(&trouble);
                match (remains, self.action) {
                    (Left::InDoubt, _) => (state::Ended::InDoubt { error }, Vec::new()),
                    (Left::Whole(known), _) => (state::Ended::Failed { error }, self.put(known, Condition::Ready)),
                    // An update that came half-way leaves an object that the next plan compares and goes on with.
                    (Left::Partial(known), Action::Update) => {
                        (state::Ended::Failed { error }, self.put(known, Condition::Ready))
                    }
                    (Left::Partial(known), _) => (state::Ended::Failed { error }, self.put(known, Condition::Partial)),
                    (Left::Nothing, Action::Create) => {
                        (state::Ended::Failed { error }, restored(self.change, self.deposed.clone()))
                    }
                    (Left::Nothing, _) => (state::Ended::Failed { error }, Vec::new()),
                }
            }
        };
        Outcome { step: self.step, ended, writes }
    }

    fn put(&self, attributes: Known, condition: Condition) -> Vec<Write> {
        let sensitive = tidy(self.sensitive.clone(), &attributes);
        // What is left of a deletion is the old object, whatever its block says by now.
        let object = match &self.before {
            Some(Stored { object, .. }) => Object { attributes, sensitive, condition, ..object.clone() },
            None => object(self.slot.clone(), self.change, sensitive, attributes, condition),
        };
        vec![Write::Put(Box::new(object))]
    }
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
    let sensitive = tidy(change.secret.clone(), &current);
    Some(Write::Put(Box::new(object(slot, change, sensitive, current, Condition::Ready))))
}

/// Returns the record of a thing that a change takes over, as it was found.
#[must_use]
pub fn taken_over(change: &ObjectChange) -> Option<Object> {
    let found = change.change.before()?.clone();
    let sensitive = tidy(change.sensitive.clone(), &found);
    let slot = Slot { addr: change.addr.clone(), deposed: None };
    Some(object(slot, change, sensitive, found, Condition::Ready))
}

/// Returns what the state says about a change's object beside what it is.
pub(super) fn terms(change: &ObjectChange) -> Terms {
    Terms {
        dependencies: change.dependencies.clone(),
        on_destroy: change.on_destroy,
        replace_order: change.replace_order,
    }
}

fn object(slot: Slot, change: &ObjectChange, sensitive: Vec<Path>, attributes: Known, condition: Condition) -> Object {
    let Terms { dependencies, on_destroy, replace_order } = terms(change);
    Object {
        kind: slot.addr.resource.kind.clone(),
        slot,
        kind_version: KIND_VERSION,
        provider: change.provider.to_string().into(),
        attributes,
        sensitive,
        condition,
        dependencies,
        on_destroy,
        replace_order,
    }
}

/// Returns the paths that are there, in order and each once.
pub(super) fn tidy(mut sensitive: Vec<Path>, attributes: &Known) -> Vec<Path> {
    sensitive.retain(|path| attributes.at(path).is_some());
    sensitive.sort();
    sensitive.dedup();
    sensitive
}

fn one_line(trouble: &Trouble) -> String {
    let causes = trouble.causes.iter().map(String::as_str);
    std::iter::once(trouble.message.as_str()).chain(causes).collect::<Vec<_>>().join(": ")
}
