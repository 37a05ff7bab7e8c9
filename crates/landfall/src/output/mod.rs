//! What people and programs see: tables cut to the terminal, or JSON and CSV
//! whole. Colour only on a terminal, and never where `NO_COLOR` is set.

mod csv;
mod listing;
mod screen;
mod table;
mod values;

pub use listing::{Column, Format, Kind, Listing};
pub use screen::Screen;
pub use table::{Grid, Layout};
pub use values::{count, plural, short_time, size};
