//! Batches in the making. Decoders hand over blocks of records as tables of
//! cells; each column goes over its cells in one tight loop and builds its
//! Arrow array from the bytes. A record that does not fit is noted and taken
//! out when the batch is finished, so that good records pay nothing for it.

mod batch;
mod cells;
mod column;
mod list;

pub use batch::{Batch, Flawed};
pub use cells::{Cell, Cells};
