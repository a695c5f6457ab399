//! RSA decryption with the padding of PKCS #1, version 1.5 (RFC 8017, section 7.2.2), for `rsadecrypt`.
//!
//! Who evaluates a configuration has the key and the text at hand, so how long a decryption takes tells nobody
//! anything: the attacks on this padding need someone who asks again and again from outside.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use loam_provider::Value;
use num_bigint::BigUint;
use zeroize::Zeroizing;

use super::Fault;

/// The numbers of a private key that decryption needs.
struct Key {
    modulus: BigUint,
    exponent: BigUint,
}

/// Decrypts a Base64 text.
pub(super) fn decrypt(ciphertext: &str, key: &str) -> Result<Value, Fault> {
    let joined: String = ciphertext.chars().filter(|char| !matches!(char, '\n' | '\r')).collect();
    let bytes = STANDARD.decode(joined).map_err(|_| Fault::Argument(0, "it is not Base64".into()))?;
    let key = Key::read(key).map_err(|because| Fault::Argument(1, because.into()))?;
    let not_for_key = || Fault::Call("the text was not encrypted for this key".into());
    let size = key.modulus.to_bytes_be().len();
    let number = BigUint::from_bytes_be(&bytes);
    if bytes.len() > size || number >= key.modulus {
        return Err(not_for_key());
    }
    let opened = Zeroizing::new(number.modpow(&key.exponent, &key.modulus).to_bytes_be());
    // The first byte, zero, is not among the digits of the number.
    let message = match opened.as_slice() {
        [2, rest @ ..] if opened.len() == size - 1 => {
            let end = rest.iter().position(|byte| *byte == 0).filter(|end| *end >= 8).ok_or_else(not_for_key)?;
            &rest[end + 1..]
        }
        _ => return Err(not_for_key()),
    };
    let text = std::str::from_utf8(message).map_err(|_| Fault::Call("what was encrypted is not text".into()))?;
    Ok(text.into())
}

impl Key {
    /// Reads PEM: PKCS #1, PKCS #8, or an OpenSSH key without a passphrase.
    fn read(pem: &str) -> Result<Self, &'static str> {
        const NO_PEM: &str = "it is not a private key in PEM";
        const BROKEN: &str = "its content is broken";
        let (_, rest) = pem.split_once("-----BEGIN ").ok_or(NO_PEM)?;
        let (label, rest) = rest.split_once("-----").ok_or(NO_PEM)?;
        let (body, _) = rest.split_once("-----END ").ok_or(NO_PEM)?;
        if body.contains("Proc-Type:") || label == "ENCRYPTED PRIVATE KEY" {
            return Err("the key has a passphrase; give it without");
        }
        let body: Zeroizing<String> = Zeroizing::new(body.split_whitespace().collect());
        let der = Zeroizing::new(STANDARD.decode(body.as_bytes()).map_err(|_| BROKEN)?);
        match label {
            "RSA PRIVATE KEY" => Self::pkcs1(&der).ok_or(BROKEN),
            "PRIVATE KEY" => Self::pkcs8(&der).ok_or(BROKEN)?.ok_or("it is not an RSA key"),
            "OPENSSH PRIVATE KEY" => Self::openssh(&der),
            _ => Err("it is not an RSA private key"),
        }
    }

    /// RFC 8017, appendix A.1.2.
    fn pkcs1(der: &[u8]) -> Option<Self> {
        let (sequence, _) = element(der, 0x30)?;
        let (_version, rest) = element(sequence, 0x02)?;
        let (modulus, rest) = element(rest, 0x02)?;
        let (_public, rest) = element(rest, 0x02)?;
        let (exponent, _) = element(rest, 0x02)?;
        Self::of(modulus, exponent)
    }

    /// RFC 5958, section 2. The inner `None` is a key of another algorithm.
    fn pkcs8(der: &[u8]) -> Option<Option<Self>> {
        /// The object identifier 1.2.840.113549.1.1.1.
        const RSA: [u8; 9] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];
        let (sequence, _) = element(der, 0x30)?;
        let (_version, rest) = element(sequence, 0x02)?;
        let (algorithm, rest) = element(rest, 0x30)?;
        let (identifier, _) = element(algorithm, 0x06)?;
        if identifier != RSA {
            return Some(None);
        }
        let (key, _) = element(rest, 0x04)?;
        Self::pkcs1(key).map(Some)
    }

    /// The format of OpenSSH's `PROTOCOL.key`.
    fn openssh(bytes: &[u8]) -> Result<Self, &'static str> {
        const BROKEN: &str = "its content is broken";
        let rest = bytes.strip_prefix(b"openssh-key-v1\0").ok_or(BROKEN)?;
        let (cipher, rest) = field(rest).ok_or(BROKEN)?;
        if cipher != b"none" {
            return Err("the key has a passphrase; give it without");
        }
        let read = || {
            let (_derivation, rest) = field(rest)?;
            let (_options, rest) = field(rest)?;
            let (_public, rest) = field(rest.get(4..)?)?;
            let (private, _) = field(rest)?;
            let (kind, rest) = field(private.get(8..)?)?;
            let (modulus, rest) = field(rest)?;
            let (_public_exponent, rest) = field(rest)?;
            let (exponent, _) = field(rest)?;
            Some((kind, modulus, exponent))
        };
        match read() {
            Some((b"ssh-rsa", modulus, exponent)) => Self::of(modulus, exponent).ok_or(BROKEN),
            Some(_) => Err("it is not an RSA key"),
            None => Err(BROKEN),
        }
    }

    fn of(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let (modulus, exponent) = (BigUint::from_bytes_be(modulus), BigUint::from_bytes_be(exponent));
        (modulus > BigUint::from(3u8) && exponent > BigUint::from(1u8)).then_some(Self { modulus, exponent })
    }
}

/// Returns the content of the first element of some DER, which must have this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match *first {
        short @ 0..=0x7F => (usize::from(short), rest),
        long @ 0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7F))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    if *found == tag { rest.split_at_checked(length) } else { None }
}

/// Returns a field of an OpenSSH key, and what follows it.
fn field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}
