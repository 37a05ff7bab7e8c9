//! Why a command did not do what was asked, and the exit code that says so.

use std::io;
use std::time::Duration;

use landfall_model::Error;

/// 1: the answer is no. 2: wrong usage. 3: the server could not be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub code: u8,
    /// For standard error; empty where everything was said already.
    pub message: String,
    /// True where the same request may succeed a little later.
    pub passing: bool,
    /// How long the server asks to wait before it.
    pub wait: Option<Duration>,
    /// The line of what was sent that the server points at.
    pub line: Option<u64>,
}

impl Failure {
    pub fn no(message: impl Into<String>) -> Failure {
        Failure { code: 1, message: message.into(), passing: false, wait: None, line: None }
    }

    pub fn usage(message: impl Into<String>) -> Failure {
        Failure { code: 2, ..Failure::no(message) }
    }

    pub fn unreachable(message: impl Into<String>) -> Failure {
        Failure { code: 3, passing: true, ..Failure::no(message) }
    }

    /// The answer is no, and the answer was printed.
    pub fn said() -> Failure {
        Failure::no("")
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::no(error.to_string())
    }
}

impl From<io::Error> for Failure {
    /// A reader of our output that has seen enough is no trouble worth a word.
    fn from(error: io::Error) -> Failure {
        if error.kind() == io::ErrorKind::BrokenPipe { Failure::said() } else { Failure::no(error.to_string()) }
    }
}
