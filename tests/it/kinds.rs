//! `schemas/kinds/*.json` and `schemas/data_sources/*.json` say what the kinds and the data sources are;
//! `UPDATE_SCHEMAS=1` rewrites them.

use std::{collections::BTreeMap, env, fs, path::Path};

use loam::host::{Offers, describe, describe_data_source};
use loam_local::LocalFactory;
use loam_provider::Factory as _;
use serde::Serialize;

#[test]
fn the_schemas_of_kinds_are_up_to_date() {
    let offers = Offers::new(vec![Box::new(LocalFactory::default())]);
    let wanted: BTreeMap<String, String> = offers.kinds().map(|kind| file(&kind.name, &describe(kind))).collect();
    assert!(wanted.len() >= 10, "only {} kinds", wanted.len());
    compare("schemas/kinds", &wanted);
}

#[test]
fn the_schemas_of_data_sources_are_up_to_date() {
    let factory = LocalFactory::default();
    let sources = factory.data_sources().iter();
    let wanted: BTreeMap<String, String> =
        sources.map(|source| file(&source.name, &describe_data_source(source))).collect();
    assert!(wanted.len() >= 5, "only {} data sources", wanted.len());
    compare("schemas/data_sources", &wanted);
}

fn file(name: &str, description: &impl Serialize) -> (String, String) {
    let text = serde_json::to_string_pretty(description).expect("a description is JSON");
    (format!("{name}.json"), format!("{text}\n"))
}

/// Compares the files of a folder with what they should be, or writes them anew.
fn compare(folder: &str, wanted: &BTreeMap<String, String>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    if env::var_os("UPDATE_SCHEMAS").is_some() {
        fs::create_dir_all(&path).expect("the folder can be made");
        for (name, text) in wanted {
            fs::write(path.join(name), text).expect("a schema can be written");
        }
    }
    let found: BTreeMap<String, String> = fs::read_dir(&path)
        .expect("the folder is there")
        .map(|entry| {
            let entry = entry.expect("the folder can be read");
            let text = fs::read_to_string(entry.path()).expect("a schema is text");
            (entry.file_name().to_string_lossy().into_owned(), text)
        })
        .collect();
    let names = |all: &BTreeMap<String, String>| all.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(wanted));
    for (name, text) in wanted {
        assert_eq!(found[name], *text, "{folder}/{name} is out of date: run with UPDATE_SCHEMAS=1");
    }
}
