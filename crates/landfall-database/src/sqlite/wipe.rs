//! Overwrites what moved rows have left behind. `secure_delete` overwrites a row
//! where it is deleted; but when SQLite spreads the rows of full pages anew, old
//! copies stay in the gaps between the directories of pages and their rows, and
//! outlive the rows. Nothing reads a gap, and whoever has the file can.
//!
//! Pages are those of <https://www.sqlite.org/fileformat2.html>, section 1.6.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use landfall_model::{Result, crash};
use rusqlite::Connection;

use super::error;
use super::tx::SqliteTx;
use crate::database::Database;
use crate::tx::Tx;

/// Pages of one look and of one transaction, which takes a few milliseconds.
const AT_ONCE: i64 = 256;

/// From this page on, the number of a page can begin with the byte that marks one of a tree; it is at 128 GiB.
const PAGES_MAX: i64 = 1 << 25;

const LOOK: &str = "with recursive n (pgno) as (select $1 union all select pgno + 1 from n where pgno < $2) \
                    select p.pgno, p.data from n cross join sqlite_dbpage p on p.pgno = n.pgno";

/// Overwrites every gap, a few pages at a time. Where pages cannot be reached it does nothing: see
/// [`rewrite_unreached`].
pub(crate) async fn wipe(database: &Database) -> Result<()> {
    let Some(last) = database.read(pages).await? else { return Ok(()) };
    for first in (1..=last).step_by(usize::try_from(AT_ONCE).unwrap_or(1)) {
        let found = database.read(move |tx| unclean(tx, first, last.min(first + AT_ONCE - 1))).await?;
        if !found.is_empty() {
            database.write(move |tx| clean(tx, &found)).await?;
            crash::point("catalog.wiped");
        }
    }
    Ok(())
}

/// Writes the whole file anew where its pages cannot be reached; landings wait for that.
pub(super) fn rewrite_unreached(connection: &Connection) -> Result<()> {
    let reached = pages(&mut Tx::sqlite(SqliteTx::new(connection)))?.is_some();
    if reached { Ok(()) } else { rewrite(connection) }
}

fn rewrite(connection: &Connection) -> Result<()> {
    connection.execute_batch("vacuum").map_err(|why| error::of("vacuum", &why))
}

/// How many pages there are; `None` where they cannot be reached, because SQLite was built without `SQLITE_ENABLE_DBPAGE_VTAB`
/// or the file is too large.
fn pages(tx: &mut Tx) -> Result<Option<i64>> {
    if tx.query_opt("select 1 from pragma_module_list where name = 'sqlite_dbpage'", &[])?.is_none() {
        return Ok(None);
    }
    let pages = tx.query_opt("pragma page_count", &[])?.map_or(Ok(0), |row| row.int(0))?;
    Ok((pages < PAGES_MAX).then_some(pages))
}

/// The numbers of pages, of those from `first` to `last`, with something in their gaps.
fn unclean(tx: &mut Tx, first: i64, last: i64) -> Result<Vec<i64>> {
    let mut found = Vec::new();
    for row in tx.query(LOOK, &[first.into(), last.into()])? {
        let number = row.int(0)?;
        if left_behind(&row.bytes(1)?, number).is_some() {
            found.push(number);
        }
    }
    Ok(found)
}

/// Overwrites the gaps of these pages, as they are in this transaction.
fn clean(tx: &mut Tx, numbers: &[i64]) -> Result<()> {
    for &number in numbers {
        let Some(row) = tx.query_opt("select data from sqlite_dbpage where pgno = $1", &[number.into()])? else { continue };
        let page = row.bytes(0)?;
        if let Some(gap) = left_behind(&page, number) {
            let mut page = BytesMut::from(page);
            page[gap].fill(0);
            tx.execute("update sqlite_dbpage set data = $2 where pgno = $1", &[number.into(), page.freeze().into()])?;
        }
    }
    Ok(())
}

