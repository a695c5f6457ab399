//! `schemas/kinds/*.json` say what the kinds are; `UPDATE_SCHEMAS=1` rewrites them.

use std::{collections::BTreeMap, env, fs, path::Path};

use loam::host::{Offers, describe};

#[test]
fn the_schemas_of_kinds_are_up_to_date() {
    let offers = Offers::new(vec![Box::new(loam_local::LocalFactory::default())]);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/kinds");
    let wanted: BTreeMap<String, String> = offers
        .kinds()
        .map(|kind| {
            let text = serde_json::to_string_pretty(&describe(kind)).expect("a description is JSON");
            (format!("{}.json", kind.name), format!("{text}\n"))
        })
        .collect();
    assert!(wanted.len() >= 10, "only {} kinds", wanted.len());
    if env::var_os("UPDATE_SCHEMAS").is_some() {
        fs::create_dir_all(&folder).expect("the folder can be made");
        for (name, text) in &wanted {
            fs::write(folder.join(name), text).expect("a schema can be written");
        }
    }
    let found: BTreeMap<String, String> = fs::read_dir(&folder)
        .expect("the folder is there")
        .map(|entry| {
            let entry = entry.expect("the folder can be read");
            let text = fs::read_to_string(entry.path()).expect("a schema is text");
            (entry.file_name().to_string_lossy().into_owned(), text)
        })
        .collect();
    let names = |all: &BTreeMap<String, String>| all.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(&wanted));
    for (name, text) in &wanted {
        assert_eq!(found[name], *text, "schemas/kinds/{name} is out of date: run with UPDATE_SCHEMAS=1");
    }
}
