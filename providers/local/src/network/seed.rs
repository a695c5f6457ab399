//! Fills a node's data directory from a seed volume, once.

use std::path::{Path, PathBuf};

use loam_bundle::{
    clone::{Blocks, CloneError, Cloning, Markers, NEVER_REWRITTEN, clone},
    progress::{Progress, Report},
    tree::Selection,
};
use loam_provider::{
    CallCx, ProviderError,
    kinds::network::{Distribution, Seed},
};

use super::node::Node;
use crate::{
    Machine,
    data::work::until_cancelled,
    files::{FileError, fs},
};

/// Fills a node's data directory with the seed's tree: built beside and renamed, so it is there whole or not at all.
pub(super) async fn fill(machine: &Machine, cx: &CallCx, seed: &Seed, node: &Node) -> Result<(), ProviderError> {
    let source = source(machine, seed)?;
    let how = how(seed)?;
    let (progress, phase) = (cx.progress.clone(), format!("filling node `{}` from `{}`", node.name, seed.name));
    progress.bytes(&phase, 0, None);
    let report = Report::new(move |Progress { done, total, .. }| progress.bytes(&phase, done, total));
    let target = node.data_dir();
    fs::remove_large_directory(&target).await?;
    let cloned = async { clone(&source, &target, &how, &report).await.map_err(|error| failed(seed, &source, error)) };
    until_cancelled(cx, cloned).await?;
    Ok(())
}

/// Returns the directory of a seed that is on this machine.
fn source(machine: &Machine, seed: &Seed) -> Result<PathBuf, ProviderError> {
    let Some(path) = &seed.path else {
        return Err(ProviderError::failed(format!("the seed `{}` is not on this machine", seed.name))
            .hint("Let the provider of this network make the seed volume too."));
    };
    let path = machine.path(path);
    if path.is_dir() {
        return Ok(path);
    }
    let message = format!("the seed `{}` is gone: `{}` is no directory", seed.name, path.display());
    Err(ProviderError::failed(message).hint("Let the plan make the seed volume again, or replace the network."))
}

fn how(seed: &Seed) -> Result<Cloning, ProviderError> {
    let (blocks, shared) = match seed.distribution {
        Distribution::Auto => (Blocks::Shared, NEVER_REWRITTEN),
        Distribution::Clone => (Blocks::SharedOrFail, &[] as &[&str]),
        Distribution::Copy => (Blocks::Own, &[] as &[&str]),
        Distribution::Snapshot | Distribution::Stream => {
            let message = format!("`local` cannot distribute the seed `{}` as its volume says", seed.name);
            return Err(ProviderError::failed(message)
                .hint("Write `distribution = \"auto\"`, `\"clone\"` or `\"copy\"` in the seed volume."));
        }
    };
    let share = match shared {
        [] => None,
        patterns => Some(Selection::new(patterns.iter().copied(), []).expect("the patterns are well-formed")),
    };
    Ok(Cloning { blocks, share, selection: Selection::all(), markers: Markers::Drop })
}

fn failed(seed: &Seed, source: &Path, error: CloneError) -> ProviderError {
    match error {
        CloneError::Io { operation, path, source } => FileError { action: operation, path, source }.into(),
        CloneError::CannotShare { .. } => {
            ProviderError::because(format!("the seed `{}` cannot be cloned", seed.name), error)
                .hint("Write `distribution = \"auto\"` in the seed volume, or keep it and the network on one file system that can, such as XFS or Btrfs.")
        }
        CloneError::Tree(_) | CloneError::TargetExists { .. } | CloneError::Interrupted { .. } => {
            ProviderError::because(format!("failed to clone `{}`", source.display()), error)
        }
    }
}
