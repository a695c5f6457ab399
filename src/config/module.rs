//! What a configuration says, as types: blocks with their meta-arguments told apart from their bodies.

use std::{borrow::Cow, collections::BTreeMap, path::PathBuf, sync::Arc};

use loam_provider::{Str, Type, Value};

use super::{CheckBlock, Expr, ExprKind, Import, Item, ModuleCall, Moved, Reference, Removed, Subject};
use crate::{addr::Mode, source::Span};

/// A whole configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// The root module.
    pub root: Arc<Module>,
    /// The SHA-256, in hex, of the names and bytes of all files it was read from: a saved plan is refused when it
    /// differs.
    pub digest: String,
}

/// The blocks of one directory.
#[derive(Debug, Clone, Default)]
pub struct Module {
    /// The directory: of the root module as it was named, of others from the root module's.
    pub dir: PathBuf,
    /// `loam {}`
    pub settings: Settings,
    /// `provider` blocks.
    pub providers: BTreeMap<ProviderName, Provider>,
    /// `variable` blocks.
    pub variables: BTreeMap<Str, Variable>,
    /// The values of `locals` blocks.
    pub locals: BTreeMap<Str, Attribute>,
    /// `resource` and `data` blocks.
    pub resources: BTreeMap<BlockName, Resource>,
    /// `output` blocks.
    pub outputs: BTreeMap<Str, Output>,
    /// `module` blocks.
    pub calls: BTreeMap<Str, ModuleCall>,
    /// `moved` blocks.
    pub moved: Vec<Moved>,
    /// `removed` blocks.
    pub removed: Vec<Removed>,
    /// `import` blocks.
    pub imports: Vec<Import>,
    /// `check` blocks.
    pub checks: BTreeMap<Str, CheckBlock>,
    /// Whether something of it could not be read: then what seems to be missing may stand there.
    pub is_partial: bool,
}

/// `loam {}`
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// `required_version`, where it has to be evaluated: see [`super::check_version`].
    pub required_version: Option<Attribute>,
    /// `backend` block: where the state is kept.
    pub backend: Option<Block>,
}

/// Names a provider configuration: `kube`, `kube.ci`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderName {
    /// The provider.
    pub name: Str,
    /// Which configuration of it.
    pub alias: Option<Str>,
}

/// `provider "name" {}`
#[derive(Debug, Clone)]
pub struct Provider {
    /// Its name and alias.
    pub name: ProviderName,
    /// `for_each`: a configuration for each of these, told apart by `NAME.ALIAS["key"]`.
    pub for_each: Option<Attribute>,
    /// Everything but `alias` and `for_each`.
    pub body: Body,
    /// The block's head.
    pub span: Span,
}

/// Names a `resource` or `data` block within its module.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockName {
    /// Whether it is managed or read.
    pub mode: Mode,
    /// Its kind.
    pub kind: Str,
    /// Its name.
    pub name: Str,
}

/// `resource "kind" "name" {}` or `data "kind" "name" {}`
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its mode, kind and name.
    pub name: BlockName,
    /// How many instances it has.
    pub repeat: Repeat,
    /// `provider`: who realises it, where the block says.
    pub provider: Option<ProviderChoice>,
    /// `depends_on`
    pub depends_on: Vec<Reference>,
    /// `lifecycle {}`
    pub lifecycle: Lifecycle,
    /// `timeouts {}`: by operation, in the order written.
    pub timeouts: Vec<Attribute>,
    /// `on_destroy`, where the block says; static.
    pub on_destroy: Option<Attribute>,
    /// Everything that is the kind's own.
    pub body: Body,
    /// The block's head: `resource "network" "bench"`.
    pub span: Span,
}

/// How many instances a block has.
#[derive(Debug, Clone)]
pub enum Repeat {
    /// One, without a key.
    Once,
    /// `count`
    Count(Attribute),
    /// `for_each`
    ForEach(Attribute),
}

/// Who is to realise a resource.
#[derive(Debug, Clone)]
pub struct ProviderChoice {
    /// The provider configuration.
    pub name: ProviderName,
    /// Which of its configurations, where it has `for_each`: `kube.by_region[each.key]`.
    pub key: Option<Box<Attribute>>,
    /// Where it is named.
    pub span: Span,
}

