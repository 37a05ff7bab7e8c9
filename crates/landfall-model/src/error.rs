//! What can go wrong, named by what the caller can do about it. Every protocol
//! has one exhaustive map from these kinds to its own codes; the text is the
//! same through every door: the rule that was broken, the value, and the mend.

use std::fmt;

use serde::{Deserialize, Serialize};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Each kind has one stable code, which clients may match on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    // The request is wrong; sending it again changes nothing.
    BadRequest,
    BadKey,
    BadSql,
    Syntax,
    TooDeep,
    BodyTooLarge,
    RecordTooLarge,
    LengthMismatch,
    DigestMismatch,
    UnsupportedMediaType,
    RangeNotSatisfiable,
    MethodNotAllowed,
    // Who asks, and what for.
    Unauthenticated,
    Denied,
    // What is asked for is not there, or not in that state.
    UnknownDataset,
    NotFound,
    Gone,
    Conflict,
    IdempotencyMismatch,
    PreconditionFailed,
    // The client was too slow.
    BodyTimeout,
    QueryTimeout,
    QueryTooLarge,
    // Try again later: nothing was accepted.
    Overloaded,
    Draining,
    Unavailable,
    StorageFull,
    // Somebody who runs the system has to look.
    Stale,
    Diverged,
    Corrupt,
    Internal,
    // A file that cannot be read as a whole: it becomes a dead letter with one of these.
    BrokenContainer,
    Bomb,
    UnclosedQuote,
    NotText,
    BadHeader,
    BadRecord,
    BadTransform,
    UnknownFormat,
}

impl ErrorKind {
    pub const ALL: &[ErrorKind] = &[
        ErrorKind::BadRequest,
        ErrorKind::BadKey,
        ErrorKind::BadSql,
        ErrorKind::Syntax,
        ErrorKind::TooDeep,
        ErrorKind::BodyTooLarge,
        ErrorKind::RecordTooLarge,
        ErrorKind::LengthMismatch,
        ErrorKind::DigestMismatch,
        ErrorKind::UnsupportedMediaType,
        ErrorKind::RangeNotSatisfiable,
        ErrorKind::MethodNotAllowed,
        ErrorKind::Unauthenticated,
        ErrorKind::Denied,
        ErrorKind::UnknownDataset,
        ErrorKind::NotFound,
        ErrorKind::Gone,
        ErrorKind::Conflict,
        ErrorKind::IdempotencyMismatch,
        ErrorKind::PreconditionFailed,
        ErrorKind::BodyTimeout,
        ErrorKind::QueryTimeout,
        ErrorKind::QueryTooLarge,
        ErrorKind::Overloaded,
        ErrorKind::Draining,
        ErrorKind::Unavailable,
        ErrorKind::StorageFull,
        ErrorKind::Stale,
        ErrorKind::Diverged,
        ErrorKind::Corrupt,
        ErrorKind::Internal,
        ErrorKind::BrokenContainer,
        ErrorKind::Bomb,
        ErrorKind::UnclosedQuote,
        ErrorKind::NotText,
        ErrorKind::BadHeader,
        ErrorKind::BadRecord,
        ErrorKind::BadTransform,
        ErrorKind::UnknownFormat,
    ];

