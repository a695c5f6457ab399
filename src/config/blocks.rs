//! The blocks of the top level.

use std::collections::{BTreeMap, BTreeSet};

use loam_provider::{Str, Type, Value};

use super::{
    Attribute, Expr, Module, Output, Provider, ProviderName, Reading, Subject, Variable, assertions,
    body::{self, Allowed},
    calls,
    constant::constant,
    lower::Lower,
    overrides::{self, Given, Layer},
    resource,
    syntax::tree::{Block as HclBlock, Broken, Structure},
    targets, types,
    version::check_version,
};
use crate::{
    addr::Mode,
    diag::{Diagnostic, did_you_mean},
    source::Span,
};

/// The blocks there are.
const KNOWN: [&str; 12] = [
    "loam", "provider", "resource", "data", "variable", "locals", "output", "module", "moved", "import", "removed",
    "check",
];
/// Names that variables cannot have, because calls of modules give them a meaning.
const RESERVED: [&str; 8] =
    ["count", "depends_on", "for_each", "lifecycle", "locals", "providers", "source", "version"];

/// Returns whether a word starts a block of the top level.
pub(super) fn is_head(word: &str) -> bool {
    KNOWN.contains(&word) || word == "terraform"
}

/// A module while its files are read.
#[derive(Debug, Default)]
pub(super) struct Builder {
    pub(super) module: Module,
    /// Names whose blocks could not be read: they count as declared, so that one mistake is not reported twice.
    pub(super) broken: BTreeSet<Subject>,
    /// Whether a `locals` block could not be read: then any local may be declared.
    pub(super) broken_locals: bool,
    /// Whether something of the top level could not be read at all.
    pub(super) broken_any: bool,
    settings_span: Option<Span>,
}

impl Builder {
    /// Notes what something of the top level that could not be parsed would have declared.
    pub(super) fn broken(&mut self, broken: &Broken) {
        match &broken.ident {
            Some(word) => self.broken_block(word.as_str(), broken.labels.iter().map(|label| label.value.clone())),
            None => self.broken_any = true,
        }
    }

    /// Notes what a block that could not be parsed would have declared.
    pub(super) fn broken_block(&mut self, word: &str, mut labels: impl Iterator<Item = Str>) {
        match word {
            "variable" => self.broken.extend(labels.next().map(Subject::Variable)),
            "module" => self.broken.extend(labels.next().map(Subject::Module)),
            "resource" | "data" => {
                if let (Some(kind), Some(name)) = (labels.next(), labels.next()) {
                    self.broken.insert(if word == "data" {
                        Subject::Data { kind, name }
                    } else {
                        Subject::Resource { kind, name }
                    });
                }
            }
            "locals" => self.broken_locals = true,
            "output" | "loam" | "moved" | "import" | "removed" | "check" => {}
            _ => self.broken_any = true,
        }
    }

    /// Lowers something of the top level into the module.
    pub(super) fn add(&mut self, cx: &mut Lower<'_, '_>, structure: &Structure) {
        match structure {
            Structure::Block(block) => {
                cx.is_complete = block.body.is_complete;
                if !cx.is_complete {
                    self.broken_block(block.ident.as_str(), block.labels.iter().map(|label| label.value.clone()));
                }
                self.block(cx, block);
            }
            Structure::Attribute(attribute) => {
                let name = attribute.key.as_str();
                let detail = format!("`{name} = …` stands outside of any block.");
                let diagnostic = Diagnostic::error("Unexpected argument", cx.span(&attribute.key), detail);
                let hint = format!("A named value belongs in a block: `locals {{ {name} = … }}`.");
                cx.diagnostics.push(diagnostic.hint(hint));
            }
        }
    }

    fn block(&mut self, cx: &mut Lower<'_, '_>, block: &HclBlock) {
        let span = body::head(cx, block);
        match block.ident.as_str() {
            word @ ("moved" | "removed" | "import" | "check") if cx.layer == Layer::Override => {
                cx.diagnostics.push(overrides::refuse_block(word, span));
            }
            "loam" => self.settings(cx, block, span),
            "provider" => self.provider(cx, block, span),
            "resource" => resource::lower(cx, block, Mode::Managed, span, &mut self.module.resources),
            "data" => resource::lower(cx, block, Mode::Data, span, &mut self.module.resources),
            "variable" => self.variable(cx, block, span),
            "locals" => self.locals(cx, block),
            "output" => self.output(cx, block, span),
            "module" => calls::lower(cx, block, span, self),
            "moved" => targets::moved(cx, block, span, self),
            "removed" => targets::removed(cx, block, span, self),
            "import" => targets::import(cx, block, span, self),
            "check" => assertions::lower(cx, block, span, self),
            "terraform" => {
                let detail = "There is no block `terraform` in loam.";
                let hint = "Settings of loam itself stand in a `loam` block.";
                cx.diagnostics.push(Diagnostic::error("Unknown block", span, detail).hint(hint));
            }
            word => {
                let detail = format!("There is no block `{word}`.");
                let hint = did_you_mean(word, KNOWN).unwrap_or_else(|| {
                    format!("The blocks there are: {}.", KNOWN.map(|w| format!("`{w}`")).join(", "))
                });
                cx.diagnostics.push(Diagnostic::error("Unknown block", span, detail).hint(hint));
            }
        }
    }

