//! Which provider configuration is meant by a name in a module.
//!
//! Whether a name is declared at all is checked with the configuration; here are the instances of configurations
//! that have `for_each`, which are told apart by keys.

use std::collections::{BTreeMap, BTreeSet};

use loam_provider::{Type, Value};

use crate::{
    addr::{InstanceKey, Mode, ModulePath},
    config::{BlockName, Module, ModuleCall, ProviderChoice, ProviderName},
    diag::{Diagnostic, Diagnostics, did_you_mean},
    eval::{self, Scope},
    host::{NoProvider, Offers, ProviderRef},
};

/// A configuration that a module can name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Configuration {
    pub(crate) reference: ProviderRef,
    /// Whether it has `for_each`, and no instance of it has been chosen yet.
    pub(crate) is_repeated: bool,
}

/// The configurations that a module can name, by what it calls them.
pub(crate) type Visible = BTreeMap<ProviderName, Configuration>;

/// Returns the configurations that a module has itself.
pub(crate) fn own(module: &Module, path: &ModulePath) -> Visible {
    let own = module.providers.values().map(|provider| {
        let ProviderName { name, alias } = provider.name.clone();
        let reference = ProviderRef { name, alias, key: None, module: path.without_keys() };
        (provider.name.clone(), Configuration { reference, is_repeated: provider.for_each.is_some() })
    });
    own.collect()
}

/// Returns the configurations that a called module can name: the caller's default ones, those that the call passes,
/// and its own.
pub(crate) fn passed(
    call: &ModuleCall,
    own: Visible,
    outer: &Visible,
    scope: &Scope<'_>,
    configured: Option<&BTreeSet<ProviderRef>>,
    diagnostics: &mut Diagnostics,
) -> Visible {
    let inherited = outer.iter().filter(|(name, _)| name.alias.is_none());
    let mut visible: Visible = inherited.map(|(name, found)| (name.clone(), found.clone())).collect();
    for passed in &call.providers {
        let found = match named(&passed.outer.name, outer) {
            Some(found) if passed.outer.key.is_some() => {
                instance(&found, &passed.outer, scope, configured, diagnostics)
                    .map(|reference| Configuration { reference, is_repeated: false })
            }
            found => found,
        };
        visible.extend(found.map(|found| (passed.inner.clone(), found)));
    }
    visible.extend(own);
    visible
}

/// Returns the configuration that a name means; without an alias it may be a provider that needs no configuration.
fn named(name: &ProviderName, visible: &Visible) -> Option<Configuration> {
    let default = || Configuration { reference: ProviderRef::new(name.name.clone(), None), is_repeated: false };
    visible.get(name).cloned().or_else(|| name.alias.is_none().then(default))
}

/// Returns the configuration that realises a block: the one it names, or the one there is.
///
/// # Errors
/// [`NoProvider`], with those that could.
pub(crate) fn choose(
    offers: &Offers,
    block: &BlockName,
    choice: Option<&ProviderChoice>,
    visible: &Visible,
) -> Result<Option<Configuration>, NoProvider> {
    let local = |name: &ProviderName| ProviderRef::new(name.name.clone(), name.alias.clone());
    let candidates = visible.iter().filter(|(_, found)| !found.is_repeated).map(|(name, _)| local(name)).collect();
    let named_here = choice.map(|choice| local(&choice.name));
    let ProviderRef { name, alias, .. } = match block.mode {
        Mode::Managed => offers.provider_of(&block.kind, named_here.as_ref(), &candidates)?,
        Mode::Data => offers.reader_of(&block.kind, named_here.as_ref(), &candidates)?,
    };
    Ok(named(&ProviderName { name, alias }, visible))
}

/// Returns the instance of a configuration that a choice means; `None` after a mistake that was reported, and where
/// the key is not known although it need not be yet.
pub(crate) fn instance(
    found: &Configuration,
    choice: &ProviderChoice,
    scope: &Scope<'_>,
    configured: Option<&BTreeSet<ProviderRef>>,
    diagnostics: &mut Diagnostics,
) -> Option<ProviderRef> {
    let Some(key) = &choice.key else { return (!found.is_repeated).then(|| found.reference.clone()) };
    let before = diagnostics.len();
    let evaluated = eval::expr(&key.expr, scope, diagnostics);
    if diagnostics.len() > before {
        return None;
    }
    let wrong = |detail: String| Diagnostic::error("Invalid provider key", key.expr.span, detail);
    let name = &choice.name;
    let diagnostic = match evaluated.value.convert(&Type::String) {
        _ if !evaluated.marks.is_empty() => {
            wrong(format!("The key of `{name}` is a secret, and who realises an object could not be shown in a plan."))
                .hint("Use `nonsensitive(…)` if the key itself is no secret.")
        }
        Ok(Value::String(key)) => {
            let reference = ProviderRef { key: Some(key.clone()), ..found.reference.clone() };
            match configured {
                Some(configured) if !configured.contains(&reference) => {
                    let quoted = InstanceKey::Key(key.clone());
                    let siblings = configured.iter().filter(|other| is_sibling(other, &reference));
                    let keys: Vec<&str> = siblings.filter_map(|other| other.key.as_deref()).collect();
                    let hint = did_you_mean(&key, keys.iter().copied()).unwrap_or_else(|| match keys.as_slice() {
                        [] => "Its `for_each` is empty.".to_owned(),
                        keys => format!("It has {}.", listed(keys)),
                    });
                    wrong(format!("The provider configuration `{name}` has no instance {quoted}.")).hint(hint)
                }
                Some(_) | None => return Some(reference),
            }
        }
        Ok(Value::Unknown(_)) if configured.is_none() => return None,
        Ok(Value::Unknown(_)) => {
            wrong(format!("The key of `{name}` says who realises this, so it must be known at plan."))
                .hint("Use keys that the configuration itself knows, such as `each.key`.")
        }
        Ok(Value::Null(_)) => wrong(format!("The key of `{name}` is null.")),
        Ok(_) | Err(_) => {
            wrong(format!("The key of `{name}` is text, but this is {}.", evaluated.value.ty().friendly()))
        }
    };
    diagnostics.push(diagnostic);
    None
}

fn is_sibling(other: &ProviderRef, reference: &ProviderRef) -> bool {
    (&other.name, &other.alias, &other.module) == (&reference.name, &reference.alias, &reference.module)
}

fn listed(keys: &[&str]) -> String {
    keys.iter().map(|key| format!("\"{key}\"")).collect::<Vec<_>>().join(", ")
}
