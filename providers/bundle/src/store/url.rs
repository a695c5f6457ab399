//! `file://` URLs and paths, and the URLs of objects.

use std::{
    ffi::OsString,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Component, Path, PathBuf},
};

use loam_provider::{ObjectError, ObjectKey};

/// Returns the `file://` URL of an absolute path, without a trailing slash.
#[must_use]
pub fn file_url(path: &Path) -> String {
    let mut url = "file://".to_owned();
    for component in path.components() {
        if let Component::Normal(name) = component {
            url.push('/');
            for &byte in name.as_bytes() {
                if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte) {
                    url.push(char::from(byte));
                } else {
                    url.push_str(&format!("%{byte:02X}"));
                }
            }
        }
    }
    url
}

/// Returns the path of a `file://` URL.
///
/// # Errors
/// When the scheme or host is another, the path is relative, has `..` in it, or is not percent-encoded properly.
pub fn path_of(url: &str) -> Result<PathBuf, ObjectError> {
    let invalid = |because: &str| ObjectError::InvalidUrl { url: url.to_owned(), because: because.to_owned() };
    let rest = match url.get(..5) {
        Some(scheme) if scheme.eq_ignore_ascii_case("file:") => &url[5..],
        Some(_) | None => return Err(ObjectError::UnknownScheme { url: url.to_owned() }),
    };
    let path = match rest.strip_prefix("//") {
        None => rest,
        Some(rest) => {
            let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            if !host.is_empty() && !host.eq_ignore_ascii_case("localhost") {
                return Err(invalid("it names a host; a local path has three slashes, as in `file:///var/bucket`"));
            }
            path
        }
    };
    if !path.starts_with('/') {
        return Err(invalid("its path is not absolute"));
    }
    if path.contains(['?', '#']) {
        return Err(invalid("it has a query or fragment; write `?` as `%3F` and `#` as `%23`"));
    }
    let bytes = percent_decode(path.as_bytes()).ok_or_else(|| invalid("a `%` is not followed by two hex digits"))?;
    if bytes.contains(&0) {
        return Err(invalid("it contains a NUL byte"));
    }
    let path = PathBuf::from(OsString::from_vec(bytes));
    if path.components().any(|component| component == Component::ParentDir) {
        return Err(invalid("it has a `..` segment"));
    }
    Ok(path.components().collect())
}

/// Splits the URL of an object into the URL of a bucket and the key in it.
///
/// For `file:` the bucket is the folder of the file; for other schemes it is what stands before the
/// third slash (`s3://name`), and the key is everything after it.
///
/// # Errors
/// When the URL names no object.
pub fn locate(url: &str) -> Result<(String, ObjectKey), ObjectError> {
    let invalid = |because: String| ObjectError::InvalidUrl { url: url.to_owned(), because };
    let (bucket, key) = match path_of(url) {
        Ok(path) => {
            let no_object = || invalid("it names a directory and no file".to_owned());
            if url.ends_with('/') {
                return Err(no_object());
            }
            let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Err(no_object()) };
            let name = name.to_str().ok_or_else(|| invalid("its name is not UTF-8".to_owned()))?;
            (file_url(parent), name.to_owned())
        }
        Err(ObjectError::UnknownScheme { .. }) => {
            let (scheme, rest) = url.split_once("://").ok_or_else(|| invalid("it has no scheme".to_owned()))?;
            let (host, key) = rest.split_once('/').ok_or_else(|| invalid("it names no object".to_owned()))?;
            if host.is_empty() {
                return Err(invalid("it names no bucket".to_owned()));
            }
            (format!("{scheme}://{host}"), key.to_owned())
        }
        Err(error) => return Err(error),
    };
    let key = ObjectKey::new(key).map_err(|error| invalid(error.to_string()))?;
    Ok((bucket, key))
}

fn percent_decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' {
            let digit = |at: usize| rest.get(at).and_then(|&byte| char::from(byte).to_digit(16));
            decoded.push(u8::try_from(digit(0)? * 16 + digit(1)?).ok()?);
            rest = &rest[2..];
        } else {
            decoded.push(byte);
        }
    }
    Some(decoded)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn paths_come_back_from_their_urls() {
        for path in ["/var/bucket", "/a b/ü%/c#d?e", "/x/ümlaut+plus"] {
            assert_eq!(path_of(&file_url(Path::new(path))).unwrap(), Path::new(path));
        }
        assert_eq!(path_of("file:/tmp/x").unwrap(), Path::new("/tmp/x"));
        assert_eq!(path_of("file://localhost/tmp/x/").unwrap(), Path::new("/tmp/x"));
        assert_eq!(file_url(Path::new("/tmp/x y/")), "file:///tmp/x%20y");
    }

    #[test]
    fn malformed_urls_say_what_is_wrong() {
        for (url, because) in [
            ("file://tmp/x", "names a host"),
            ("file:tmp", "not absolute"),
            ("file:///a%2", "two hex digits"),
            ("file:///a%zz", "two hex digits"),
            ("file:///a%00", "NUL"),
            ("file:///a/%2e%2e/b", "`..`"),
            ("file:///a?b", "query"),
        ] {
            let error = path_of(url).unwrap_err().to_string();
            assert!(error.contains(because) && error.contains(url), "{error}");
        }
        assert!(matches!(path_of("s3://x/y"), Err(ObjectError::UnknownScheme { .. })));
    }

    #[test]
    fn object_urls_are_split_into_bucket_and_key() {
        let located = |url: &str| locate(url).map(|(bucket, key)| format!("{bucket} {key}")).unwrap();
        assert_eq!(located("file:///a/b%20c/d.tar.zst"), "file:///a/b%20c d.tar.zst");
        assert_eq!(located("s3://name/p/q.tar"), "s3://name p/q.tar");
        for url in ["file:///a/", "s3://name", "s3:///x", "x", "s3://name/a//b", "file:///"] {
            assert!(locate(url).is_err(), "{url}");
        }
    }
}
