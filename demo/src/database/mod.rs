//! The entries of one node in SQLite.
//!
//! A row of `entries` is the present version of a key, deleted ones included, and
//! bears the number of its change in this database's feed. [`Database::apply`]
//! is the one rule of replication. All of this blocks: see `store` for the thread
//! it runs on.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, params};

use crate::{
    error::DemoError,
    feed::{Change, Page, Stamp},
};

/// The name of the database in a data directory.
pub const DATABASE_FILE: &str = "demo.db";
/// The longest key, in bytes.
pub const MAX_KEY_BYTES: usize = 512;
/// The longest value, in bytes.
pub const MAX_VALUE_BYTES: usize = 1 << 20;
/// The most changes of one page.
pub(crate) const MAX_PAGE: u32 = 1000;

/// How long to wait for another process to let go of the database.
const BUSY_TIMEOUT: Duration = Duration::from_millis(500);
const PAGE_BYTES: usize = 4 << 20;
const MAX_ORIGIN_BYTES: usize = 64;
/// Far more than any node writes, far enough from the end that no clock runs out.
const MAX_COUNTER: i64 = 1 << 53;
/// Who wrote what [`fill`] wrote: no node, so that equal fills are equal databases.
const FILL_ORIGIN: &str = "seed";
const APPLICATION_ID: i64 = 0x6c64_656d;
const FORMAT: i64 = 1;

