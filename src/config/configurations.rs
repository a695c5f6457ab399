//! Provider configurations in modules that are called.

use super::{Called, Repeat, Tree};
use crate::diag::{Diagnostic, Diagnostics};

/// Checks that a module which configures providers itself is there once, and that what is passed to a module is a
/// configuration of the provider it is passed as.
#[must_use]
pub fn configurations(tree: &Tree<'_>) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    for (_, called) in tree.iter() {
        own_in_repeated(tree, called, &mut diagnostics);
        for passed in called.module.calls.values().flat_map(|call| &call.providers) {
            let (inner, outer) = (&passed.inner, &passed.outer);
            if inner.name != outer.name.name {
                let (wanted, given) = (&inner.name, &outer.name.name);
                let detail = format!(
                    "The module would use it for the provider `{wanted}`, but `{}` configures `{given}`.",
                    outer.name
                );
                let hint =
                    format!("On both sides stands the same provider: write for example `{given} = {}`.", outer.name);
                diagnostics.push(Diagnostic::error("Invalid provider", outer.span, detail).hint(hint));
            }
        }
    }
    diagnostics
}

/// Reports configurations in a module that there may be any number of.
fn own_in_repeated(tree: &Tree<'_>, called: &Called<'_>, diagnostics: &mut Diagnostics) {
    let Some(provider) = called.module.providers.values().next() else { return };
    let mut at = called.caller;
    while let Some((caller, call)) = at {
        let because = match &call.repeat {
            Repeat::Count(attribute) => Some(("count", attribute.name_span)),
            Repeat::ForEach(attribute) => Some(("for_each", attribute.name_span)),
            Repeat::Once => call.depends_on.first().map(|first| ("depends_on", first.span)),
        };
        if let Some((argument, span)) = because {
            let detail = format!(
                "`{}` configures the provider `{}` itself, so its call cannot have `{argument}`.",
                called.path, provider.name
            );
            diagnostics.push(
                Diagnostic::error("Provider in a module", span, detail)
                    .related(provider.span, "the module's own configuration")
                    .hint("Move the configuration out of the module, and pass it with `providers = { … }`."),
            );
            return;
        }
        at = tree.get(caller).caller;
    }
}
