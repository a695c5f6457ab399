//! Evaluates the body of a block against a schema.

use std::collections::{BTreeMap, BTreeSet};

use loam_provider::{
    Attribute as Field, Block as BlockType, Format, Known, Nesting, Path, Period, Rate, Role, Schema, Sensitivity,
    Size, Step, Str, Type, Value,
};

use super::{
    Evaluated, Marks, Scope,
    describe::{a_type, about, unfit},
    dynamic::{self, Made},
    expr,
};
use crate::{
    config::{Attribute, Block, Body},
    diag::{Diagnostic, Diagnostics, did_you_mean, suggest},
    source::Span,
};

/// Evaluates a body to an object of the schema's type, its attributes under the names they are recorded by.
///
/// What the body leaves out is null; [`with_defaults`] fills that in. `what` names the block in messages, and `head`
/// is where it starts: a missing attribute is reported there.
pub fn body(
    body: &Body,
    schema: &Schema,
    what: &str,
    head: Span,
    scope: &Scope<'_>,
    diagnostics: &mut Diagnostics,
) -> Evaluated {
    let mut fields: BTreeMap<Str, Evaluated> = BTreeMap::new();
    let labels = |name: &str| match schema.written(name) {
        Some(_) => None,
        None => schema.blocks.get(name).map(|found| usize::from(found.nesting == Nesting::Labelled)),
    };
    let body = &*body.with_blocks(labels);
    for attribute in &body.attributes {
        match schema.written(&attribute.name) {
            Some((name, field)) => {
                let value = self::attribute(attribute, field, what, scope, diagnostics);
                fields.insert(name.clone(), value);
            }
            None => {
                diagnostics.push(unknown_attribute(attribute, schema, what));
                // The expression may hold further mistakes.
                expr::expr(&attribute.expr, scope, diagnostics);
            }
        }
    }
    for block in body.blocks.iter().filter(|block| !schema.blocks.contains_key(&block.kind)) {
        diagnostics.push(unknown_block(block, schema, what));
    }
    for (name, block_type) in &schema.blocks {
        let found: Vec<&Block> = body.blocks.iter().filter(|block| block.kind == *name).collect();
        let owner = Owner { what, head, is_complete: body.is_complete };
        fields.insert(name.clone(), blocks(name, &found, block_type, &owner, scope, diagnostics));
    }
    for (name, field) in &schema.attributes {
        if !fields.contains_key(name) {
            if field.role == Role::Required && body.is_complete && !is_misspelt(name, field, body, schema) {
                let written = field.written_as.as_ref().unwrap_or(name);
                let detail = format!("The argument `{written}` must be set in {what}.");
                let hint = format!("`{written}` is {}: {}", a_type(&field.ty), field.doc);
                diagnostics.push(Diagnostic::error("Missing argument", head, detail).hint(hint));
            }
            fields.insert(name.clone(), Value::Null(field.ty.clone()).into());
        }
    }
    object(fields)
}

/// Returns whether an attribute that seems to be missing is there under a misspelt name.
fn is_misspelt(name: &Str, field: &Field, body: &Body, schema: &Schema) -> bool {
    let written = field.written_as.as_ref().unwrap_or(name);
    let unknown = body.attributes.iter().filter(|attribute| schema.written(&attribute.name).is_none());
    unknown.map(|attribute| suggest(&attribute.name, [written.as_str()])).any(|near| near.is_some())
}

fn object(fields: BTreeMap<Str, Evaluated>) -> Evaluated {
    let mut marks = Marks::none();
    let mut values = Vec::with_capacity(fields.len());
    for (name, field) in fields {
        marks.add(&field.marks.under(Step::Name(name.clone())));
        values.push((name, field.value));
    }
    Evaluated::new(Value::object(values), marks)
}

