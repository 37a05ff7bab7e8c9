//! A way in that is open for the dataset `orders`.

use bytes::Bytes;
use futures::stream;
use landfall_access::{Context, Gate, MasterKey};
use landfall_catalog::testing::for_each_catalog;
use landfall_catalog::{Catalog, Definitions};
use landfall_land::{FileReceipt, Land, Put, Receipt};
use landfall_model::{Clock, Dataset, DatasetName, Result, Source};
use landfall_store::Store;

pub struct Open {
    pub land: Land,
    pub catalog: Catalog,
    pub store: Store,
    folder: tempfile::TempDir,
}

pub fn orders() -> DatasetName {
    "orders".parse().unwrap()
}

pub fn admin() -> Context {
    Context::administrator(Source::Http)
}

/// Runs `test` with a fresh store on a fresh catalog of each kind.
pub async fn on_each_catalog(test: impl AsyncFn(Open)) {
    for_each_catalog(async |catalog| {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::local(folder.path(), Clock::system()).unwrap();
        let region: landfall_model::Region = "local".parse().unwrap();
        catalog.declare(region.clone(), vec![Dataset::new(orders())]).await.unwrap();
        let definitions = Definitions::default();
        definitions.refresh(&catalog).await.unwrap();
        let gate = Gate::new("0123456789abcdef", MasterKey::of(&[7; 32]).unwrap());
        let land = Land::new(gate, catalog.clone(), store.clone(), definitions, Clock::system(), region);
        test(Open { land, catalog, store, folder }).await;
    })
    .await;
}

impl Open {
    pub async fn send(&self, body: &str, key: Option<&str>) -> Result<Receipt> {
        self.land.events(&admin(), &orders(), Bytes::from(body.to_owned()), key).await
    }

    pub async fn put(&self, key: &str, chunks: Vec<Result<Bytes>>, length: Option<u64>) -> Result<FileReceipt> {
        self.put_as(Put { length, ..Put::new(key.parse().unwrap()) }, chunks).await
    }

    pub async fn put_as(&self, put: Put, chunks: Vec<Result<Bytes>>) -> Result<FileReceipt> {
        self.land.file(&admin(), &orders(), put, stream::iter(chunks)).await
    }

    /// Every file below the store's folder that holds a landing.
    pub fn landings_in_store(&self) -> usize {
        let mut files = 0;
        let mut folders = vec![self.folder.path().join("landings")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.path().is_dir() { folders.push(entry.path()) } else { files += 1 }
            }
        }
        files
    }
}

/// The seq numbers of a receipt.
pub fn range(receipt: &Receipt) -> (i64, i64) {
    (receipt.first_id.seq, receipt.last_id.seq)
}