/// `lifecycle {}`
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    /// `create_before_destroy`; static.
    pub create_before_destroy: Option<Attribute>,
    /// `prevent_destroy`; static.
    pub prevent_destroy: Option<Attribute>,
    /// `ignore_changes`
    pub ignore_changes: IgnoreChanges,
    /// `replace_triggered_by`: references with the way into them.
    pub replace_triggered_by: Vec<Attribute>,
    /// `precondition` blocks.
    pub preconditions: Vec<Check>,
    /// `postcondition` blocks.
    pub postconditions: Vec<Check>,
}

/// Which differences are left alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum IgnoreChanges {
    /// None.
    #[default]
    Nothing,
    /// `all`
    All,
    /// Those at or under these paths of the object, each with its place.
    Paths(Vec<(loam_provider::Path, Span)>),
}

/// A condition that must hold, and what to say where it does not.
#[derive(Debug, Clone)]
pub struct Check {
    /// `condition`
    pub condition: Attribute,
    /// `error_message`
    pub error_message: Attribute,
    /// The block's head.
    pub span: Span,
}

/// `variable "name" {}`
#[derive(Debug, Clone)]
pub struct Variable {
    /// Its name.
    pub name: Str,
    /// The constraint its value is converted to; `Any` where the block has none.
    pub ty: Type,
    /// What a value given as text is read as.
    pub reading: Reading,
    /// `default`
    pub default: Option<Attribute>,
    /// `description`
    pub description: Option<String>,
    /// Whether its value is a secret.
    pub sensitive: bool,
    /// Whether its value may be kept nowhere: in no state, no plan and no object.
    pub ephemeral: bool,
    /// What to tell whoever still sets it.
    pub deprecated: Option<String>,
    /// Whether it may be null.
    pub nullable: bool,
    /// `validation` blocks.
    pub validations: Vec<Check>,
    /// The block's head.
    pub span: Span,
}

/// What a value that the command line or the environment gives is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// The text itself: where the type is a string, a number or a bool, and where the block has none.
    Text,
    /// An expression: where the type is any other, `any` included.
    Expression,
}

impl Reading {
    /// Returns what values of a type that a block names are read as.
    #[must_use]
    pub fn of(ty: &Type) -> Self {
        match ty {
            Type::String | Type::Number | Type::Bool => Self::Text,
            Type::Any | Type::List(_) | Type::Set(_) | Type::Map(_) | Type::Object(_) | Type::Tuple(_) => {
                Self::Expression
            }
        }
    }
}

/// `output "name" {}`
#[derive(Debug, Clone)]
pub struct Output {
    /// Its name.
    pub name: Str,
    /// `value`
    pub value: Attribute,
    /// `description`
    pub description: Option<String>,
    /// Whether its value is a secret.
    pub sensitive: bool,
    /// Whether its value may be kept nowhere; only the outputs of called modules can be.
    pub ephemeral: bool,
    /// What to tell whoever still uses it.
    pub deprecated: Option<String>,
    /// `depends_on`
    pub depends_on: Vec<Reference>,
    /// `precondition` blocks.
    pub preconditions: Vec<Check>,
    /// The block's head.
    pub span: Span,
}

/// The attributes and blocks inside a block, in the order written.
#[derive(Debug, Clone)]
pub struct Body {
    /// The attributes; no name comes twice.
    pub attributes: Vec<Attribute>,
    /// The nested blocks.
    pub blocks: Vec<Block>,
    /// The text between the braces.
    pub span: Span,
    /// Whether all of it could be read. Otherwise what seems to be missing may stand in a line with a syntax error.
    pub is_complete: bool,
    /// How it is written.
    pub notation: Notation,
}

/// How configuration is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    /// In HCL's own syntax, which tells attributes from blocks.
    Native,
    /// In JSON, where only a schema can tell them.
    Json,
}

/// `name = expression`
#[derive(Debug, Clone)]
pub struct Attribute {
    /// The name.
    pub name: Str,
    /// Where the name stands.
    pub name_span: Span,
    /// The expression.
    pub expr: Expr,
    /// Every name the expression uses.
    pub references: Box<[Reference]>,
}

