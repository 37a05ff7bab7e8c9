//! Datasets: their definitions, versioned, and their columns, decided once by compare-and-set.

use landfall_model::{Column, Columns, Dataset, DatasetName, Error, ErrorKind, Region, Result, Span, Timestamp};

use crate::beside::{self, Beside};
use crate::engine::{Catalog, Row, Topic, Tx};
use crate::landings::word;

/// A dataset as the catalog knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetRecord {
    pub definition: Dataset,
    /// Grows by one whenever the definition changes.
    pub version: i64,
    pub columns: Columns,
    /// True where the configuration does not declare it (any more): it can be read.
    pub detached: bool,
    /// Of a side table: what it stands beside.
    pub beside: Option<Beside>,
    pub changed_at: Timestamp,
}

pub(crate) const SELECT: &str = "select definition, version, columns, detached, changed_at, beside, made_by from datasets";

pub(crate) fn record(row: &Row) -> Result<DatasetRecord> {
    let beside = match (row.opt_text(5)?, row.opt_text(6)?) {
        (Some(source), Some(made_by)) => Some(Beside { source: word(source)?, made_by: word(made_by)? }),
        _ => None,
    };
    Ok(DatasetRecord {
        definition: parse(row.text(0)?)?,
        version: row.int(1)?,
        columns: parse(row.text(2)?)?,
        detached: row.int(3)? != 0,
        changed_at: Timestamp(row.int(4)?),
        beside,
    })
}

/// Reads a document that was written with `json`.
pub fn parse<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|error| Error::new(ErrorKind::Corrupt, format!("the catalog holds a document that cannot be read: {error}")))
}

pub fn json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::internal("writing a document for the catalog", error))
}

/// Declared columns are fixed by the configuration; what was inferred before gives way to them.
fn columns_of(definition: &Dataset, known: &Columns) -> Columns {
    match &definition.columns {
        Some(list) if known.declared && known.list == *list => known.clone(),
        Some(list) => Columns { version: known.version + 1, declared: true, list: list.clone() },
        None => Columns { declared: false, ..known.clone() },
    }
}

fn declare_one(tx: &mut Tx, region: &Region, definition: &Dataset, now: Timestamp) -> Result<()> {
    let name = definition.name.as_str();
    let text = json(definition)?;
    let (priority, sla) = (definition.priority.rank(), definition.sla.map(Span::micros));
    let sql = format!("{SELECT} where name = $1{}", tx.for_update());
    match tx.query_opt(&sql, &[name.into()])? {
        None => {
            let columns = columns_of(definition, &Columns::default());
            let sql = "insert into datasets (name, definition, version, columns, columns_version, changed_at, priority, sla) values ($1, $2, 1, $3, $4, $5, $6, $7)";
            let params =
                [name.into(), text.into(), json(&columns)?.into(), columns.version.into(), now.into(), priority.into(), sla.into()];
            tx.execute(sql, &params)?;
        }
        Some(row) => {
            let known = record(&row)?;
            beside::refuse_to_configure(&known)?;
            let columns = columns_of(definition, &known.columns);
            if known.definition != *definition || known.detached || columns != known.columns {
                let sql = "update datasets set definition = $2, version = version + 1, columns = $3, columns_version = $4, detached = 0, \
                           changed_at = $5, priority = $6, sla = $7 where name = $1";
                let params =
                    [name.into(), text.into(), json(&columns)?.into(), columns.version.into(), now.into(), priority.into(), sla.into()];
                tx.execute(sql, &params)?;
                beside::follow_definition(tx, definition, now)?;
            }
        }
    }
    let sql = "insert into sequences (dataset, region) values ($1, $2) on conflict (dataset, region) do nothing";
    tx.execute(sql, &[name.into(), region.as_str().into()])?;
    let sql = "insert into sinks (dataset, sink) values ($1, $2) on conflict (dataset, sink) do nothing";
    tx.execute(sql, &[name.into(), crate::sinks::DELTA.into()])?;
    Ok(())
}

/// The dataset of that name, inside a transaction.
pub fn find(tx: &mut Tx, name: &DatasetName) -> Result<Option<DatasetRecord>> {
    let row = tx.query_opt(&format!("{SELECT} where name = $1"), &[name.as_str().into()])?;
    row.as_ref().map(record).transpose()
}

impl Catalog {
    /// Makes the catalog say what the configuration says: new and changed definitions get a new version, those that
    /// are gone are marked detached. Returns all of them.
    pub async fn declare(&self, region: Region, definitions: Vec<Dataset>) -> Result<Vec<DatasetRecord>> {
        let now = self.clock().now();
        let all = self
            .write(move |tx| {
                for definition in &definitions {
                    declare_one(tx, &region, definition, now)?;
                }
                for known in tx.query(&format!("{SELECT} where detached = 0"), &[])? {
                    let name = record(&known)?.definition.name;
                    if !definitions.iter().any(|definition| definition.name == name) {
                        let sql = "update datasets set detached = 1, version = version + 1, changed_at = $2 where name = $1";
                        tx.execute(sql, &[name.as_str().into(), now.into()])?;
                    }
                }
                tx.query(&format!("{SELECT} order by name"), &[])?.iter().map(record).collect()
            })
            .await?;
        self.wake(Topic::Definitions);
        Ok(all)
    }

    pub async fn datasets(&self) -> Result<Vec<DatasetRecord>> {
        self.read(|tx| tx.query(&format!("{SELECT} order by name"), &[])?.iter().map(record).collect()).await
    }

    pub async fn dataset(&self, name: &DatasetName) -> Result<Option<DatasetRecord>> {
        let name = name.clone();
        self.read(move |tx| find(tx, &name)).await
    }

    /// Adds columns if version `expected` is still the one in force, and returns those in force afterwards: whoever
    /// came second sees what the first decided, and decodes with that.
    pub async fn extend_columns(&self, name: &DatasetName, expected: i64, add: Vec<Column>) -> Result<Columns> {
        let name = name.clone();
        let columns = self
            .write(move |tx| {
                let sql = format!("{SELECT} where name = $1{}", tx.for_update());
                let row = tx.query_opt(&sql, &[name.as_str().into()])?;
                let row = row.ok_or_else(|| Error::new(ErrorKind::UnknownDataset, format!("there is no dataset `{name}`")))?;
                let mut columns = record(&row)?.columns;
                if columns.version != expected || columns.declared {
                    return Ok(columns);
                }
                let new = add.iter().filter(|column| columns.get(&column.name).is_none()).cloned().collect::<Vec<_>>();
                columns.list.extend(new);
                columns.version += 1;
                let sql = "update datasets set columns = $2, columns_version = $3 where name = $1";
                tx.execute(sql, &[name.as_str().into(), json(&columns)?.into(), columns.version.into()])?;
                Ok(columns)
            })
            .await?;
        self.wake(Topic::Definitions);
        Ok(columns)
    }
}