fn attribute(
    attribute: &Attribute,
    field: &Field,
    what: &str,
    scope: &Scope<'_>,
    diagnostics: &mut Diagnostics,
) -> Evaluated {
    let name = &attribute.name;
    let span = attribute.expr.span;
    if field.role == Role::Computed {
        let detail = format!("`{name}` is worked out by the provider, so {what} cannot set it.");
        let diagnostic = Diagnostic::error("Computed attribute", attribute.name_span, detail);
        diagnostics.push(diagnostic.hint("Remove this line; other blocks can refer to the attribute."));
        expr::expr(&attribute.expr, scope, diagnostics);
        return Value::Unknown(field.ty.clone()).into();
    }
    let given = expr::expr(&attribute.expr, scope, diagnostics);
    let wrong = Evaluated::from(Value::Unknown(field.ty.clone()));
    let value = match given.value.convert(&field.ty) {
        Ok(value) => value,
        Err(error) => {
            let detail = format!("The value of `{name}` does not fit: {}.", unfit(&error));
            let diagnostic = Diagnostic::error("Wrong type", span, detail)
                .hint(format!("`{name}` is {}.", field.ty))
                .values(about(&[&attribute.expr], scope));
            diagnostics.push(diagnostic);
            return wrong.marked(&given.marks.secrets_only().collapsed());
        }
    };
    if value.is_null() && field.role == Role::Required {
        let detail = format!("`{name}` must have a value in {what}, but this is null.");
        let diagnostic = Diagnostic::error("Null value", span, detail);
        diagnostics.push(diagnostic.values(about(&[&attribute.expr], scope)));
        return wrong;
    }
    if let Err(because) = check_format(&value, &field.format, !given.marks.is_empty()) {
        let detail = format!("The value of `{name}` cannot be used: {because}.");
        let diagnostic = Diagnostic::error("Invalid value", span, detail).maybe_hint(example(&field.format));
        diagnostics.push(diagnostic.values(about(&[&attribute.expr], scope)));
        return wrong.marked(&given.marks.secrets_only().collapsed());
    }
    let marks = match (field.sensitive, &value) {
        (Sensitivity::Secret, value) if !value.is_null() => Marks::whole().and(&given.marks.ephemeral_only()),
        // Members of a set have no place of their own.
        (Sensitivity::Plain, _) if matches!(field.ty, Type::Set(_)) => given.marks.collapsed(),
        (Sensitivity::Secret | Sensitivity::Plain, _) => given.marks,
    };
    Evaluated::new(value, marks)
}

/// Checks the form of text.
fn check_format(value: &Value, format: &Format, secret: bool) -> Result<(), String> {
    let Value::String(text) = value else { return Ok(()) };
    let masked = |error: loam_provider::InvalidUnit| {
        if secret { "it does not have the form it needs".into() } else { error.to_string() }
    };
    match format {
        Format::Plain => Ok(()),
        Format::Size => text.parse::<Size>().map(drop).map_err(masked),
        Format::Rate => text.parse::<Rate>().map(drop).map_err(masked),
        Format::Period => text.parse::<Period>().map(drop).map_err(masked),
        Format::OneOf(words) if words.contains(&text.as_str()) => Ok(()),
        Format::OneOf(words) => {
            let list: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
            let found = if secret { "this".to_owned() } else { format!("\"{text}\"") };
            let near = did_you_mean(text, words.iter().copied()).filter(|_| !secret);
            let near =
                near.map(|near| format!(" ({})", near.trim_end_matches('?').to_owned() + "?")).unwrap_or_default();
            Err(format!("{found} is none of {}{near}", list.join(", ")))
        }
    }
}

fn example(format: &Format) -> Option<String> {
    match format {
        Format::Plain | Format::OneOf(_) => None,
        Format::Size => Some("Write a number with a unit, for example \"16MiB\".".into()),
        Format::Rate => Some("Write a number with a unit, for example \"50MB/s\".".into()),
        Format::Period => Some("Write a number with a unit, for example \"90s\" or \"4h\".".into()),
    }
}

/// The block in which nested blocks stand.
struct Owner<'a> {
    what: &'a str,
    head: Span,
    is_complete: bool,
}