/// A nested block.
#[derive(Debug, Clone)]
pub struct Block {
    /// Its type; of a `dynamic` block, the type of the blocks it makes.
    pub kind: Str,
    /// Where the type stands.
    pub kind_span: Span,
    /// Set where this is a `dynamic` block: `body` is then its `content`.
    pub dynamic: Option<Box<Dynamic>>,
    /// Its labels.
    pub labels: Vec<Label>,
    /// What stands inside.
    pub body: Body,
    /// The block's head: its type and labels.
    pub span: Span,
}

/// What makes a `dynamic` block more than one.
#[derive(Debug, Clone)]
pub struct Dynamic {
    /// `for_each`
    pub for_each: Attribute,
    /// The name that `key` and `value` are read from inside; bound there as an object of these two.
    pub iterator: Str,
    /// `labels`
    pub labels: Option<Attribute>,
}

/// A label of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Its text.
    pub text: Str,
    /// Where it stands.
    pub span: Span,
}

impl Attribute {
    /// Returns an attribute; the names its expression uses are collected once, here.
    #[must_use]
    pub fn new(name: Str, name_span: Span, expr: Expr) -> Self {
        let references = expr.references().into();
        Self { name, name_span, expr, references }
    }

    /// Returns the text of the whole attribute.
    #[must_use]
    pub fn span(&self) -> Span {
        self.name_span.to(self.expr.span)
    }
}

impl Body {
    /// Returns a body without anything in it.
    #[must_use]
    pub fn empty(span: Span) -> Self {
        Self { attributes: Vec::new(), blocks: Vec::new(), span, is_complete: true, notation: Notation::Native }
    }

    /// Returns the body with those attributes as blocks that are blocks, where the notation does not tell them.
    /// `labels` says how many labels blocks of a name have; `None` if the name is that of an attribute.
    #[must_use]
    pub fn with_blocks(&self, labels: impl Fn(&str) -> Option<usize>) -> Cow<'_, Self> {
        let is_block = |attribute: &Attribute| labels(&attribute.name).is_some();
        if self.notation == Notation::Native || !self.attributes.iter().any(is_block) {
            return Cow::Borrowed(self);
        }
        let mut body = Self { attributes: Vec::new(), blocks: self.blocks.clone(), ..*self };
        for attribute in &self.attributes {
            let made = labels(&attribute.name).and_then(|labels| {
                let mut blocks = Vec::new();
                make_blocks(attribute, &attribute.expr, labels, &mut Vec::new(), &mut blocks).then_some(blocks)
            });
            match made {
                Some(blocks) => body.blocks.extend(blocks),
                None => body.attributes.push(attribute.clone()),
            }
        }
        Cow::Owned(body)
    }

    /// Returns an attribute by its name.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name.as_str() == name)
    }

    /// Returns every name used anywhere inside.
    pub fn references(&self) -> Box<dyn Iterator<Item = &Reference> + '_> {
        let own = self.attributes.iter().flat_map(|attribute| attribute.references.iter());
        Box::new(own.chain(self.blocks.iter().flat_map(Block::references)))
    }
}

impl Module {
    /// Returns every name used anywhere in it, except in the keys of addresses.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        let validations = self.variables.values().flat_map(|variable| &variable.validations);
        let each = self.providers.values().flat_map(|provider| &provider.for_each);
        let imports = self.imports.iter().flat_map(|import| std::iter::once(&import.id).chain(&import.for_each));
        let attributes = self.locals.values().chain(each).chain(imports);
        validations
            .flat_map(Check::references)
            .chain(attributes.flat_map(|attribute| attribute.references.iter()))
            .chain(self.providers.values().flat_map(|provider| provider.body.references()))
            .chain(self.resources.values().flat_map(Resource::references))
            .chain(self.outputs.values().flat_map(Output::references))
            .chain(self.calls.values().flat_map(ModuleCall::references))
            .chain(self.checks.values().flat_map(CheckBlock::references))
            .chain(self.settings.required_version.iter().flat_map(|attribute| attribute.references.iter()))
            .chain(self.settings.backend.iter().flat_map(Block::references))
    }

    /// Returns every place where a provider configuration is named.
    pub fn choices(&self) -> impl Iterator<Item = &ProviderChoice> {
        let scoped = self.checks.values().filter_map(|check| check.data.as_deref());
        let resources = self.resources.values().chain(scoped).filter_map(|resource| resource.provider.as_ref());
        let passed = self.calls.values().flat_map(|call| call.providers.iter().map(|passed| &passed.outer));
        resources.chain(passed).chain(self.imports.iter().filter_map(|import| import.provider.as_ref()))
    }
}