    fn settings(&mut self, cx: &mut Lower<'_, '_>, block: &HclBlock, span: Span) {
        body::no_labels(cx, block);
        if let (Some(first), Layer::Base) = (self.settings_span, cx.layer) {
            cx.diagnostics.push(duplicate("There can be one `loam` block.".into(), span, first));
            return;
        }
        self.settings_span = Some(span);
        let allowed = Allowed { what: "a `loam` block", attributes: &["required_version"], blocks: &["backend"] };
        for structure in &block.body {
            match structure {
                Structure::Attribute(found) if found.key.as_str() == "required_version" => {
                    let version = body::attribute(cx, found);
                    match constant(&version.expr) {
                        Some(Value::String(text)) => check_version(&text, version.expr.span, cx.diagnostics),
                        Some(_) => body::must_be(cx, &version, "text, for example `\">= 0.1, < 2\"`"),
                        None => self.module.settings.required_version = Some(version),
                    }
                }
                Structure::Block(found) if found.ident.as_str() == "backend" => {
                    let block = body::block(cx, found);
                    if block.labels.len() != 1 {
                        wrong_labels(cx, found, "backend", "a kind", "backend \"local\"");
                    }
                    self.module.settings.backend = Some(block);
                }
                Structure::Block(found) if found.ident.as_str() == "required_providers" => {
                    let detail = "There is no block `required_providers` in loam.";
                    let hint = "The providers are part of loam: remove the block; `provider` blocks configure them.";
                    let span = body::head(cx, found);
                    cx.diagnostics.push(Diagnostic::error("Unknown block", span, detail).hint(hint));
                }
                other => allowed.refuse(cx, other),
            }
        }
    }

    fn provider(&mut self, cx: &mut Lower<'_, '_>, block: &HclBlock, span: Span) {
        let labels = body::labels(cx, block);
        let [label] = labels.as_slice() else {
            return wrong_labels(cx, block, "provider", "the provider's name", "provider \"kube\"");
        };
        let (mut alias, mut for_each) = (None, None);
        let mut lowered = body::empty(cx, &block.body);
        for structure in &block.body {
            match structure {
                Structure::Attribute(found) if found.key.as_str() == "alias" => {
                    alias = body::text(cx, found);
                    if let Some(text) = &alias
                        && !body::is_name(text)
                    {
                        bad_name(cx, "alias", text, cx.span(&found.value));
                    }
                }
                Structure::Attribute(found) if found.key.as_str() == "for_each" => {
                    for_each = Some(body::attribute(cx, found));
                }
                Structure::Attribute(found) if found.key.as_str() == "count" => {
                    let detail = "A provider has no `count`.";
                    let hint = "Use `for_each`: configurations are told apart by name.";
                    let span = cx.span(&found.key);
                    cx.diagnostics.push(Diagnostic::error("Unknown argument", span, detail).hint(hint));
                }
                other => body::add(cx, other, &mut lowered),
            }
        }
        if let (Some(for_each), None) = (&for_each, &alias)
            && block.body.get_attribute("alias").is_none()
        {
            let detail = "A provider with `for_each` needs an `alias` by which its configurations are named.";
            let hint = format!(
                "Add `alias = \"by_region\"`; then a resource says `provider = {}.by_region[\"eu\"]`.",
                label.text
            );
            cx.diagnostics.push(Diagnostic::error("Missing argument", for_each.name_span, detail).hint(hint));
        }
        let name = ProviderName { name: label.text.clone(), alias };
        if cx.layer == Layer::Override {
            let over = Provider { name: name.clone(), for_each, body: lowered, span };
            match self.module.providers.get_mut(&name) {
                Some(base) => overrides::provider(base, over),
                // A provider without a block is one that has nothing to configure.
                None if name.alias.is_none() => drop(self.module.providers.insert(name, over)),
                None => cx.diagnostics.push(overrides::undeclared(&format!("provider configuration `{name}`"), span)),
            }
            return;
        }
        if let Some(first) = self.module.providers.get(&name) {
            let detail = format!("The provider configuration `{name}` is already declared.");
            let hint = "Give one of them an alias: `alias = \"second\"`.";
            cx.diagnostics.push(duplicate(detail, span, first.span).hint(hint));
            return;
        }
        self.module.providers.insert(name.clone(), Provider { name, for_each, body: lowered, span });
    }

