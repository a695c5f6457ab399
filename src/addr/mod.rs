//! Addresses: the names of modules, resources and their instances.
//!
//! The text form is what users write and read: `module.site["a"].network.bench[0]`, `data.file.seed`.
//! It is also the stored form, so it never changes.

mod parse;

use std::{fmt, sync::Arc};

use loam_provider::Str;
use serde::{Deserialize, Serialize};

pub use parse::{InvalidAddress, Named, named};

/// The way from the root module to a module instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModulePath(Arc<[ModuleStep]>);

/// One call on the way to a module instance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleStep {
    /// The call's name.
    pub name: Str,
    /// Which instance of it, where it has `count` or `for_each`.
    pub key: Option<InstanceKey>,
}

/// Which instance of a block that has `count` or `for_each`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InstanceKey {
    /// `[0]`, from `count`.
    Index(u64),
    /// `["a"]`, from `for_each`.
    Key(Str),
}

/// Whether loam owns the real thing or only reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// A `resource` block.
    Managed,
    /// A `data` block.
    Data,
}

/// A `resource` or `data` block in a module instance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Resource {
    /// The module instance it stands in.
    pub module: ModulePath,
    /// Whether it is managed or read.
    pub mode: Mode,
    /// Its kind: `network`.
    pub kind: Str,
    /// Its name.
    pub name: Str,
}

/// One instance of a `resource` or `data` block.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Instance {
    /// The block.
    pub resource: Resource,
    /// Which instance, where the block has `count` or `for_each`.
    pub key: Option<InstanceKey>,
}

impl ModulePath {
    /// Returns the root module.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// Returns whether this is the root module.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the calls from the root inwards.
    #[must_use]
    pub fn steps(&self) -> &[ModuleStep] {
        &self.0
    }

    /// Returns the instance of a call in this module.
    #[must_use]
    pub fn child(&self, name: impl Into<Str>, key: Option<InstanceKey>) -> Self {
        Self(self.0.iter().cloned().chain([ModuleStep { name: name.into(), key }]).collect())
    }

    /// Returns the calls alone, whichever instances of them this leads through.
    #[must_use]
    pub fn without_keys(&self) -> Self {
        if self.0.iter().all(|step| step.key.is_none()) {
            return self.clone();
        }
        Self(self.0.iter().map(|step| ModuleStep { name: step.name.clone(), key: None }).collect())
    }

    /// Returns the module this one is called in, or `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0.split_last().map(|(_, outer)| Self(outer.into()))
    }
}

impl Resource {
    /// Returns a managed resource of the root module.
    pub fn managed(kind: impl Into<Str>, name: impl Into<Str>) -> Self {
        Self { module: ModulePath::root(), mode: Mode::Managed, kind: kind.into(), name: name.into() }
    }

    /// Returns a data source of the root module.
    pub fn data(kind: impl Into<Str>, name: impl Into<Str>) -> Self {
        Self { module: ModulePath::root(), mode: Mode::Data, kind: kind.into(), name: name.into() }
    }

    /// Returns this resource in a module.
    #[must_use]
    pub fn in_module(self, module: ModulePath) -> Self {
        Self { module, ..self }
    }

    /// Returns the block, in whichever instances of modules.
    #[must_use]
    pub fn without_keys(&self) -> Self {
        Self { module: self.module.without_keys(), ..self.clone() }
    }

    /// Returns an instance of this resource.
    #[must_use]
    pub fn instance(&self, key: Option<InstanceKey>) -> Instance {
        Instance { resource: self.clone(), key }
    }
}

impl fmt::Display for InstanceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Key(key) => write!(f, "[{}]", parse::quote(key)),
        }
    }
}

impl fmt::Display for ModulePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, ModuleStep { name, key }) in self.0.iter().enumerate() {
            write!(f, "{}module.{name}", if i == 0 { "" } else { "." })?;
            if let Some(key) = key {
                write!(f, "{key}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.module.is_root() {
            write!(f, "{}.", self.module)?;
        }
        match self.mode {
            Mode::Managed => write!(f, "{}.{}", self.kind, self.name),
            Mode::Data => write!(f, "data.{}.{}", self.kind, self.name),
        }
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.resource)?;
        self.key.as_ref().map_or(Ok(()), |key| write!(f, "{key}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips() {
        for text in [
            "network.bench",
            "network.bench[0]",
            r#"bucket.a["x.y[\"0\"]"]"#,
            "data.file.seed",
            r#"module.site["a"].module.inner.network.bench[12]"#,
            r#"module.a.data.file.b["$${x} \\ é"]"#,
        ] {
            let instance: Instance = text.parse().expect(text);
            assert_eq!(instance.to_string(), text);
            let json = serde_json::to_string(&instance).expect("it is a string");
            assert_eq!(serde_json::from_str::<Instance>(&json).expect("it was written by us"), instance);
        }
        assert_eq!("".parse::<ModulePath>(), Ok(ModulePath::root()));
        assert_eq!("module.a[0]".parse::<ModulePath>().map(|path| path.to_string()).as_deref(), Ok("module.a[0]"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "network", "network.", "network.a.b", "network.a[", "network.a[x]", "network.a[-1]", "a b.c"] {
            assert!(text.parse::<Instance>().is_err(), "{text}");
        }
        for text in ["module.a", "module.a.network", "network.a[0]", "module.a.network.b x"] {
            assert!(text.parse::<Resource>().is_err(), "{text}");
        }
        assert_eq!(
            "network.a[x]".parse::<Instance>().expect_err("it is wrong").to_string(),
            "`network.a[x]` is not an address: an instance key is a number or a quoted string"
        );
    }

    #[test]
    fn instances_sort_by_number() {
        let at = |index| Resource::managed("network", "a").instance(Some(InstanceKey::Index(index)));
        assert!(at(2) < at(10));
        assert!(Resource::managed("z", "z") < Resource::data("a", "a"));
        let child = ModulePath::root().child("m", Some(InstanceKey::Key("k".into())));
        assert_eq!(child.parent(), Some(ModulePath::root()));
        assert_eq!(Resource::data("file", "x").in_module(child).to_string(), r#"module.m["k"].data.file.x"#);
    }
}
