//! What is wrong with every instance of a module is told once.

use std::collections::HashSet;

use crate::{
    addr::ModulePath,
    diag::{Diagnostic, Diagnostics},
    source::Span,
};

/// What has been told already.
#[derive(Default)]
pub(crate) struct Told {
    seen: HashSet<(&'static str, Option<Span>, String)>,
}

impl Told {
    /// Passes on what has not been told of another instance, with the name of this one.
    pub(crate) fn tell(&mut self, found: Diagnostics, path: &ModulePath, diagnostics: &mut Diagnostics) {
        if found.is_empty() {
            return;
        }
        let Self { seen } = self;
        let is_new = |one: &Diagnostic| seen.insert((one.summary, one.span, one.detail.clone()));
        let mut news: Diagnostics = found.into_iter().filter(is_new).collect();
        if !path.is_root() {
            news.set_address(path);
        }
        diagnostics.extend(news);
    }
}
