//! What a committer does first: it makes the catalog and the table agree on
//! the last load, or stops the table as diverged.

use landfall_catalog::loads::Load;
use landfall_catalog::sinks::SinkLease;
use landfall_model::{Error, ErrorKind, LoadId, Result};

use crate::delta::State;

/// What the catalog knows of a table's loads.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// Number and id of the last load that is done; 0 where there was none.
    pub last: i64,
    pub last_id: Option<LoadId>,
    pub open: Option<Load>,
}

/// How the table and the ledger stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The table holds the last load that is done.
    Agreed,
    /// The table holds the open load; only the catalog does not say so yet.
    OpenIsIn,
}

/// Compares the table with the ledger: `Diverged` where neither the last load nor the open one is the table's last.
pub fn compare(lease: &SinkLease, state: &State, ledger: &Ledger) -> Result<Standing> {
    if state.load == ledger.last && state.load_id == ledger.last_id {
        return Ok(Standing::Agreed);
    }
    if let Some(open) = &ledger.open
        && state.load == open.number
        && state.load_id == Some(open.id)
    {
        return Ok(Standing::OpenIsIn);
    }
    let message = format!(
        "the table of `{}` holds load {} and the catalog says {}{}: one of them was restored or lost, and nothing more is loaded until \
         `landfall reconcile` has been run",
        lease.dataset,
        state.load,
        ledger.last,
        if state.load == ledger.last { " under another id" } else { "" },
    );
    Err(Error::new(ErrorKind::Diverged, message))
}
