//! Statements, transactions and what they see.

use bytes::Bytes;
use landfall_catalog::engine::Value;
use landfall_catalog::testing::for_each_catalog;
use landfall_catalog::{Catalog, Tx};
use landfall_model::{Error, ErrorKind, Result};

pub async fn make_table(catalog: &Catalog) {
    let made = catalog
        .write(|tx| {
            let kind = if tx.is_postgres() { "bytea" } else { "blob" };
            tx.execute(&format!("create table things (id bigint primary key, name text, body {kind})"), &[])
        })
        .await;
    made.unwrap();
}

pub fn insert(tx: &mut Tx<'_>, id: i64) -> Result<u64> {
    tx.execute("insert into things (id, name) values ($1, $2)", &[id.into(), format!("thing {id}").into()])
}

pub async fn count(catalog: &Catalog) -> i64 {
    catalog.read(|tx| tx.query("select count(*) from things", &[])?[0].int(0)).await.unwrap()
}

#[tokio::test]
async fn values_come_back_as_they_went_in() {
    for_each_catalog(async |catalog| {
        make_table(&catalog).await;
        let body = Bytes::from((0..=255).collect::<Vec<u8>>());
        let (sent, text) = (body.clone(), "naïve ⚓ 'quoted' $1");
        catalog
            .write(move |tx| {
                let sql = "insert into things (name, body, id) values ($2, $3, $1)";
                tx.execute(sql, &[i64::MIN.into(), text.into(), (&sent).into()])?;
                tx.execute(sql, &[i64::MAX.into(), Value::Null, Value::Null])
            })
            .await
            .unwrap();
        let rows = catalog.read(|tx| tx.query("select id, name, body from things order by id", &[])).await.unwrap();
        assert_eq!((rows[0].int(0).unwrap(), rows[0].text(1).unwrap(), rows[0].bytes(2).unwrap()), (i64::MIN, text, body));
        assert_eq!((rows[1].int(0).unwrap(), rows[1].opt_text(1).unwrap()), (i64::MAX, None));
    })
    .await;
}

#[tokio::test]
async fn sums_truths_and_nulls_are_numbers() {
    for_each_catalog(async |catalog| {
        make_table(&catalog).await;
        catalog.write(|tx| (1..=3).try_for_each(|id| insert(tx, id << 40).map(drop))).await.unwrap();
        let sql = "select sum(id), count(*), max(id) > $1, (select id from things where id = 0), $2 + 1 from things";
        let row = catalog.read(move |tx| Ok(tx.query(sql, &[0.into(), 41.into()])?.remove(0))).await.unwrap();
        assert_eq!((row.int(0).unwrap(), row.int(1).unwrap(), row.int(2).unwrap()), (6 << 40, 3, 1));
        assert_eq!((row.opt_int(3).unwrap(), row.int(4).unwrap()), (None, 42));
    })
    .await;
}

#[tokio::test]
async fn a_pipeline_answers_each_statement_in_order() {
    for_each_catalog(async |catalog| {
        make_table(&catalog).await;
        let answers = catalog
            .write(|tx| {
                let insert = "insert into things (id) values ($1) returning id";
                let update = "update things set name = 'seen' where id <= $1 returning id";
                tx.pipeline(&[(insert, vec![1.into()]), (insert, vec![2.into()]), (update, vec![2.into()]), ("select 5", vec![])])
            })
            .await
            .unwrap();
        let lengths = answers.iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(lengths, [1, 1, 2, 1]);
        assert_eq!((answers[1][0].int(0).unwrap(), answers[3][0].int(0).unwrap()), (2, 5));
    })
    .await;
}

#[tokio::test]
async fn what_fails_leaves_nothing_and_says_what_it_was() {
    for_each_catalog(async |catalog| {
        make_table(&catalog).await;
        let refused = catalog
            .write(|tx| {
                insert(tx, 1)?;
                Err::<(), _>(Error::new(ErrorKind::Denied, "not today"))
            })
            .await
            .unwrap_err();
        assert_eq!((refused.kind, refused.message.as_str()), (ErrorKind::Denied, "not today"));
        let twice = catalog.write(|tx| insert(tx, 2).and_then(|_| insert(tx, 2))).await.unwrap_err();
        assert_eq!(twice.kind, ErrorKind::Conflict);
        assert!(twice.message.contains("insert into things"), "{twice}");
        let wrong = catalog.write(|tx| tx.execute("insert into nowhere values (1)", &[])).await.unwrap_err();
        assert_eq!(wrong.kind, ErrorKind::Internal);
        assert!(wrong.message.contains("nowhere"), "{wrong}");
        let short = catalog.write(|tx| tx.execute("insert into things (id) values ($1)", &[])).await.unwrap_err();
        assert!(short.message.contains("wants 1 parameters and was given 0"), "{short}");
        let panicked = catalog.write(|_| if true { panic!("as tests do") } else { Ok(()) }).await.unwrap_err();
        assert_eq!(panicked.kind, ErrorKind::Internal);
        assert_eq!(count(&catalog).await, 0);
    })
    .await;
}

