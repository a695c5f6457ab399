//! Blocks that compose modules, and blocks that say what becomes of objects that are there already.

use std::{collections::BTreeMap, sync::Arc};

use loam_provider::Str;

use super::{Attribute, BlockName, Check, Expr, Module, ProviderChoice, ProviderName, Reference, Repeat, Resource};
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
