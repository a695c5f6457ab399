//! Permissions as configuration writes them: `"0644"`.

use loam_provider::{Path, ProviderError, Value};

/// Reads the attribute `mode` of an object, which has a default.
pub(crate) fn of(object: &Value) -> Result<u32, ProviderError> {
    let text = object.get("mode").and_then(Value::as_str).unwrap_or_default();
    let digits = text.len() >= 3 && text.len() <= 5 && text.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| digits && *mode <= 0o7777);
    mode.ok_or_else(|| {
        ProviderError::invalid(Path::attribute("mode"), format!("`{text}` is not a file mode"))
            .hint("Write the permissions as an octal number in quotes, as in \"0644\".")
    })
}

/// Returns the attribute `mode` of an object that has this mode: as it was written if it still says the same.
pub(crate) fn shown(object: &Value, actual: u32) -> Value {
    match of(object) {
        Ok(mode) if mode == actual => object.get("mode").cloned().unwrap_or_else(|| Value::from(written(actual))),
        Ok(_) | Err(_) => Value::from(written(actual)),
    }
}

fn written(mode: u32) -> String {
    format!("{mode:04o}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal_text() {
        let read = |text: &str| of(&Value::object([("mode", Value::from(text))])).ok();
        assert_eq!(
            ["0644", "755", "644x", "0999", "rw", ""].map(read),
            [Some(0o644), Some(0o755), None, None, None, None]
        );
        assert_eq!(shown(&Value::object([("mode", Value::from("644"))]), 0o644), Value::from("644"));
    }
}
