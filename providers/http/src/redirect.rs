//! Where an answer leads on to.

use ureq::{
    Body,
    http::{Method, Response, header::LOCATION},
};

use crate::{HttpError, url::Url};

/// What follows on an answer.
pub(crate) enum Next {
    /// It is the last one.
    Done,
    /// Something else is to be asked.
    Ask { url: Url, method: Method },
}

/// Returns what follows on an answer: a redirect is followed as browsers do.
pub(crate) fn next(from: &Url, method: &Method, answer: &Response<Body>) -> Result<Next, HttpError> {
    let is_plain = matches!(*method, Method::GET | Method::HEAD);
    let method = match answer.status().as_u16() {
        303 if !is_plain => Method::GET,
        301 | 302 if *method == Method::POST => Method::GET,
        301 | 302 | 303 | 307 | 308 => method.clone(),
        _ => return Ok(Next::Done),
    };
    let Some(location) = answer.headers().get(LOCATION) else { return Ok(Next::Done) };
    let location = String::from_utf8_lossy(location.as_bytes());
    let url = from.join(&location)?;
    if from.is_secure() && !url.is_secure() {
        return Err(HttpError::Refused {
            url: from.shown(),
            to: url.shown(),
            because: "it leads from HTTPS to HTTP, where others can read and change what is sent",
        });
    }
    Ok(Next::Ask { url, method })
}
