//! What a table is at one version. Immutable; the next version is made from it
//! and one log entry, sharing all that did not change, so that a step costs by
//! what the entry holds and not by what the table holds.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use arrow::datatypes::SchemaRef;
use landfall_model::{Column, DataFile, Error, ErrorKind, LoadId, Region, Result};
use rpds::RedBlackTreeMapSync;

use super::action::{Add, Line, MetaData, Protocol, Txn};
use super::schema;
use super::stats::{self, Stats};

pub(super) const FENCE: &str = "landfall.fence";
pub(super) const LOAD: &str = "landfall.load";
pub(super) const LOAD_ID: &str = "landfall.load_id";
pub(super) const WATERMARK: &str = "landfall.watermark.";

/// The active files by path: partition first, so neighbours in time are neighbours here.
pub type Files = RedBlackTreeMapSync<String, Arc<File>>;

/// One active file.
#[derive(Debug)]
pub struct File {
    pub data: DataFile,
    stats: OnceLock<Stats>,
}

impl File {
    pub(super) fn new(data: DataFile) -> File {
        File { data, stats: OnceLock::new() }
    }

    /// Parsed when first asked for, then kept.
    pub fn stats(&self) -> &Stats {
        self.stats.get_or_init(|| Stats::parse(&self.data.stats))
    }
}

impl PartialEq for File {
    fn eq(&self, other: &File) -> bool {
        self.data == other.data
    }
}

/// Cloning is cheap and shares everything.
#[derive(Clone, Debug)]
pub struct State {
    /// −1: there is no table yet.
    pub version: i64,
    /// The table's own columns.
    pub columns: Arc<[Column]>,
    /// Arrow schema of the own columns and, after them, the system's.
    pub schema: SchemaRef,
    pub files: Files,
    /// The highest epoch of a committer that ever committed; 0 at first.
    pub fence: i64,
    /// Number of the last load; 0 at first.
    pub load: i64,
    pub load_id: Option<LoadId>,
    /// Per region the number of the last event that is in the table (or was left out as dead).
    pub watermarks: BTreeMap<Region, i64>,
    pub(super) meta: Option<Arc<MetaData>>,
}

impl State {
    /// No table yet.
    pub(super) fn none() -> State {
        State {
            version: -1,
            columns: Arc::new([]),
            schema: schema::table_schema(&[]),
            files: Files::new_sync(),
            fence: 0,
            load: 0,
            load_id: None,
            watermarks: BTreeMap::new(),
            meta: None,
        }
    }

    /// The last event of `region` that is in the table; 0 if none is.
    pub fn watermark(&self, region: &Region) -> i64 {
        self.watermarks.get(region).copied().unwrap_or(0)
    }

    /// Rows of all active files.
    pub fn rows(&self) -> i64 {
        self.files.values().map(|file| file.data.rows).sum()
    }

    /// The state that the log entry `version` makes of this one.
    pub(super) fn apply(&self, version: i64, entry: &[u8]) -> Result<State> {
        let mut next = State { version, ..self.clone() };
        for line in entry.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            let line = serde_json::from_slice(line)
                .map_err(|why| Error::new(ErrorKind::Corrupt, format!("entry {version} of the table's log cannot be read: {why}")))?;
            next.take(line)?;
        }
        Ok(next)
    }

    fn take(&mut self, line: Line) -> Result<()> {
        if let Some(protocol) = line.protocol {
            check_protocol(protocol)?;
        }
        if let Some(meta) = line.meta_data {
            self.set_meta(meta)?;
        }
        if let Some(txn) = line.txn {
            self.set_txn(&txn)?;
        }
        if let Some(remove) = line.remove {
            self.files.remove_mut(remove.path.as_ref());
        }
        if let Some(add) = line.add {
            let file = add.into_file()?;
            self.files.insert_mut(file.path.clone(), Arc::new(File::new(file)));
        }
        Ok(())
    }

    pub(super) fn set_meta(&mut self, meta: MetaData) -> Result<()> {
        self.columns = schema::from_delta(&meta.schema_string)?.into();
        self.schema = schema::table_schema(&self.columns);
        self.meta = Some(Arc::new(meta));
        Ok(())
    }

    pub(super) fn set_txn(&mut self, txn: &Txn) -> Result<()> {
        match txn.app_id.as_ref() {
            FENCE => self.fence = txn.version,
            LOAD => self.load = txn.version,
            LOAD_ID => self.load_id = Some(LoadId(txn.version)),
            other => {
                if let Some(region) = other.strip_prefix(WATERMARK) {
                    self.watermarks.insert(region.parse()?, txn.version);
                }
            }
        }
        Ok(())
    }
}

impl Add<'_> {
    fn into_file(self) -> Result<DataFile> {
        let partition = self.partition_values.into_values().next().flatten();
        let stats = self.stats.unwrap_or_default().into_owned();
        let (Some(partition), Some(rows)) = (partition, stats::rows(&stats)) else {
            let message = format!("the table's log names the file `{}` without its partition or its number of rows", self.path);
            return Err(Error::new(ErrorKind::Corrupt, message));
        };
        Ok(DataFile { path: self.path.into_owned(), partition, size: self.size, rows, stats })
    }
}

/// Another writer that raised the protocol may have put things in the log that we would pass over.
pub(super) fn check_protocol(protocol: Protocol) -> Result<()> {
    let ours = Protocol::OURS;
    if protocol.min_reader_version <= ours.min_reader_version && protocol.min_writer_version <= ours.min_writer_version {
        return Ok(());
    }
    let message = format!(
        "another writer raised the table's protocol to reader {} and writer {}; Landfall writes reader {} and writer {} and must be its only writer",
        protocol.min_reader_version, protocol.min_writer_version, ours.min_reader_version, ours.min_writer_version
    );
    Err(Error::new(ErrorKind::Diverged, message))
}
