//! PostgreSQL's SQLSTATEs (its documentation, appendix A) as what a lane does next.

use std::error::Error as _;

use landfall_model::{Error, ErrorKind};
use tokio_postgres::error::{DbError, Severity, SqlState};

/// Why a transaction did not go through.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// It failed, and would again.
    Failed(Error),
    /// The database gave it up and asks to run it again.
    Again(Error),
    /// The connection is gone, and with it the transaction unless its commit had been sent.
    Lost(Error),
    /// The commit had been sent when the connection went.
    Unknown(Error),
}

impl Trouble {
    /// The trouble that `why` means at the statement `sql`.
    pub(super) fn of(sql: &str, why: &tokio_postgres::Error) -> Trouble {
        let place = format!("the PostgreSQL catalog failed at `{}`", crate::short(sql));
        if let Some(answer) = why.as_db_error() {
            return Trouble::of_answer(&place, answer);
        }
        let is_io = why.source().is_some_and(|source| source.is::<std::io::Error>());
        let text = chain(why);
        if why.is_closed() || is_io {
            Trouble::Lost(Error::unavailable(&place, text))
        } else {
            Trouble::Failed(Error::internal(&place, text))
        }
    }

    fn of_answer(place: &str, answer: &DbError) -> Trouble {
        let code = answer.code();
        let error = |kind| Error::new(kind, format!("{place}: {} (SQLSTATE {})", answer.message(), code.code()));
        if matches!(answer.parsed_severity(), Some(Severity::Fatal | Severity::Panic)) {
            return Trouble::Lost(error(ErrorKind::Unavailable));
        }
        if matches!(*code, SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED) {
            return Trouble::Again(error(ErrorKind::Unavailable));
        }
        Trouble::Failed(error(kind_of(code)))
    }

    pub(super) fn error(&self) -> &Error {
        match self {
            Trouble::Failed(error) | Trouble::Again(error) | Trouble::Lost(error) | Trouble::Unknown(error) => error,
        }
    }
}

fn kind_of(code: &SqlState) -> ErrorKind {
    match code.code() {
        "53100" => ErrorKind::StorageFull,
        // A statement or lock timeout, and a server that is read-only because it is a standby.
        "57014" | "55P03" | "25006" => ErrorKind::Unavailable,
        "XX001" | "XX002" => ErrorKind::Corrupt,
        code if code.starts_with("23") => ErrorKind::Conflict,
        // Connections, resources, and the operator's interventions.
        code if code.starts_with("08") || code.starts_with("53") || code.starts_with("57") => ErrorKind::Unavailable,
        _ => ErrorKind::Internal,
    }
}

/// An error and its causes in one line; the client library's own text leaves the causes out.
pub(super) fn chain(why: &dyn std::error::Error) -> String {
    let mut text = why.to_string();
    let mut cause = why.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