fn blocks(
    name: &Str,
    found: &[&Block],
    block_type: &BlockType,
    owner: &Owner<'_>,
    scope: &Scope<'_>,
    diagnostics: &mut Diagnostics,
) -> Evaluated {
    let &Owner { what, head, is_complete } = owner;
    let dynamic::Nested { made, is_open } = dynamic::blocks(found, block_type.nesting, scope, diagnostics);
    let labels = usize::from(block_type.nesting == Nesting::Labelled);
    for made in made.iter().filter(|made| made.labels.len() != labels) {
        let diagnostic = match (&made.block.dynamic, labels) {
            (None, labels) => wrong_labels(name, labels, made.block),
            // What is missing altogether has been reported.
            (Some(_), _) if made.labels.is_empty() => continue,
            (Some(_), _) => {
                let detail =
                    format!("A `{name}` block has one label: its name. `labels` gives it {}.", made.labels.len());
                Diagnostic::error("Wrong number of labels", made.labels[0].span, detail)
            }
        };
        diagnostics.push(diagnostic);
    }
    let what_block = format!("a `{name}` block");
    let evaluate = |made: &Made<'_>, diagnostics: &mut Diagnostics| {
        made.within(scope, |scope| {
            body(&made.block.body, &block_type.schema, &what_block, made.block.span, scope, diagnostics)
        })
    };
    let mut values: Vec<Evaluated> = Vec::with_capacity(made.len());
    let mut troubled: Option<&Block> = None;
    for made in &made {
        let mut problems = Diagnostics::default();
        values.push(evaluate(made, &mut problems));
        // What is wrong with one item of a `dynamic` is likely wrong with all.
        if problems.is_empty() || troubled.is_some_and(|troubled| std::ptr::eq(troubled, made.block)) {
            continue;
        }
        troubled = Some(made.block);
        diagnostics.extend(problems);
    }
    if is_open {
        let marks = values.iter().fold(Marks::none(), |marks, value| marks.and(&value.marks)).collapsed();
        return Evaluated::new(Value::Unknown(block_type.ty()), marks);
    }
    match block_type.nesting {
        Nesting::Optional | Nesting::Required => {
            if let [first, second, ..] = made.as_slice() {
                diagnostics.push(too_many(name, what, first.block, second.block));
            }
            if values.is_empty() && is_complete && block_type.nesting == Nesting::Required {
                let detail = format!("There must be a `{name}` block in {what}.");
                let hint = format!("`{name}`: {}", block_type.doc);
                diagnostics.push(Diagnostic::error("Missing block", head, detail).hint(hint));
            }
            values.into_iter().next().unwrap_or_else(|| Value::Null(block_type.ty()).into())
        }
        Nesting::List => {
            let built = expr::tuple(values);
            let value = built.value.convert(&block_type.ty()).unwrap_or(built.value);
            Evaluated::new(value, built.marks)
        }
        Nesting::Labelled => {
            let mut fields = BTreeMap::new();
            let mut seen: BTreeMap<Str, Span> = BTreeMap::new();
            for (made, value) in made.iter().zip(values) {
                let Some(label) = made.labels.first() else { continue };
                let place = if made.block.dynamic.is_some() { label.span } else { made.block.span };
                fields.insert(label.text.clone(), value);
                if let Some(first) = seen.insert(label.text.clone(), place) {
                    duplicates(name, &label.text, place, first, diagnostics);
                }
            }
            let built = object(fields);
            let value = built.value.convert(&block_type.ty()).unwrap_or(built.value);
            Evaluated::new(value, built.marks)
        }
    }
}

fn wrong_labels(name: &Str, labels: usize, block: &Block) -> Diagnostic {
    let (detail, example) = match labels {
        0 => (format!("A `{name}` block has no labels."), format!("{name} {{")),
        _ => (format!("A `{name}` block has one label: its name."), format!("{name} \"a\" {{")),
    };
    let diagnostic = Diagnostic::error("Wrong number of labels", block.span, detail);
    diagnostic.hint(format!("Write it as in `{example}`."))
}

fn too_many(name: &Str, what: &str, first: &Block, second: &Block) -> Diagnostic {
    let detail = format!("There can be one `{name}` block in {what}.");
    let diagnostic = Diagnostic::error("Duplicate block", second.span, detail);
    if first.span == second.span {
        return diagnostic.hint("This `dynamic` makes several: its `for_each` may have one item.");
    }
    diagnostic.related(first.span, "the first one")
}

fn duplicates(name: &Str, label: &Str, span: Span, first: Span, diagnostics: &mut Diagnostics) {
    let detail = format!("There is already a `{name}` block labelled \"{label}\".");
    let diagnostic = Diagnostic::error("Duplicate block", span, detail);
    diagnostics.push(if first == span { diagnostic } else { diagnostic.related(first, "the first one") });
}

fn unknown_attribute(attribute: &Attribute, schema: &Schema, what: &str) -> Diagnostic {
    let name = attribute.name.as_str();
    let detail = format!("There is no argument `{name}` in {what}.");
    let diagnostic = Diagnostic::error("Unknown argument", attribute.name_span, detail);
    if schema.blocks.contains_key(name) {
        return diagnostic.hint(format!("`{name}` is a block: write `{name} {{ … }}` without `=`."));
    }
    let written = writable(schema);
    match did_you_mean(name, written.iter().map(String::as_str)) {
        Some(hint) => diagnostic.hint(hint),
        None if written.is_empty() => diagnostic.hint("It has no arguments."),
        None => {
            let list: Vec<String> = written.iter().map(|name| format!("`{name}`")).collect();
            diagnostic.hint(format!("The arguments there are: {}.", list.join(", ")))
        }
    }
}

