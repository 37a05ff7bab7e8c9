//! The live view: a table is what its files hold and what no load has taken
//! yet, decoded in memory, so that an acked event is in the next query's answer.

#[cfg(test)]
pub(crate) mod bench;
mod beyond;
mod bounds;
mod budget;
mod chunk;
mod files;
mod region;
pub mod schema;
mod table;
mod tail;
#[cfg(test)]
mod tests;
mod view;

pub use files::STORE_URL;
pub use table::LiveTable;
pub use view::Live;
#[cfg(test)]
mod events_tests;
