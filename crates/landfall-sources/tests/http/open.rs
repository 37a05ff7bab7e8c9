//! A door on a free port, with everything behind it.

use std::time::Duration;

use landfall_access::http::with_fallbacks;
use landfall_access::{Gate, MasterKey};
use landfall_catalog::testing::TestCatalog;
use landfall_catalog::{Catalog, Definitions};
use landfall_land::Land;
use landfall_model::{Clock, Dataset, DatasetName, Region, limits};
use landfall_sources::http::{Http, serve_with};
use landfall_store::Store;
use reqwest::{Client, Method, RequestBuilder, Response};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub const ADMIN: &str = "0123456789abcdef";

pub struct Open {
    pub address: String,
    pub catalog: Catalog,
    pub store: Store,
    pub gate: Gate,
    pub client: Client,
    pub stop: CancellationToken,
    pub served: JoinHandle<usize>,
    _catalog: TestCatalog,
    _folder: tempfile::TempDir,
}

pub fn orders() -> DatasetName {
    "orders".parse().unwrap()
}

/// A door with the dataset `orders`, which grants the key `partner` to land and list under `partner/`.
pub async fn open() -> Open {
    open_with(limits::ANSWER_IDLE_TIMEOUT).await
}

/// The same, where a client may take nothing of its answer for as long as `patience`.
pub async fn open_with(patience: Duration) -> Open {
    let (clock, region) = (Clock::system(), "local".parse::<Region>().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let test_catalog = TestCatalog::sqlite();
    let catalog = test_catalog.open().await.unwrap();
    let store = Store::local(folder.path(), clock.clone()).unwrap();
    let mut dataset = Dataset::new(orders());
    dataset.grants = serde_json::from_str(r#"[{"to": "key:partner", "allow": ["land", "list"], "under": "partner/"}]"#).unwrap();
    catalog.declare(region.clone(), vec![dataset.clone()]).await.unwrap();
    let definitions = Definitions::default();
    definitions.refresh(&catalog).await.unwrap();
    let gate = Gate::new(ADMIN, MasterKey::of(&[7; 32]).unwrap());
    gate.set_datasets([&dataset]);
    let land = Land::new(gate.clone(), catalog.clone(), store.clone(), definitions.clone(), clock, region);
    let http = Http::new(land, gate.clone(), catalog.clone(), store.clone(), definitions);
    let (router, _) = http.router().split_for_parts();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let stop = CancellationToken::new();
    let served = tokio::spawn(serve_with(listener, with_fallbacks(router), stop.clone(), patience));
    Open { address, catalog, store, gate, client: Client::new(), stop, served, _catalog: test_catalog, _folder: folder }
}

impl Open {
    pub fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    /// As the administrator.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.anonymous(method.parse().unwrap(), path).bearer_auth(ADMIN)
    }

    pub async fn put(&self, key: &str, bytes: impl Into<reqwest::Body>) -> Response {
        self.request("PUT", &format!("/v1/datasets/orders/files/{key}")).body(bytes).send().await.unwrap()
    }

    pub async fn get(&self, key: &str) -> Response {
        self.request("GET", &format!("/v1/datasets/orders/files/{key}")).send().await.unwrap()
    }

    pub async fn events(&self, body: impl Into<reqwest::Body>) -> Response {
        self.request("POST", "/v1/datasets/orders/events").body(body).send().await.unwrap()
    }
}

pub fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// The status, and the code of the problem document.
pub async fn problem(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    assert_eq!(header(&response, "content-type"), "application/problem+json", "{status}");
    let document: serde_json::Value = response.json().await.unwrap();
    assert_eq!(document["status"], status);
    (status, document["code"].as_str().unwrap().to_owned())
}
