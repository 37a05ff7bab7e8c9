//! What every room that speaks HTTP shares: the context of a request, the
//! reading of its body, and the answer when something is wrong.

pub mod body;
pub mod budget;
pub mod caller;
pub mod fallback;
mod json;
pub mod problem;
pub mod query;

pub use budget::{Budget, Reservation};
pub use caller::Peer;
pub use fallback::with_fallbacks;
pub use json::json;
pub use problem::Problem;
pub use query::{page_limit, query};
