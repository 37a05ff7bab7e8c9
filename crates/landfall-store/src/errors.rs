//! From the errors of the disk and of object_store to our kinds: what is
//! missing is `not_found`, a full disk or quota is `storage_full`, and all else
//! is `unavailable` with the system's own words, because it may pass.

use std::error::Error as StdError;
use std::io;

use landfall_model::{Error, ErrorKind};

/// An error of the disk, of a reader, or of anything that wraps one; `what` was being done.
pub fn from_io(what: &str, error: &io::Error) -> Error {
    if let Some(own) = own_error(error) {
        return own.clone().while_(what);
    }
    Error::new(io_kind(error), format!("{what}: {error}{}", hint(error)))
}

/// An error of object_store, whichever store is behind it; `what` was being done.
pub fn from_object_store(what: &str, error: &object_store::Error) -> Error {
    let kind = match error {
        object_store::Error::NotFound { .. } => ErrorKind::NotFound,
        object_store::Error::AlreadyExists { .. } => ErrorKind::Conflict,
        object_store::Error::InvalidPath { .. } => ErrorKind::Internal,
        other => match io_source(other) {
            Some(source) => return from_io(what, source),
            None => ErrorKind::Unavailable,
        },
    };
    Error::new(kind, format!("{what}: {error}"))
}

/// The same error as object_store has it; it keeps the `io::Error` as its source.
pub(crate) fn to_object_store(path: &str, error: io::Error) -> object_store::Error {
    let path = path.to_owned();
    match error.kind() {
        io::ErrorKind::NotFound => object_store::Error::NotFound { path, source: error.into() },
        io::ErrorKind::AlreadyExists => object_store::Error::AlreadyExists { path, source: error.into() },
        _ => object_store::Error::Generic { store: "local", source: error.into() },
    }
}

fn io_kind(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::AlreadyExists => ErrorKind::Conflict,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::StorageFull,
        _ => ErrorKind::Unavailable,
    }
}

fn hint(error: &io::Error) -> &'static str {
    match io_kind(error) {
        ErrorKind::StorageFull => "; nothing was kept: free space where the store lies, then send it again",
        _ => "",
    }
}

/// One of our own errors that came through a `Read`.
fn own_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

fn io_source<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a io::Error> {
    let mut next = error.source();
    while let Some(source) = next {
        if let Some(found) = source.downcast_ref::<io::Error>() {
            return Some(found);
        }
        next = source.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_through_every_wrapper() {
        let full = || io::Error::from(rustix::io::Errno::NOSPC);
        assert_eq!(from_io("put", &full()).kind, ErrorKind::StorageFull);
        assert_eq!(from_io("put", &io::Error::from(rustix::io::Errno::DQUOT)).kind, ErrorKind::StorageFull);
        let wrapped = from_object_store("put object `a`", &to_object_store("a", full()));
        assert_eq!(wrapped.kind, ErrorKind::StorageFull);
        assert!(wrapped.message.starts_with("put object `a`: No space left on device"), "{wrapped}");
        let own = io::Error::other(Error::new(ErrorKind::Corrupt, "torn"));
        assert_eq!(from_io("read", &own).kind, ErrorKind::Corrupt);
    }

    #[test]
    fn what_is_missing_and_what_may_pass_are_told_apart() {
        let kind = |error: io::Error| from_object_store("get", &to_object_store("a", error)).kind;
        assert_eq!(kind(io::ErrorKind::NotFound.into()), ErrorKind::NotFound);
        assert_eq!(kind(io::Error::from(rustix::io::Errno::IO)), ErrorKind::Unavailable);
    }
}
