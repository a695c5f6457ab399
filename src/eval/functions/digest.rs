//! Digests of texts and of files, passwords, and names made of digests.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use loam_provider::Value;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::{Context, Fault, Function, Param, Want, filesystem::bytes, random, text, whole};

const STR: Param = Param::new("str", Want::String);
const PATH: Param = Param::new("path", Want::String);

/// Returns a function of a text.
const fn of_text(
    name: &'static str,
    compute: fn(&Context<'_>, &[Value]) -> Result<Value, Fault>,
    doc: &'static str,
) -> Function {
    Function::plain(name, &[STR], Want::String, compute, doc)
}

/// Returns a function of a file.
const fn of_file(
    name: &'static str,
    compute: fn(&Context<'_>, &[Value]) -> Result<Value, Fault>,
    doc: &'static str,
) -> Function {
    Function::plain(name, &[PATH], Want::String, compute, doc)
}

pub(super) const FUNCTIONS: &[Function] = &[
    of_text("base64sha256", |_, args| base64::<Sha256>(text(args, 0)), "Returns the SHA-256 of a text in Base64."),
    of_text("base64sha512", |_, args| base64::<Sha512>(text(args, 0)), "Returns the SHA-512 of a text in Base64."),
    Function::plain(
        "bcrypt",
        &[STR],
        Want::String,
        bcrypt,
        "Returns a text as a bcrypt hash, other on every call, so it is known only when changes are made.",
    )
    .rest(Param::new("cost", Want::Number))
    .at_apply(),
    of_file(
        "filebase64sha256",
        |cx, args| base64::<Sha256>(bytes(cx, text(args, 0))?),
        "Returns the SHA-256 of a file in Base64.",
    ),
    of_file(
        "filebase64sha512",
        |cx, args| base64::<Sha512>(bytes(cx, text(args, 0))?),
        "Returns the SHA-512 of a file in Base64.",
    ),
    of_file(
        "filemd5",
        |cx, args| hexadecimal::<Md5>(bytes(cx, text(args, 0))?),
        "Returns the MD5 of a file in hexadecimal.",
    ),
    of_file(
        "filesha1",
        |cx, args| hexadecimal::<Sha1>(bytes(cx, text(args, 0))?),
        "Returns the SHA-1 of a file in hexadecimal.",
    ),
    of_file(
        "filesha256",
        |cx, args| hexadecimal::<Sha256>(bytes(cx, text(args, 0))?),
        "Returns the SHA-256 of a file in hexadecimal.",
    ),
    of_file(
        "filesha512",
        |cx, args| hexadecimal::<Sha512>(bytes(cx, text(args, 0))?),
        "Returns the SHA-512 of a file in hexadecimal.",
    ),
    of_text("md5", |_, args| hexadecimal::<Md5>(text(args, 0)), "Returns the MD5 of a text in hexadecimal."),
    Function::plain(
        "rsadecrypt",
        &[Param::new("ciphertext", Want::String), Param::new("privatekey", Want::String)],
        Want::String,
        |_, args| super::rsa::decrypt(text(args, 0), text(args, 1)),
        "Decrypts a Base64 text that was encrypted for an RSA key, given the private key in PEM.",
    ),
    of_text("sha1", |_, args| hexadecimal::<Sha1>(text(args, 0)), "Returns the SHA-1 of a text in hexadecimal."),
    of_text("sha256", |_, args| hexadecimal::<Sha256>(text(args, 0)), "Returns the SHA-256 of a text in hexadecimal."),
    of_text("sha512", |_, args| hexadecimal::<Sha512>(text(args, 0)), "Returns the SHA-512 of a text in hexadecimal."),
    Function::plain(
        "uuid",
        &[],
        Want::String,
        |_, _| Ok(uuid(random()?).into()),
        "Returns a random UUID, other on every call, so it is known only when changes are made.",
    )
    .at_apply(),
    Function::plain(
        "uuidv5",
        &[Param::new("namespace", Want::String), Param::new("name", Want::String)],
        Want::String,
        |_, args| uuidv5(text(args, 0), text(args, 1)),
        "Returns the UUID of a name in a namespace: `dns`, `url`, `oid`, `x500`, or a UUID.",
    ),
];

fn base64<D: Digest>(content: impl AsRef<[u8]>) -> Result<Value, Fault> {
    Ok(STANDARD.encode(D::digest(content)).into())
}

fn hexadecimal<D: Digest>(content: impl AsRef<[u8]>) -> Result<Value, Fault> {
    Ok(hex(&D::digest(content)).into())
}

/// Returns bytes in hexadecimal.
fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

fn bcrypt(_: &Context<'_>, args: &[Value]) -> Result<Value, Fault> {
    const DEFAULT_COST: i64 = 10;
    /// Each step doubles the work; beyond this one hash takes minutes.
    const MOST_COST: i64 = 31;
    /// bcrypt reads no more of a password.
    const MOST_BYTES: usize = 72;
    if args.len() > 2 {
        return Err(Fault::Call("it takes a text and a cost".into()));
    }
    let cost = if args.len() == 2 { whole(args, 1)? } else { DEFAULT_COST };
    if cost > MOST_COST {
        return Err(Fault::Argument(1, format!("a cost is from 4 to {MOST_COST}")));
    }
    // As everywhere else, a cost that is too low is not taken for a wish.
    let cost = u32::try_from(cost).ok().filter(|cost| *cost >= 4).unwrap_or(DEFAULT_COST as u32);
    if text(args, 0).len() > MOST_BYTES {
        return Err(Fault::Argument(0, format!("bcrypt takes at most {MOST_BYTES} bytes")));
    }
    let hashed = bcrypt::hash_with_salt(text(args, 0), cost, random()?);
    let hashed = hashed.map_err(|error| Fault::Call(error.to_string()))?;
    Ok(hashed.format_for_version(bcrypt::Version::TwoA).into())
}

fn uuid(bytes: [u8; 16]) -> String {
    let digits = hex(&bytes);
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

/// Name-based UUIDs of RFC 9562, section 5.5.
fn uuidv5(namespace: &str, name: &str) -> Result<Value, Fault> {
    /// The namespaces with a name differ in one byte.
    const NAMED: [u8; 16] = [0x6B, 0xA7, 0xB8, 0, 0x9D, 0xAD, 0x11, 0xD1, 0x80, 0xB4, 0, 0xC0, 0x4F, 0xD4, 0x30, 0xC8];
    let named = |last| {
        let mut bytes = NAMED;
        bytes[3] = last;
        bytes
    };
    let namespace = match namespace {
        "dns" => named(0x10),
        "url" => named(0x11),
        "oid" => named(0x12),
        "x500" => named(0x14),
        other => parse_uuid(other).ok_or_else(|| {
            Fault::Argument(0, format!("\"{other}\" is neither `dns`, `url`, `oid`, `x500` nor a UUID"))
        })?,
    };
    let digest = Sha1::new().chain_update(namespace).chain_update(name).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes[6] = bytes[6] & 0x0F | 0x50;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    Ok(uuid(bytes).into())
}

/// Reads a UUID with its dashes, also in braces or as a URN, or its digits alone.
fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let inner = match text.len() {
        45 if text.get(..9)?.eq_ignore_ascii_case("urn:uuid:") => &text[9..],
        38 => text.strip_prefix('{')?.strip_suffix('}')?,
        32 | 36 => text,
        _ => return None,
    };
    let digits: String = if inner.len() == 36 {
        let dashes: Vec<usize> = inner.match_indices('-').map(|(at, _)| at).collect();
        (dashes == [8, 13, 18, 23]).then(|| inner.replace('-', ""))?
    } else {
        inner.to_owned()
    };
    let valid = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    valid.then(|| u128::from_str_radix(&digits, 16).ok())?.map(u128::to_be_bytes)
}
