//! Data at rest on this machine: buckets, archives, volumes, snapshots, replicas.
//!
//! Each kind is a module whose struct implements [`Provider`] for it. They share who owns what
//! ([`marks`]), where things are ([`place`]), small files that are exchanged whole ([`json_file`])
//! and how long work is run ([`work`]). How data is packed and unpacked is `loam-bundle`'s affair.

pub(crate) mod archives;
mod bucket;
mod json_file;
mod marks;
pub(crate) mod object;
pub(crate) mod place;
mod remove;
mod replica;
mod seed_archive;
mod seed_volume;
mod snapshot;
pub(crate) mod work;

use std::sync::Arc;

use loam_provider::{Attribute, Kind, OnChange, Provider, Schema, Str, Type, kinds};

use crate::Machine;

/// Returns the kinds of data.
pub(crate) fn kinds() -> [Kind; 5] {
    [kinds::bucket(), kinds::seed_archive(), kinds::seed_volume(), kinds::snapshot(), kinds::replica()]
}

/// Returns what may stand in a `local` block of these kinds.
pub(crate) fn extensions() -> [(Str, Schema); 2] {
    let path = |doc| Schema::new([("path", Attribute::optional(Type::String, doc).on_change(OnChange::Replace))]);
    [
        ("bucket".into(), path("The bucket's directory; by default `.loam/buckets/NAME`.")),
        ("seed_volume".into(), path("The directory that volumes are kept in; by default `.loam/seeds`.")),
    ]
}

/// Returns who realises each of these kinds.
pub(crate) fn providers(machine: &Arc<Machine>) -> [(&'static str, Box<dyn Provider>); 5] {
    [
        ("bucket", Box::new(bucket::Bucket::new(machine))),
        ("seed_archive", Box::new(seed_archive::SeedArchive::new(machine))),
        ("seed_volume", Box::new(seed_volume::SeedVolume::new(machine))),
        ("snapshot", Box::new(snapshot::Snapshot::new(machine))),
        ("replica", Box::new(replica::Replica::new(machine))),
    ]
}
