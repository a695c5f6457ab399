//! Checks lines against the schemas in `schemas/`, with the few keywords these use; any other keyword is a failure,
//! so that nothing in a schema is silently not checked. A full validator would bring eighty crates to the tests.

use serde_json::Value as Json;

/// Returns a schema by its file's name.
pub(super) fn schema(name: &str) -> Json {
    let text = match name {
        "diagnostic" => include_str!("../../schemas/diagnostic.json"),
        "event" => include_str!("../../schemas/event.json"),
        "plan" => include_str!("../../schemas/plan.json"),
        "about" => include_str!("../../schemas/about.json"),
        "output" => include_str!("../../schemas/output.json"),
        "console" => include_str!("../../schemas/console.json"),
        other => panic!("there is no schema `{other}`"),
    };
    serde_json::from_str(text).expect("a schema is JSON")
}

/// Fails unless a line is what the schema says.
pub(super) fn assert_valid(name: &str, line: &str) {
    let schema = schema(name);
    let json: Json = serde_json::from_str(line).expect("a line is JSON");
    if let Err(wrong) = check(&schema, &schema, &json, "") {
        panic!("{line}\ndoes not fit schemas/{name}.json: {wrong}");
    }
}

/// Returns the types of lines that the schema knows.
pub(super) fn types(name: &str) -> Vec<String> {
    let schema = schema(name);
    let lines = schema["oneOf"].as_array().expect("lines are of several types");
    let of = |line: &Json| resolve(&schema, line)["properties"]["type"]["const"].as_str().expect("a type").to_owned();
    lines.iter().map(of).collect()
}

fn resolve<'s>(root: &'s Json, schema: &'s Json) -> &'s Json {
    let Some(reference) = schema["$ref"].as_str() else { return schema };
    let found = root.pointer(reference.strip_prefix('#').expect("a reference within the file"));
    found.unwrap_or_else(|| panic!("`{reference}` leads nowhere"))
}

fn check(root: &Json, schema: &Json, json: &Json, at: &str) -> Result<(), String> {
    let schema = resolve(root, schema);
    for (keyword, wanted) in schema.as_object().expect("a schema is an object") {
        match keyword.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" => {}
            "const" if wanted == json => {}
            "enum" if wanted.as_array().expect("a list").contains(json) => {}
            "type" if has_type(wanted, json) => {}
            "minimum" if json.is_null() || json.as_u64() >= wanted.as_u64() => {}
            "const" | "enum" | "type" | "minimum" => return Err(format!("`{at}` is {json}, not {keyword} {wanted}")),
            "items" => {
                for (index, item) in json.as_array().into_iter().flatten().enumerate() {
                    check(root, wanted, item, &format!("{at}/{index}"))?;
                }
            }
            "properties" => {
                for (name, item) in json.as_object().into_iter().flatten() {
                    if let Some(property) = wanted.get(name) {
                        check(root, property, item, &format!("{at}/{name}"))?;
                    }
                }
            }
            "required" => {
                for name in wanted.as_array().expect("a list").iter().filter_map(Json::as_str) {
                    json.get(name).ok_or_else(|| format!("`{at}` has no `{name}`"))?;
                }
            }
            "additionalProperties" => {
                assert_eq!(wanted, &Json::Bool(false), "lines are closed");
                let known = &schema["properties"];
                let extra = json.as_object().into_iter().flatten().find(|(name, _)| known.get(name).is_none());
                if let Some((name, _)) = extra {
                    return Err(format!("`{at}` has `{name}`, of which the schema says nothing"));
                }
            }
            "oneOf" => {
                let tried = wanted.as_array().expect("a list").iter().map(|schema| check(root, schema, json, at));
                let (fit, errors): (Vec<_>, Vec<_>) = tried.partition(Result::is_ok);
                if fit.len() != 1 {
                    let errors: Vec<String> = errors.into_iter().filter_map(Result::err).collect();
                    return Err(format!("`{at}` fits {} of the forms: {}", fit.len(), errors.join("; ")));
                }
            }
            other => panic!("the keyword `{other}` is not checked here"),
        }
    }
    Ok(())
}

fn has_type(wanted: &Json, json: &Json) -> bool {
    let is = |name: &str| match name {
        "object" => json.is_object(),
        "array" => json.is_array(),
        "string" => json.is_string(),
        "boolean" => json.is_boolean(),
        "null" => json.is_null(),
        "integer" => json.is_u64() || json.is_i64(),
        other => panic!("the type `{other}` is not checked here"),
    };
    match wanted {
        Json::String(name) => is(name),
        Json::Array(names) => names.iter().filter_map(Json::as_str).any(is),
        other => panic!("{other} is no type"),
    }
}

#[test]
fn what_does_not_fit_is_found() {
    let schema = schema("event");
    let wrong = |line: &str| check(&schema, &schema, &serde_json::from_str(line).expect("JSON"), "").is_err();
    assert!(!wrong(r#"{"type":"stopping","running":1,"at":"x"}"#));
    assert!(wrong(r#"{"type":"stopping","running":-1,"at":"x"}"#));
    assert!(wrong(r#"{"type":"stopping","at":"x"}"#));
    assert!(wrong(r#"{"type":"stopping","running":1,"at":"x","more":1}"#));
    assert!(wrong(r#"{"type":"unheard_of","at":"x"}"#));
}
