//! Side tables: what a replay makes beside the table of its dataset, so that
//! both can be compared. A side table is a dataset that takes nothing else in. It
//! has the definition that the replay applies and the grants and retention of its
//! dataset, and lasts until it is dropped.

use landfall_model::{Dataset, DatasetName, Error, ErrorKind, ReplayId, Result, Timestamp};

use crate::datasets::{self, DatasetRecord, json, parse};
use crate::engine::{Catalog, Topic, Tx};
use crate::paths;
use crate::sinks::DELTA;

/// What a side table stands beside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// The dataset whose landings it holds.
    pub source: DatasetName,
    /// The replay that made it. Its id names the table's folder, so that a table that is made anew under an old name has
    /// nothing in common with the one that was dropped.
    pub made_by: ReplayId,
}

/// The configuration cannot take the name of a side table.
pub(crate) fn refuse_to_configure(known: &DatasetRecord) -> Result<()> {
    let (name, Some(beside)) = (&known.definition.name, &known.beside) else { return Ok(()) };
    let message = format!(
        "the configuration declares `{name}`, but that is a side table, which a replay of `{}` made: give the dataset another name, or take it \
         out, run `landfall drop {name}`, and put it back",
        beside.source
    );
    Err(Error::new(ErrorKind::Conflict, message))
}

/// The definition that the side table `name` has of its dataset's. Raw bytes are the dataset's own, so it has none to archive.
fn definition_of(name: &DatasetName, source: &Dataset) -> Dataset {
    Dataset { name: name.clone(), archive_after: None, ..source.clone() }
}

/// Makes the table `into` for the replay `id` of `source`, or takes one that a replay has left empty.
pub(crate) fn declare(tx: &mut Tx, source: &DatasetRecord, into: &DatasetName, id: &ReplayId, now: Timestamp) -> Result<()> {
    let sql = format!("{} where name = $1{}", datasets::SELECT, tx.for_update());
    if let Some(row) = tx.query_opt(&sql, &[into.as_str().into()])? {
        check_empty(tx, source, &datasets::record(&row)?)?;
        return copy(tx, source, into, now);
    }
    let sql = "insert into datasets (name, definition, version, columns, columns_version, detached, changed_at, beside, made_by) \
               values ($1, $2, 1, $3, $4, 1, $5, $6, $7) on conflict do nothing";
    let params = [
        into.as_str().into(),
        json(&definition_of(into, &source.definition))?.into(),
        json(&source.columns)?.into(),
        source.columns.version.into(),
        now.into(),
        source.definition.name.as_str().into(),
        id.as_str().into(),
    ];
    if tx.execute(sql, &params)? == 0 {
        return Err(Error::new(ErrorKind::Conflict, format!("somebody else has just made a table `{into}`: choose another name")));
    }
    // A committer of a table that was dropped may still hold its lease: no epoch of this one is among those it had.
    let sql = "insert into sinks (dataset, sink, epoch) select $1, $2, (1 + count(*)) * 4294967296 from replays where into_table = $1";
    tx.execute(sql, &[into.as_str().into(), DELTA.into()]).map(drop)
}

fn check_empty(tx: &mut Tx, source: &DatasetRecord, known: &DatasetRecord) -> Result<()> {
    let name = &known.definition.name;
    let conflict = |message: String| Err(Error::new(ErrorKind::Conflict, message));
    let Some(beside) = &known.beside else {
        return conflict(format!("`{name}` is a dataset of the configuration, or was one: choose another name for the side table"));
    };
    if beside.source != source.definition.name {
        return conflict(format!(
            "`{name}` is a side table of `{}`: choose another name, or drop it first with `landfall drop {name}`",
            beside.source
        ));
    }
    let sql =
        "select 1 from sinks where dataset = $1 and sink = $2 and (last_load > 0 or exists (select 1 from loads l where l.dataset = $1))";
    if tx.query_opt(sql, &[name.as_str().into(), DELTA.into()])?.is_some() {
        return conflict(format!("`{name}` holds a replay already: drop it first with `landfall drop {name}`, or choose another name"));
    }
    Ok(())
}

/// Gives the side table the definition and the columns that its dataset has now.
pub(crate) fn copy(tx: &mut Tx, source: &DatasetRecord, into: &DatasetName, now: Timestamp) -> Result<()> {
    let sql = "update datasets set definition = $2, columns = $3, columns_version = $4, version = version + 1, changed_at = $5 \
               where name = $1 and beside is not null";
    let definition = json(&definition_of(into, &source.definition))?;
    let columns = json(&source.columns)?;
    tx.execute(sql, &[into.as_str().into(), definition.into(), columns.into(), source.columns.version.into(), now.into()]).map(drop)
}

