//! Whether modules are called as they are declared: arguments, outputs and providers.

use std::collections::BTreeSet;

use loam_provider::Str;

use super::{
    Attribute, Module, ModuleCall, OutputName, Provider, ProviderChoice, ProviderName, Reference, Repeat, Subject,
    literals::misspelt,
};
use crate::diag::{Diagnostic, Diagnostics, did_you_mean, suggest};

/// Checks what only the root module may say, and whether each provider configuration it names is declared.
#[must_use]
pub fn check_root(module: &Module) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    providers(module, None, &mut diagnostics);
    for output in module.outputs.values().filter(|output| output.ephemeral) {
        let detail = format!("`{}` is an output of the root module, and those are kept in the state.", output.name);
        let hint = "Only outputs of called modules can be ephemeral; `ephemeralasnull(…)` gives a value that is kept.";
        diagnostics.push(Diagnostic::error("Ephemeral output", output.span, detail).hint(hint));
    }
    diagnostics
}

/// Checks the calls of a module whose called modules have been read: every argument is a variable of its module, none
/// is missing, every output that is used exists, and the providers fit.
#[must_use]
pub fn check_calls(module: &Module) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    for call in module.calls.values() {
        let Some(called) = &call.module else { continue };
        arguments(call, called, &mut diagnostics);
        providers(called, Some(call), &mut diagnostics);
        unused(call, called, &mut diagnostics);
        for import in &called.imports {
            let detail = "An `import` block stands in the root module: only there is it clear which object is meant.";
            let to = format!("In the root module write `to = module.{}.…`.", call.name);
            diagnostics.push(Diagnostic::error("Misplaced import", import.span, detail).hint(to));
        }
    }
    for reference in module.references().filter(|reference| matches!(reference.subject, Subject::Module(_))) {
        diagnostics.extend(output(module, reference).into_iter().collect());
    }
    diagnostics
}

fn arguments(call: &ModuleCall, called: &Module, diagnostics: &mut Diagnostics) {
    for argument in call.arguments.values() {
        match called.variables.get(&argument.name) {
            None if called.is_partial => {}
            None => diagnostics.push(unknown_argument(call, called, argument)),
            Some(variable) => {
                diagnostics.extend(misspelt(variable, &argument.expr));
                let deprecated = variable.deprecated.as_ref();
                diagnostics
                    .extend(deprecated.map(|message| set_though_deprecated(argument, message)).into_iter().collect());
            }
        }
    }
    for (name, variable) in &called.variables {
        let is_misspelt = || {
            let unknown = call.arguments.keys().filter(|given| !called.variables.contains_key(*given));
            unknown.map(|given| suggest(given, [name.as_str()])).any(|near| near.is_some())
        };
        if variable.default.is_some() || call.arguments.contains_key(name) || is_misspelt() {
            continue;
        }
        let detail = format!("The argument `{name}` must be set: the module's variable has no default.");
        let about = variable.description.as_ref().map_or_else(String::new, |description| format!(": {description}"));
        let hint = format!("`{name}` is {}{about}", variable.ty);
        let diagnostic = Diagnostic::error("Missing argument", call.span, detail).hint(hint);
        diagnostics.push(diagnostic.related(variable.span, "the variable"));
    }
}

fn unknown_argument(call: &ModuleCall, called: &Module, argument: &Attribute) -> Diagnostic {
    let name = &argument.name;
    let names = || called.variables.keys().map(Str::as_str);
    let detail = format!("The module `{}` has no variable `{name}`.", call.name);
    let hint = did_you_mean(name, names()).unwrap_or_else(|| match listed(names()) {
        None => format!("It has no variables. Declare one in the module: `variable \"{name}\" {{}}`."),
        Some(list) => format!("Its variables are: {list}."),
    });
    Diagnostic::error("Unknown argument", argument.name_span, detail).hint(hint)
}

fn set_though_deprecated(argument: &Attribute, message: &str) -> Diagnostic {
    let detail = format!("The variable `{}` of this module is deprecated: {message}", argument.name);
    Diagnostic::warning("Deprecated variable", argument.name_span, detail)
}

fn output(module: &Module, reference: &Reference) -> Option<Diagnostic> {
    let Subject::Module(name) = &reference.subject else { return None };
    let call = module.calls.get(name)?;
    let called = call.module.as_ref()?;
    let Some(meant) = call.output(reference) else { return no_index(call, reference) };
    match called.outputs.get(meant) {
        Some(output) => {
            let message = output.deprecated.as_ref()?;
            let detail = format!("The output `{meant}` of `module.{name}` is deprecated: {message}");
            Some(Diagnostic::warning("Deprecated output", reference.span, detail))
        }
        None if called.is_partial => None,
        None => {
            let names = || called.outputs.keys().map(Str::as_str);
            let detail = format!("The module `{name}` has no output `{meant}`.");
            let hint = did_you_mean(meant, names()).unwrap_or_else(|| match listed(names()) {
                None => format!("It has no outputs. Declare one in the module: `output \"{meant}\" {{ value = … }}`."),
                Some(list) => format!("Its outputs are: {list}."),
            });
            Some(Diagnostic::error("Unknown output", reference.span, detail).hint(hint))
        }
    }
}

