//! Who is asking: made once at every entry point, and handed to everything
//! that is done for the caller.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use landfall_model::{DatasetName, Principal, Source};

/// The caller of one request.
#[derive(Clone, Debug)]
pub struct Context {
    pub principal: Principal,
    /// Groups that the principal is in; a key is in none.
    pub groups: Arc<[String]>,
    /// True of the administrator's key, which may do everything.
    pub admin: bool,
    pub source: Source,
    /// Where the caller connects from, if the door knows it.
    pub peer: Option<SocketAddr>,
    pub request: RequestId,
}

impl Context {
    /// The system acting for itself: wiring and tests. No door makes one from what a caller sent.
    pub fn administrator(source: Source) -> Context {
        Context {
            principal: Principal::Key(ADMIN.into()),
            groups: Arc::default(),
            admin: true,
            source,
            peer: None,
            request: RequestId::next(),
        }
    }

    /// A schedule, which acts for whoever wrote the configuration.
    pub fn schedule(name: &DatasetName) -> Context {
        Context { principal: Principal::Schedule(name.to_string()), ..Context::administrator(Source::Schedule) }
    }

    /// Nobody in particular.
    pub fn anonymous(source: Source) -> Context {
        Context { principal: Principal::Anonymous, groups: Arc::default(), admin: false, source, peer: None, request: RequestId::next() }
    }

    #[must_use]
    pub fn from_peer(mut self, peer: Option<SocketAddr>) -> Context {
        self.peer = peer;
        self
    }
}

/// The name of the administrator's key.
pub const ADMIN: &str = "admin";

/// What a caller showed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Credentials<'a> {
    None,
    Bearer(&'a str),
    /// The user is the name of a key, the password its secret.
    Basic {
        user: &'a str,
        password: &'a str,
    },
}

/// Counted per process; it ties an answer to the log's lines about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(u64);

static REQUESTS: AtomicU64 = AtomicU64::new(1);

impl RequestId {
    pub fn next() -> RequestId {
        RequestId(REQUESTS.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "req_{:x}", self.0)
    }
}