    /// The stable code, as it stands in problem documents, dead letters and metrics.
    pub fn code(self) -> &'static str {
        match self {
            ErrorKind::BadRequest => "bad_request",
            ErrorKind::BadKey => "bad_key",
            ErrorKind::BadSql => "bad_sql",
            ErrorKind::Syntax => "syntax",
            ErrorKind::TooDeep => "too_deep",
            ErrorKind::BodyTooLarge => "body_too_large",
            ErrorKind::RecordTooLarge => "record_too_large",
            ErrorKind::LengthMismatch => "length_mismatch",
            ErrorKind::DigestMismatch => "digest_mismatch",
            ErrorKind::UnsupportedMediaType => "unsupported_media_type",
            ErrorKind::RangeNotSatisfiable => "range_not_satisfiable",
            ErrorKind::MethodNotAllowed => "method_not_allowed",
            ErrorKind::Unauthenticated => "unauthenticated",
            ErrorKind::Denied => "denied",
            ErrorKind::UnknownDataset => "unknown_dataset",
            ErrorKind::NotFound => "not_found",
            ErrorKind::Gone => "gone",
            ErrorKind::Conflict => "conflict",
            ErrorKind::IdempotencyMismatch => "idempotency_mismatch",
            ErrorKind::PreconditionFailed => "precondition_failed",
            ErrorKind::BodyTimeout => "body_timeout",
            ErrorKind::QueryTimeout => "query_timeout",
            ErrorKind::QueryTooLarge => "query_too_large",
            ErrorKind::Overloaded => "overloaded",
            ErrorKind::Draining => "draining",
            ErrorKind::Unavailable => "unavailable",
            ErrorKind::StorageFull => "storage_full",
            ErrorKind::Stale => "stale",
            ErrorKind::Diverged => "diverged",
            ErrorKind::Corrupt => "corrupt",
            ErrorKind::Internal => "internal",
            ErrorKind::BrokenContainer => "broken_container",
            ErrorKind::Bomb => "bomb",
            ErrorKind::UnclosedQuote => "unclosed_quote",
            ErrorKind::NotText => "not_text",
            ErrorKind::BadHeader => "bad_header",
            ErrorKind::BadRecord => "bad_record",
            ErrorKind::BadTransform => "bad_transform",
            ErrorKind::UnknownFormat => "unknown_format",
        }
    }

    pub fn from_code(code: &str) -> Option<ErrorKind> {
        ErrorKind::ALL.iter().copied().find(|kind| kind.code() == code)
    }

    /// True where the surroundings failed and the same work may succeed later; only these are retried.
    pub fn is_passing(self) -> bool {
        matches!(self, ErrorKind::Overloaded | ErrorKind::Draining | ErrorKind::Unavailable | ErrorKind::StorageFull | ErrorKind::Stale)
    }
}

/// Where in bad data the trouble begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Physical line, counted from 1, the header included, where the record starts.
    pub line: u64,
    /// Bytes from the start of the decoded (uncompressed) text to the start of the record.
    pub byte_offset: u64,
}

/// A kind, a sentence, and for bad data the place.
#[derive(Clone, Debug)]
pub struct Error {
    pub kind: ErrorKind,
    pub message: String,
    pub place: Option<Place>,
}

impl Error {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), place: None }
    }

    /// A bug or a broken machine: `what` was being done when `why` came back.
    pub fn internal(what: &str, why: impl fmt::Display) -> Error {
        Error::new(ErrorKind::Internal, format!("{what}: {why}"))
    }

    /// The surroundings failed: the disk, the database, the object store.
    pub fn unavailable(what: &str, why: impl fmt::Display) -> Error {
        Error::new(ErrorKind::Unavailable, format!("{what}: {why}"))
    }

    #[must_use]
    pub fn at(mut self, line: u64, byte_offset: u64) -> Error {
        self.place = Some(Place { line, byte_offset });
        self
    }

    /// The same error with what was being done put before it.
    #[must_use]
    pub fn while_(mut self, what: &str) -> Error {
        self.message = format!("{what}: {}", self.message);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(place) = self.place {
            write!(f, " (line {}, byte {})", place.line, place.byte_offset)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_read_back() {
        for kind in ErrorKind::ALL {
            assert_eq!(ErrorKind::from_code(kind.code()), Some(*kind));
        }
    }

    #[test]
    fn an_error_says_its_place() {
        let error = Error::new(ErrorKind::UnclosedQuote, "a quote is never closed").at(3, 40);
        assert_eq!(error.to_string(), "a quote is never closed (line 3, byte 40)");
    }
}
