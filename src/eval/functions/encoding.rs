//! Encodings of text and of values.

use std::{fmt::Write as _, io::Read as _};

use base64::{
    Engine as _, alphabet,
    engine::{GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use flate2::{Compress, Compression, Crc, FlushCompress, read::MultiGzDecoder};
use loam_provider::Value;

use super::{Fault, Function, Param, Want, charset, csv, json, text, yaml};

const STR: Param = Param::new("str", Want::String);
/// Base64 whose last character may carry bits that mean nothing.
const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));
/// More is not unpacked.
const MOST_BYTES: u64 = crate::eval::MAX_FILE_BYTES;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::plain(
        "base64decode",
        &[STR],
        Want::String,
        |_, args| of_text(unbase64(text(args, 0))?),
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
        "base64gunzip",
        &[STR],
        Want::String,
        |_, args| gunzip(&unbase64(text(args, 0))?),
        "Decodes Base64 and unpacks the gzip in it to text.",
    ),
    Function::plain(
        "base64gzip",
        &[STR],
        Want::String,
        |_, args| gzip(text(args, 0)),
        "Packs text with gzip and encodes that as Base64.",
    ),
    Function::plain(
        "csvdecode",
        &[STR],
        Want::Any,
        |_, args| csv::decode(text(args, 0)).map_err(|because| Fault::Argument(0, because)),
        "Reads CSV: a list of objects, whose attributes the first line names.",
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
        "textdecodebase64",
        &[Param::new("source", Want::String), Param::new("encoding", Want::String)],
        Want::String,
        |_, args| {
            let bytes = unbase64(text(args, 0))?;
            let charset = charset::named(text(args, 1)).map_err(|because| Fault::Argument(1, because))?;
            let decoded = charset.decode(&bytes);
            decoded.map(Value::from).ok_or_else(|| Fault::Argument(0, format!("what it encodes is not {charset}")))
        },
        "Decodes Base64 of text in a character set.",
    ),
    Function::plain(
        "textencodebase64",
        &[Param::new("string", Want::String), Param::new("encoding", Want::String)],
        Want::String,
        |_, args| {
            let charset = charset::named(text(args, 1)).map_err(|because| Fault::Argument(1, because))?;
            let bytes = charset.encode(text(args, 0));
            let bytes = bytes.ok_or_else(|| Fault::Argument(0, format!("it has characters that {charset} has not")))?;
            Ok(STANDARD.encode(bytes).into())
        },
        "Encodes text in a character set, and that as Base64.",
    ),
    Function::plain(
        "urldecode",
        &[STR],
        Want::String,
        |_, args| urldecode(text(args, 0)),
        "Decodes text from the query of a URL.",
    ),
    Function::plain(
        "urlencode",
        &[STR],
        Want::String,
        |_, args| Ok(urlencode(text(args, 0)).into()),
        "Encodes text for the query of a URL.",
    ),
    Function::plain(
        "yamldecode",
        &[Param::new("src", Want::String)],
        Want::Any,
        |_, args| {
            yaml::decode(text(args, 0)).map_err(|because| Fault::Argument(0, format!("it is not YAML: {because}")))
        },
        "Reads YAML.",
    ),
    Function::plain(
        "yamlencode",
        &[Param::nullable("value", Want::Any)],
        Want::String,
        |_, args| Ok(yaml::encode(&args[0]).into()),
        "Writes a value as YAML.",
    ),
];

/// Returns the bytes of a Base64 argument, the first.
fn unbase64(text: &str) -> Result<Vec<u8>, Fault> {
    // Line breaks inside are how many tools wrap it.
    let joined: String = text.chars().filter(|char| !matches!(char, '\n' | '\r')).collect();
    LENIENT
        .decode(joined)
        .map_err(|error| Fault::Argument(0, format!("it is not Base64: {}", error.to_string().trim_end_matches('.'))))
}

fn of_text(bytes: Vec<u8>) -> Result<Value, Fault> {
    let text = String::from_utf8(bytes).map_err(|_| Fault::Argument(0, "what it encodes is not text".into()))?;
    Ok(text.into())
}

/// Packs as Go's writer does that is flushed and closed: without a name or a time, with two empty blocks at the end.
fn gzip(text: &str) -> Result<Value, Fault> {
    const HEADER: [u8; 10] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF];
    const EMPTY_BLOCK: [u8; 5] = [0, 0, 0, 0xFF, 0xFF];
    const LAST_BLOCK: [u8; 5] = [1, 0, 0, 0xFF, 0xFF];
    let mut packed = HEADER.to_vec();
    if text.is_empty() {
        packed.extend(EMPTY_BLOCK);
    } else {
        // A block of what cannot be packed is a little longer than it.
        packed.reserve(text.len() + text.len() / 1000 + 64);
        let done = Compress::new(Compression::default(), false).compress_vec(
            text.as_bytes(),
            &mut packed,
            FlushCompress::Sync,
        );
        done.map_err(|error| Fault::Call(error.to_string()))?;
    }
    packed.extend(LAST_BLOCK);
    let mut check = Crc::new();
    check.update(text.as_bytes());
    packed.extend(check.sum().to_le_bytes());
    packed.extend(check.amount().to_le_bytes());
    Ok(STANDARD.encode(packed).into())
}

fn gunzip(packed: &[u8]) -> Result<Value, Fault> {
    let mut bytes = Vec::new();
    let read = MultiGzDecoder::new(packed).take(MOST_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| Fault::Argument(0, format!("what it encodes is not gzip: {error}")))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Fault::Argument(0, "it unpacks to more than 64 MiB".into()));
    }
    of_text(bytes)
}

fn urldecode(text: &str) -> Result<Value, Fault> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digit = |at: usize| rest.get(at).and_then(|digit| char::from(*digit).to_digit(16));
                let byte = digit(0).zip(digit(1)).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
                bytes.push(byte.ok_or_else(|| Fault::Argument(0, "a `%` in it is not followed by two digits".into()))?);
                rest = &rest[2..];
            }
            byte => bytes.push(*byte),
        }
    }
    of_text(bytes)
}

fn urlencode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            byte => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}
