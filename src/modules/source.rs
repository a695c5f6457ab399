//! What a module's `source` says: a directory beside the caller, a Git repository, or an archive.
//!
//! The addressing is Terraform's: `./site`, `git::https://…//site?ref=v1`, `https://…/site.tar.gz?checksum=sha256:…`.
//! Nothing here touches a file or the network. What tells a secret, a user with a password or a query, is kept apart
//! from what is shown and stored.

use std::fmt;

use loam_bundle::digest::Digest;

/// Where a module is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// `./site`, `../site`: from the directory of the module that calls.
    Local(String),
    /// A directory in something that is fetched.
    Package { package: Package, subdir: String },
}

/// Something that is fetched and holds modules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Package {
    /// A Git repository at a branch, tag or commit.
    Git(Repository),
    /// An archive at a URL.
    Archive(Archive),
}

/// A Git repository at a branch, tag or commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// The URL without password; `git@host:path` as well.
    pub(super) url: String,
    /// What a password prompt would ask for.
    pub(super) login: Option<Login>,
    /// `?ref=`
    pub(super) reference: Option<String>,
    /// `?depth=`: how much history is fetched; 0 is all of it.
    pub(super) depth: u32,
}

/// User and password of a URL.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: String,
}

/// An archive at a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// The URL without user, password and query.
    pub(super) shown: String,
    /// The URL that is asked: with the query, without user and password.
    pub(super) url: Secret,
    pub(super) login: Option<Login>,
    /// `?checksum=sha256:…`
    pub(super) checksum: Option<Digest>,
}

/// A text that is not for people.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(pub(super) String);

/// Why a text is no source. Secrets that stand in it are not repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Invalid {
    pub(super) because: String,
    pub(super) hint: String,
}

fn invalid<T>(because: impl Into<String>, hint: impl Into<String>) -> Result<T, Invalid> {
    Err(Invalid { because: because.into(), hint: hint.into() })
}

/// The forms that a source may have, for hints.
const FORMS: &str = "Write a directory as `./modules/site`, a repository as `git::https://HOST/PATH.git?ref=v1`, or an \
                     archive as `https://HOST/PATH.tar.gz?checksum=sha256:…`.";

impl Source {
    /// Reads the text of a source.
    pub(super) fn parse(text: &str) -> Result<Self, Invalid> {
        if text.trim().is_empty() {
            return invalid("The source is empty.", FORMS);
        }
        if text.trim() != text || text.chars().any(char::is_control) {
            return invalid("The source has spaces around it, or control characters in it.", FORMS);
        }
        if is_local(text) {
            return Ok(Self::Local(text.to_owned()));
        }
        if text.starts_with('/') {
            let hint = "Write it from the directory of this module, as `./site` or `../site`: then it is the same \
                        everywhere.";
            return invalid(format!("`{text}` is a path of this machine alone."), hint);
        }
        if let Some(rest) = text.strip_prefix("git::") {
            return git(rest);
        }
        if let Some((getter, _)) = text.split_once("::")
            && getter.chars().all(|letter| letter.is_ascii_alphanumeric())
        {
            return invalid(format!("Nothing fetches `{getter}::`."), FORMS);
        }
        if let Some((scheme, _)) = text.split_once("://") {
            return match scheme {
                "https" | "http" | "file" => archive(text),
                "s3" | "gs" => invalid(
                    format!("No provider of this loam opens buckets of `{scheme}://` before a plan is made."),
                    "Fetch the archive by `https://`, or from a directory by `file:///…`.",
                ),
                "git" => invalid(
                    "`git://` is neither encrypted nor authenticated, and is not used.",
                    "Write `git::https://…` or `git::ssh://…`.",
                ),
                "ssh" => invalid("A repository by SSH starts with `git::`.", "Write `git::ssh://…`."),
                _ => invalid(format!("Nothing fetches `{scheme}://`."), FORMS),
            };
        }
        if is_scp(text) {
            return git(text);
        }
        bare(text)
    }
}

fn is_local(text: &str) -> bool {
    text == "." || text == ".." || text.starts_with("./") || text.starts_with("../")
}

