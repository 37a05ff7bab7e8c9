//! SQLite's result codes as our kinds of error.

use landfall_model::{Error, ErrorKind};
use rusqlite::ErrorCode;

/// The error of a statement; `sql` says which.
pub(super) fn of(sql: &str, why: &rusqlite::Error) -> Error {
    let kind = match why.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => ErrorKind::StorageFull,
        Some(ErrorCode::ConstraintViolation) => ErrorKind::Conflict,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => ErrorKind::Corrupt,
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::OutOfMemory,
        ) => ErrorKind::Unavailable,
        _ => ErrorKind::Internal,
    };
    Error::new(kind, format!("the SQLite catalog failed at `{}`: {why}", crate::short(sql)))
}

/// True where the disk itself failed, so that nothing the connection believes can be relied on.
pub(super) fn is_io(why: &rusqlite::Error) -> bool {
    why.sqlite_error_code() == Some(ErrorCode::SystemIoFailure)
}
