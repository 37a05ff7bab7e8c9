//! The schema is brought up to date once, however many start together.

use landfall_catalog::testing::for_each_place;
use landfall_model::ErrorKind;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_that_open_at_once_migrate_once() {
    for_each_place(async |place| {
        let url = place.url();
        let opening = (0..4).map(|_| {
            let url = url.clone();
            tokio::spawn(async move { landfall_catalog::Catalog::open(&url, landfall_model::Clock::system()).await })
        });
        let mut catalogs = Vec::new();
        for catalog in opening.collect::<Vec<_>>() {
            catalogs.push(catalog.await.unwrap().unwrap());
        }
        let versions = catalogs[0].read(|tx| tx.query("select version from schema_migrations order by version", &[])).await.unwrap();
        let versions = versions.iter().map(|row| row.int(0).unwrap()).collect::<Vec<_>>();
        assert_eq!(versions, (1..=i64::try_from(versions.len()).unwrap()).collect::<Vec<_>>());
        assert!(!versions.is_empty());
        // What one writes the others read.
        catalogs[1].write(|tx| tx.execute("insert into files (dataset, key, generation) values ('d', 'k', 1)", &[])).await.unwrap();
        for catalog in &catalogs {
            let rows = catalog.read(|tx| tx.query("select key from files", &[])).await.unwrap();
            assert_eq!(rows.len(), 1);
        }
        for catalog in catalogs {
            catalog.close().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_catalog_of_a_newer_program_is_refused_and_unharmed() {
    for_each_place(async |place| {
        let catalog = place.open().await.unwrap();
        catalog.write(|tx| tx.execute("insert into schema_migrations (version, applied_at) values (999, 0)", &[])).await.unwrap();
        catalog.close().await;
        let refused = place.open().await.err().unwrap();
        assert_eq!(refused.kind, ErrorKind::Conflict);
        assert!(refused.message.contains("schema version 999") && refused.message.contains("newer Landfall"), "{refused}");
    })
    .await;
}

#[tokio::test]
async fn what_was_committed_is_there_after_opening_again() {
    for_each_place(async |place| {
        let catalog = place.open().await.unwrap();
        catalog.write(|tx| tx.execute("insert into files (dataset, key, generation) values ('d', 'k', 7)", &[])).await.unwrap();
        catalog.close().await;
        catalog.close().await;
        let catalog = place.open().await.unwrap();
        let generation = catalog.read(|tx| tx.query("select generation from files", &[])?[0].int(0)).await.unwrap();
        assert_eq!(generation, 7);
        catalog.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_url_that_names_no_catalog_says_what_would() {
    let clock = landfall_model::Clock::system;
    for url in ["sqlite:", "mysql://root@localhost/a", ""] {
        let refused = landfall_catalog::Catalog::open(url, clock()).await.err().unwrap();
        assert_eq!(refused.kind, ErrorKind::BadRequest);
        assert!(refused.message.contains("sqlite:PATH"), "{refused}");
    }
    let missing = landfall_catalog::Catalog::open("sqlite:/no/such/folder/catalog.db", clock()).await.err().unwrap();
    assert!(missing.message.contains("/no/such/folder/catalog.db"), "{missing}");
    for unknown in ["sslmode=allow", "sslcert=client.crt"] {
        let refused = landfall_catalog::Catalog::open(&format!("postgres://root@127.0.0.1/x?{unknown}"), clock()).await.err().unwrap();
        assert_eq!(refused.kind, ErrorKind::BadRequest);
        assert!(refused.message.contains(unknown.split('=').next().unwrap()), "{refused}");
    }
    let down = landfall_catalog::Catalog::open("postgres://root@127.0.0.1:1/x", clock()).await.err().unwrap();
    assert_eq!(down.kind, ErrorKind::Unavailable);
}