/// `seq` and `counter` are indexed for the head of the feed and the clock, live keys
/// so that counting and listing read no values.
const SCHEMA: &str = "
    CREATE TABLE entries (
        key TEXT NOT NULL UNIQUE,
        seq INTEGER NOT NULL UNIQUE,
        counter INTEGER NOT NULL,
        origin TEXT NOT NULL,
        value BLOB
    ) STRICT;
    CREATE INDEX entries_counter ON entries (counter);
    CREATE INDEX entries_live ON entries (key) WHERE value IS NOT NULL;
    CREATE TABLE cursors (node TEXT NOT NULL PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
";

/// An open database. Nobody else can open it meanwhile.
pub(crate) struct Database {
    path: PathBuf,
    connection: Connection,
    /// The greatest counter seen.
    clock: i64,
    /// The last `seq` given.
    head: i64,
}

/// Prepares a database in `data_dir` from keys and values, for nodes to be seeded from.
///
/// Adds to a database that is already there. Returns the number of entries that the
/// database then holds. The result is one file; the same entries make the same file.
pub fn fill<K, V>(data_dir: &Path, entries: impl IntoIterator<Item = (K, V)>) -> Result<i64, DemoError>
where
    K: Into<String>,
    V: Into<Vec<u8>>,
{
    fs::create_dir_all(data_dir).map_err(|source| DemoError::CreateDirectory { path: data_dir.to_owned(), source })?;
    let mut database = Database::open(data_dir)?;
    let changes = entries.into_iter().scan(database.clock, |counter, (key, value)| {
        *counter += 1;
        let stamp = Stamp { counter: *counter, origin: FILL_ORIGIN.to_owned() };
        Some(Change { seq: 0, key: key.into(), stamp, value: Some(value.into()) })
    });
    database.change(changes)?;
    let count = database.count()?;
    database.close()?;
    Ok(count)
}

impl Database {
    /// Opens or creates the database of `data_dir`.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, DemoError> {
        let path = data_dir.join(DATABASE_FILE);
        refuse_hard_links(&path)?;
        let connection = open_connection(&path)?;
        let mut database = Self { path, connection, clock: 0, head: 0 };
        database.prepare()?;
        let ends = "SELECT coalesce(max(counter), 0), (SELECT coalesce(max(seq), 0) FROM entries) FROM entries";
        (database.clock, database.head) = database
            .connection
            .query_row(ends, [], |row| Ok((row.get(0)?, row.get(1)?)))
            .map_err(|source| database.failed(source))?;
        Ok(database)
    }

    /// Writes the log back and closes, so that one consistent file is left.
    pub(crate) fn close(self) -> Result<(), DemoError> {
        let Self { path, connection, .. } = self;
        let checkpoint = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        let closed = connection.close().map_err(|(_, source)| source);
        checkpoint.and(closed).map_err(|source| DemoError::Close { path, source })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the number of the last change.
    pub(crate) fn head(&self) -> i64 {
        self.head
    }

    pub(crate) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, DemoError> {
        self.connection
            .prepare_cached("SELECT value FROM entries WHERE key = ?1 AND value IS NOT NULL")
            .and_then(|mut query| query.query_row([key], |row| row.get(0)).optional())
            .map_err(|source| self.failed(source))
    }

    pub(crate) fn put(&mut self, origin: &str, key: String, value: Vec<u8>) -> Result<(), DemoError> {
        let stamp = self.next_stamp(origin);
        self.change([Change { seq: 0, key, stamp, value: Some(value) }])
    }

    /// Returns whether there was something to delete.
    pub(crate) fn delete(&mut self, origin: &str, key: String) -> Result<bool, DemoError> {
        let is_present = self.get(&key)?.is_some();
        if is_present {
            let stamp = self.next_stamp(origin);
            self.change([Change { seq: 0, key, stamp, value: None }])?;
        }
        Ok(is_present)
    }

    /// Returns at most `limit` keys that begin with `prefix` and come after `after`, in order.
    pub(crate) fn keys(&self, prefix: &str, after: &str, limit: u32) -> Result<Vec<String>, DemoError> {
        let read = || {
            let mut query = self.connection.prepare_cached(
                "SELECT key FROM entries WHERE value IS NOT NULL AND key >= ?1 AND key > ?2 ORDER BY key",
            )?;
            let keys = query.query_map([prefix, after], |row| row.get::<_, String>(0))?;
            let matches = |key: &rusqlite::Result<String>| key.as_ref().map_or(true, |key| key.starts_with(prefix));
            keys.take_while(matches).take(limit as usize).collect::<Result<_, _>>()
        };
        read().map_err(|source| self.failed(source))
    }

    pub(crate) fn count(&self) -> Result<i64, DemoError> {
        self.connection
            .query_row("SELECT count(*) FROM entries WHERE value IS NOT NULL", [], |row| row.get(0))
            .map_err(|source| self.failed(source))
    }

    /// Returns a page of at most `limit` changes after `after`, told as `node`'s.
    ///
    /// The page also ends when its values grow large; it has at least one change if there is any.
    pub(crate) fn changes(&self, node: &str, after: i64, limit: u32) -> Result<Page, DemoError> {
        let read = || {
            let mut query = self.connection.prepare_cached(
                "SELECT seq, key, counter, origin, value FROM entries WHERE seq > ?1 ORDER BY seq LIMIT ?2",
            )?;
            let mut rows = query.query(params![after, limit.min(MAX_PAGE)])?;
            let mut changes = Vec::new();
            let mut bytes = 0;
            while bytes < PAGE_BYTES
                && let Some(row) = rows.next()?
            {
                let stamp = Stamp { counter: row.get(2)?, origin: row.get(3)? };
                let change = Change { seq: row.get(0)?, key: row.get(1)?, stamp, value: row.get(4)? };
                bytes += change.key.len() + change.value.as_ref().map_or(0, Vec::len);
                changes.push(change);
            }
            Ok(changes)
        };
        let changes = read().map_err(|source| self.failed(source))?;
        Ok(Page { node: node.to_owned(), head: self.head, changes })
    }

    /// Returns how far the feed of `node` has been applied.
    pub(crate) fn cursor(&self, node: &str) -> Result<i64, DemoError> {
        self.connection
            .query_row("SELECT seq FROM cursors WHERE node = ?1", [node], |row| row.get(0))
            .optional()
            .map(Option::unwrap_or_default)
            .map_err(|source| self.failed(source))
    }

    /// Applies a page of `node`'s feed: of each key the greater stamp stays.
    ///
    /// The cursor moves in the same transaction; applying a page twice, or late, changes nothing.
    pub(crate) fn apply(&mut self, page: Page) -> Result<(), DemoError> {
        let Some(cursor) = page.changes.last().map(|change| change.seq) else { return Ok(()) };
        self.write(|transaction, ends| {
            for change in page.changes {
                ends.put(transaction, change)?;
            }
            transaction
                .execute("INSERT OR REPLACE INTO cursors (node, seq) VALUES (?1, ?2)", params![page.node, cursor])?;
            Ok(())
        })
    }

    fn change(&mut self, changes: impl IntoIterator<Item = Change>) -> Result<(), DemoError> {
        self.write(|transaction, ends| changes.into_iter().try_for_each(|change| ends.put(transaction, change)))
    }

    /// Runs `body` in one transaction; clock and head move when it is committed.
    fn write(
        &mut self,
        body: impl FnOnce(&Transaction<'_>, &mut Ends) -> Result<(), Refused>,
    ) -> Result<(), DemoError> {
        let mut ends = Ends { clock: self.clock, head: self.head };
        let run = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            body(&transaction, &mut ends)?;
            transaction.commit()?;
            Ok(())
        };
        match run(&mut self.connection) {
            Ok(()) => {
                (self.clock, self.head) = (ends.clock, ends.head);
                Ok(())
            }
            Err(Refused::Change(error)) => Err(error),
            Err(Refused::Sqlite(source)) => Err(self.failed(source)),
        }
    }

    /// Creates the tables in a new database, refuses one that is not ours.
    fn prepare(&mut self) -> Result<(), DemoError> {
        let pragma = |name| self.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let tables = "SELECT count(*) FROM sqlite_schema";
        let found = (|| {
            let tables: i64 = self.connection.query_row(tables, [], |row| row.get(0))?;
            Ok((tables, pragma("application_id")?, pragma("user_version")?))
        })();
        let (tables, application, format) =
            found.map_err(|source| DemoError::Open { path: self.path.clone(), source })?;
        match (tables, application) {
            (0, 0) => self.create(),
            (_, APPLICATION_ID) if format > FORMAT => {
                Err(DemoError::Newer { path: self.path.clone(), found: format, known: FORMAT })
            }
            (_, APPLICATION_ID) => Ok(()),
            (_, _) => Err(DemoError::Foreign { path: self.path.clone() }),
        }
    }

    fn create(&mut self) -> Result<(), DemoError> {
        let create = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", FORMAT)?;
            transaction.commit()
        };
        create(&mut self.connection).map_err(|source| DemoError::Open { path: self.path.clone(), source })
    }

    fn next_stamp(&self, origin: &str) -> Stamp {
        Stamp { counter: self.clock + 1, origin: origin.to_owned() }
    }

    fn failed(&self, source: rusqlite::Error) -> DemoError {
        DemoError::Database { path: self.path.clone(), source }
    }
}

