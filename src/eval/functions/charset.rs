//! Character sets by their names.

use std::fmt;

use encoding_rs::{Encoding, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, X_USER_DEFINED};

/// A character set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Charset {
    /// ASCII, and nothing else.
    Ascii,
    /// ISO 8859-1: the first 256 characters of Unicode.
    Latin1,
    /// UTF-16 with a mark that says which byte of two comes first; where it is missing, the greater one does.
    Utf16,
    /// One that browsers know.
    Known(&'static Encoding),
}

/// Returns a character set by its name.
pub(super) fn named(name: &str) -> Result<Charset, String> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "us-ascii" | "ascii" | "ansi_x3.4-1968" | "iso646-us" => Charset::Ascii,
        "iso-8859-1" | "iso_8859-1" | "latin1" | "l1" | "iso-ir-100" | "cp819" | "ibm819" => Charset::Latin1,
        "utf-16" => Charset::Utf16,
        _ => match Encoding::for_label_no_replacement(name.as_bytes()) {
            Some(known) if known != X_USER_DEFINED && known != REPLACEMENT => Charset::Known(known),
            _ => {
                return Err(format!(
                    "there is no character set \"{name}\"; there are for example UTF-8, UTF-16LE and ISO-8859-1"
                ));
            }
        },
    })
}

impl fmt::Display for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ascii => "US-ASCII",
            Self::Latin1 => "ISO-8859-1",
            Self::Utf16 => "UTF-16",
            Self::Known(known) => known.name(),
        })
    }
}

impl Charset {
    /// Returns a text in this character set; `None` where it has no place for a character.
    pub(super) fn encode(self, text: &str) -> Option<Vec<u8>> {
        let units = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        match self {
            Self::Ascii => text.is_ascii().then(|| text.as_bytes().to_vec()),
            Self::Latin1 => text.chars().map(|char| u8::try_from(u32::from(char)).ok()).collect(),
            Self::Utf16 => Some([&[0xFE, 0xFF], units(u16::to_be_bytes).as_slice()].concat()),
            Self::Known(known) if known == UTF_16LE => Some(units(u16::to_le_bytes)),
            Self::Known(known) if known == UTF_16BE => Some(units(u16::to_be_bytes)),
            Self::Known(known) => {
                let (bytes, _, had_unmappable) = known.encode(text);
                (!had_unmappable && !has_holes(known, text)).then(|| bytes.into_owned())
            }
        }
    }

    /// Returns the text that bytes in this character set are; `None` where they are none.
    pub(super) fn decode(self, bytes: &[u8]) -> Option<String> {
        let known = |encoding: &'static Encoding, bytes: &[u8]| {
            encoding.decode_without_bom_handling_and_without_replacement(bytes).map(std::borrow::Cow::into_owned)
        };
        let text = match self {
            Self::Ascii if !bytes.is_ascii() => None,
            Self::Ascii => known(UTF_8, bytes),
            Self::Latin1 => Some(bytes.iter().map(|byte| char::from(*byte)).collect()),
            Self::Utf16 => match bytes {
                [0xFF, 0xFE, rest @ ..] => known(UTF_16LE, rest),
                [0xFE, 0xFF, rest @ ..] | rest => known(UTF_16BE, rest),
            },
            Self::Known(encoding) => known(encoding, bytes).filter(|text| !has_holes(encoding, text)),
        };
        text.filter(|text| !text.contains('\u{FFFD}'))
    }
}

/// Returns whether a text has control characters for what a code page of Windows leaves out, as browsers fill it in.
fn has_holes(encoding: &'static Encoding, text: &str) -> bool {
    encoding.name().starts_with("windows-") && text.contains(|char| matches!(char, '\u{80}'..='\u{9F}'))
}
