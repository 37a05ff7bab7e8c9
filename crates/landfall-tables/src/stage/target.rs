//! Where what is staged goes: the landings of a dataset are staged for its own
//! table, or for a side table of it.

use landfall_catalog::datasets::DatasetRecord;
use landfall_model::DatasetName;
use landfall_store::keys;

use crate::delta::root_of;

/// A table that is staged for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Whose table it is: of its paths, its manifests and its rejects.
    pub dataset: DatasetName,
    /// Key of the table's root.
    pub root: String,
}

impl Target {
    /// The table of a dataset that is no side table.
    pub fn own(dataset: &DatasetName) -> Target {
        Target { dataset: dataset.clone(), root: keys::table_root(dataset) }
    }

    pub fn of(record: &DatasetRecord) -> Target {
        Target { dataset: record.definition.name.clone(), root: root_of(record) }
    }
}
