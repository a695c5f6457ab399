//! What loam says about itself and in passing: its version, its providers, addresses, that a configuration is valid.

use std::io::{self, Write};

use serde::Serialize;

use super::{json::line, text::clean};
use crate::{
    host::Offers,
    state::{DeposedId, Object},
};

/// The versions of loam and of what it reads and writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Version<'a> {
    /// Of loam.
    pub loam: &'a str,
    /// Of the tables of the state.
    pub state_schema: u32,
    /// Of saved plans.
    pub plan_format: u32,
}

/// Writes the versions and the names of the providers.
///
/// # Errors
/// Those of the writer.
pub fn version(out: &mut dyn Write, version: Version<'_>, offers: &Offers) -> io::Result<()> {
    writeln!(out, "loam {}", version.loam)?;
    writeln!(out, "state schema {}, plan format {}", version.state_schema, version.plan_format)?;
    writeln!(out, "providers: {}", provider_names(offers).join(", "))
}

/// Writes the same as JSON on one line: `schemas/about.json`.
///
/// # Errors
/// Those of the writer.
pub fn version_json(out: &mut dyn Write, version: Version<'_>, offers: &Offers) -> io::Result<()> {
    #[derive(Serialize)]
    struct Line<'a> {
        r#type: &'static str,
        loam: &'a str,
        state_schema: u32,
        plan_format: u32,
        providers: Vec<&'a str>,
    }
    let Version { loam, state_schema, plan_format } = version;
    line(out, &Line { r#type: "version", loam, state_schema, plan_format, providers: provider_names(offers) })
}

fn provider_names(offers: &Offers) -> Vec<&str> {
    offers.factories().iter().map(|factory| factory.name()).collect()
}

/// Writes the providers with the kinds they realise.
///
/// # Errors
/// Those of the writer.
pub fn providers(out: &mut dyn Write, offers: &Offers) -> io::Result<()> {
    for factory in offers.factories() {
        writeln!(out, "{}: {}", factory.name(), factory.doc())?;
        for kind in factory.kinds() {
            writeln!(out, "  {:<14} {}", kind.name, kind.doc)?;
        }
    }
    Ok(())
}

/// Writes the same as JSON, a provider on each line: `schemas/about.json`.
///
/// # Errors
/// Those of the writer.
pub fn providers_json(out: &mut dyn Write, offers: &Offers) -> io::Result<()> {
    #[derive(Serialize)]
    struct Line<'a> {
        r#type: &'static str,
        name: &'a str,
        doc: &'a str,
        kinds: Vec<Kind<'a>>,
    }
    #[derive(Serialize)]
    struct Kind<'a> {
        name: &'a str,
        doc: &'a str,
    }
    for factory in offers.factories() {
        let kinds = factory.kinds().iter().map(|kind| Kind { name: &kind.name, doc: &kind.doc }).collect();
        line(out, &Line { r#type: "provider", name: factory.name(), doc: factory.doc(), kinds })?;
    }
    Ok(())
}

/// Writes the addresses of objects, one on each line.
///
/// # Errors
/// Those of the writer.
pub fn addresses<'o>(out: &mut dyn Write, objects: impl IntoIterator<Item = &'o Object>) -> io::Result<()> {
    objects.into_iter().try_for_each(|object| writeln!(out, "{}", clean(&object.slot.to_string())))
}

/// Writes the addresses of objects as JSON, one on each line: `schemas/about.json`.
///
/// # Errors
/// Those of the writer.
pub fn addresses_json<'o>(out: &mut dyn Write, objects: impl IntoIterator<Item = &'o Object>) -> io::Result<()> {
    #[derive(Serialize)]
    struct Line<'a> {
        r#type: &'static str,
        address: String,
        deposed: Option<&'a DeposedId>,
        kind: &'a str,
        provider: &'a str,
    }
    objects.into_iter().try_for_each(|object| {
        let address = object.slot.addr.to_string();
        let (deposed, kind, provider) = (object.slot.deposed.as_ref(), &*object.kind, &*object.provider);
        line(out, &Line { r#type: "address", address, deposed, kind, provider })
    })
}

/// Writes that a configuration is valid, as JSON on one line: `schemas/about.json`.
///
/// # Errors
/// Those of the writer.
pub fn valid_json(out: &mut dyn Write, resources: usize) -> io::Result<()> {
    #[derive(Serialize)]
    struct Line {
        r#type: &'static str,
        resources: usize,
    }
    line(out, &Line { r#type: "valid", resources })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use loam_provider::{Known, OnDestroy};

    use super::*;
    use crate::{
        state::{Condition, ReplaceOrder, Slot, Stamp, Stored},
        ui::schema_test,
    };

    #[test]
    fn every_line_is_what_the_schema_says() {
        let offers = Offers::new(Vec::new());
        let addr: crate::addr::Instance = "network.a[\"x\"]".parse().expect("an address");
        let object = Object {
            slot: Slot::deposed(addr, DeposedId("1".into())),
            kind: "network".into(),
            kind_version: 1,
            provider: "local".into(),
            attributes: Known::null(),
            sensitive: Vec::new(),
            condition: Condition::Ready,
            dependencies: Vec::new(),
            on_destroy: OnDestroy::Delete,
            replace_order: ReplaceOrder::DeleteFirst,
        };
        let at = Stamp { serial: crate::state::Serial(1), at: Timestamp::UNIX_EPOCH };
        let stored = Stored { object, created: at, updated: at };
        let mut out = Vec::new();
        let versions = Version { loam: "1.2.3", state_schema: 1, plan_format: 1 };
        version_json(&mut out, versions, &offers).expect("a vector takes all");
        providers_json(&mut out, &offers).expect("a vector takes all");
        addresses_json(&mut out, [&stored.object]).expect("a vector takes all");
        valid_json(&mut out, 3).expect("a vector takes all");
        let entry = crate::modules::Entry {
            address: "module.a".into(),
            source: "git::https://h/a.git".into(),
            directory: ".loam/modules/0".into(),
            commit: Some("0".into()),
            sha256: None,
        };
        let moved = crate::modules::Status::Moved { from: "1".into() };
        crate::ui::module_json(&mut out, &entry, &moved).expect("a vector takes all");
        let text = String::from_utf8(out).expect("it is text");
        text.lines().for_each(|line| schema_test::assert_valid("about", line));
        for r#type in schema_test::types("about") {
            assert!(text.contains(&format!(r#"{{"type":"{type}""#)), "no line of type `{type}`");
        }
    }
}
