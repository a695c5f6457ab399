//! `loam state`

use std::time::Duration;

use super::{
    Global,
    error::{Code, Failure},
    nearest::nearest,
    project::{self, Directory},
    run,
    terminal::Terminal,
};
use crate::{
    addr::{Instance, Resource},
    state::{self, Ended, Entry, Outcome, Sqlite, StateError, Store, Stored},
    ui,
};

/// Look at the recorded state, and mend it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The state is `.loam/state.db`: what loam made, and where. `loam apply` writes it; these commands are for what apply \
cannot know.

Examples:
  loam state list
  loam state show 'network.bench'
  loam state mv 'network.old' 'network.new'     After the block was renamed
  loam state rm 'bucket.logs[\"eu\"]'            Forget it; the bucket stays")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

/// What is said where nothing is recorded.
pub(super) const EMPTY: &str = "The state is empty: nothing was applied here yet, or all of it was destroyed.";

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the addresses of objects
    List {
        /// Only this object, or the objects of this block
        address: Option<String>,
    },
    /// Show one object
    Show {
        /// The object: network.bench, bucket.logs["eu"]
        address: Instance,
    },
    /// Forget an object and leave the real thing alone
    Rm {
        /// The objects
        #[arg(required = true)]
        addresses: Vec<Instance>,
        #[command(flatten)]
        locking: Locking,
    },
    /// Give an object another address, after its block was renamed
    Mv {
        /// The address until now
        from: Instance,
        /// The address from now on
        to: Instance,
        #[command(flatten)]
        locking: Locking,
    },
}

#[derive(Debug, clap::Args)]
struct Locking {
    /// Wait this long for another loam to finish, as in 90s
    #[arg(long, value_name = "DURATION", value_parser = run::duration)]
    lock_timeout: Option<Duration>,
}

pub(super) fn run(terminal: &mut Terminal, global: &Global, args: &Args) -> Result<Code, Failure> {
    let directory = Directory::open(global)?;
    match &args.command {
        Command::List { address } => list(terminal, &directory, address.as_deref()),
        Command::Show { address } => show(terminal, &directory, address),
        Command::Rm { addresses, locking } => {
            let mut store = open(&directory, "state rm", locking)?;
            let objects = store.objects()?;
            let unsettled = store.unfinished_steps()?;
            for address in addresses {
                if !unsettled.iter().any(|step| step.slot.addr == *address) {
                    known(&objects, address)?;
                }
            }
            for address in addresses {
                forget(&mut store, address)?;
                terminal.tell(|out, style| {
                    ui::note(out, style, &format!("Forgot {address}; the real thing is untouched."))
                });
            }
            Ok(Code::Done)
        }
        Command::Mv { from, to, locking } => {
            let mut store = open(&directory, "state mv", locking)?;
            let objects = store.objects()?;
            known(&objects, from)?;
            if from.resource.kind != to.resource.kind {
                let message =
                    format!("`{from}` is a `{}` and cannot become a `{}`", from.resource.kind, to.resource.kind);
                return Err(Failure::new(message).hint("Only the name, the key and the module can change."));
            }
            if objects.iter().any(|stored| stored.object.slot.addr == *to) {
                return Err(Failure::new(format!("there is an object at `{to}` already"))
                    .hint(format!("Move it, or forget it with `loam state rm '{to}'`, first.")));
            }
            store.move_object(run::now(), from, to)?;
            terminal.tell(|out, style| ui::note(out, style, &format!("Moved {from} to {to}.")));
            Ok(Code::Done)
        }
    }
}

fn list(terminal: &mut Terminal, directory: &Directory, address: Option<&str>) -> Result<Code, Failure> {
    let store = state::open_read_only(&directory.loam, directory.seal()?, run::now())?;
    let mut objects = store.objects()?;
    if let Some(address) = address {
        let instance: Instance = address.parse()?;
        let block: Resource = instance.resource.clone();
        objects.retain(|Stored { object, .. }| {
            object.slot.addr == instance || (instance.key.is_none() && object.slot.addr.resource == block)
        });
        if objects.is_empty() {
            return known(&store.objects()?, &instance).map(|()| Code::Done);
        }
    }
    if objects.is_empty() {
        terminal.tell(|out, style| ui::note(out, style, EMPTY));
    }
    let is_json = terminal.is_json();
    terminal.screen.result(|out, _| {
        let objects = objects.iter().map(|stored| &stored.object);
        if is_json { ui::addresses_json(out, objects) } else { ui::addresses(out, objects) }
    })?;
    Ok(Code::Done)
}

fn show(terminal: &mut Terminal, directory: &Directory, address: &Instance) -> Result<Code, Failure> {
    let store = state::open_read_only(&directory.loam, directory.seal()?, run::now())?;
    let objects = store.objects_of(address)?;
    if objects.is_empty() {
        return known(&store.objects()?, address).map(|()| Code::Done);
    }
    terminal.show_objects(&objects, &project::offers())?;
    Ok(Code::Done)
}

fn open(directory: &Directory, command: &str, locking: &Locking) -> Result<Sqlite, Failure> {
    if !directory.state_file().exists() {
        return Err(Failure::new(format!("there is no state in `{}`", directory.loam.display()))
            .hint("`loam apply` makes one."));
    }
    let lock = directory.lock(command, locking.lock_timeout)?;
    Ok(Sqlite::open(lock, directory.seal()?, run::now())?)
}

/// Drops what stands at an address, and what nobody can tell about it.
pub(super) fn forget(store: &mut dyn Store, address: &Instance) -> Result<(), StateError> {
    let mut entries = Vec::new();
    for step in store.unfinished_steps()? {
        if step.slot.addr == *address {
            let ended = Ended::Abandoned { reason: "forgotten by `loam state rm`".to_owned() };
            entries.push(Entry::End(Outcome { step: step.id, ended, writes: Vec::new() }));
        }
    }
    if !entries.is_empty() {
        store.journal(run::now(), &entries)?;
    }
    if !store.objects_of(address)?.is_empty() {
        store.forget_object(run::now(), address)?;
    }
    Ok(())
}

fn known(objects: &[Stored], address: &Instance) -> Result<(), Failure> {
    let mut addresses = objects.iter().map(|stored| &stored.object.slot.addr);
    if addresses.clone().any(|known| known == address) {
        return Ok(());
    }
    let hint = match addresses.next() {
        None => "The state is empty.".to_owned(),
        Some(_) => nearest(address, objects.iter().map(|stored| &stored.object.slot.addr))
            .unwrap_or_else(|| "`loam state list` shows what there is.".to_owned()),
    };
    Err(Failure::new(format!("there is no object at `{address}` in the state")).hint(hint))
}