#[tokio::test]
async fn work_that_swallows_an_error_does_not_half_commit() {
    for_each_catalog(async |catalog| {
        make_table(&catalog).await;
        let outcome = catalog
            .write(|tx| {
                insert(tx, 1)?;
                let _ = tx.execute("insert into nowhere values (1)", &[]);
                Ok(())
            })
            .await;
        assert_eq!(count(&catalog).await, i64::from(outcome.is_ok()), "acknowledged if and only if it is there");
    })
    .await;
}

#[tokio::test]
async fn a_savepoint_undoes_its_own_work_only() {
    for_each_catalog(async |catalog| {
        make_table(&catalog).await;
        catalog
            .write(|tx| {
                insert(tx, 1)?;
                let refused = tx.savepoint(|tx| insert(tx, 2).and_then(|_| tx.savepoint(|tx| insert(tx, 1))));
                assert_eq!(refused.unwrap_err().kind, ErrorKind::Conflict);
                tx.savepoint(|tx| insert(tx, 3))?;
                insert(tx, 4)
            })
            .await
            .unwrap();
        let rows = catalog.read(|tx| tx.query("select id from things order by id", &[])).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.int(0).unwrap()).collect::<Vec<_>>(), [1, 3, 4]);
    })
    .await;
}

#[tokio::test]
async fn a_reader_sees_one_snapshot_and_cannot_write() {
    for_each_catalog(async |catalog| {
        make_table(&catalog).await;
        let (inside, writer) = (tokio::runtime::Handle::current(), catalog.clone());
        let seen = tokio::task::spawn(async move {
            let reader = writer.clone();
            reader
                .read(move |tx| {
                    let before = tx.query("select count(*) from things", &[])?[0].int(0)?;
                    inside.block_on(writer.write(|tx| insert(tx, 1)))?;
                    let after = tx.query("select count(*) from things", &[])?[0].int(0)?;
                    Ok((before, after))
                })
                .await
        });
        assert_eq!(seen.await.unwrap().unwrap(), (0, 0));
        assert_eq!(count(&catalog).await, 1);
        assert!(catalog.read(|tx| insert(tx, 2)).await.is_err());
        assert_eq!(count(&catalog).await, 1);
    })
    .await;
}

#[tokio::test]
async fn large_bodies_go_through() {
    for_each_catalog(async |catalog| {
        make_table(&catalog).await;
        for (id, size) in [(1_i64, 1_usize << 20), (2, 48 << 20)] {
            let body = Bytes::from((0..=250_u8).cycle().take(size).collect::<Vec<_>>());
            let sent = body.clone();
            catalog
                .write(move |tx| tx.execute("insert into things (id, body) values ($1, $2)", &[id.into(), (&sent).into()]))
                .await
                .unwrap();
            let back = catalog.read(move |tx| tx.query("select body from things where id = $1", &[id.into()])?[0].bytes(0)).await.unwrap();
            assert!(back == body, "{size} bytes came back changed");
        }
        catalog.ping().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn text_is_ordered_by_bytes_in_the_schema_of_both() {
    for_each_catalog(async |catalog| {
        let rows = catalog
            .write(|tx| {
                for name in ["b", "B", "é", "a_", "a-", "A"] {
                    tx.execute("insert into files (dataset, key, generation) values ('d', $1, 1)", &[name.into()])?;
                }
                tx.query("select key from files where key > $1 order by key", &["A".into()])
            })
            .await
            .unwrap();
        assert_eq!(rows.iter().map(|row| row.text(0).unwrap()).collect::<Vec<_>>(), ["B", "a-", "a_", "b", "é"]);
    })
    .await;
}
