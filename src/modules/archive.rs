//! An archive as a tar stream that its checksum vouches for.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use base64::Engine as _;
use loam_bundle::{digest::Digest, store};
use loam_provider::ObjectStore as _;
use sha2::{Digest as _, Sha256};

use super::{InstallError, source::Archive};

/// Larger archives hold no modules.
const MAX_BYTES: u64 = 1 << 30;
/// How long a download may take.
const TIMEOUT: Duration = Duration::from_secs(15 * 60);
/// How much is read from a bucket at once.
const PIECE: u64 = 8 << 20;

/// Fetches an archive to `file` and returns its digest, whatever was expected.
pub(super) async fn fetch(archive: &Archive, file: &Path) -> Result<Digest, InstallError> {
    if archive.shown.starts_with("file://") {
        return from_bucket(archive, file).await;
    }
    let url = archive.shown.clone();
    let (archive, file) = (archive.clone(), file.to_owned());
    let download = tokio::task::spawn_blocking(move || download(&archive, &file));
    download.await.unwrap_or_else(|_| Err(InstallError::Interrupted { url }))
}

fn download(archive: &Archive, file: &Path) -> Result<Digest, InstallError> {
    let mut headers = BTreeMap::new();
    if let Some(login) = &archive.login {
        let both = format!("{}:{}", login.user, login.password);
        let value = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(both));
        headers.insert("Authorization".to_owned(), value);
    }
    let request = loam_http::Request {
        url: archive.url.0.clone(),
        method: "GET".to_owned(),
        headers,
        body: None,
        timeout: TIMEOUT,
        trust: loam_http::Trust::System,
    };
    let response = loam_http::send(&request)?;
    if response.status != 200 {
        return Err(InstallError::Status { url: archive.shown.clone(), status: response.status });
    }
    let mut reader = response.into_reader();
    let broke_off = |source| InstallError::BrokeOff { url: archive.shown.clone(), source };
    let mut taken = Taken::create(file)?;
    let mut piece = vec![0; 256 << 10];
    loop {
        match reader.read(&mut piece) {
            Ok(0) => return taken.finish(),
            Ok(count) => taken.add(&piece[..count], &archive.shown)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(broke_off(error)),
        }
    }
}

async fn from_bucket(archive: &Archive, file: &Path) -> Result<Digest, InstallError> {
    let (bucket, key) = store::locate(&archive.shown)?;
    let bucket = store::Directory::open(&bucket)?;
    let missing = || loam_provider::ObjectError::NotFound { url: archive.shown.clone() };
    let length = bucket.head(&key).await?.ok_or_else(missing)?.bytes;
    let mut taken = Taken::create(file)?;
    let mut at = 0;
    while at < length {
        let piece = bucket.get_range(&key, at..length.min(at + PIECE)).await?;
        if piece.is_empty() {
            break;
        }
        taken.add(&piece, &archive.shown)?;
        at += piece.len() as u64;
    }
    taken.finish()
}

/// What has arrived of an archive.
struct Taken {
    path: PathBuf,
    file: BufWriter<File>,
    sha256: Sha256,
    bytes: u64,
}

impl Taken {
    fn create(path: &Path) -> Result<Self, InstallError> {
        let file = File::create(path).map_err(written(path))?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file), sha256: Sha256::new(), bytes: 0 })
    }

    fn add(&mut self, piece: &[u8], url: &str) -> Result<(), InstallError> {
        self.bytes += piece.len() as u64;
        if self.bytes > MAX_BYTES {
            return Err(InstallError::TooLarge { url: url.to_owned(), limit: MAX_BYTES });
        }
        self.sha256.update(piece);
        self.file.write_all(piece).map_err(written(&self.path))
    }

    fn finish(mut self) -> Result<Digest, InstallError> {
        self.file.flush().map_err(written(&self.path))?;
        Ok(self.sha256.into())
    }
}

fn written(path: &Path) -> impl FnOnce(io::Error) -> InstallError + '_ {
    |source| InstallError::Io { operation: "write", path: path.to_owned(), source }
}

/// Returns whether a file is a zip archive.
pub(super) fn is_zip(file: &Path) -> Result<bool, InstallError> {
    let failed = |source| InstallError::Io { operation: "read", path: file.to_owned(), source };
    let mut start = Vec::new();
    File::open(file).and_then(|file| file.take(4).read_to_end(&mut start)).map_err(failed)?;
    Ok(start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06"))
}

/// Writes what a zip archive holds as a tar stream: there is one extraction, which trusts nothing.
pub(super) fn zip_to_tar(url: &str, zip: &Path, tar: &Path) -> Result<(), InstallError> {
    let malformed = |because: String| InstallError::Malformed { url: url.to_owned(), because };
    let failed = |source| InstallError::Io { operation: "read", path: zip.to_owned(), source };
    let file = BufReader::new(File::open(zip).map_err(failed)?);
    let mut archive = zip::ZipArchive::new(file).map_err(|error| malformed(error.to_string()))?;
    let output = BufWriter::new(File::create(tar).map_err(written(tar))?);
    let mut builder = tar::Builder::new(output);
    let mut bytes = 0_u64;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|error| malformed(error.to_string()))?;
        let name = entry.name().map(|name| name.into_owned()).map_err(|error| malformed(error.to_string()))?;
        let Some(path) = entry.enclosed_name().filter(|_| !name.starts_with('/')) else {
            return Err(malformed(format!("`{name}` leads out of it")));
        };
        bytes = bytes.saturating_add(entry.size());
        if bytes > MAX_BYTES {
            return Err(InstallError::TooLarge { url: url.to_owned(), limit: MAX_BYTES });
        }
        let mut header = tar::Header::new_gnu();
        header.set_mode(entry.unix_mode().unwrap_or(if entry.is_dir() { 0o755 } else { 0o644 }) & 0o777);
        header.set_mtime(0);
        let appended = if entry.is_symlink() {
            let mut target = String::new();
            (&mut entry).take(4096).read_to_string(&mut target).map_err(|error| malformed(error.to_string()))?;
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            builder.append_link(&mut header, &path, target)
        } else if entry.is_dir() {
            header.set_entry_type(tar::EntryType::Directory);
            header.set_size(0);
            builder.append_data(&mut header, &path, io::empty())
        } else {
            let size = entry.size();
            header.set_entry_type(tar::EntryType::Regular);
            header.set_size(size);
            // Not a byte more than it says: a header that lies makes a stream that nobody reads as meant.
            let mut exact = Exactly { inner: (&mut entry).take(size), left: size };
            builder.append_data(&mut header, &path, &mut exact)
        };
        appended.map_err(|error| malformed(format!("`{name}`: {error}")))?;
    }
    let finished = builder.into_inner().and_then(|mut output| output.flush());
    finished.map_err(written(tar))?;
    fs::remove_file(zip).map_err(|source| InstallError::Io { operation: "remove", path: zip.to_owned(), source })
}

/// Reads as many bytes as were promised, or fails.
struct Exactly<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Exactly<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.left -= count as u64;
        if count == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ends early"));
        }
        Ok(count)
    }
}
