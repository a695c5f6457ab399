//! The kinds of the scripted cloud.

use loam_provider::{
    Attribute, Block, DataSource, Format, Kind, Nesting, OnChange, OnDestroy, Path, ProviderError, Schema, Type, Value,
};

/// The longest name an object may have.
const LONGEST_NAME: usize = 64;

/// Returns every kind of the scripted cloud.
pub(crate) fn all() -> Vec<Kind> {
    vec![thing(), volume(), slow()]
}

fn thing() -> Kind {
    let disk = Schema::new([
        ("size", Attribute::required(Type::Number, "How large it is.")),
        ("mount", Attribute::optional(Type::String, "Where it is mounted.")),
    ]);
    let port = Schema::new([
        ("number", Attribute::required(Type::Number, "The port's number.")),
        (
            "protocol",
            Attribute::default(Type::String, "tcp", "What is spoken on it.").format(Format::OneOf(&["tcp", "udp"])),
        ),
    ]);
    let schema = Schema::new([
        ("name", Attribute::required(Type::String, "The thing's name.")),
        ("size", Attribute::optional(Type::Number, "How large it is; changed in place.")),
        (
            "color",
            Attribute::optional(Type::String, "Its colour; another colour is another thing.")
                .on_change(OnChange::Replace),
        ),
        ("tags", Attribute::optional(Type::map(Type::String), "Labels of the thing.")),
        ("secret", Attribute::optional(Type::String, "What must never be shown.").secret()),
        ("input", Attribute::optional(Type::Any, "Any value; given back as `output`.")),
        (
            "hint",
            Attribute::optional(Type::String, "Only looked at when the thing is made.")
                .on_change(OnChange::CreationOnly),
        ),
        ("id", id()),
        ("generation", generation()),
        ("output", output()),
    ])
    .block("disk", Block::new(Nesting::List, disk, "A disk of the thing."))
    .block("port", Block::new(Nesting::Labelled, port, "A port of the thing, by its name."));
    Kind { name: "sim_thing".into(), doc: "A thing in a scripted cloud.".into(), schema, on_destroy: OnDestroy::Delete }
}

fn volume() -> Kind {
    let schema = Schema::new([
        ("name", Attribute::required(Type::String, "The volume's name.")),
        ("size", Attribute::optional(Type::Number, "How large it is; it grows in place and cannot shrink.")),
        ("content", Attribute::optional(Type::String, "What stands on it.")),
        ("id", id()),
        ("generation", generation()),
    ]);
    let doc = "Data in a scripted cloud; it is kept when its block goes.".into();
    Kind { name: "sim_volume".into(), doc, schema, on_destroy: OnDestroy::Retain }
}

fn slow() -> Kind {
    let schema = Schema::new([
        ("name", Attribute::required(Type::String, "The thing's name.")),
        (
            "duration",
            Attribute::default(Type::String, "100ms", "How long each change of it takes.").format(Format::Period),
        ),
        ("input", Attribute::optional(Type::Any, "Any value; given back as `output`.")),
        ("id", id()),
        ("generation", generation()),
        ("output", output()),
    ]);
    let doc = "A thing in a scripted cloud that takes its time.".into();
    Kind { name: "sim_slow".into(), doc, schema, on_destroy: OnDestroy::Delete }
}

/// Returns every data source of the scripted cloud.
pub(crate) fn sources() -> Vec<DataSource> {
    let schema = Schema::new([
        ("id", Attribute::required(Type::String, "What identifies the object in its world.")),
        ("exists", Attribute::computed(Type::Bool, "Whether there is one.")),
        ("attributes", Attribute::computed(Type::Any, "Its attributes; null where there is none.")),
        ("secret", Attribute::computed(Type::String, "Its secret; null where it has none.").secret()),
    ]);
    let doc = "An object in a scripted cloud, whoever made it.".into();
    vec![DataSource { name: "sim_object".into(), doc, schema }]
}

fn id() -> Attribute {
    Attribute::computed(Type::String, "Identifies the object in its world.")
}

fn generation() -> Attribute {
    Attribute::computed(Type::Number, "How often it was made or changed.")
}

fn output() -> Attribute {
    Attribute::computed(Type::Any, "The value of `input`.")
}

/// Refuses what this cloud would refuse.
pub(crate) fn check(config: &Value) -> Result<(), ProviderError> {
    if let Some(name) = config.get("name").and_then(Value::as_str) {
        check_name(name).map_err(|because| {
            ProviderError::invalid(Path::attribute("name"), format!("`{name}` is not a name: {because}"))
                .hint("Use letters, digits, `-`, `_` and `.`.")
        })?;
    }
    check_size(config, &Path::root())?;
    for (index, disk) in config.get("disk").and_then(Value::items).unwrap_or_default().iter().enumerate() {
        check_size(disk, &Path::attribute("disk").index(index))?;
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("it is empty".into());
    }
    if name.chars().count() > LONGEST_NAME {
        return Err(format!("it is longer than {LONGEST_NAME} characters"));
    }
    match name.chars().find(|char| !char.is_alphanumeric() && !matches!(char, '-' | '_' | '.')) {
        Some(char) => Err(format!("it holds {char:?}")),
        None => Ok(()),
    }
}

fn check_size(object: &Value, at: &Path) -> Result<(), ProviderError> {
    match object.get("size").and_then(Value::as_number) {
        Some(size) if size.is_negative() => {
            Err(ProviderError::invalid(at.name("size"), format!("a size of `{size}` is less than nothing")))
        }
        Some(_) | None => Ok(()),
    }
}
