//! The key under which secrets are sealed, and the file that keeps it.

use std::{fmt, fs, io, path::Path};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{
    StateError,
    directory::{create_private, create_private_file, sync_parent},
};

/// The environment variable that may hold the key, for whoever reads the environment.
pub const KEY_VARIABLE: &str = "LOAM_STATE_KEY";

/// A 256-bit key.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; 32]>);

/// Tells keys apart without giving them away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub(super) [u8; 8]);

impl Key {
    /// Returns the key of these bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads a key from its text, 64 hexadecimal digits; `origin` says where the text stood.
    ///
    /// # Errors
    /// [`StateError::InvalidKey`], which does not repeat the text.
    pub fn parse(text: &str, origin: &str) -> Result<Self, StateError> {
        let invalid = || StateError::InvalidKey { origin: origin.to_owned() };
        let text = text.trim();
        if text.len() != 64 || !text.is_ascii() {
            return Err(invalid());
        }
        let mut bytes = Zeroizing::new([0; 32]);
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            let (high, low) = digit(digits[0]).zip(digit(digits[1])).ok_or_else(invalid)?;
            *byte = high << 4 | low;
        }
        Ok(Self(bytes))
    }

    /// Reads the key in a file; `None` if there is no such file.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, StateError> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&Zeroizing::new(text), &origin(path)).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(StateError::InvalidKey { origin: origin(path) })
            }
            Err(source) => Err(StateError::Io { action: "read the key file", path: path.to_owned(), source }),
        }
    }

    /// Draws a key and keeps it in a file, durably; if another process was quicker, returns the key it drew.
    pub(super) fn create(path: &Path) -> Result<Self, StateError> {
        let io = |source| StateError::Io { action: "write the key file", path: path.to_owned(), source };
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *bytes).map_err(|error| io(io::Error::other(error)))?;
        let key = Self(bytes);
        if let Some(directory) = path.parent() {
            create_private(directory)?;
        }
        // Whole or not at all: written under another name, then linked, which never replaces a file.
        let draft = path.with_extension(format!("new-{}", std::process::id()));
        match fs::remove_file(&draft) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io(error)),
        }
        create_private_file(&draft, key.text().as_bytes()).map_err(io)?;
        let linked = fs::hard_link(&draft, path);
        fs::remove_file(&draft).map_err(io)?;
        match linked {
            Ok(()) => sync_parent(path).map(|()| key).map_err(io),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::read(path)?.ok_or_else(|| io(error)),
            Err(error) => Err(io(error)),
        }
    }

    fn text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(65));
        for byte in self.0.iter() {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(digit), 16).expect("four bits are one digit"));
            }
        }
        text.push('\n');
        text
    }

    /// Returns a key for one purpose; those of different purposes say nothing about each other.
    pub(super) fn derive(&self, purpose: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.0).expect("HMAC takes keys of any length");
        mac.update(purpose);
        Zeroizing::new(mac.finalize().into_bytes().into())
    }

    /// Returns what tells this key from others.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let mut id = [0; 8];
        id.copy_from_slice(&self.derive(b"loam state key: fingerprint")[..8]);
        KeyId(id)
    }
}

/// Returns how messages name a key file.
pub(super) fn origin(path: &Path) -> String {
    format!("`{}`", path.display())
}

/// Shows the fingerprint, never the key.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id())
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_file_is_made_once_and_read_by_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/key");
        assert!(Key::read(&path).unwrap().is_none());
        let key = Key::create(&path).unwrap();
        assert_eq!(Key::read(&path).unwrap().unwrap().id(), key.id());
        assert_eq!(Key::create(&path).unwrap().id(), key.id(), "a second process finds the first one's key");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_repeated() {
        for text in ["", "secret", &"g".repeat(64), &"ä".repeat(32)] {
            let error = Key::parse(text, "`x`").unwrap_err();
            assert_eq!(error.to_string(), "`x` does not hold a key of 64 hexadecimal digits");
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        fs::write(&path, [0xff; 64]).unwrap();
        assert!(matches!(Key::read(&path), Err(StateError::InvalidKey { .. })));
    }

    #[test]
    fn debug_shows_no_key() {
        let key = Key::new([0x42; 32]);
        assert_eq!(format!("{key:?}"), format!("Key({})", key.id()));
        assert!(!format!("{key:?}").contains("42424242"));
    }
}
