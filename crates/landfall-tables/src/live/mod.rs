//! The live view: a table is what its files hold and what no load has taken
//! yet, decoded in memory, so that an acked event is in the next query's answer.

mod bounds;
mod chunk;
mod files;
pub mod schema;
