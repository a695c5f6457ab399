//! Blocks that compose modules, and blocks that say what becomes of objects that are there already.

use std::{collections::BTreeMap, sync::Arc};

use loam_provider::Str;

use super::{
    Attribute, BlockName, Check, Expr, Module, OutputName, ProviderChoice, ProviderName, Reference, Repeat, Resource,
};
use crate::source::Span;

/// `module "name" {}`
#[derive(Debug, Clone)]
pub struct ModuleCall {
    /// Its name.
    pub name: Str,
    /// `source`: where the module's directory is. Any expression that is static.
    pub source: Attribute,
    /// How many instances it has.
    pub repeat: Repeat,
    /// The values of the module's variables, by name.
    pub arguments: BTreeMap<Str, Attribute>,
    /// `providers`: what the module knows a provider configuration by, and which one that is here.
    pub providers: Vec<PassedProvider>,
    /// `depends_on`
    pub depends_on: Vec<Reference>,
    /// What is called; `None` until it has been found and read.
    pub module: Option<Arc<Module>>,
    /// The block's head: `module "site"`.
    pub span: Span,
}

/// One entry of `providers = { inner = outer }`.
#[derive(Debug, Clone)]
pub struct PassedProvider {
    /// The name inside the module.
    pub inner: ProviderName,
    /// Where that name stands.
    pub span: Span,
    /// The configuration it is, outside.
    pub outer: ProviderChoice,
}

/// What a `moved`, `removed` or `import` block points at: a module, a block, or one instance of either.
#[derive(Debug, Clone)]
pub struct Target {
    /// The calls on the way, from this module inwards.
    pub module: Vec<TargetStep>,
    /// The block, unless it is a module that is meant.
    pub block: Option<TargetBlock>,
    /// The whole of it.
    pub span: Span,
}

/// `module.name[key]`
#[derive(Debug, Clone)]
pub struct TargetStep {
    /// The call's name.
    pub name: Str,
    /// Which instance, where one is named.
    pub key: Option<Expr>,
}

/// `kind.name[key]`
#[derive(Debug, Clone)]
pub struct TargetBlock {
    /// The block.
    pub name: BlockName,
    /// Which instance, where one is named.
    pub key: Option<Expr>,
}

/// `moved {}`: an address was renamed.
#[derive(Debug, Clone)]
pub struct Moved {
    /// What it was called.
    pub from: Target,
    /// What it is called now.
    pub to: Target,
    /// The block's head.
    pub span: Span,
}

/// `removed {}`: a block is gone, and this becomes of its objects.
#[derive(Debug, Clone)]
pub struct Removed {
    /// What was removed; without keys.
    pub from: Target,
    /// `lifecycle { destroy = … }`; absent means `true`.
    pub destroy: Option<Attribute>,
    /// The block's head.
    pub span: Span,
}

/// `import {}`: something that exists is taken over.
#[derive(Debug, Clone)]
pub struct Import {
    /// The address it gets. Keys may use `each`.
    pub to: Target,
    /// What its provider knows it by.
    pub id: Attribute,
    /// `for_each`
    pub for_each: Option<Attribute>,
    /// `provider`: who reads it, where the resource itself does not say.
    pub provider: Option<ProviderChoice>,
    /// The block's head.
    pub span: Span,
}

/// `check "name" {}`: conditions that are looked at in every run and only warn.
#[derive(Debug, Clone)]
pub struct CheckBlock {
    /// Its name.
    pub name: Str,
    /// A data source that only these conditions see.
    pub data: Option<Box<Resource>>,
    /// `assert` blocks.
    pub asserts: Vec<Check>,
    /// The block's head.
    pub span: Span,
}

impl ModuleCall {
    /// Returns every name this block uses.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        let own = std::iter::once(&self.source).chain(self.repeat.attribute()).chain(self.arguments.values());
        own.flat_map(|attribute| attribute.references.iter())
            .chain(self.providers.iter().flat_map(|passed| passed.outer.references()))
            .chain(&self.depends_on)
    }

    /// Returns the one output that a reference to this module means, or `None` where it may mean any of them.
    #[must_use]
    pub fn output<'r>(&self, reference: &'r Reference) -> Option<&'r Str> {
        match (reference.output.as_ref()?, &self.repeat) {
            (OutputName::Of(name), Repeat::Once) => Some(name),
            (OutputName::OfInstance(name), Repeat::Count(_) | Repeat::ForEach(_)) => Some(name),
            (OutputName::Of(_), Repeat::Count(_) | Repeat::ForEach(_)) | (OutputName::OfInstance(_), Repeat::Once) => {
                None
            }
        }
    }
}

impl CheckBlock {
    /// Returns every name this block uses, that of its own data source included.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        let data = self.data.iter().flat_map(|data| data.references());
        data.chain(self.asserts.iter().flat_map(Check::references))
    }
}

impl Target {
    /// Returns the keys in it, from the outside in.
    pub fn keys(&self) -> impl Iterator<Item = &Expr> {
        let steps = self.module.iter().filter_map(|step| step.key.as_ref());
        steps.chain(self.block.iter().filter_map(|block| block.key.as_ref()))
    }

    /// Returns whether it names one instance of something.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        self.keys().next().is_some()
    }
}

impl Import {
    /// Returns every name this block uses.
    pub fn references(&self) -> Vec<Reference> {
        let mut found: Vec<Reference> = self.to.keys().flat_map(Expr::references).collect();
        let attributes = std::iter::once(&self.id).chain(&self.for_each);
        found.extend(attributes.flat_map(|attribute| attribute.references.iter().cloned()));
        found.extend(self.provider.iter().flat_map(ProviderChoice::references).cloned());
        found
    }
}
