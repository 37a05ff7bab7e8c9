//! A control API on a free port, with everything behind it but the committers.

use landfall_access::http::with_fallbacks;
use landfall_access::{Context, Gate, MasterKey};
use landfall_catalog::testing::TestCatalog;
use landfall_catalog::{Catalog, Definitions};
use landfall_land::{Land, Put};
use landfall_model::{Clock, Dataset, DatasetName, LandingId, Region, Source};
use landfall_query::Queries;
use landfall_query::live::Live;
use landfall_server::{Control, install_recorder};
use landfall_store::Store;
use landfall_tables::delta::Tables;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;
use tokio::net::TcpListener;

pub const ADMIN: &str = "0123456789abcdef";

pub struct Open {
    address: String,
    pub catalog: Catalog,
    pub gate: Gate,
    pub land: Land,
    client: Client,
    _catalog: TestCatalog,
    _folder: tempfile::TempDir,
}

pub fn orders() -> DatasetName {
    "orders".parse().unwrap()
}

pub async fn open() -> Open {
    open_at(Clock::system(), Vec::new()).await
}

/// The same by a clock of the test's own, and with more datasets.
pub async fn open_at(clock: Clock, more: Vec<Dataset>) -> Open {
    let region = "local".parse::<Region>().unwrap();
    let scrape = install_recorder().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let test_catalog = TestCatalog::sqlite();
    let catalog = Catalog::open(&test_catalog.url(), clock.clone()).await.unwrap();
    let store = Store::local(&folder.path().join("store"), clock.clone()).unwrap();
    let passing = Dataset { retention: Some("1ms".parse().unwrap()), ..Dataset::new("passing".parse().unwrap()) };
    let datasets: Vec<_> = [Dataset::new(orders()), passing].into_iter().chain(more).collect();
    catalog.declare(region.clone(), datasets.clone()).await.unwrap();
    let definitions = Definitions::default();
    definitions.refresh(&catalog).await.unwrap();
    let gate = Gate::new(ADMIN, MasterKey::of(&[7; 32]).unwrap());
    gate.set_datasets(&datasets);
    let tables = Tables::new(store.clone(), clock.clone());
    let live = Live::new(catalog.clone(), definitions.clone(), tables.clone());
    let queries = Queries::new(catalog.clone(), definitions.clone(), live, gate.clone(), &folder.path().join("spill")).unwrap();
    let land = Land::new(gate.clone(), catalog.clone(), store, definitions.clone(), clock, region);
    let control = Control::new(catalog.clone(), tables, definitions, gate.clone(), Some(queries), scrape);
    let (router, _) = control.router().split_for_parts();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, with_fallbacks(router)).await });
    Open { address, catalog, gate, land, client: Client::new(), _catalog: test_catalog, _folder: folder }
}

impl Open {
    pub fn anonymous(&self, method: &str, path: &str) -> RequestBuilder {
        self.client.request(method.parse().unwrap(), format!("http://{}{path}", self.address))
    }

    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(ADMIN)
    }

    pub async fn get(&self, path: &str) -> Value {
        let response = self.request("GET", path).send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    pub async fn sql(&self, body: Value) -> Response {
        self.request("POST", "/v1/sql").json(&body).send().await.unwrap()
    }

    pub async fn events(&self, body: &'static str) {
        self.events_of("orders", body).await;
    }

    pub async fn events_of(&self, dataset: &str, body: &'static str) {
        let dataset = dataset.parse().unwrap();
        self.land.events(&Context::administrator(Source::Http), &dataset, body.into(), None).await.unwrap();
    }

    /// Makes a key with these grants and gives its secret.
    pub async fn key(&self, name: &str, grants: &[&str]) -> String {
        let body = serde_json::json!({ "name": name, "grants": grants });
        let made: Value = self.request("POST", "/v1/keys").json(&body).send().await.unwrap().json().await.unwrap();
        made["secret"].as_str().unwrap().to_owned()
    }

    pub async fn file(&self, key: &str, text: &'static str) -> LandingId {
        self.file_of("orders", key, text).await
    }

    pub async fn file_of(&self, dataset: &str, key: &str, text: &'static str) -> LandingId {
        let body = futures::stream::iter([Ok(text.into())]);
        let dataset = dataset.parse().unwrap();
        let landed = self.land.file(&Context::administrator(Source::Http), &dataset, Put::new(key.parse().unwrap()), body).await;
        landed.unwrap().id
    }

    /// A file whose work failed for good.
    pub async fn dead_letter(&self, key: &str) -> LandingId {
        let id = self.file(key, "a,\"b\n").await;
        for lease in self.catalog.lease_jobs("test", 100).await.unwrap() {
            let why = landfall_model::Error::new(landfall_model::ErrorKind::UnclosedQuote, "a quote is never closed").at(1, 0);
            assert!(self.catalog.bury_job(&lease, &why).await.unwrap());
        }
        id
    }
}

/// The status, and the code of the problem document.
pub async fn problem(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/problem+json", "{status}");
    let document: Value = response.json().await.unwrap();
    (status, document["code"].as_str().unwrap().to_owned())
}