    fn variable(&mut self, cx: &mut Lower<'_, '_>, block: &HclBlock, span: Span) {
        let Some(name) = one_name(cx, block, "variable", "variable \"region\"") else { return };
        if RESERVED.contains(&name.as_str()) {
            let detail = format!("A variable cannot be called `{name}`: the word means something in a `module` block.");
            cx.diagnostics.push(Diagnostic::error("Reserved name", span, detail));
        }
        let what = "a `variable` block";
        let attributes = &["type", "default", "description", "sensitive", "nullable", "ephemeral", "deprecated"];
        let allowed = Allowed { what, attributes, blocks: &["validation"] };
        let mut variable = Variable {
            name: name.clone(),
            ty: Type::Any,
            reading: Reading::Text,
            default: None,
            description: None,
            sensitive: false,
            ephemeral: false,
            deprecated: None,
            nullable: true,
            validations: Vec::new(),
            span,
        };
        for structure in &block.body {
            match structure {
                Structure::Attribute(found) => match found.key.as_str() {
                    "type" => {
                        variable.ty = types::of_variable(cx, &found.value);
                        variable.reading = Reading::of(&variable.ty);
                    }
                    "default" => {
                        let default = body::attribute(cx, found);
                        if let Some(reference) = default.references.first() {
                            let detail =
                                "The default of a variable must be a plain value: it cannot refer to anything.";
                            let hint = format!("Compute it in a `locals` block from `var.{name}`.");
                            let diagnostic = Diagnostic::error("Invalid default", reference.span, detail);
                            cx.diagnostics.push(diagnostic.hint(hint));
                        }
                        variable.default = Some(default);
                    }
                    "description" => variable.description = body::text(cx, found).map(|text| text.to_string()),
                    "sensitive" => variable.sensitive = body::flag(cx, found).unwrap_or(true),
                    "nullable" => variable.nullable = body::flag(cx, found).unwrap_or(true),
                    "ephemeral" => variable.ephemeral = body::flag(cx, found).unwrap_or(true),
                    "deprecated" => variable.deprecated = body::text(cx, found).map(|text| text.to_string()),
                    _ => allowed.refuse(cx, structure),
                },
                Structure::Block(found) if found.ident.as_str() == "validation" => {
                    variable.validations.extend(body::check(cx, found));
                }
                Structure::Block(_) => allowed.refuse(cx, structure),
            }
        }
        if cx.layer == Layer::Override {
            return match self.module.variables.get_mut(&name) {
                Some(base) => overrides::variable(cx, base, variable, &Given::of(block)),
                None => cx.diagnostics.push(overrides::undeclared(&format!("variable `var.{name}`"), span)),
            };
        }
        if let Some(first) = self.module.variables.get(&name) {
            let detail = format!("The variable `{name}` is already declared.");
            cx.diagnostics.push(duplicate(detail, span, first.span));
            return;
        }
        self.module.variables.insert(name, variable);
    }

    fn locals(&mut self, cx: &mut Lower<'_, '_>, block: &HclBlock) {
        body::no_labels(cx, block);
        for structure in &block.body {
            match structure {
                Structure::Attribute(found) => {
                    let local = body::attribute(cx, found);
                    if cx.layer == Layer::Override {
                        let what = format!("local value `local.{}`", local.name);
                        match self.module.locals.get_mut(&local.name) {
                            Some(base) => *base = local,
                            None => cx.diagnostics.push(overrides::undeclared(&what, local.name_span)),
                        }
                        continue;
                    }
                    if let Some(first) = self.module.locals.get(&local.name) {
                        let detail = format!("The local value `{}` is already declared.", local.name);
                        cx.diagnostics.push(duplicate(detail, local.name_span, first.name_span));
                    } else {
                        self.module.locals.insert(local.name.clone(), local);
                    }
                }
                Structure::Block(found) => {
                    let name = found.ident.as_str();
                    let detail = "A `locals` block holds only named values.";
                    let span = body::head(cx, found);
                    let hint = format!("For an object write `{name} = {{ … }}`.");
                    cx.diagnostics.push(Diagnostic::error("Unknown block", span, detail).hint(hint));
                }
            }
        }
    }

