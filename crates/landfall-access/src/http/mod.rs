//! What every room that speaks HTTP shares: the context of a request, the
//! reading of its body, and the answer when something is wrong.

pub mod body;
pub mod caller;
pub mod problem;

pub use caller::Peer;
pub use problem::Problem;
