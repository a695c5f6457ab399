//! Opening a state file: making it, bringing it up to date, or saying why not.

use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use loam_provider::Str;
use rusqlite::{Connection, OpenFlags, params};
use rustix::fs::Access;

use super::{Role, Sqlite, fault, types::Types};
use crate::state::{
    KeyId, Lock, Memory, Seal, StateError, Store,
    directory::{create_private_file, sync_parent},
};

/// The state's file in its directory.
pub const DATABASE: &str = "state.db";

/// "loam" in SQLite's header: says whose database it is.
const APPLICATION_ID: i32 = 0x6c6f_616d;

/// The changes of the format, each once and in order. A file that has been released is never edited.
pub(super) const MIGRATIONS: &[&str] = &[include_str!("../../../schemas/state/0001.sql")];

/// The version of the tables that this loam reads and writes.
pub const SCHEMA_VERSION: u32 = MIGRATIONS.len() as u32;

/// How long to wait for another connection, which holds the database only for moments.
const BUSY: Duration = Duration::from_secs(10);

/// What stands in a file's header.
enum Format {
    /// Nothing yet.
    New,
    /// A state with tables of this version.
    Loam(u32),
}

impl Sqlite {
    /// Opens the state in the lock's directory to change it; makes it if it is not there, and brings it up to date,
    /// keeping a copy, if an earlier loam wrote it.
    ///
    /// # Errors
    /// When the file is not a state, is newer than this loam, is damaged, or cannot be written.
    pub fn open(lock: Lock, seal: Seal, at: Timestamp) -> Result<Self, StateError> {
        Self::open_with(lock, seal, at, MIGRATIONS)
    }

    pub(super) fn open_with(lock: Lock, seal: Seal, at: Timestamp, migrations: &[&str]) -> Result<Self, StateError> {
        let path = lock.directory().join(DATABASE);
        // SQLite gives its other files the mode of this one. It is made here and never opened by hand after that:
        // closing it would take away the locks of every connection this process has to it.
        match fs::metadata(&path) {
            Ok(file) if !file.is_file() => return Err(StateError::NotSqlite { path }),
            Ok(file) if file.len() == 0 => refuse_emptied(&path)?,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create_private_file(&path, b"").map_err(|e| fault::of_io(&path, "create the state file", e))?;
            }
            Err(source) => return Err(fault::of_io(&path, "open the state file", source)),
        }
        let was_left_open = fs::metadata(beside(&path, "-wal")).is_ok_and(|log| log.len() > 0);
        let db = connect(&path)?;
        if db.is_readonly(rusqlite::MAIN_DB).map_err(|e| fault::of_file(&path, e))? {
            return Err(not_writable(&path));
        }
        let known = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
        match format(&db, &path)? {
            Format::New => create(&db, &path, at, migrations)?,
            Format::Loam(version) if version > known => {
                return Err(StateError::Newer { path, found: version, known });
            }
            Format::Loam(version) if version < known => {
                settle(&db, &path)?;
                back_up(&db, &path, version)?;
                migrate(&db, &path, version, migrations)?;
            }
            Format::Loam(_) => settle(&db, &path)?,
        }
        if was_left_open {
            check(&db, &path, "quick_check")?;
        }
        let ticket = db
            .query_row("UPDATE meta SET writer = writer + 1 RETURNING writer", [], |row| row.get(0))
            .map_err(|error| fault::of_file(&path, error))?;
        Self::over(db, path, seal, Role::Writer { lock: Box::new(lock), ticket })
    }

    /// Opens the state in a directory to read it as it is at this moment; `None` if there is none. Makes no state,
    /// and changes none.
    ///
    /// # Errors
    /// When the file is not a state, is of another version, is damaged, or cannot be read.
    pub fn read(directory: &Path, seal: Seal) -> Result<Option<Self>, StateError> {
        let path = directory.join(DATABASE);
        match fs::metadata(&path) {
            Ok(file) if !file.is_file() => return Err(StateError::NotSqlite { path }),
            Ok(file) if file.len() == 0 && is_empty(&beside(&path, "-wal")) => {
                return refuse_emptied(&path).map(|()| None);
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(fault::of_io(&path, "open the state file", source)),
        }
        let db = if is_frozen(&path) { connect_frozen(&path)? } else { connect(&path)? };
        let sql = |error| fault::of_file(&path, error);
        db.execute_batch("PRAGMA query_only = ON; BEGIN").map_err(sql)?;
        match format(&db, &path)? {
            Format::New => return Ok(None),
            Format::Loam(found) if found > SCHEMA_VERSION => {
                return Err(StateError::Newer { path, found, known: SCHEMA_VERSION });
            }
            Format::Loam(found) if found < SCHEMA_VERSION => {
                return Err(StateError::Older { path, found, known: SCHEMA_VERSION });
            }
            Format::Loam(_) => {}
        }
        Self::over(db, path, seal, Role::Reader).map(Some)
    }

    fn over(db: Connection, path: PathBuf, seal: Seal, role: Role) -> Result<Self, StateError> {
        let (state_id, key_id): (String, Option<Vec<u8>>) = db
            .query_row("SELECT state_id, key_id FROM meta", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .map_err(|error| fault::of_file(&path, error))?;
        let names_key = key_id.is_some();
        if let Some(id) = key_id {
            let row = || StateError::Row { path: path.clone(), row: "meta".into(), column: "key_id" };
            seal.expect(KeyId(id.try_into().map_err(|_| row())?))?;
        }
        let state_id = Str::from(state_id);
        Ok(Self { db, role, path, state_id, seal, names_key: names_key.into(), types: Types::default().into() })
    }
}

/// Refuses an empty file where runs have been: a run that died while it made the state has left nothing else.
fn refuse_emptied(path: &Path) -> Result<(), StateError> {
    let directory = path.parent().unwrap_or(path);
    let failed = |source| fault::of_io(directory, "read the directory", source);
    for entry in fs::read_dir(directory).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let is_of_state = name.to_str().is_some_and(|name| name.starts_with(DATABASE) || name == "lock");
        if !is_of_state && is_empty(&beside(path, "-wal")) {
            return Err(StateError::Emptied { path: path.to_owned() });
        }
    }
    Ok(())
}

