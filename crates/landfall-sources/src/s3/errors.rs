//! The one map from our errors to those of S3.

use landfall_model::{Error, ErrorKind};
use s3s::{S3Error, S3ErrorCode, StdError};

/// Why an operation is refused: an error of ours, or one that only S3 has.
pub struct Refused(pub S3Error);

impl From<Error> for Refused {
    fn from(error: Error) -> Refused {
        Refused(s3_error(error))
    }
}

impl From<S3ErrorCode> for Refused {
    fn from(code: S3ErrorCode) -> Refused {
        Refused(S3Error::new(code))
    }
}

pub type Outcome<T> = std::result::Result<T, Refused>;

/// What is part of S3 and is not here.
pub fn not_implemented(what: &str) -> Refused {
    Refused(S3Error::with_message(S3ErrorCode::NotImplemented, format!("{what} is not implemented here")))
}

fn s3_error(error: Error) -> S3Error {
    S3Error::with_message(code(error.kind), error.message)
}

/// An error that came through s3s and may be one of ours.
pub fn ours(error: &StdError) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error.as_ref());
    while let Some(why) = cause {
        if let Some(own) = why.downcast_ref::<Error>() {
            return own.clone();
        }
        cause = why.source();
    }
    let message = format!("the body cannot be taken: {error}; nothing landed");
    Error::new(ErrorKind::DigestMismatch, message)
}

fn code(kind: ErrorKind) -> S3ErrorCode {
    match kind {
        ErrorKind::BadRequest
        | ErrorKind::BadSql
        | ErrorKind::Syntax
        | ErrorKind::TooDeep
        | ErrorKind::RecordTooLarge
        | ErrorKind::UnsupportedMediaType
        | ErrorKind::QueryTooLarge
        | ErrorKind::IdempotencyMismatch
        | ErrorKind::BrokenContainer
        | ErrorKind::Bomb
        | ErrorKind::UnclosedQuote
        | ErrorKind::NotText
        | ErrorKind::BadHeader
        | ErrorKind::BadRecord
        | ErrorKind::BadTransform
        | ErrorKind::UnknownFormat => S3ErrorCode::InvalidRequest,
        ErrorKind::BadKey => S3ErrorCode::InvalidArgument,
        ErrorKind::BodyTooLarge => S3ErrorCode::EntityTooLarge,
        ErrorKind::LengthMismatch => S3ErrorCode::IncompleteBody,
        ErrorKind::DigestMismatch => S3ErrorCode::BadDigest,
        ErrorKind::RangeNotSatisfiable => S3ErrorCode::InvalidRange,
        ErrorKind::MethodNotAllowed => S3ErrorCode::MethodNotAllowed,
        ErrorKind::Unauthenticated | ErrorKind::Denied => S3ErrorCode::AccessDenied,
        ErrorKind::UnknownDataset => S3ErrorCode::NoSuchBucket,
        ErrorKind::NotFound | ErrorKind::Gone => S3ErrorCode::NoSuchKey,
        ErrorKind::Conflict => S3ErrorCode::OperationAborted,
        ErrorKind::PreconditionFailed => S3ErrorCode::PreconditionFailed,
        ErrorKind::BodyTimeout | ErrorKind::QueryTimeout => S3ErrorCode::RequestTimeout,
        ErrorKind::Overloaded => S3ErrorCode::SlowDown,
        ErrorKind::Draining | ErrorKind::Unavailable | ErrorKind::StorageFull => S3ErrorCode::ServiceUnavailable,
        ErrorKind::Stale | ErrorKind::Diverged | ErrorKind::Corrupt | ErrorKind::Internal => S3ErrorCode::InternalError,
    }
}
