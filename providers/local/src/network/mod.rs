//! `network`: nodes as detached processes of this machine.
//!
//! [`plan`] predicts, [`work`] changes; [`node`] is what each node is to be, [`object`] what it is.
//! Directories: `ROOT/NAME-HASH/node-NODE/{data,data.json,files,log,record.json,launch.json,ready}`.

mod expand;
mod node;
mod object;
mod plan;
mod ports;
mod ready;
mod seed;
mod work;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use loam_provider::{
    Attribute, CallCx, Failure, Kind, Known, OnChange, PlanRequest, Planned, Provider, ProviderError, Remains,
    Resolution, Schema, Type, Value, decode, kinds::network::Network as Spec,
};

pub(crate) use self::{
    expand::{Invalid, expand},
    node::place_of,
};
use self::{node::Declared, plan::Due, work::Work};
use crate::{
    Machine,
    process::{Identity, Owner, Place, Site, filled, name_of, plain},
};

/// Returns what may stand in the block `local` of a network.
pub(crate) fn extension() -> Schema {
    let root = "The directory of all networks' directories; otherwise `.loam/networks`.";
    Schema::new([("root", Attribute::optional(Type::String, root).on_change(OnChange::Replace))])
}

/// Networks of processes of this machine.
pub(crate) struct Network(pub(crate) Arc<Machine>);

#[async_trait]
impl Provider for Network {
    async fn plan(&self, _kind: &Kind, cx: &CallCx, request: PlanRequest<'_>) -> Result<Planned, ProviderError> {
        let is_named = request.proposed.get("name").and_then(Value::as_str).is_some();
        let is_open = request.config.get("name").is_none_or(Value::is_null);
        let name = || Value::from(name_of(&cx.address));
        let proposed = match (is_named, is_open) {
            (false, true) => request.proposed.with("name", name()),
            (true, _) | (false, false) => request.proposed.clone(),
        };
        let dir = match request.prior {
            Some(prior) => Some(dir_of(prior)),
            None => self.new_site(&proposed, cx)?.map(|site| site.0),
        };
        plan::plan(request, &proposed, dir.as_deref(), self.0.executable())
    }

    async fn read(&self, _kind: &Kind, cx: &CallCx, current: &Known) -> Result<Option<Known>, ProviderError> {
        let site = Site(dir_of(current));
        site.check(cx)?;
        let nodes = object::observed(&site.0, current.get("nodes"))?;
        let owner = site.owner()?;
        if owner.is_none() && nodes.entries().is_none_or(BTreeMap::is_empty) {
            return Ok(None);
        }
        let read = current.with("nodes", nodes);
        Ok(Some(match owner {
            Some(owner) => read.with("bootstrapped", bootstrapped(&owner)),
            None => read,
        }))
    }

    async fn create(&self, _kind: &Kind, cx: &CallCx, planned: &Value) -> Result<Known, Failure> {
        let planned = match planned.get("name").and_then(Value::as_str) {
            Some(_) => planned.clone(),
            None => planned.with("name", Value::from(name_of(&cx.address))),
        };
        let site = match planned.get("dir").and_then(Value::as_str) {
            Some(dir) => Site(dir.into()),
            None => self.new_site(&planned, cx)?.ok_or_else(|| ProviderError::failed("the network has no name"))?,
        };
        let spec: Spec = decode(&planned)?;
        let mut owner = site.claim(cx)?;
        owner.bootstrapped = owner.bootstrapped.or(match plan::due(&spec) {
            Due::Runs => Some(false),
            Due::InSeed => Some(true),
            Due::Never => None,
        });
        let made = async {
            site.write(&owner)?;
            let seen = object::observed(&site.0, None)?;
            let work = self.work(cx, &spec, &planned, &site, &object::ports(Some(&seen)))?;
            work.found().await?;
            self.finish(&work, &site, owner, &planned).await
        };
        match made.await {
            Ok(object) => Ok(object),
            Err(error) => match self.remove(&site, None, &spec).await {
                Ok(()) => Err(error.into()),
                Err(_) => Err(Failure { error, remains: Remains::InDoubt }),
            },
        }
    }

    async fn update(&self, _kind: &Kind, cx: &CallCx, before: &Known, planned: &Value) -> Result<Known, Failure> {
        let site = Site(dir_of(before));
        let spec: Spec = decode(planned)?;
        let owner = site.change(cx)?;
        let changed = async {
            let known = before.get("nodes");
            let work = self.work(cx, &spec, planned, &site, &object::ports(known))?;
            if !owner.is_made {
                work.found().await?;
            }
            work.converge(&object::identities(known)).await?;
            self.finish(&work, &site, owner, planned).await
        };
        changed.await.map_err(|error: ProviderError| {
            let remains = object::observed(&site.0, before.get("nodes")).map(|nodes| before.with("nodes", nodes));
            Failure { error, remains: remains.map_or(Remains::InDoubt, Remains::Partial) }
        })
    }

    async fn delete(&self, _kind: &Kind, cx: &CallCx, before: &Known) -> Result<(), Failure> {
        let site = Site(dir_of(before));
        site.check(cx)?;
        let spec: Spec = decode(before)?;
        let deleted = self.remove(&site, before.get("nodes"), &spec).await;
        deleted.map_err(|error| {
            let remains = object::observed(&site.0, before.get("nodes")).map(|nodes| before.with("nodes", nodes));
            Failure { error, remains: remains.map_or(Remains::InDoubt, Remains::Partial) }
        })
    }

