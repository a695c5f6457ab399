//! As much of a URL as a client needs: where it leads, where a redirect leads from there, and what may be shown.

use std::fmt;

use crate::HttpError;

/// An absolute URL of `http` or `https`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Url {
    is_secure: bool,
    /// Host and port, as they are written.
    authority: String,
    /// From the first slash; without a fragment.
    rest: String,
}

/// Returns what may be shown of a URL: neither user and password nor query and fragment, which may hold secrets.
#[must_use]
pub fn shown(url: &str) -> String {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let url = &url[..end];
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

impl Url {
    pub(crate) fn parse(text: &str) -> Result<Self, HttpError> {
        let invalid = |because| HttpError::Url { url: shown(text), because };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| invalid("it has no scheme"))?;
        let is_secure = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(invalid("its scheme is neither `http` nor `https`")),
        };
        let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
        let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(invalid("it holds a user or password, which belong into a header `Authorization`"));
        }
        if authority.is_empty() || authority.starts_with(':') {
            return Err(invalid("it names no host"));
        }
        if text.chars().any(|char| char.is_control() || char.is_whitespace()) {
            return Err(invalid("it holds white space"));
        }
        let rest = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
        Ok(Self { is_secure, authority: authority.to_ascii_lowercase(), rest })
    }

    /// Returns the URL that a redirect from here names.
    pub(crate) fn join(&self, location: &str) -> Result<Self, HttpError> {
        let location = location.trim();
        let location = location.split_once('#').map_or(location, |(location, _)| location);
        if is_absolute(location) {
            return Self::parse(location);
        }
        let scheme = self.scheme();
        if let Some(rest) = location.strip_prefix("//") {
            return Self::parse(&format!("{scheme}://{rest}"));
        }
        let path = &self.rest[..self.rest.find('?').unwrap_or(self.rest.len())];
        let rest = match location.chars().next() {
            None => self.rest.clone(),
            Some('?') => format!("{path}{location}"),
            Some('/') => without_dots(location),
            Some(_) => {
                let folder = &path[..path.rfind('/').map_or(0, |slash| slash + 1)];
                without_dots(&format!("{folder}{location}"))
            }
        };
        Self::parse(&format!("{scheme}://{}{rest}", self.authority))
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// Returns whether both lead to the same port of the same host in the same way.
    pub(crate) fn has_origin_of(&self, other: &Self) -> bool {
        let port = |url: &Self| if url.is_secure { ":443" } else { ":80" };
        let plain = |url: &Self| url.authority.strip_suffix(port(url)).unwrap_or(&url.authority).to_owned();
        self.is_secure == other.is_secure && plain(self) == plain(other)
    }

    pub(crate) fn text(&self) -> String {
        format!("{}://{}{}", self.scheme(), self.authority, self.rest)
    }

    pub(crate) fn shown(&self) -> String {
        shown(&self.text())
    }

    fn scheme(&self) -> &'static str {
        if self.is_secure { "https" } else { "http" }
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

/// Returns whether a reference starts with a scheme (RFC 3986, 3.1).
fn is_absolute(location: &str) -> bool {
    location.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|char: char| char.is_ascii_alphabetic())
            && scheme.chars().all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char))
    })
}

/// Resolves `.` and `..` in a path (RFC 3986, 5.2.4); what follows a `?` stays as it is.
fn without_dots(rest: &str) -> String {
    let (path, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let mut kept: Vec<&str> = Vec::new();
    for (at, segment) in segments.iter().enumerate() {
        let is_last = at + 1 == segments.len();
        match *segment {
            "." if is_last => kept.push(""),
            "." => {}
            ".." => {
                kept.pop();
                if is_last {
                    kept.push("");
                }
            }
            segment => kept.push(segment),
        }
    }
    format!("/{}{query}", kept.join("/"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_a_url_are_not_shown() {
        assert_eq!(shown("https://ada:s3cret@host:8/a/b?token=s3cret#s3cret"), "https://host:8/a/b");
        assert_eq!(shown("nowhere?x"), "nowhere");
        let error = Url::parse("https://ada:s3cret@host/").unwrap_err().to_string();
        assert!(error.contains("Authorization") && !error.contains("s3cret"), "{error}");
    }

    #[test]
    fn a_url_that_cannot_be_asked_says_why() {
        for (url, because) in [
            ("host/path", "no scheme"),
            ("ftp://host/", "neither"),
            ("http:///path", "no host"),
            ("http://:80/", "no host"),
            ("http://host/a b", "white space"),
            ("http://host/a\nb", "white space"),
        ] {
            let error = Url::parse(url).unwrap_err().to_string();
            assert!(error.contains(because), "{error}");
        }
    }

    #[test]
    fn redirects_are_resolved_as_the_standard_says() {
        let base = Url::parse("http://a/b/c/d?q").unwrap();
        for (location, expected) in [
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g/"),
            ("?y", "http://a/b/c/d?y"),
            ("g?y/../x", "http://a/b/c/g?y/../x"),
            ("", "http://a/b/c/d?q"),
            (".", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("g;x=1/../y", "http://a/b/c/y"),
            ("https://x/y#z", "https://x/y"),
        ] {
            assert_eq!(base.join(location).unwrap().text(), expected, "{location}");
        }
        assert!(base.join("ftp://x").is_err());
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let url = |text| Url::parse(text).unwrap();
        assert!(url("http://A:80/x").has_origin_of(&url("http://a/y")));
        assert!(!url("http://a:443/").has_origin_of(&url("https://a/")));
        assert!(!url("http://a:8080/").has_origin_of(&url("http://a/")));
    }
}
