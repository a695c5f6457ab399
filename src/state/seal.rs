//! Sealing: secrets as bytes that only the holder of the key can read, and nobody can change or move unnoticed.
//!
//! XChaCha20-Poly1305 with a nonce that is a keyed digest of the context and the plaintext: the same secret in the
//! same place gives the same bytes, so that what has not changed is not written again, and nothing but that equality
//! shows. Context and plaintext decide the nonce together, so one nonce never serves two messages.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{
    StateError,
    key::{Key, KeyId, origin},
};

/// Where something sealed belongs; it cannot be opened anywhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context<'a> {
    /// The state's id.
    pub state: &'a str,
    /// What sort of thing it is part of: `object`, `output`, `plan`.
    pub sort: &'a str,
    /// Which one: an address, a name.
    pub name: &'a str,
}

impl Context<'_> {
    /// Returns how messages name it.
    pub(super) fn row(&self) -> String {
        format!("{} `{}`", self.sort, self.name)
    }
}

/// Seals and opens secrets. Clones share the key, which is looked for when it is first needed.
#[derive(Debug, Clone)]
pub struct Seal(Arc<Mutex<Holding>>);

#[derive(Debug)]
struct Holding {
    source: Source,
    /// The key's fingerprint where something is known to be sealed with it.
    expected: Option<KeyId>,
    ready: Option<Arc<Ciphers>>,
}

#[derive(Debug)]
enum Source {
    File(PathBuf),
    Given { key: Key, origin: String },
}

struct Ciphers {
    id: KeyId,
    nonce_key: Zeroizing<[u8; 32]>,
    cipher: XChaCha20Poly1305,
}

impl std::fmt::Debug for Ciphers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ciphers({})", self.id)
    }
}

const FORMAT: u8 = 1;
const ID: usize = 8;
const NONCE: usize = 24;

impl Seal {
    /// Returns a seal whose key is kept in the file `key` of a state's directory; the file is made when the first
    /// secret is sealed.
    #[must_use]
    pub fn in_directory(directory: &Path) -> Self {
        Self::from_source(Source::File(directory.join("key")))
    }

    /// Returns a seal with a given key; `origin` says in messages where it came from.
    pub fn with_key(key: Key, origin: impl Into<String>) -> Self {
        Self::from_source(Source::Given { key, origin: origin.into() })
    }

    fn from_source(source: Source) -> Self {
        Self(Arc::new(Mutex::new(Holding { source, expected: None, ready: None })))
    }

    /// Seals some bytes. The same bytes in the same context give the same result.
    ///
    /// # Errors
    /// When the key is missing, is another one than before, or cannot be made.
    pub fn seal(&self, cx: Context<'_>, plain: &[u8]) -> Result<Vec<u8>, StateError> {
        let ciphers = self.holding().ciphers()?;
        let header = header(ciphers.id, cx);
        let mut mac = Hmac::<Sha256>::new_from_slice(&*ciphers.nonce_key).expect("HMAC takes keys of any length");
        mac.update(&header);
        mac.update(plain);
        let mut nonce = [0; NONCE];
        nonce.copy_from_slice(&mac.finalize().into_bytes()[..NONCE]);
        let payload = Payload { msg: plain, aad: &header };
        let sealed = ciphers.cipher.encrypt(&XNonce::from(nonce), payload).expect("a value is below 256 GiB");
        Ok([&[FORMAT], &ciphers.id.0[..], &nonce, &sealed].concat())
    }

    /// Opens what [`Seal::seal`] made in the same context.
    ///
    /// # Errors
    /// When the key is missing or another one, or what is sealed was changed or belongs elsewhere.
    pub fn open(&self, cx: Context<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, StateError> {
        let unsealable = || StateError::Unsealable { row: cx.row() };
        let (format, rest) = sealed.split_first().ok_or_else(unsealable)?;
        let (id, rest) = rest.split_first_chunk::<ID>().ok_or_else(unsealable)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or_else(unsealable)?;
        if *format != FORMAT {
            return Err(unsealable());
        }
        self.expect(KeyId(*id))?;
        let ciphers = self.holding().ciphers()?;
        let payload = Payload { msg: sealed, aad: &header(ciphers.id, cx) };
        ciphers.cipher.decrypt(&XNonce::from(*nonce), payload).map(Zeroizing::new).map_err(|_| unsealable())
    }

    /// Makes sure that no other key than this is used: something is sealed with it.
    pub(super) fn expect(&self, id: KeyId) -> Result<(), StateError> {
        let mut holding = self.holding();
        match holding.expected {
            Some(found) if found != id => {
                Err(StateError::WrongKey { origin: holding.source.origin(), expected: id, found })
            }
            Some(_) | None => {
                holding.expected = Some(id);
                Ok(())
            }
        }
    }

    /// Returns which key something was sealed with, or opened, as far as is known.
    pub(super) fn used(&self) -> Option<KeyId> {
        self.holding().expected
    }

    fn holding(&self) -> MutexGuard<'_, Holding> {
        // Nothing panics while it is held, and each field is set in one go.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Holding {
    /// Returns the key, ready for use; makes one only where nothing is known to be sealed yet.
    fn ciphers(&mut self) -> Result<Arc<Ciphers>, StateError> {
        if let Some(ready) = &self.ready {
            return Ok(Arc::clone(ready));
        }
        let key = match &self.source {
            Source::Given { key, .. } => key.clone(),
            Source::File(path) => match (Key::read(path)?, self.expected) {
                (Some(key), _) => key,
                (None, None) => Key::create(path)?,
                (None, Some(expected)) => return Err(StateError::MissingKey { path: path.clone(), expected }),
            },
        };
        let id = key.id();
        if let Some(expected) = self.expected.filter(|expected| *expected != id) {
            return Err(StateError::WrongKey { origin: self.source.origin(), expected, found: id });
        }
        let cipher = XChaCha20Poly1305::new((&*key.derive(b"loam state key: cipher")).into());
        let ciphers = Arc::new(Ciphers { id, nonce_key: key.derive(b"loam state key: nonce"), cipher });
        self.expected = Some(id);
        self.ready = Some(Arc::clone(&ciphers));
        Ok(ciphers)
    }
}

impl Source {
    fn origin(&self) -> String {
        match self {
            Self::File(path) => origin(path),
            Self::Given { origin, .. } => origin.clone(),
        }
    }
}

/// Returns what is authenticated with the secret: format, key and context, unambiguously.
fn header(id: KeyId, cx: Context<'_>) -> Vec<u8> {
    let mut header = vec![FORMAT];
    header.extend(id.0);
    for part in [cx.state, cx.sort, cx.name] {
        header.extend((part.len() as u64).to_le_bytes());
        header.extend(part.as_bytes());
    }
    header
}
