//! Encodings and digests.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use loam_provider::Value;
use sha2::{Digest, Sha256, Sha512};

use super::{Fault, Function, Param, Want, json, text};

const STR: Param = Param::new("str", Want::String);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::plain(
        "base64decode",
        &[STR],
        Want::String,
        |_, args| base64decode(text(args, 0)),
        "Decodes Base64 to text.",
    ),
    Function::plain(
        "base64encode",
        &[STR],
        Want::String,
        |_, args| Ok(STANDARD.encode(text(args, 0)).into()),
        "Encodes text as Base64.",
    ),
    Function::plain(
        "base64sha256",
        &[STR],
        Want::String,
        |_, args| Ok(STANDARD.encode(Sha256::digest(text(args, 0))).into()),
        "Returns the SHA-256 of a text in Base64.",
    ),
    Function::plain(
        "base64sha512",
        &[STR],
        Want::String,
        |_, args| Ok(STANDARD.encode(Sha512::digest(text(args, 0))).into()),
        "Returns the SHA-512 of a text in Base64.",
    ),
    Function::plain(
        "jsondecode",
        &[STR],
        Want::Any,
        |_, args| json::decode(text(args, 0)).map_err(|error| Fault::Argument(0, format!("it is not JSON: {error}"))),
        "Reads JSON.",
    ),
    Function::plain(
        "jsonencode",
        &[Param::nullable("val", Want::Any)],
        Want::String,
        |_, args| Ok(json::encode(&args[0]).into()),
        "Writes a value as JSON.",
    ),
    Function::plain(
        "sha256",
        &[STR],
        Want::String,
        |_, args| Ok(hex(&Sha256::digest(text(args, 0))).into()),
        "Returns the SHA-256 of a text in hexadecimal.",
    ),
    Function::plain(
        "sha512",
        &[STR],
        Want::String,
        |_, args| Ok(hex(&Sha512::digest(text(args, 0))).into()),
        "Returns the SHA-512 of a text in hexadecimal.",
    ),
    Function::plain(
        "urlencode",
        &[STR],
        Want::String,
        |_, args| Ok(urlencode(text(args, 0)).into()),
        "Encodes text for the query of a URL.",
    ),
];

fn base64decode(text: &str) -> Result<Value, Fault> {
    // Line breaks inside are how many tools wrap it.
    let joined: String = text.chars().filter(|char| !matches!(char, '\n' | '\r')).collect();
    let bytes = STANDARD.decode(joined).map_err(|error| Fault::Argument(0, format!("it is not Base64: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|_| Fault::Argument(0, "what it encodes is not text".into()))?;
    Ok(text.into())
}

/// Returns bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn urlencode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
