//! The load protocol: a standing committer per table takes what is staged (and
//! stages events itself), gives it a number in the catalog, commits it to the
//! table, and marks it done. One committer at a time, by a lease with a fencing
//! epoch; a load that is numbered is frozen and redone until it is in.
//!
//! A crash or a standstill between any two steps is mended by the next
//! committer: the table says which load it holds, the catalog which is open.

mod committer;
mod events;
mod reconcile;
mod replay;

pub use committer::{Committer, Step};
pub use replay::{Replayed, Replayer};
