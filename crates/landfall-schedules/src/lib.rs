//! Repeats: when a schedule fires, which window belongs to a fire, and what
//! became of the run of each window. The facts are in the catalog's database, in
//! the catalog's transactions; this room holds their statements.

pub mod calendar;
pub mod runs;
pub mod schedules;

use landfall_catalog::Catalog;

pub use calendar::Calendar;

/// The handle: schedules and runs in a catalog. Cloning shares it.
#[derive(Clone)]
pub struct Schedules(Catalog);

impl Schedules {
    pub fn new(catalog: Catalog) -> Schedules {
        Schedules(catalog)
    }
}