/// Explains what is wrong with a source that has no prefix.
fn bare(text: &str) -> Result<Source, Invalid> {
    let (address, rest) = text.split_at(text.find("//").unwrap_or(text.len()));
    let segments: Vec<&str> = address.split('/').collect();
    let is_name = |segment: &&str| {
        !segment.is_empty() && segment.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
    };
    if (3..=4).contains(&segments.len()) && segments.iter().all(is_name) {
        let hint = if segments[0].contains('.') {
            format!("To fetch a Git repository, write `git::https://{address}.git{rest}?ref=…`.")
        } else {
            format!("Name the repository itself, as `git::https://HOST/PATH.git?ref=…`, or `./{text}` for a directory.")
        };
        return invalid(format!("`{text}` is the address of a registry, and loam asks none."), hint);
    }
    // What stands before `@` may be a password.
    let text = text.rsplit('@').next().unwrap_or(text);
    invalid(
        format!("`{text}` says neither where a directory is nor what to fetch."),
        format!("For a directory write `./{text}`, for a repository `git::https://HOST/PATH.git?ref=v1`."),
    )
}

/// Whether a text is `user@host:path`.
fn is_scp(text: &str) -> bool {
    let Some((host, path)) = text.split_once(':') else { return false };
    host.contains('@') && !host.contains('/') && !path.is_empty()
}

/// The names and values after `?`.
type Query<'t> = Vec<(&'t str, &'t str)>;

/// Splits off the query, and then `//subdir`.
fn split(text: &str) -> Result<(&str, String, Query<'_>), Invalid> {
    let (address, query) = text.split_once('?').unwrap_or((text, ""));
    let from = address.find("://").map_or(0, |at| at + 3);
    let (address, subdir) = match address[from..].find("//") {
        Some(at) => (&address[..from + at], address[from + at..].trim_matches('/')),
        None => (address, ""),
    };
    if subdir.split('/').any(|segment| segment == ".." || segment == ".") {
        return invalid(
            format!("`//{subdir}` leads out of what is fetched."),
            "Name a directory in it, as `//modules/site`.",
        );
    }
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
    Ok((address, subdir.to_owned(), pairs))
}

fn git(text: &str) -> Result<Source, Invalid> {
    let (address, subdir, query) = split(text)?;
    let (url, login) = match address.split_once("://") {
        Some((scheme @ ("https" | "http"), rest)) => {
            let (login, host) = login(rest)?;
            (format!("{scheme}://{host}"), login)
        }
        Some(("ssh", rest)) => {
            // The user belongs to the address; a password is not for ssh to take.
            let (user, host) = rest.split_once('@').map_or((None, rest), |(user, host)| (Some(user), host));
            let user = user.and_then(|user| user.split(':').next()).map(|user| format!("{user}@")).unwrap_or_default();
            if user.starts_with('-') || host.starts_with('-') {
                return invalid("The host of the repository starts with `-`.", FORMS);
            }
            (format!("ssh://{user}{host}"), None)
        }
        Some(("file", rest)) if rest.starts_with('/') => (format!("file://{rest}"), None),
        Some(("file", _)) => {
            return invalid(
                "The path of the repository is not absolute.",
                "Write three slashes: `git::file:///srv/site`.",
            );
        }
        Some((scheme, _)) => {
            return invalid(
                format!("Git repositories are not fetched by `{scheme}://`."),
                "Write `git::https://…`, `git::ssh://…` or `git::file:///…`.",
            );
        }
        None if is_scp(address) && !address.starts_with('-') && !address.contains("::") => (address.to_owned(), None),
        None => {
            return invalid(
                "After `git::` stands a URL.",
                "Write `git::https://HOST/PATH.git`, `git::ssh://git@HOST/PATH.git` or `git@HOST:PATH.git`.",
            );
        }
    };
    if url.chars().any(char::is_whitespace) {
        return invalid("The URL of the repository has a space in it.", "Write a space as `%20`.");
    }
    let (mut reference, mut depth) = (None, 1);
    for (name, value) in query {
        match name {
            "ref" => reference = Some(checked_reference(value)?),
            "depth" => {
                depth = value.parse().map_err(|_| Invalid {
                    because: format!("`depth` is a number of commits, and `{value}` is none."),
                    hint: "Leave it out: only the files of one commit are used.".to_owned(),
                })?;
            }
            _ => {
                return invalid(
                    format!("A Git repository takes no `?{name}=`."),
                    "There are `ref`, a branch, tag or commit, and `depth`.",
                );
            }
        }
    }
    let package = Package::Git(Repository { url, login, reference, depth });
    Ok(Source::Package { package, subdir })
}