    async fn resolve(&self, _kind: &Kind, cx: &CallCx, planned: &Value) -> Result<Resolution, ProviderError> {
        let Some(site) = Site::of_token(&self.root(planned), cx)? else {
            return Ok(if planned.is_null() { Resolution::Done(Known::null()) } else { Resolution::Nothing });
        };
        let Some(owner) = site.owner()?.filter(|_| !planned.is_null()) else { return Ok(Resolution::Nothing) };
        let nodes = object::observed(&site.0, planned.get("nodes"))?;
        if !owner.is_made && object::found(&site.0)?.is_empty() {
            site.remove(self.0.loam_dir()).await?;
            return Ok(Resolution::Nothing);
        }
        let object = planned
            .with("dir", Value::from(site.0.to_string_lossy().into_owned()))
            .with("nodes", nodes.into_value())
            .with("bootstrapped", bootstrapped(&owner).into_value());
        let object = filled(&object);
        Ok(if owner.is_finished { Resolution::Done(object) } else { Resolution::Partial(object) })
    }
}

impl Network {
    /// Returns where networks stand.
    fn root(&self, object: &Value) -> PathBuf {
        let written = object.get("local").and_then(|local| local.get("root")).and_then(Value::as_str);
        written.map_or_else(|| self.0.loam_dir().join("networks"), |root| self.0.path(root))
    }

    /// Returns where a new network will stand, if that can be known.
    fn new_site(&self, object: &Value, cx: &CallCx) -> Result<Option<Site>, ProviderError> {
        let is_known = object.get("local").is_none_or(Value::is_wholly_known);
        let Some(name) = object.get("name").and_then(Value::as_str).filter(|_| is_known) else { return Ok(None) };
        Ok(Some(Site::free(&self.root(object), &plain(name), cx)?))
    }

    /// Returns the work of a call: its nodes, with ports chosen where they had none.
    fn work<'w>(
        &'w self,
        cx: &'w CallCx,
        spec: &'w Spec,
        planned: &'w Value,
        site: &'w Site,
        kept: &BTreeMap<String, BTreeMap<String, u16>>,
    ) -> Result<Work<'w>, ProviderError> {
        let mut nodes = node::nodes(spec, &site.0, kept)?;
        let mut taken: BTreeSet<u16> = kept.values().flat_map(BTreeMap::values).copied().collect();
        taken.extend(nodes.iter().flat_map(|node| node.ports.values().flatten()));
        for port in &taken {
            // Nobody else is to choose it while its node is between two runs; who has it anyway is found when it starts.
            let _ = self.0.reserve(*port);
        }
        for node in &mut nodes {
            for (name, port) in &mut node.ports {
                if port.is_none() {
                    let seed = format!("{} {} {name}", site.0.display(), node.name);
                    let chosen = ports::choose(&self.0, &seed, &taken)?;
                    taken.insert(chosen);
                    *port = Some(chosen);
                }
            }
        }
        let network = Declared {
            spec,
            name: planned.get("name").and_then(Value::as_str),
            has_dir: true,
            executable: self.0.executable(),
        };
        Ok(Work { machine: &self.0, cx, network, dir: &site.0, nodes })
    }

    /// Bootstraps what is to be bootstrapped, notes that all is done, and returns the object.
    async fn finish(
        &self,
        work: &Work<'_>,
        site: &Site,
        mut owner: Owner,
        planned: &Value,
    ) -> Result<Known, ProviderError> {
        if owner.bootstrapped == Some(false) {
            work.bootstrap().await?;
            owner.bootstrapped = Some(true);
        }
        let nodes = work.nodes.iter().map(|node| (node.name.as_str(), object::planned(node, true)));
        let nodes = Value::map(loam_provider::kinds::network::node_type(), nodes);
        let object = planned
            .with("dir", Value::from(site.0.to_string_lossy().into_owned()))
            .with("nodes", object::observed(&site.0, Some(&nodes))?.into_value())
            .with("bootstrapped", bootstrapped(&owner).into_value());
        site.write(&Owner { is_finished: true, is_made: true, ..owner })?;
        Ok(filled(&object))
    }

    /// Stops every process of a network and deletes its directory.
    async fn remove(&self, site: &Site, nodes: Option<&Value>, spec: &Spec) -> Result<(), ProviderError> {
        let mut processes: BTreeSet<(String, Identity)> = object::identities(nodes).into_iter().collect();
        for name in object::found(&site.0)? {
            if let Some(record) = Place(object::node_dir(&site.0, &name)).record()? {
                processes.insert((name, record.identity));
            }
        }
        work::stop_all(processes, &spec.stop).await?;
        Ok(site.remove(self.0.loam_dir()).await?)
    }
}

fn dir_of(object: &Value) -> PathBuf {
    Path::new(object.get("dir").and_then(Value::as_str).unwrap_or_default()).to_owned()
}

fn bootstrapped(owner: &Owner) -> Known {
    let value = owner.bootstrapped.map_or(Value::Null(Type::Bool), Value::from);
    Known::new(value).expect("it holds nothing unknown")
}