    fn output(&mut self, cx: &mut Lower<'_, '_>, block: &HclBlock, span: Span) {
        let Some(name) = one_name(cx, block, "output", "output \"url\"") else { return };
        let what = "an `output` block";
        let attributes = &["value", "description", "sensitive", "ephemeral", "deprecated", "depends_on"];
        let allowed = Allowed { what, attributes, blocks: &["precondition"] };
        let (mut value, mut description, mut deprecated) = (None, None, None);
        let (mut sensitive, mut ephemeral) = (false, false);
        let (mut depends_on, mut preconditions) = (Vec::new(), Vec::new());
        for structure in &block.body {
            match structure {
                Structure::Attribute(found) => match found.key.as_str() {
                    "value" => value = Some(body::attribute(cx, found)),
                    "description" => description = body::text(cx, found).map(|text| text.to_string()),
                    "sensitive" => sensitive = body::flag(cx, found).unwrap_or(true),
                    "ephemeral" => ephemeral = body::flag(cx, found).unwrap_or(true),
                    "deprecated" => deprecated = body::text(cx, found).map(|text| text.to_string()),
                    "depends_on" => depends_on = resource::depends_on(cx, found),
                    _ => allowed.refuse(cx, structure),
                },
                Structure::Block(found) if found.ident.as_str() == "precondition" => {
                    preconditions.extend(body::check(cx, found));
                }
                Structure::Block(_) => allowed.refuse(cx, structure),
            }
        }
        let placeholder = || Attribute::new("value".into(), span, Expr::invalid(span));
        let value = value.or_else(|| (cx.layer == Layer::Override).then(placeholder));
        let Some(value) = value else { return body::missing(cx, "value", what, block) };
        let output = Output {
            name: name.clone(),
            value,
            description,
            sensitive,
            ephemeral,
            deprecated,
            depends_on,
            preconditions,
            span,
        };
        if cx.layer == Layer::Override {
            return match self.module.outputs.get_mut(&name) {
                Some(base) => overrides::output(cx, base, output, &Given::of(block)),
                None => cx.diagnostics.push(overrides::undeclared(&format!("output `{name}`"), span)),
            };
        }
        if let Some(first) = self.module.outputs.get(&name) {
            let detail = format!("The output `{name}` is already declared.");
            cx.diagnostics.push(duplicate(detail, span, first.span));
            return;
        }
        self.module.outputs.insert(name, output);
    }
}

/// Returns what to say about something declared twice.
pub(super) fn duplicate(detail: String, span: Span, first: Span) -> Diagnostic {
    Diagnostic::error("Duplicate declaration", span, detail).related(first, "first declared here")
}

/// Reports a block with too few or too many labels.
pub(super) fn wrong_labels(cx: &mut Lower<'_, '_>, block: &HclBlock, word: &str, what: &str, example: &str) {
    let count = match block.labels.len() {
        0 => "no label".into(),
        1 => "one label".into(),
        count => format!("{count} labels"),
    };
    let span = body::head(cx, block);
    let article = article(word);
    let detail = format!("{article} `{word}` block is labelled with {what}, but this one has {count}.");
    let hint = format!("Write it as in `{example} {{`.");
    cx.diagnostics.push(Diagnostic::error("Wrong number of labels", span, detail).hint(hint));
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "An" } else { "A" }
}

/// Reports a name that is none.
pub(super) fn bad_name(cx: &mut Lower<'_, '_>, what: &str, name: &str, span: Span) {
    let detail = match name {
        "" => format!("The name of {} {what} is empty.", article(what).to_lowercase()),
        name => format!("`{name}` cannot be the name of {} {what}.", article(what).to_lowercase()),
    };
    let hint = "A name starts with a letter or `_` and goes on with letters, digits, `_` and `-`.";
    cx.diagnostics.push(Diagnostic::error("Invalid name", span, detail).hint(hint));
}

/// Returns the one label of a block, if it can be a name.
fn one_name(cx: &mut Lower<'_, '_>, block: &HclBlock, word: &str, example: &str) -> Option<Str> {
    let labels = body::labels(cx, block);
    let [label] = labels.as_slice() else {
        wrong_labels(cx, block, word, "its name", example);
        return None;
    };
    if !body::is_name(&label.text) {
        bad_name(cx, word, &label.text, label.span);
        return None;
    }
    Some(label.text.clone())
}

/// The blocks of a module by name.
pub(super) type Resources = BTreeMap<super::BlockName, super::Resource>;
