//! `loam import`

use std::time::Duration;

use super::{
    Global,
    error::{Code, Failure},
    inputs::Inputs,
    interrupt::Interrupt,
    project::{Given, Project},
    run::{self, Planning, Site, Snapshot, Working},
    terminal::Terminal,
};
use crate::{
    addr::Instance,
    apply,
    plan::{Mode, Origin},
    state::{RunOutcome, Sqlite, Store, Write},
    ui,
};

/// Take over something that exists, and change nothing about it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The configuration needs a block for the address first: it says what the thing is to be. What the id is depends on the \
kind; for files, directories and buckets of this machine it is the path. Nothing but the recorded state is changed; \
`loam plan` shows what apply would change then.

An `import` block in the configuration does the same as part of an apply, for several things at once.

Examples:
  loam import 'bucket.logs' /srv/logs
  loam import 'directory.data[\"eu\"]' data/eu")]
pub(super) struct Args {
    /// The address it gets: network.bench, bucket.logs["eu"]
    address: Instance,
    /// What its provider knows it by
    id: String,
    #[command(flatten)]
    inputs: Inputs,
    /// Wait this long for another loam to finish, as in 90s
    #[arg(long, value_name = "DURATION", value_parser = run::duration)]
    lock_timeout: Option<Duration>,
}

pub(super) fn run(terminal: &mut Terminal, global: &Global, args: &Args) -> Result<Code, Failure> {
    let Args { address, id, inputs, lock_timeout } = args;
    let project = Project::open(terminal, global, Given::Wholly(inputs))?;
    let seal = project.directory.seal()?;
    let variables = project.variables.clone();
    let lock = project.directory.lock("import", *lock_timeout)?;
    let mut store = Sqlite::open(lock, seal, run::now())?;
    let runtime = run::runtime()?;
    runtime.block_on(async {
        let interrupt = Interrupt::listen()?;
        let host = project.host(terminal, &variables).await?;
        let site = Site { project: &project, host: &host, variables: &variables, interrupt: &interrupt };
        let mut reporter = terminal.reporter()?;
        let run = run::begin(&mut store, &host, &mut reporter, "import").await?;
        let imported = async {
            let snapshot = Snapshot::of(&store)?;
            if !store.objects_of(address)?.is_empty() {
                return Err(Failure::new(format!("there is an object at `{address}` already"))
                    .hint(format!("To take over another thing there, forget this one: `loam state rm '{address}'`.")));
            }
            // What else the configuration says of the world does not matter here, so nothing else is read.
            let planning = Planning {
                replace: Vec::new(),
                working: Working { refresh: false, parallelism: Working::PARALLELISM },
            };
            let imports = vec![(address.clone(), id.as_str().into())];
            let attempt = run::plan_with(site, &mut reporter, snapshot, Mode::Apply, &planning, imports).await;
            reporter.finish()?;
            let planned = attempt?.accepted(&project, terminal)?;
            let change = planned
                .plan
                .changes
                .iter()
                .find(|change| change.addr == *address && matches!(change.origin, Some(Origin::Imported { .. })));
            let object = change.and_then(apply::taken_over);
            object.ok_or_else(|| Failure::new(format!("`{id}` was not found to be taken over as `{address}`")))
        }
        .await;
        let outcome = match &imported {
            Ok(_) => RunOutcome::Succeeded,
            Err(_) => RunOutcome::Failed,
        };
        if let Ok(object) = &imported {
            store.write(run::now(), Some(run), &[Write::Put(Box::new(object.clone()))])?;
        }
        store.finish_run(run::now(), run, outcome)?;
        imported?;
        Box::new(store).close()?;
        terminal.tell(|out, style| {
            ui::note(out, style, &format!("Imported {address} (id `{id}`). `loam plan` shows what apply would change."))
        });
        Ok(Code::Done)
    })
}