/// Opens the state in a directory to read it; an empty one if there is none. Makes nothing.
///
/// # Errors
/// As of [`Sqlite::read`].
pub fn open_read_only(directory: &Path, seal: Seal, at: Timestamp) -> Result<Box<dyn Store>, StateError> {
    Ok(match Sqlite::read(directory, seal)? {
        Some(store) => Box::new(store),
        None => Box::new(Memory::new("", at)),
    })
}

fn connect(path: &Path) -> Result<Connection, StateError> {
    let sql = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::CannotOpen) => match rustix::fs::access(path, Access::READ_OK) {
            Ok(()) => StateError::Sqlite { path: path.to_owned(), source: error },
            Err(errno) => fault::of_io(path, "open the state file", errno.into()),
        },
        Some(_) | None => fault::of_file(path, error),
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(sql)?;
    db.busy_timeout(BUSY).map_err(sql)?;
    db.set_prepared_statement_cache_capacity(64);
    db.execute_batch(
        "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;
         PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA cache_size = -32768;",
    )
    .map_err(sql)?;
    Ok(db)
}

/// Returns whether a file is whole by itself on a disk that nobody writes to. SQLite's other files cannot be made
/// there, and without them it does not open a database that is not declared to be so.
fn is_frozen(path: &Path) -> bool {
    rustix::fs::access(path, Access::WRITE_OK) == Err(rustix::io::Errno::ROFS) && is_empty(&beside(path, "-wal"))
}

fn connect_frozen(path: &Path) -> Result<Connection, StateError> {
    let sql = |error| fault::of_file(path, error);
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' => uri.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(*byte)),
            byte => write!(uri, "%{byte:02x}").expect("a string takes any text"),
        }
    }
    uri.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let db = Connection::open_with_flags(uri, flags).map_err(sql)?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(db)
}

fn not_writable(path: &Path) -> StateError {
    match rustix::fs::access(path, Access::WRITE_OK) {
        Ok(()) => StateError::ReadOnly { path: path.to_owned() },
        Err(errno) => fault::of_io(path, "write to the state file", errno.into()),
    }
}