impl Block {
    /// Returns every name used anywhere inside, and by what makes it more than one.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        let dynamic = self.dynamic.iter().flat_map(|dynamic| [Some(&dynamic.for_each), dynamic.labels.as_ref()]);
        dynamic.flatten().flat_map(|attribute| attribute.references.iter()).chain(self.body.references())
    }
}

impl Repeat {
    /// Returns the `count` or `for_each`.
    #[must_use]
    pub fn attribute(&self) -> Option<&Attribute> {
        match self {
            Self::Once => None,
            Self::Count(attribute) | Self::ForEach(attribute) => Some(attribute),
        }
    }
}

impl ProviderChoice {
    /// Returns every name its key uses.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.key.iter().flat_map(|key| key.references.iter())
    }
}

/// Makes blocks of an object, or a tuple of them; returns whether it is that.
fn make_blocks(
    attribute: &Attribute,
    expr: &Expr,
    missing: usize,
    labels: &mut Vec<Label>,
    blocks: &mut Vec<Block>,
) -> bool {
    match &expr.kind {
        ExprKind::Literal(Value::Null(_)) => true,
        ExprKind::Tuple(items) => items.iter().all(|item| make_blocks(attribute, item, missing, labels, blocks)),
        ExprKind::Object(items) => {
            let mut body = Body { notation: Notation::Json, ..Body::empty(expr.span) };
            for Item { key, value } in items {
                let Some(Value::String(name)) = key.literal() else { return false };
                if name.as_str() == "//" {
                    continue;
                }
                if missing == 0 {
                    body.attributes.push(Attribute::new(name.clone(), key.span, value.clone()));
                    continue;
                }
                labels.push(Label { text: name.clone(), span: key.span });
                let is_block = make_blocks(attribute, value, missing - 1, labels, blocks);
                labels.pop();
                if !is_block {
                    return false;
                }
            }
            if missing == 0 {
                let (kind, kind_span) = (attribute.name.clone(), attribute.name_span);
                let labels = labels.clone();
                blocks.push(Block { kind, kind_span, dynamic: None, labels, body, span: kind_span });
            }
            true
        }
        _ => false,
    }
}

impl Resource {
    /// Returns every name this block uses, in its body, its meta-arguments and its checks; those inside the checks
    /// that mean the block itself included.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.values().chain(&self.depends_on)
    }

    /// Returns every name whose value this block uses: all but those of `depends_on`.
    pub fn values(&self) -> impl Iterator<Item = &Reference> {
        let lifecycle = &self.lifecycle;
        let checks = lifecycle.preconditions.iter().chain(&lifecycle.postconditions);
        self.body
            .references()
            .chain(
                self.repeat
                    .attribute()
                    .into_iter()
                    .chain(&self.timeouts)
                    .flat_map(|attribute| attribute.references.iter()),
            )
            .chain(lifecycle.replace_triggered_by.iter().flat_map(|attribute| attribute.references.iter()))
            .chain(checks.flat_map(Check::references))
            .chain(self.provider.iter().flat_map(ProviderChoice::references))
    }
}

impl Check {
    /// Returns every name the check uses.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.condition.references.iter().chain(self.error_message.references.iter())
    }
}

impl Output {
    /// Returns every name the output uses.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        let checks = self.preconditions.iter().flat_map(Check::references);
        self.value.references.iter().chain(checks).chain(&self.depends_on)
    }
}

impl BlockName {
    /// Returns what an expression names this block by.
    #[must_use]
    pub fn subject(&self) -> Subject {
        let (kind, name) = (self.kind.clone(), self.name.clone());
        match self.mode {
            Mode::Managed => Subject::Resource { kind, name },
            Mode::Data => Subject::Data { kind, name },
        }
    }
}

impl std::fmt::Display for BlockName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.subject())
    }
}

impl std::fmt::Display for ProviderName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.alias {
            None => write!(f, "{}", self.name),
            Some(alias) => write!(f, "{}.{alias}", self.name),
        }
    }
}