/// The gap of a tree's page, if something is in it. The first page of the file begins with the file's header.
fn left_behind(page: &Bytes, number: i64) -> Option<Range<usize>> {
    let header = if number == 1 { 100 } else { 0 };
    let word = |at: usize| page.get(header + at..header + at + 2).map(|word| usize::from(u16::from_be_bytes([word[0], word[1]])));
    let length = match page.get(header)? {
        2 | 5 => 12,
        10 | 13 => 8,
        _ => return None,
    };
    let directory_ends = header + length + 2 * word(3)?;
    // Zero stands for 65,536, which is the end of such a page.
    let rows_begin = word(5).filter(|begin| *begin > 0).unwrap_or(page.len());
    let gap = directory_ends..rows_begin;
    page.get(gap.clone())?.iter().any(|byte| *byte != 0).then_some(gap)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use landfall_model::Clock;

    use super::super::connect;
    use super::*;
    use crate::migrate::Schema;
    use crate::value::Row;

    const SCHEMA: Schema = &["create table t (id text primary key, body text not null) without rowid"];
    const MARKER: &str = "Wintermute";

    fn copies_in(path: &Path) -> usize {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(MARKER.len()).filter(|window| *window == MARKER.as_bytes()).count()
    }

    /// Fills and empties pages so that rows move, and deletes those with the marker.
    async fn fill(database: &Database) {
        for turn in 0..40_usize {
            database
                .write(move |tx| {
                    for row in 0..100 {
                        let id = (turn * 100 + row) * 7919 % 4001;
                        let word = if id % 7 == 0 { MARKER } else { "other" };
                        let body = format!("{word} {id}").repeat(1 + id % 23);
                        tx.execute("insert into t values ($1, $2)", &[format!("{id:05}").into(), body.into()])?;
                    }
                    Ok(())
                })
                .await
                .unwrap();
        }
        let sql = format!("delete from t where body like '{MARKER}%'");
        database.write(move |tx| tx.execute(&sql, &[])).await.unwrap();
    }

    async fn rows(database: &Database) -> Vec<Row> {
        database.read(|tx| tx.query("select id, body from t order by id", &[])).await.unwrap()
    }

    #[tokio::test]
    async fn nothing_of_a_deleted_row_is_left_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.db");
        let open = async || Database::open(path.to_str().unwrap(), SCHEMA, Clock::system()).await.unwrap();
        let database = open().await;
        fill(&database).await;
        let before = rows(&database).await;
        assert!(before.len() > 3000 && before.iter().all(|row| !row.text(1).unwrap().contains(MARKER)));
        database.close().await;
        assert!(copies_in(&path) > 0, "no row has moved, so this test can see nothing");

        let database = open().await;
        assert!(database.scrub().await.unwrap());
        assert_eq!(copies_in(&path) + copies_in(&folder.path().join("catalog.db-wal")), 0);
        assert_eq!(rows(&database).await, before);
        let check = database.read(|tx| tx.query("pragma integrity_check", &[])).await.unwrap();
        assert_eq!(check[0].text(0).unwrap(), "ok");
        database.close().await;
    }

    #[tokio::test]
    async fn a_file_whose_pages_cannot_be_reached_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.db");
        let database = Database::open(path.to_str().unwrap(), SCHEMA, Clock::system()).await.unwrap();
        fill(&database).await;
        let before = rows(&database).await;
        database.close().await;
        assert!(copies_in(&path) > 0);
        let connection = connect::writer(&path).unwrap();
        rewrite(&connection).unwrap();
        connection.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(())).unwrap();
        assert_eq!(copies_in(&path), 0);
        drop(connection);
        let database = Database::open(path.to_str().unwrap(), SCHEMA, Clock::system()).await.unwrap();
        assert_eq!(rows(&database).await, before);
        database.close().await;
    }

    #[test]
    fn a_page_that_is_none_of_a_tree_is_left_alone() {
        let mut page = vec![7; 4096];
        assert_eq!(left_behind(&page.clone().into(), 2), None);
        page[..8].copy_from_slice(&[13, 0, 0, 0, 1, 15, 0, 0]);
        assert_eq!(left_behind(&page.clone().into(), 2), Some(10..3840));
        page[10..3840].fill(0);
        assert_eq!(left_behind(&page.into(), 2), None);
        assert_eq!(left_behind(&Bytes::from_static(&[13, 0]), 2), None);
    }
}