fn unknown_block(block: &Block, schema: &Schema, what: &str) -> Diagnostic {
    let name = block.kind.as_str();
    let detail = format!("There is no block `{name}` in {what}.");
    let diagnostic = Diagnostic::error("Unknown block", block.span, detail);
    if schema.written(name).is_some() && block.dynamic.is_some() {
        return diagnostic.hint(format!("`{name}` is an argument: give it a list or map, made by `for` if need be."));
    }
    if schema.written(name).is_some() {
        return diagnostic.hint(format!("`{name}` is an argument: write `{name} = …`."));
    }
    let names: Vec<&str> = schema.blocks.keys().map(Str::as_str).collect();
    match did_you_mean(name, names.iter().copied()) {
        Some(hint) => diagnostic.hint(hint),
        None if names.is_empty() => diagnostic.hint("It has no blocks inside."),
        None => {
            let list: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            diagnostic.hint(format!("The blocks there are: {}.", list.join(", ")))
        }
    }
}

/// Returns the names under which configuration may set attributes.
fn writable(schema: &Schema) -> BTreeSet<String> {
    let settable = schema.attributes.iter().filter(|(_, field)| field.role != Role::Computed);
    settable.map(|(name, field)| field.written_as.as_ref().unwrap_or(name).to_string()).collect()
}

/// Returns an error for everything ephemeral in an object that is kept in the state, at the place that sets it.
#[must_use]
pub fn ephemeral(object: &Evaluated, found: &Body, schema: &Schema, what: &str) -> Diagnostics {
    let explain = |path: &Path| {
        let span = place(path.steps(), found, schema).unwrap_or(found.span);
        let detail = format!("This value is ephemeral, and {what} is kept in the state with all of its arguments.");
        let hint = "Ephemeral values can configure providers; `ephemeralasnull(…)` gives a value that can be kept.";
        Diagnostic::error("Ephemeral value", span, detail).hint(hint)
    };
    object.marks.ephemeral_paths().map(explain).collect()
}

/// Returns what in a body sets what stands at a path, as far in as blocks that are written out lead.
fn place(path: &[Step], body: &Body, schema: &Schema) -> Option<Span> {
    let (Step::Name(name), rest) = path.split_first()? else { return None };
    let is_it = |attribute: &&Attribute| schema.written(&attribute.name).is_some_and(|(recorded, _)| recorded == name);
    if let Some(attribute) = body.attributes.iter().find(is_it) {
        return Some(attribute.expr.span);
    }
    let inner = &schema.blocks.get(name)?.schema;
    let blocks: Vec<&Block> = body.blocks.iter().filter(|block| block.kind == *name).collect();
    let (block, rest) = match rest.split_first() {
        Some((Step::Index(index), rest)) => (blocks.get(*index), rest),
        Some((Step::Name(label), rest)) if schema.blocks.get(name)?.nesting == Nesting::Labelled => {
            (blocks.iter().find(|block| block.labels.iter().any(|found| found.text == *label)), rest)
        }
        Some((Step::Name(_), _)) | None => (None, rest),
    };
    // A `dynamic` makes as many as it likes.
    let block = block.or_else(|| blocks.iter().find(|block| block.dynamic.is_some())).or_else(|| blocks.first())?;
    place(rest, &block.body, inner).or(Some(block.span))
}

/// Returns an object of a schema with its defaults in place of nulls, inside its blocks too.
#[must_use]
pub fn with_defaults(value: &Value, schema: &Schema) -> Value {
    let Value::Object(fields) = value else { return value.clone() };
    let mut filled = (**fields).clone();
    for (name, field) in &schema.attributes {
        if let Role::Optional { default: Some(default) } = &field.role
            && filled.get(name).is_none_or(Value::is_null)
        {
            // A default that does not fit its own attribute is the schema's mistake; the host reports it.
            let converted = default.convert(&field.ty).map_or_else(|_| default.value().clone(), Known::into_value);
            filled.insert(name.clone(), converted);
        }
    }
    for (name, block_type) in &schema.blocks {
        let Some(inside) = filled.get(name) else { continue };
        let inner = &block_type.schema;
        let replaced = match inside {
            Value::Object(_) if matches!(block_type.nesting, Nesting::Optional | Nesting::Required) => {
                with_defaults(inside, inner)
            }
            Value::List(list) => {
                Value::list(list.element.clone(), list.items.iter().map(|item| with_defaults(item, inner)))
            }
            Value::Tuple(items) => Value::tuple(items.iter().map(|item| with_defaults(item, inner))),
            Value::Map(map) => {
                let items = map.items.iter().map(|(label, item)| (label.clone(), with_defaults(item, inner)));
                Value::map(map.element.clone(), items)
            }
            Value::Object(items) => {
                Value::object(items.iter().map(|(label, item)| (label.clone(), with_defaults(item, inner))))
            }
            other => other.clone(),
        };
        filled.insert(name.clone(), replaced);
    }
    Value::object(filled)
}
