//! The state in a SQLite file.
//!
//! Every method that writes is one immediate transaction, durable when it returns: WAL with `synchronous=FULL`. The
//! tables are described in `schemas/state/`. Start in [`commit`] for writing, in [`rows`] for what a row means.

mod commit;
mod fault;
mod open;
mod read;
mod rows;
#[cfg(test)]
mod tests;
mod types;

use std::{
    cell::{Cell, RefCell},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use loam_provider::Str;
use rusqlite::{Connection, Transaction, TransactionBehavior, named_params, params};

use super::{
    Entry, HistoryEntry, LoggedEvent, Meta, NewRun, NewStep, Output, Run, RunId, RunOutcome, Seal, Serial, StateError,
    StepId, StepRecord, Store, Stored, Write,
};
use crate::addr::Instance;

pub use open::{DATABASE, SCHEMA_VERSION, open_read_only};

use commit::Commit;
use types::Types;

/// A [`Store`] in a SQLite file.
pub struct Sqlite {
    // Dropped in this order: the database is closed before the lock is given back.
    db: Connection,
    role: Role,
    path: PathBuf,
    state_id: Str,
    seal: Seal,
    /// Whether the database says which key its secrets are sealed with.
    names_key: Cell<bool>,
    types: RefCell<Types>,
}

/// What a connection is for.
enum Role {
    /// Changes the state, and holds its lock.
    Writer {
        lock: Box<super::Lock>,
        /// What `meta.writer` says as long as nobody else has opened the state to change it.
        ticket: i64,
    },
    /// Sees the state as it was when it was opened.
    Reader,
}

impl Sqlite {
    /// Returns the database's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn fault(&self) -> impl Fn(rusqlite::Error) -> StateError + '_ {
        |error| fault::of_file(&self.path, error)
    }

    /// Runs some work in one transaction: all of it, or on an error none.
    fn transaction<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, StateError>) -> Result<T, StateError> {
        let ticket = match self.role {
            Role::Writer { ticket, .. } => ticket,
            Role::Reader => return Err(StateError::ReadOnly { path: self.path.clone() }),
        };
        let tx = Transaction::new_unchecked(&self.db, TransactionBehavior::Immediate).map_err(self.fault())?;
        if ticket != self.last_ticket().map_err(self.fault())? {
            return Err(StateError::TakenOver { path: self.path.clone() });
        }
        let worked = work(&tx).and_then(|result| {
            if let (false, Some(id)) = (self.names_key.get(), self.seal.used()) {
                tx.execute("UPDATE meta SET key_id = ?1", params![id.0]).map_err(self.fault())?;
                self.names_key.set(true);
            }
            tx.commit().map_err(self.fault())?;
            Ok(result)
        });
        if worked.is_err() {
            self.types.borrow_mut().forget();
            // Said once more by the next commit, whether or not this one had said it.
            self.names_key.set(false);
        }
        worked
    }

    fn last_ticket(&self) -> rusqlite::Result<i64> {
        self.db.prepare_cached("SELECT writer FROM meta")?.query_row([], |row| row.get(0))
    }

    fn commit(
        &self,
        at: Timestamp,
        run: Option<RunId>,
        work: impl FnOnce(&mut Commit<'_>) -> Result<(), StateError>,
    ) -> Result<Serial, StateError> {
        self.transaction(|tx| {
            let mut commit = Commit::begin(self, tx, at, run)?;
            work(&mut commit)?;
            commit.end()
        })
    }

    fn open_run(&self, run: RunId) -> Result<(), StateError> {
        match self.run(run)?.end {
            None => Ok(()),
            Some(_) => Err(StateError::RunEnded { run }),
        }
    }
}

impl Store for Sqlite {
    fn meta(&self) -> Result<Meta, StateError> {
        self.read_meta()
    }

    fn each_object(&self, visit: &mut dyn FnMut(Stored)) -> Result<(), StateError> {
        self.read_objects(visit)
    }

    fn objects_of(&self, addr: &Instance) -> Result<Vec<Stored>, StateError> {
        self.read_objects_of(addr)
    }

    fn outputs(&self) -> Result<Vec<Output>, StateError> {
        self.read_outputs()
    }

    fn begin_run(&mut self, at: Timestamp, run: &NewRun) -> Result<RunId, StateError> {
        let NewRun { command, process } = run;
        let id = self.transaction(|tx| {
            tx.execute(
                "INSERT INTO runs (command, started_at, pid, pid_started, boot_id, host, user)
                 VALUES (:command, :at, :pid, :pid_started, :boot_id, :host, :user)",
                named_params! {
                    ":command": command.as_str(), ":at": at.as_millisecond(), ":pid": process.pid,
                    ":pid_started": process.started.map(u64::cast_signed), ":boot_id": process.boot_id,
                    ":host": process.host, ":user": process.user,
                },
            )
            .map_err(self.fault())?;
            Ok(RunId(tx.last_insert_rowid().cast_unsigned()))
        })?;
        if let Role::Writer { lock, .. } = &mut self.role {
            lock.set_run(id)?;
        }
        Ok(id)
    }

