//! Connections to the file, with the settings that durability and purging rest on.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use landfall_model::{Error, ErrorKind, Result, limits};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::error;

/// How long to wait for a lock that another process holds, which only a start or a copy of the file does.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long everybody may wait for a reader while the log is emptied.
pub(super) const SCRUB_TIMEOUT: Duration = Duration::from_millis(250);

/// `synchronous = full` syncs the log with every commit. `secure_delete` overwrites what is deleted. Checkpoints are
/// ours to time. No memory map: a failing disk must be an error and not a signal. The cache is 32 MiB.
const WRITER: &str = "pragma synchronous = full; pragma secure_delete = on; pragma foreign_keys = on; pragma temp_store = memory; \
                      pragma wal_autocheckpoint = 0; pragma cache_size = -32768; pragma mmap_size = 0";

const READER: &str = "pragma query_only = on; pragma temp_store = memory; pragma cache_size = -8192; pragma mmap_size = 0";

/// The connection that writes; makes the file if it is not there.
pub(super) fn writer(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open(path, flags)?;
    to_log_mode(&connection)?;
    connection.execute_batch(WRITER).map_err(|why| error::of("pragma", &why))?;
    // What one large transaction took beyond that is given back when the log starts over.
    let keep = i64::try_from(limits::CATALOG_LOG_BYTES).unwrap_or(i64::MAX);
    connection.pragma_update(None, "journal_size_limit", keep).map_err(|why| error::of("pragma journal_size_limit", &why))?;
    grow_log(path, &connection)?;
    Ok(connection)
}

/// A connection that cannot write. The writer's must have been opened before, for it mends what a crash left.
pub(super) fn reader(path: &Path) -> Result<Connection> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.execute_batch(READER).map_err(|why| error::of("pragma", &why))?;
    Ok(connection)
}

/// The connection of the thread that moves the log into the file.
pub(super) fn checkpointer(path: &Path) -> Result<Connection> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.execute_batch(WRITER).map_err(|why| error::of("pragma", &why))?;
    Ok(connection)
}

/// One process has the file, and its connections share what they know of the log on the heap: a commit needs no locks of
/// the operating system, six calls of it. Nobody outside can hold a transaction open either, which would keep the log
/// from being emptied. See <https://www.sqlite.org/vfs.html>, section 2.1.
const VFS: &str = "unix-excl";

fn open(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let connection = Connection::open_with_flags_and_vfs(path, flags, VFS)
        .map_err(|why| error::of("open", &why).while_(&format!("cannot open the catalog {}", path.display())))?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(|why| error::of("busy_timeout", &why))?;
    connection.set_prepared_statement_cache_capacity(limits::CATALOG_STATEMENTS_MAX);
    Ok(connection)
}

/// Several processes that start on a new file race for the change of mode, for which SQLite does not wait by itself.
fn to_log_mode(connection: &Connection) -> Result<()> {
    const PAUSE: Duration = Duration::from_millis(10);
    let mut waited = Duration::ZERO;
    loop {
        let mode = connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0));
        match mode {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                let message =
                    format!("the catalog's file system cannot hold a write-ahead log (SQLite stays in mode `{mode}`); use a local disk");
                return Err(Error::new(ErrorKind::Unavailable, message));
            }
            Err(why) if why.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && waited < BUSY_TIMEOUT => {
                std::thread::sleep(PAUSE);
                waited += PAUSE;
            }
            Err(why) => return Err(error::of("pragma journal_mode = wal", &why)),
        }
    }
}

/// Grows the log before it is used, since a commit that overwrites costs half of one that grows the file. Zeroes at
/// the log's end are no frames, so SQLite ignores them; the writer's lock keeps other connections from writing
/// theirs meanwhile. A full disk does not matter here: the log then grows as it is needed.
pub(super) fn grow_log(path: &Path, connection: &Connection) -> Result<()> {
    connection.execute_batch("begin immediate").map_err(|why| error::of("begin immediate", &why))?;
    if let Err(why) = write_zeroes(&log_of(path)) {
        tracing::debug!(%why, "the catalog's log could not be grown in advance");
    }
    connection.execute_batch("rollback").map_err(|why| error::of("rollback", &why))
}

/// Page by page: a long write is kept in memory as one large piece, and each small write into it goes through all of it.
fn write_zeroes(log: &Path) -> std::io::Result<()> {
    const CHUNK: usize = 4096;
    let mut file = OpenOptions::new().write(true).open(log)?;
    let mut length = file.seek(SeekFrom::End(0))?;
    if length >= limits::CATALOG_LOG_BYTES {
        return Ok(());
    }
    let zeroes = vec![0; CHUNK];
    while length < limits::CATALOG_LOG_BYTES {
        file.write_all(&zeroes)?;
        length += CHUNK as u64;
    }
    file.sync_all()
}

fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    PathBuf::from(log)
}