/// Checks a reference by the rules of `git check-ref-format`: what is none must reach no command.
fn checked_reference(value: &str) -> Result<String, Invalid> {
    let value = percent_decoded(value);
    let is_wrong = value.is_empty()
        || value.starts_with(['-', '/'])
        || value.ends_with(['/', '.'])
        || value.ends_with(".lock")
        || ["..", "//", "@{"].iter().any(|pair| value.contains(pair))
        || value.chars().any(|letter| letter.is_whitespace() || letter.is_control() || "~^:?*[\\".contains(letter));
    if is_wrong {
        return invalid(
            format!("`{value}` is not the name of a branch, a tag or a commit."),
            "Write for example `?ref=v1.2.0`.",
        );
    }
    Ok(value)
}

fn archive(text: &str) -> Result<Source, Invalid> {
    let (address, subdir, query) = split(text)?;
    let Some((scheme, rest)) = address.split_once("://") else { return invalid("It has no scheme.", FORMS) };
    let (login, rest) = if scheme == "file" { (None, rest) } else { login(rest)? };
    if scheme == "file" && !rest.starts_with('/') {
        return invalid("The path of the archive is not absolute.", "Write three slashes: `file:///srv/site.tar.gz`.");
    }
    let shown = format!("{scheme}://{rest}");
    if shown.ends_with(".git") {
        return invalid(
            format!("`{shown}` looks like a Git repository, but would be fetched as an archive."),
            format!("Write `git::{shown}`."),
        );
    }
    if shown.ends_with('/') || !rest.trim_start_matches('/').contains('/') && scheme != "file" {
        return invalid(format!("`{shown}` names no archive."), FORMS);
    }
    let mut checksum = None;
    let mut kept = Vec::new();
    for (name, value) in query {
        match name {
            "checksum" => checksum = Some(digest(value)?),
            // Says to others what the archive's first bytes say to us.
            "archive" => {}
            "ref" => {
                return invalid(
                    "An archive has no `?ref=`.",
                    format!("For a Git repository write `git::{shown}?ref=…`."),
                );
            }
            _ => kept.push(if value.is_empty() { name.to_owned() } else { format!("{name}={value}") }),
        }
    }
    let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    let package = Package::Archive(Archive { url: Secret(format!("{shown}{query}")), shown, login, checksum });
    Ok(Source::Package { package, subdir })
}

fn digest(text: &str) -> Result<Digest, Invalid> {
    let hint = "Write `?checksum=sha256:` and 64 hexadecimal digits; `sha256sum FILE` shows them.";
    match text.split_once(':') {
        Some(("sha256", _)) => {}
        Some((other, _)) => return invalid(format!("Checksums are `sha256`, not `{other}`."), hint),
        None => return invalid("The checksum does not say that it is `sha256`.", hint),
    }
    text.parse().map_err(|_| Invalid { because: format!("`{text}` is no SHA-256 checksum."), hint: hint.to_owned() })
}

/// Splits user and password from the host and what follows.
fn login(rest: &str) -> Result<(Option<Login>, &str), Invalid> {
    let end = rest.find('/').unwrap_or(rest.len());
    let (login, rest) = match rest[..end].rfind('@') {
        None => (None, rest),
        Some(at) => {
            let (user, password) = rest[..at].split_once(':').unwrap_or((&rest[..at], ""));
            let login = Login { user: percent_decoded(user), password: percent_decoded(password) };
            (Some(login), &rest[at + 1..])
        }
    };
    if rest.is_empty() || rest.starts_with(['/', '-', ':']) {
        return invalid("The URL names no host.", FORMS);
    }
    Ok((login, rest))
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|&digit| char::from(digit).to_digit(16));
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
                rest = &after[2..];
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Repository {
    /// Returns the commit, where the source names one in full.
    pub(super) fn pinned(&self) -> Option<&str> {
        let reference = self.reference.as_deref()?;
        let is_commit = matches!(reference.len(), 40 | 64) && reference.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_commit.then_some(reference)
    }
}

