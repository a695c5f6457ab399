//! The database's own thread.
//!
//! SQLite blocks, so nothing of it runs on an async worker: a [`Store`] sends closures
//! to the thread that owns the [`Database`] and waits for what they return.

use std::{fs, path::PathBuf, thread};

use tokio::sync::{mpsc, oneshot, watch};

use crate::{database::Database, error::DemoError, identity};

const QUEUE: usize = 64;

type Job = Box<dyn FnOnce(&mut Database) + Send>;

/// A handle on the database.
#[derive(Clone)]
pub(crate) struct Store {
    path: PathBuf,
    /// The node's id, the origin of its writes and the name of its feed.
    node: String,
    jobs: mpsc::Sender<Job>,
    head: watch::Receiver<i64>,
}

/// Told when the last [`Store`] is gone and the database is closed.
pub(crate) struct Closing(oneshot::Receiver<Result<(), DemoError>>);

impl Store {
    /// Opens the database of `data_dir` on a new thread.
    pub(crate) async fn open(data_dir: PathBuf) -> Result<(Self, Closing), DemoError> {
        let path = data_dir.join(crate::DATABASE_FILE);
        let closed_early = DemoError::Closed { path: path.clone() };
        let (opened, opening) = oneshot::channel();
        let (closed, closing) = oneshot::channel();
        let (jobs, queue) = mpsc::channel(QUEUE);
        let work = move || match open(data_dir) {
            Ok((database, node)) => {
                let (head, watched) = watch::channel(database.head());
                // Nobody waits any more if the server was dropped meanwhile.
                let _ = opened.send(Ok((node, watched)));
                let _ = closed.send(run(database, queue, &head));
            }
            Err(error) => drop(opened.send(Err(error))),
        };
        thread::Builder::new()
            .name("demo database".to_owned())
            .spawn(work)
            .map_err(|source| DemoError::Thread { path: path.clone(), source })?;
        let (node, head) = opening.await.map_err(|_| closed_early)??;
        Ok((Self { path, node, jobs, head }, Closing(closing)))
    }

    /// Returns what `job` makes of the database.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Database) -> Result<T, DemoError> + Send + 'static,
    ) -> Result<T, DemoError> {
        let (reply, answer) = oneshot::channel();
        // The caller may have gone away; the job counts all the same.
        let job: Job = Box::new(move |database| drop(reply.send(job(database))));
        let closed = || DemoError::Closed { path: self.path.clone() };
        self.jobs.send(job).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    pub(crate) fn node(&self) -> &str {
        &self.node
    }

    /// Returns the number of the last change, as it moves.
    pub(crate) fn head(&self) -> watch::Receiver<i64> {
        self.head.clone()
    }

    /// Gives up this handle and waits until the database is closed, once every other handle is gone.
    pub(crate) async fn close(self, closing: Closing) -> Result<(), DemoError> {
        let Self { path, jobs, .. } = self;
        drop(jobs);
        closing.0.await.map_err(|_| DemoError::Closed { path })?
    }
}

fn open(data_dir: PathBuf) -> Result<(Database, String), DemoError> {
    fs::create_dir_all(&data_dir).map_err(|source| DemoError::CreateDirectory { path: data_dir.clone(), source })?;
    let database = Database::open(&data_dir)?;
    let node = identity::identify(&data_dir, database.path())?;
    Ok((database, node))
}

fn run(mut database: Database, mut queue: mpsc::Receiver<Job>, head: &watch::Sender<i64>) -> Result<(), DemoError> {
    while let Some(job) = queue.blocking_recv() {
        job(&mut database);
        let now = database.head();
        head.send_if_modified(|before| std::mem::replace(before, now) != now);
    }
    database.close()
}
