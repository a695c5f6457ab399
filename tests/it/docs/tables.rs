//! The tables of functions, kinds and data sources, which are made from the program's own.

use std::fmt::Write as _;

use loam::{eval::functions, host::Offers};
use loam_provider::{
    Attribute, Block, Factory as _, Format, Kind, Nesting, OnChange, OnDestroy, Role, Schema, Sensitivity, Str, Type,
    kinds::{bucket_reference, network::EXPANSIONS, network_reference, seed_archive_reference, seed_volume_reference},
};

use super::page::page;

#[test]
fn the_functions_are_those_there_are() {
    let mut rows: Vec<(String, &str)> = functions::all().map(|function| (function.signature(), function.doc)).collect();
    rows.sort();
    let mut table = String::from("| Function | |\n|---|---|\n");
    for (signature, doc) in rows {
        writeln!(table, "| `{signature}` | {} |", cell(doc)).unwrap();
    }
    page("docs/language.md").generated("functions", &table);
}

#[test]
fn the_kinds_are_those_there_are() {
    let offers = Offers::new(vec![Box::new(loam_local::LocalFactory::default())]);
    let mut page = page("docs/kinds.md");
    let mut expansions = String::from("| Name | What it stands for |\n|---|---|\n");
    for (name, meaning) in EXPANSIONS {
        writeln!(expansions, "| `$({name})` | {} |", cell(meaning)).unwrap();
    }
    page.generated("expansions", &expansions);
    let mut names = vec!["expansions".to_owned()];
    for kind in offers.kinds() {
        let by: Vec<&Str> = offers.offered_by(&kind.name).collect();
        page.generated(&kind.name, &reference(kind, &by));
        names.push(kind.name.to_string());
    }
    let mut written = page.generated_names();
    written.sort_unstable();
    names.sort_unstable();
    assert_eq!(written, names, "each kind has its part, and nothing else has");
}

#[test]
fn the_data_sources_are_those_there_are() {
    let factory = loam_local::LocalFactory::default();
    let mut page = page("docs/data-sources.md");
    let mut names = Vec::new();
    for source in factory.data_sources() {
        let mut text = format!("Read by `{}`.\n\n", factory.name());
        arguments(&mut text, &source.schema, Change::OfNothing);
        exports(&mut text, &source.schema);
        page.generated(&source.name, &text.replace("](#", "](kinds.md#"));
        names.push(source.name.to_string());
    }
    let mut written = page.generated_names();
    written.sort_unstable();
    names.sort_unstable();
    assert_eq!(written, names, "each data source has its part, and nothing else has");
}

/// Whether a table of arguments says what a change of each does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    OfAnObject,
    OfNothing,
}

fn reference(kind: &Kind, by: &[&Str]) -> String {
    let by: Vec<String> = by.iter().map(|name| format!("`{name}`")).collect();
    let fate = match kind.on_destroy {
        OnDestroy::Delete => "deleted",
        OnDestroy::Retain => "kept",
    };
    let other = match kind.on_destroy {
        OnDestroy::Delete => "retain",
        OnDestroy::Retain => "delete",
    };
    let mut text = format!(
        "Realised by {}. On destroy it is **{fate}**, unless `on_destroy = \"{other}\"` is set.\n\n",
        by.join(", ")
    );
    arguments(&mut text, &kind.schema, Change::OfAnObject);
    exports(&mut text, &kind.schema);
    blocks(&mut text, &kind.schema, "");
    text
}

fn exports(text: &mut String, schema: &Schema) {
    let exports: Vec<_> = schema.attributes.iter().filter(|(_, attribute)| attribute.role == Role::Computed).collect();
    if exports.is_empty() {
        return;
    }
    text.push_str("| Export | Type | |\n|---|---|---|\n");
    for (name, attribute) in exports {
        writeln!(text, "| `{name}` | {} | {} |", ty(attribute), cell(&attribute.doc)).unwrap();
    }
    text.push('\n');
}

fn arguments(text: &mut String, schema: &Schema, of: Change) {
    let written = |name: &Str, attribute: &Attribute| attribute.written_as.clone().unwrap_or_else(|| name.clone());
    let mut settable: Vec<_> = schema
        .attributes
        .iter()
        .filter(|(_, attribute)| attribute.role != Role::Computed)
        .map(|(name, attribute)| (written(name, attribute), name, attribute))
        .collect();
    // What must be set comes first.
    settable.sort_by_key(|(written, _, attribute)| (attribute.role != Role::Required, written.clone()));
    if settable.is_empty() {
        return;
    }
    text.push_str(match of {
        Change::OfAnObject => "| Argument | Type | Default | A change | |\n|---|---|---|---|---|\n",
        Change::OfNothing => "| Argument | Type | Default | |\n|---|---|---|---|\n",
    });
    for (written, name, attribute) in settable {
        let default = match &attribute.role {
            Role::Required => "required".to_owned(),
            Role::Optional { default: Some(default) } => format!("`{}`", default.to_json()),
            Role::Optional { default: None } | Role::Computed => String::new(),
            Role::OptionalComputed => "worked out".to_owned(),
        };
        let mut doc = cell(&attribute.doc);
        if written != *name {
            write!(doc, " Recorded and exported as `{name}`.").unwrap();
        }
        if attribute.sensitive == Sensitivity::Secret {
            doc.push_str(" It is a secret.");
        }
        let change = match of {
            Change::OfAnObject => format!(" {} |", change(attribute.on_change)),
            Change::OfNothing => String::new(),
        };
        writeln!(text, "| `{written}` | {} | {default} |{change} {doc} |", ty(attribute)).unwrap();
    }
    text.push('\n');
}

fn blocks(text: &mut String, schema: &Schema, around: &str) {
    for (name, block) in &schema.blocks {
        let path = if around.is_empty() { format!("`{name}`") } else { format!("{around} → `{name}`") };
        writeln!(text, "Block {path}{}: {}\n", times(block), cell(&block.doc)).unwrap();
        arguments(text, &block.schema, Change::OfAnObject);
        blocks(text, &block.schema, &path);
    }
}

fn times(block: &Block) -> &'static str {
    match block.nesting {
        Nesting::Optional => ", at most one",
        Nesting::Required => ", exactly one",
        Nesting::List => ", any number",
        Nesting::Labelled => " with a label, any number",
    }
}

fn change(on_change: OnChange) -> &'static str {
    match on_change {
        OnChange::Update => "in place",
        OnChange::Replace => "replaces",
        OnChange::CreationOnly => "no effect",
    }
}

fn ty(attribute: &Attribute) -> String {
    let references = [
        (bucket_reference(), "bucket"),
        (seed_archive_reference(), "seed_archive"),
        (seed_volume_reference(), "seed_volume"),
        (network_reference(), "network"),
    ];
    if let Some((_, kind)) = references.iter().find(|(ty, _)| *ty == attribute.ty) {
        return format!("a [`{kind}`](#{kind})");
    }
    match &attribute.format {
        Format::Plain => type_name(&attribute.ty),
        Format::Size => "[size](#units)".to_owned(),
        Format::Rate => "[rate](#units)".to_owned(),
        Format::Period => "[duration](#units)".to_owned(),
        Format::OneOf(words) => words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(", "),
    }
}

fn type_name(ty: &Type) -> String {
    if *ty == Type::Any { "any".to_owned() } else { format!("`{ty}`") }
}

/// Returns text that can stand in a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