/// What it is called everywhere: in messages, and in the files that loam writes. Tells no secret.
impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Git(Repository { url, reference, .. }) => {
                write!(f, "git::{url}")?;
                reference.as_ref().map_or(Ok(()), |reference| write!(f, "?ref={reference}"))
            }
            Self::Archive(Archive { shown, checksum, .. }) => {
                f.write_str(shown)?;
                checksum.as_ref().map_or(Ok(()), |checksum| write!(f, "?checksum=sha256:{checksum}"))
            }
        }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        match Source::parse(text) {
            Ok(Source::Local(path)) => format!("local {path}"),
            Ok(Source::Package { package, subdir }) => format!("{package} {subdir}"),
            Err(Invalid { because, .. }) => because,
        }
    }

    #[test]
    fn sources_are_addressed_as_in_terraform() {
        for (text, is) in [
            ("./site", "local ./site"),
            ("..", "local .."),
            ("git::https://h/o/r.git", "git::https://h/o/r.git "),
            (
                "git::https://h:8443/o/r.git//modules/site?ref=v1.2.0",
                "git::https://h:8443/o/r.git?ref=v1.2.0 modules/site",
            ),
            ("git::https://h/r.git?ref=feature%2Fx&depth=3", "git::https://h/r.git?ref=feature/x "),
            ("git::ssh://git@h/r.git?ref=main", "git::ssh://git@h/r.git?ref=main "),
            ("git@h:o/r.git//a/b?ref=main", "git::git@h:o/r.git?ref=main a/b"),
            ("git::file:///srv/r//sub/", "git::file:///srv/r sub"),
            ("https://h/a.tar.gz//x?archive=tgz", "https://h/a.tar.gz x"),
            ("file:///srv/a.zip", "file:///srv/a.zip "),
        ] {
            assert_eq!(read(text), is, "{text}");
        }
    }

    #[test]
    fn secrets_in_a_source_are_in_no_text() {
        let text = "git::https://bot:canary%40@h/r.git?ref=main";
        let Source::Package { package: Package::Git(git), .. } = Source::parse(text).unwrap() else { panic!("git") };
        assert_eq!(git.login.as_ref().unwrap().password, "canary@");
        assert!(!format!("{git:?} {}", Package::Git(git.clone())).contains("canary"));
        let text = "https://canary@h/a.tar?token=canary&archive=tar";
        let Source::Package { package: Package::Archive(archive), .. } = Source::parse(text).unwrap() else {
            panic!("an archive")
        };
        assert_eq!(archive.url.0, "https://h/a.tar?token=canary");
        assert!(!format!("{archive:?} {}", Package::Archive(archive.clone())).contains("canary"));
        assert_eq!(read("git::ssh://git:canary@h/r.git"), "git::ssh://git@h/r.git ");
        for wrong in ["bot:canary@h/r", "git::ftp://bot:canary@h/r", "https://bot:canary@h/r.git", "https://canary@"] {
            let Invalid { because, hint } = Source::parse(wrong).unwrap_err();
            assert!(!because.contains("canary") && !hint.contains("canary"), "{because} {hint}");
        }
    }

    #[test]
    fn what_is_no_source_is_explained() {
        for (text, because) in [
            ("", "empty"),
            (" ./a", "spaces"),
            ("/srv/site", "this machine alone"),
            ("site", "neither where a directory is"),
            ("ns/name/aws", "a registry"),
            ("hg::https://h/r", "`hg::`"),
            ("git::ext::sh -c id", "stands a URL"),
            ("git::ext::sh", "stands a URL"),
            ("git::-oProxyCommand=id@h:x", "stands a URL"),
            ("git::https://-h/r", "no host"),
            ("git::ssh://-oProxyCommand=id/r", "starts with `-`"),
            ("git::git://h/r", "`git://`"),
            ("git::file://r", "not absolute"),
            ("git::https://h/r?ref=--upload-pack=id", "`--upload-pack=id`"),
            ("git::https://h/r?ref=a..b", "`a..b`"),
            ("git::https://h/r?branch=x", "`?branch=`"),
            ("git::https://h/r?depth=x", "`x` is none"),
            ("git::https://h/r//../x", "leads out"),
            ("https://h/r.git", "looks like a Git repository"),
            ("https://h", "names no archive"),
            ("https://h/a.tar?ref=x", "no `?ref=`"),
            ("https://h/a.tar?checksum=md5:1", "not `md5`"),
            ("https://h/a.tar?checksum=sha256:1", "no SHA-256"),
            ("s3://b/a.tar", "`s3://`"),
            ("ftp://h/a.tar", "`ftp://`"),
        ] {
            let said = read(text);
            assert!(said.contains(because), "{text}: {said}");
            assert!(Source::parse(text).is_err(), "{text}");
        }
    }
}
