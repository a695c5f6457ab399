//! `loam providers`

use super::{
    Global,
    error::{Code, Failure},
    project,
    terminal::Terminal,
};

/// Show the providers and the kinds they realise
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(terminal: &mut Terminal, _global: &Global, _args: &Args) -> Result<Code, Failure> {
    let offers = project::offers();
    let is_json = terminal.is_json();
    terminal.screen.result(|out, _| {
        for factory in offers.factories() {
            let kinds = factory.kinds().iter().map(|kind| (kind.name.as_str(), kind.doc.as_str()));
            if is_json {
                let kinds: Vec<_> = kinds.map(|(name, doc)| serde_json::json!({"name": name, "doc": doc})).collect();
                let line = serde_json::json!({
                    "type": "provider", "name": factory.name(), "doc": factory.doc(), "kinds": kinds,
                });
                writeln!(out, "{line}")?;
                continue;
            }
            writeln!(out, "{}: {}", factory.name(), factory.doc())?;
            for (name, doc) in kinds {
                writeln!(out, "  {name:<14} {doc}")?;
            }
        }
        Ok(())
    })?;
    Ok(Code::Done)
}