/// The ends of clock and feed inside a transaction.
struct Ends {
    clock: i64,
    head: i64,
}

impl Ends {
    /// Stores `change` if it beats what is there. Values settle what equal stamps leave
    /// open, so that nodes agree even where two writers shared an identity.
    fn put(&mut self, transaction: &Transaction<'_>, change: Change) -> Result<(), Refused> {
        check(&change)?;
        let Change { key, stamp, value, .. } = change;
        let changed = transaction
            .prepare_cached(
                "INSERT INTO entries (key, seq, counter, origin, value) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (key) DO UPDATE SET
                     seq = excluded.seq, counter = excluded.counter, origin = excluded.origin, value = excluded.value
                 WHERE (excluded.counter, excluded.origin, excluded.value IS NOT NULL, excluded.value)
                     > (entries.counter, entries.origin, entries.value IS NOT NULL, entries.value)",
            )?
            .execute(params![key, self.head + 1, stamp.counter, stamp.origin, value])?;
        if changed > 0 {
            self.head += 1;
        }
        self.clock = self.clock.max(stamp.counter);
        Ok(())
    }
}

/// Why a transaction was rolled back.
enum Refused {
    Change(DemoError),
    Sqlite(rusqlite::Error),
}

impl From<DemoError> for Refused {
    fn from(error: DemoError) -> Self {
        Self::Change(error)
    }
}

impl From<rusqlite::Error> for Refused {
    fn from(source: rusqlite::Error) -> Self {
        Self::Sqlite(source)
    }
}

/// Refuses what no node would write: a peer's page is input like any other.
fn check(change: &Change) -> Result<(), DemoError> {
    check_key(&change.key)?;
    let length = change.value.as_ref().map_or(0, Vec::len);
    if length > MAX_VALUE_BYTES {
        return Err(DemoError::ValueLength { key: change.key.clone(), length, most: MAX_VALUE_BYTES });
    }
    let Stamp { counter, origin } = &change.stamp;
    if *counter < 1 || *counter > MAX_COUNTER || origin.is_empty() || origin.len() > MAX_ORIGIN_BYTES {
        return Err(DemoError::Stamp { key: change.key.clone() });
    }
    Ok(())
}

pub(crate) fn check_key(key: &str) -> Result<(), DemoError> {
    let length = key.len();
    if length == 0 || length > MAX_KEY_BYTES {
        return Err(DemoError::KeyLength { key: key.to_owned(), length, most: MAX_KEY_BYTES });
    }
    Ok(())
}

fn refuse_hard_links(path: &Path) -> Result<(), DemoError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.nlink() > 1 => {
            Err(DemoError::HardLinked { path: path.to_owned(), links: metadata.nlink() })
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(DemoError::Read { path: path.to_owned(), source }),
    }
}

/// Opens with an exclusive lock, held until close: a second node on one directory is an
/// error, not a surprise. `synchronous=FULL` makes an answered write survive a power cut.
fn open_connection(path: &Path) -> Result<Connection, DemoError> {
    let open = || {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch("BEGIN IMMEDIATE; COMMIT")?;
        Ok(connection)
    };
    open().map_err(|source: rusqlite::Error| match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => DemoError::InUse { path: path.to_owned() },
        Some(_) | None => DemoError::Open { path: path.to_owned(), source },
    })
}

#[cfg(test)]
mod tests;