/// Gives it the columns alone, which only grow while a replay runs.
pub(crate) fn copy_columns(tx: &mut Tx, source: &DatasetName, into: &DatasetName) -> Result<()> {
    let sql = "update datasets set columns = (select s.columns from datasets s where s.name = $1), \
               columns_version = (select s.columns_version from datasets s where s.name = $1) where name = $2 and beside is not null \
               and columns_version <> (select s.columns_version from datasets s where s.name = $1)";
    tx.execute(sql, &[source.as_str().into(), into.as_str().into()]).map(drop)
}

/// Who may do what with a dataset's rows, and how long they are kept, holds beside it too. The transform does not follow: the
/// rows came through the one that was applied to them.
pub(crate) fn follow_definition(tx: &mut Tx, source: &Dataset, now: Timestamp) -> Result<()> {
    for row in tx.query("select name, definition from datasets where beside = $1", &[source.name.as_str().into()])? {
        let known: Dataset = parse(row.text(1)?)?;
        let now_is = Dataset { grants: source.grants.clone(), retention: source.retention, ..known.clone() };
        if now_is != known {
            let sql = "update datasets set definition = $2, version = version + 1, changed_at = $3 where name = $1";
            tx.execute(sql, &[row.text(0)?.into(), json(&now_is)?.into(), now.into()])?;
        }
    }
    Ok(())
}

/// The side table as it still is; an error where it is none, or a replay is on its way into it.
fn droppable(tx: &mut Tx, name: &DatasetName) -> Result<Beside> {
    // Whoever numbers a load waits, and then finds the table gone.
    tx.query(&format!("select 1 from sinks where dataset = $1{}", tx.for_update()), &[name.as_str().into()])?;
    let Some(known) = datasets::find(tx, name)? else {
        return Err(Error::new(ErrorKind::UnknownDataset, format!("there is no table `{name}`")));
    };
    let Some(beside) = known.beside else {
        let message = format!(
            "`{name}` is not a side table: only tables that `landfall replay DATASET --into TABLE` has made can be dropped; a dataset stays, \
             readable, when the configuration no longer declares it"
        );
        return Err(Error::new(ErrorKind::Conflict, message));
    };
    let sql = "select id from replays where into_table = $1 and state in ('running', 'paused')";
    if let Some(row) = tx.query_opt(sql, &[name.as_str().into()])? {
        let message = format!("the replay {} into `{name}` is under way: wait for it, or cancel it first", row.text(0)?);
        return Err(Error::new(ErrorKind::Conflict, message));
    }
    Ok(beside)
}

fn drop_it(tx: &mut Tx, name: &DatasetName, source: &DatasetName, folder: &str, now: Timestamp, unread_from: Timestamp) -> Result<()> {
    let key = [name.as_str().into()];
    // From now on these paths are the dataset's: its purges are not finished before the last of them is deleted.
    let rejects = "update staged_paths set state = 'gone', gone_until = $3, dataset = $2 where dataset = $1 and path like 'rejects/%'";
    tx.execute(rejects, &[name.as_str().into(), source.as_str().into(), now.into()])?;
    let sql = "update staged_paths set state = 'gone', gone_until = case when state = 'gone' then gone_until else $3 end, dataset = $2 \
               where dataset = $1";
    tx.execute(sql, &[name.as_str().into(), source.as_str().into(), unread_from.into()])?;
    paths::gone(tx, folder, source.as_str(), unread_from)?;
    for table in ["manifests", "loads", "follows", "sinks"] {
        tx.execute(&format!("delete from {table} where dataset = $1"), &key)?;
    }
    tx.execute("delete from datasets where name = $1", &key).map(drop)
}

impl Catalog {
    /// Drops a side table: nothing is known of it from now on, and all that it has in the store is deleted from `unread_from`
    /// on. `folder` names its folder, which ends in `/`. `Conflict` for a dataset that is none.
    pub async fn drop_side_table(
        &self,
        name: &DatasetName,
        folder: impl Fn(&Beside) -> String + Send + 'static,
        unread_from: Timestamp,
    ) -> Result<()> {
        let (name, now) = (name.clone(), self.clock().now());
        self.write(move |tx| {
            let beside = droppable(tx, &name)?;
            drop_it(tx, &name, &beside.source, &folder(&beside), now, unread_from)
        })
        .await?;
        self.wake(Topic::Definitions);
        Ok(())
    }
}
