//! Fresh catalogs of both kinds for tests, here and in the rooms above: where
//! they are is the database's to say.
#![expect(clippy::panic, reason = "a test that cannot have its catalog has failed")]

use std::ops::Deref;

use landfall_database::testing::TestDatabase;
use landfall_model::{Clock, Result};

use crate::Catalog;

/// A catalog's place, gone when this is dropped.
pub struct TestCatalog(TestDatabase);

impl TestCatalog {
    pub fn sqlite() -> TestCatalog {
        TestCatalog(TestDatabase::sqlite())
    }

    pub async fn postgres() -> TestCatalog {
        TestCatalog(TestDatabase::postgres().await)
    }

    pub async fn open(&self) -> Result<Catalog> {
        Catalog::open(&self.url(), Clock::system()).await
    }
}

impl Deref for TestCatalog {
    type Target = TestDatabase;

    fn deref(&self) -> &TestDatabase {
        &self.0
    }
}

/// Runs `test` on a fresh catalog of each kind, and closes it.
pub async fn for_each_catalog(test: impl AsyncFn(Catalog)) {
    for_each_place(async |place| {
        let catalog = place.open().await.unwrap_or_else(|why| panic!("{}: {why}", place.url()));
        test(catalog.clone()).await;
        catalog.close().await;
    })
    .await;
}

/// The same for tests that open the catalog themselves.
pub async fn for_each_place(test: impl AsyncFn(&TestCatalog)) {
    for place in [TestCatalog::sqlite(), TestCatalog::postgres().await] {
        test(&place).await;
    }
}
