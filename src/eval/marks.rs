//! Where secrets stand in a value, and what may be kept nowhere.

use std::{collections::BTreeSet, sync::Arc};

use loam_provider::{Path, Step, Str, Value};

use crate::event::Secrets;

/// The marked places of a value: a place marks everything inside it. No marks cost nothing.
///
/// A secret is never shown. What is ephemeral is never shown either, and kept nowhere: in no state, no plan and no
/// object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    secret: Places,
    ephemeral: Places,
}

/// Places marked for one reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Places(Option<Arc<BTreeSet<Path>>>);

impl Marks {
    /// Returns no marks.
    #[must_use]
    pub const fn none() -> Self {
        Self { secret: Places(None), ephemeral: Places(None) }
    }

    /// Returns the mark of a secret on a whole value.
    #[must_use]
    pub fn whole() -> Self {
        Self { secret: Places::whole(), ephemeral: Places(None) }
    }

    /// Returns the mark on a whole value that may be kept nowhere.
    #[must_use]
    pub fn ephemeral() -> Self {
        Self { secret: Places(None), ephemeral: Places::whole() }
    }

    /// Returns the marks of secrets at these paths.
    #[must_use]
    pub fn at_paths(paths: impl IntoIterator<Item = Path>) -> Self {
        Self { secret: Places::at(paths), ephemeral: Places(None) }
    }

    /// Returns whether nothing is marked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.secret.0.is_none() && self.ephemeral.0.is_none()
    }

    /// Returns whether the value itself, and so all of it, is marked.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.secret.is_whole() || self.ephemeral.is_whole()
    }

    /// Returns whether the value itself is a secret.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.secret.is_whole()
    }

    /// Returns whether there is a secret in the value.
    #[must_use]
    pub fn has_secrets(&self) -> bool {
        self.secret.0.is_some()
    }

    /// Returns whether something of the value is ephemeral.
    #[must_use]
    pub fn has_ephemeral(&self) -> bool {
        self.ephemeral.0.is_some()
    }

    /// Returns whether what stands at a path is marked, by a mark there or around it.
    #[must_use]
    pub fn covers(&self, path: &Path) -> bool {
        self.secret.covers(path) || self.ephemeral.covers(path)
    }

    /// Returns the marked paths, those of secrets first.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        let is_secret = |path: &Path| self.secret.0.as_ref().is_some_and(|paths| paths.contains(path));
        self.secret.paths().chain(self.ephemeral.paths().filter(move |path| !is_secret(path)))
    }

    /// Returns the paths of what is ephemeral, in order.
    pub fn ephemeral_paths(&self) -> impl Iterator<Item = &Path> {
        self.ephemeral.paths()
    }

    /// Returns the marks of secrets alone.
    #[must_use]
    pub fn secrets_only(&self) -> Self {
        Self { secret: self.secret.clone(), ephemeral: Places(None) }
    }

    /// Returns the marks of what is ephemeral alone.
    #[must_use]
    pub fn ephemeral_only(&self) -> Self {
        Self { secret: Places(None), ephemeral: self.ephemeral.clone() }
    }

    /// Returns the marks on the value itself, without those inside it.
    #[must_use]
    pub fn of_whole(&self) -> Self {
        self.each(|places| if places.is_whole() { Places::whole() } else { Places(None) })
    }

    /// Returns the marks of what stands one step inside.
    #[must_use]
    pub fn inside(&self, step: &Step) -> Self {
        self.each(|places| places.inside(step))
    }

    /// Returns these marks on a value that stands one step inside another.
    #[must_use]
    pub fn under(&self, step: Step) -> Self {
        let outer = Path::from(vec![step]);
        self.each(|places| Places::at(places.paths().map(|path| outer.join(path))))
    }

    /// Returns one mark on the whole value where anything is marked: for what is computed from all of it.
    #[must_use]
    pub fn collapsed(&self) -> Self {
        self.each(|places| if places.0.is_some() { Places::whole() } else { Places(None) })
    }

    /// Adds other marks on the same value.
    pub fn add(&mut self, other: &Marks) {
        self.secret.add(&other.secret);
        self.ephemeral.add(&other.ephemeral);
    }

    /// Returns these marks and others on the same value.
    #[must_use]
    pub fn and(mut self, other: &Marks) -> Self {
        self.add(other);
        self
    }

    fn each(&self, change: impl Fn(&Places) -> Places) -> Self {
        Self { secret: change(&self.secret), ephemeral: change(&self.ephemeral) }
    }
}

impl Places {
    fn whole() -> Self {
        Self(Some(Arc::new(BTreeSet::from([Path::root()]))))
    }

    fn at(paths: impl IntoIterator<Item = Path>) -> Self {
        let paths: BTreeSet<Path> = paths.into_iter().collect();
        if paths.is_empty() { Self(None) } else { Self(Some(Arc::new(paths))) }
    }