    fn plan_steps(&mut self, at: Timestamp, run: RunId, steps: &[NewStep]) -> Result<(), StateError> {
        self.transaction(|tx| {
            self.open_run(run)?;
            let insert = "INSERT INTO steps (run, ordinal, addr, deposed, action, kind, provider, token, terms,
                              status, attempts, changed_at)
                          VALUES (:run, :ordinal, :addr, :deposed, :action, :kind, :provider, :token, :terms,
                              'planned', 0, :at)";
            let mut insert = tx.prepare_cached(insert).map_err(self.fault())?;
            for NewStep { ordinal, slot, action, kind, provider, token, terms } in steps {
                let (addr, deposed) = rows::slot_text(slot);
                let inserted = insert.execute(named_params! {
                    ":run": run.0.cast_signed(), ":ordinal": ordinal, ":addr": addr, ":deposed": deposed,
                    ":action": action.word(), ":kind": kind.as_str(), ":provider": provider.as_str(),
                    ":token": token.0.as_str(), ":terms": serde_json::to_string(terms).expect("terms are JSON"),
                    ":at": at.as_millisecond(),
                });
                inserted.map_err(|error| match error.sqlite_error_code() {
                    Some(rusqlite::ErrorCode::ConstraintViolation) => {
                        StateError::StepExists { step: StepId { run, ordinal: *ordinal } }
                    }
                    Some(_) | None => self.fault()(error),
                })?;
            }
            Ok(())
        })
    }

    fn journal(&mut self, at: Timestamp, entries: &[Entry]) -> Result<Serial, StateError> {
        self.commit(at, None, |commit| {
            entries.iter().try_for_each(|entry| match entry {
                Entry::Start(start) => commit.start(start),
                Entry::End(outcome) => commit.finish(outcome),
            })
        })
    }

    fn write(&mut self, at: Timestamp, run: Option<RunId>, writes: &[Write]) -> Result<Serial, StateError> {
        self.commit(at, run, |commit| {
            run.map_or(Ok(()), |run| self.open_run(run))?;
            commit.writes(writes)
        })
    }

    fn set_outputs(&mut self, at: Timestamp, outputs: &[Output]) -> Result<Serial, StateError> {
        self.commit(at, None, |commit| commit.outputs(outputs))
    }

    fn append_events(&mut self, run: RunId, events: &[LoggedEvent]) -> Result<(), StateError> {
        self.transaction(|tx| {
            self.run(run)?;
            let insert = "INSERT INTO events (run, seq, at, body)
                          SELECT ?1, 1 + coalesce((SELECT max(seq) FROM events WHERE run = ?1), 0), ?2, ?3";
            let mut insert = tx.prepare_cached(insert).map_err(self.fault())?;
            for LoggedEvent { at, body } in events {
                let row = params![run.0.cast_signed(), at.as_millisecond(), body.to_string()];
                insert.execute(row).map_err(self.fault())?;
            }
            Ok(())
        })
    }

    fn finish_run(&mut self, at: Timestamp, run: RunId, outcome: RunOutcome) -> Result<(), StateError> {
        self.transaction(|tx| {
            self.open_run(run)?;
            let id = run.0.cast_signed();
            let open = "SELECT count(*) FROM steps WHERE run = ?1 AND status IN ('started', 'observed')";
            let count: i64 = tx.query_row(open, [id], |row| row.get(0)).map_err(self.fault())?;
            if count > 0 {
                return Err(StateError::OpenSteps { run, count: count.cast_unsigned() });
            }
            // `Status::after`: a planned step may always be abandoned.
            let abandon =
                "UPDATE steps SET status = 'abandoned', changed_at = ?2 WHERE run = ?1 AND status = 'planned'";
            tx.execute(abandon, params![id, at.as_millisecond()]).map_err(self.fault())?;
            let finish = "UPDATE runs SET finished_at = ?2, outcome = ?3 WHERE id = ?1";
            tx.execute(finish, params![id, at.as_millisecond(), outcome.word()]).map_err(self.fault())?;
            Ok(())
        })
    }

    fn unfinished_steps(&self) -> Result<Vec<StepRecord>, StateError> {
        self.read_steps("status IN ('started', 'observed', 'in_doubt')", [])
    }

    fn steps(&self, run: RunId) -> Result<Vec<StepRecord>, StateError> {
        self.run(run)?;
        self.read_steps("run = ?1", [run.0.cast_signed()])
    }

    fn runs(&self) -> Result<Vec<Run>, StateError> {
        self.read_runs("true", [])
    }

    fn events(&self, run: RunId) -> Result<Vec<LoggedEvent>, StateError> {
        self.run(run)?;
        self.read_events(run)
    }

    fn history(&self, since: Serial) -> Result<Vec<HistoryEntry>, StateError> {
        self.read_history(since)
    }

    fn objects_at(&self, serial: Serial) -> Result<Vec<Stored>, StateError> {
        self.read_objects_at(serial)
    }

    fn verify(&self) -> Result<(), StateError> {
        self.check_everything()
    }

    fn close(self: Box<Self>) -> Result<(), StateError> {
        let Self { db, role, path, .. } = *self;
        match &role {
            Role::Writer { .. } => {
                // A reader that is still at work keeps the log from being emptied, which harms nobody.
                db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
                    .map_err(|e| fault::of_file(&path, e))?;
            }
            Role::Reader => {}
        }
        db.close().map_err(|(_, error)| fault::of_file(&path, error))
    }
}