fn format(db: &Connection, path: &Path) -> Result<Format, StateError> {
    let number = |sql| db.query_row(sql, [], |row| row.get::<_, i32>(0)).map_err(|e| fault::of_file(path, e));
    // The tables come first: only reading them finds a file that is shorter than its header says.
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    let application_id = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    match (application_id, u32::try_from(version)) {
        (0, Ok(0)) if tables == 0 => Ok(Format::New),
        (APPLICATION_ID, Ok(version)) => Ok(Format::Loam(version)),
        _ => Err(StateError::Foreign { path: path.to_owned(), application_id }),
    }
}

/// Makes sure that commits are durable in the way the journal needs.
fn settle(db: &Connection, path: &Path) -> Result<(), StateError> {
    let mode: String =
        db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(|error| fault::of_file(path, error))?;
    if mode == "wal" {
        return Ok(());
    }
    let source = io::Error::other(format!("it stays in journal mode `{mode}`"));
    Err(StateError::Io { action: "use a write-ahead log for", path: path.to_owned(), source })
}

fn create(db: &Connection, path: &Path, at: Timestamp, migrations: &[&str]) -> Result<(), StateError> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| StateError::Io {
        action: "draw an id for",
        path: path.to_owned(),
        source: io::Error::other(error),
    })?;
    let mut state_id = String::with_capacity(32);
    for byte in id {
        write!(state_id, "{byte:02x}").expect("a string takes any text");
    }
    settle(db, path)?;
    let create = || {
        let tx = db.unchecked_transaction()?;
        for migration in migrations {
            tx.execute_batch(migration)?;
        }
        tx.execute(
            "INSERT INTO meta (only, state_id, serial, history_from, created_at, created_by, writer)
             VALUES (1, ?1, 0, 0, ?2, ?3, 0)",
            params![state_id, at.as_millisecond(), env!("CARGO_PKG_VERSION")],
        )?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", migrations.len() as i64)?;
        tx.commit()
    };
    create().map_err(|error| fault::of_file(path, error))
}

fn migrate(db: &Connection, path: &Path, from: u32, migrations: &[&str]) -> Result<(), StateError> {
    let migrate = || {
        let tx = db.unchecked_transaction()?;
        for migration in &migrations[from as usize..] {
            tx.execute_batch(migration)?;
        }
        tx.pragma_update(None, "user_version", migrations.len() as i64)?;
        tx.commit()
    };
    migrate().map_err(|error| fault::of_file(path, error))
}

/// Runs one of SQLite's checks of a whole file.
pub(super) fn check(db: &Connection, path: &Path, pragma: &str) -> Result<(), StateError> {
    let faults = || {
        let mut select = db.prepare(&format!("PRAGMA {pragma}"))?;
        select.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()
    };
    match faults().map_err(|error| fault::of_file(path, error))?.as_slice() {
        [fine] if fine == "ok" => Ok(()),
        faults => Err(StateError::Corrupt { path: path.to_owned(), detail: faults.join("; ") }),
    }
}

/// Keeps a copy of the whole state beside it.
fn back_up(db: &Connection, path: &Path, version: u32) -> Result<(), StateError> {
    let copy = beside(path, &format!(".v{version}.backup"));
    let draft = beside(path, &format!(".v{version}.backup.new"));
    let io = |source| fault::of_io(&draft, "write the backup", source);
    match fs::remove_file(&draft) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(io(error)),
    }
    create_private_file(&draft, b"").map_err(io)?;
    let name = draft.to_str().ok_or_else(|| io(io::Error::other("its name is not UTF-8")))?;
    db.execute("VACUUM INTO ?1", [name]).map_err(|error| fault::of_file(&draft, error))?;
    let kept = fs::File::open(&draft).and_then(|file| file.sync_all());
    kept.and_then(|()| fs::rename(&draft, &copy)).and_then(|()| sync_parent(&copy)).map_err(io)
}

/// Returns the path of a file that has the state's name with something appended.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn is_empty(path: &Path) -> bool {
    fs::metadata(path).map_or(true, |file| file.len() == 0)
}