/// Returns what to say about an output of a module that repeats, where no instance is named.
fn no_index(call: &ModuleCall, reference: &Reference) -> Option<Diagnostic> {
    let Some(OutputName::Of(output)) = &reference.output else { return None };
    let module = format!("module.{}", call.name);
    let (word, hint) = match &call.repeat {
        Repeat::Once => return None,
        Repeat::Count(_) => {
            ("count", format!("Write `{module}[0].{output}` for the first, or `{module}[*].{output}` for all."))
        }
        Repeat::ForEach(_) => {
            let all = format!("`values({module})[*].{output}`");
            ("for_each", format!("Write `{module}[\"key\"].{output}` for one of them, or {all} for all."))
        }
    };
    let detail = format!("`{module}` has `{word}`, so it has many instances, and none is named here.");
    Some(Diagnostic::error("Missing index", reference.span, detail).hint(hint))
}

fn listed<'n>(names: impl Iterator<Item = &'n str>) -> Option<String> {
    let names: Vec<String> = names.take(8).map(|name| format!("`{name}`")).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// Checks that every provider configuration a module names is declared in it or passed to it.
fn providers(module: &Module, call: Option<&ModuleCall>, diagnostics: &mut Diagnostics) {
    let passed = call.map(|call| call.providers.as_slice()).unwrap_or_default();
    for choice in module.choices() {
        let name = &choice.name;
        let declared = module.providers.get(name);
        let is_passed = passed.iter().any(|passed| passed.inner == *name);
        let diagnostic = match (declared, &choice.key) {
            (Some(Provider { for_each: Some(_), .. }), None) if !is_passed => {
                let detail =
                    format!("`{name}` has `for_each`, so it is several configurations, and none is named here.");
                let hint = format!("Name one by its key: `{name}[each.key]` or `{name}[\"key\"]`.");
                Some(Diagnostic::error("Missing key", choice.span, detail).hint(hint))
            }
            (Some(Provider { for_each: None, span, .. }), Some(key)) => {
                let detail = format!("`{name}` is one configuration, so it has no keys.");
                let hint = format!("Write `{name}`, or give the provider a `for_each`.");
                let diagnostic = Diagnostic::error("Unexpected key", key.expr.span, detail).hint(hint);
                Some(diagnostic.related(*span, "the provider"))
            }
            (None, Some(key)) if is_passed => {
                let detail = format!("`{name}` is one configuration that the caller passes, so it has no keys.");
                Some(Diagnostic::error("Unexpected key", key.expr.span, detail).hint(format!("Write `{name}`.")))
            }
            (Some(_), _) => None,
            // Without an alias it may be a provider that needs no configuration.
            (None, _) if is_passed || name.alias.is_none() || module.is_partial => None,
            (None, _) => Some(undeclared(module, call, choice)),
        };
        diagnostics.extend(diagnostic.into_iter().collect());
    }
}

fn undeclared(module: &Module, call: Option<&ModuleCall>, choice: &ProviderChoice) -> Diagnostic {
    let ProviderName { name: provider, alias } = &choice.name;
    let name = choice.name.to_string();
    let passed = call.iter().flat_map(|call| &call.providers).map(|passed| &passed.inner);
    let names: Vec<String> = module.providers.keys().chain(passed).map(ToString::to_string).collect();
    let detail = format!("There is no provider configuration `{name}`.");
    let near = did_you_mean(&name, names.iter().map(String::as_str));
    let diagnostic = Diagnostic::error("Undeclared provider", choice.span, detail);
    match call {
        Some(call) => diagnostic
            .related(call.span, "called here, without it")
            .maybe_hint(near)
            .hint(format!("Pass one in the `module` block: `providers = {{ {name} = {provider} }}`.")),
        None => diagnostic.hint(near.unwrap_or_else(|| {
            let alias = alias.as_deref().unwrap_or_default();
            format!("Declare it: `provider \"{provider}\" {{ alias = \"{alias}\" }}`.")
        })),
    }
}

/// Warns of configurations that are passed under a name the module does not use.
fn unused(call: &ModuleCall, called: &Module, diagnostics: &mut Diagnostics) {
    let used: BTreeSet<&ProviderName> =
        called.choices().map(|choice| &choice.name).chain(called.providers.keys()).collect();
    let aliased = call.providers.iter().filter(|passed| passed.inner.alias.is_some());
    for passed in aliased.filter(|passed| !called.is_partial && !used.contains(&passed.inner)) {
        let detail = format!("The module `{}` uses no provider configuration `{}`.", call.name, passed.inner);
        let names: Vec<String> = used.iter().map(ToString::to_string).collect();
        let hint = did_you_mean(&passed.inner.to_string(), names.iter().map(String::as_str));
        diagnostics.push(Diagnostic::warning("Unused provider", passed.span, detail).maybe_hint(hint));
    }
}