    fn is_whole(&self) -> bool {
        self.0.as_ref().is_some_and(|paths| paths.contains(&Path::root()))
    }

    fn covers(&self, path: &Path) -> bool {
        self.0.as_ref().is_some_and(|paths| {
            (0..=path.steps().len()).any(|length| paths.contains(&Path::from(path.steps()[..length].to_vec())))
        })
    }

    fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().flat_map(|paths| paths.iter())
    }

    fn inside(&self, step: &Step) -> Self {
        let Some(paths) = &self.0 else { return Self(None) };
        if self.is_whole() {
            return Self::whole();
        }
        let prefix = Path::from(vec![step.clone()]);
        let inside = paths.range(prefix.clone()..).map_while(|path| path.strip_prefix(&prefix));
        Self::at(inside)
    }

    fn add(&mut self, other: &Places) {
        let Some(others) = &other.0 else { return };
        match &mut self.0 {
            None => self.0 = Some(others.clone()),
            Some(paths) => Arc::make_mut(paths).extend(others.iter().cloned()),
        }
    }
}

/// A value with the marks of its secrets beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// The value.
    pub value: Value,
    /// Where its secrets stand.
    pub marks: Marks,
}

impl Evaluated {
    /// Returns a value with marks.
    #[must_use]
    pub fn new(value: Value, marks: Marks) -> Self {
        Self { value, marks }
    }

    /// Returns the secrets in values.
    pub fn secrets<'v>(values: impl IntoIterator<Item = &'v Self>) -> Secrets {
        let secrets = values.into_iter().map(|value| Secrets::of(&value.value, value.marks.paths()));
        secrets.fold(Secrets::default(), |all, secrets| all.and(&secrets))
    }

    /// Returns a value of which nothing is known, not even its type.
    #[must_use]
    pub fn unknown() -> Self {
        Self::from(Value::Unknown(loam_provider::Type::Any))
    }

    /// Returns an object of a key and a value.
    #[must_use]
    pub(super) fn pair(key: Self, value: Self) -> Self {
        let marks = key.marks.under(Step::Name("key".into())).and(&value.marks.under(Step::Name("value".into())));
        Self::new(Value::object([("key", key.value), ("value", value.value)]), marks)
    }

    /// Returns an attribute or key of this value, with its marks.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Self> {
        let step = Step::Name(Str::from(name));
        self.value.get(name).map(|value| Self::new(value.clone(), self.marks.inside(&step)))
    }

    /// Returns this value with further marks.
    #[must_use]
    pub fn marked(mut self, marks: &Marks) -> Self {
        self.marks.add(marks);
        self
    }
}

impl From<Value> for Evaluated {
    fn from(value: Value) -> Self {
        Self { value, marks: Marks::none() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(paths: &[&str]) -> Marks {
        Marks::at_paths(paths.iter().map(|path| path.parse().expect("a path")))
    }

    #[test]
    fn marks_follow_the_way_into_a_value() {
        let marks = marks(&["a.b", "a.c[0]", "z"]);
        let inside = marks.inside(&Step::Name("a".into()));
        assert_eq!(inside.paths().map(Path::to_string).collect::<Vec<_>>(), ["b", "c[0]"]);
        assert!(marks.inside(&Step::Name("z".into())).is_whole());
        assert!(marks.inside(&Step::Name("y".into())).is_empty());
        assert!(marks.covers(&"z.deep.inside".parse().expect("a path")));
        assert!(!marks.covers(&"a".parse().expect("a path")));
        assert!(marks.collapsed().is_whole() && !marks.is_whole());
    }

    #[test]
    fn the_two_kinds_of_marks_go_their_own_ways() {
        let ephemeral = Marks::ephemeral().under(Step::Name("a".into()));
        let both = marks(&["a.b", "z"]).and(&ephemeral);
        let told = |marks: &Marks| marks.paths().map(Path::to_string).collect::<Vec<_>>();
        assert_eq!(told(&both), ["a.b", "z", "a"]);
        let inside = both.inside(&Step::Name("a".into()));
        assert!(inside.is_whole() && !inside.is_secret() && inside.has_secrets());
        assert!(inside.of_whole().has_ephemeral() && !inside.of_whole().has_secrets());
        assert_eq!(told(&inside.secrets_only()), ["b"]);
        assert!(both.inside(&Step::Name("z".into())).is_secret());
        assert!(both.covers(&"a.c".parse().expect("a path")));
        assert!(both.collapsed().is_secret() && both.collapsed().has_ephemeral());
        assert!(Marks::ephemeral().secrets_only().is_empty() && !Marks::ephemeral().is_empty());
    }

    #[test]
    fn marks_move_outwards() {
        let outer = marks(&["x"]).under(Step::Index(1));
        assert_eq!(outer.paths().map(Path::to_string).collect::<Vec<_>>(), ["[1].x"]);
        assert!(Marks::none().under(Step::Index(1)).is_empty());
    }
}
