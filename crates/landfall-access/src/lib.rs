//! The room that admits. Every door turns its caller into a [`Context`] here
//! and asks the same [`Gate`]; what is not granted is denied. The one map from
//! error kinds to HTTP, and the reading of bodies from clients that cannot be
//! trusted, are here too, because both rooms that speak HTTP need them.

pub mod admin;
pub mod context;
pub mod decide;
pub mod gate;
pub mod http;
pub mod key;
mod keys;
pub mod master;

pub use context::{Context, Credentials, RequestId};
pub use decide::{Access, CreatedKey, Decision, decide};
pub use gate::Gate;
pub use key::{KeyGrant, Secret, Verifier};
pub use keys::grants_of;
pub use master::MasterKey;
