//! The one way in which commands speak to a server: HTTP with a Bearer token.
//! Answers that say no become failures with the problem document's sentence.

use std::path::PathBuf;
use std::time::Duration;

use landfall_access::admin;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde_json::Value as Json;

use super::Failure;
use crate::config::{Config, Inputs, environment};

pub const DEFAULT_URL: &str = "http://127.0.0.1:8080";

/// Items that one request for a list asks for.
const PAGE: usize = 1000;

#[derive(Clone, Debug)]
pub struct Client {
    base: Url,
    http: reqwest::Client,
}

impl Client {
    /// A client of the server at `url`; without a token, with the key file of a server on this machine.
    pub fn new(url: &str, token: Option<String>) -> Result<Client, Failure> {
        let base = Url::parse(url).ok().filter(|base| matches!(base.scheme(), "http" | "https") && base.host_str().is_some());
        let base = base.ok_or_else(|| Failure::usage(format!("`{url}` is not the URL of a server; it looks like {DEFAULT_URL}")))?;
        let local = is_local(&base);
        let token = token.filter(|token| !token.is_empty()).or_else(|| if local { key_file() } else { None });
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let value = HeaderValue::from_str(&format!("Bearer {}", token.trim()));
            let mut value = value.map_err(|_| Failure::usage("LANDFALL_TOKEN holds characters that no key has"))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let builder = reqwest::Client::builder().default_headers(headers).connect_timeout(Duration::from_secs(10));
        let builder = builder.user_agent(concat!("landfall/", env!("CARGO_PKG_VERSION")));
        // What is on this machine is not behind a proxy.
        let builder = if local { builder.no_proxy() } else { builder };
        let http = builder.build().map_err(|error| Failure::no(format!("no HTTP client could be made: {error}")))?;
        Ok(Client { base, http })
    }

    /// The server's address, as it is shown.
    pub fn url(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// A request to `/v1/...`: the parts of the path are encoded, but for `/` inside the last.
    pub fn request(&self, method: Method, parts: &[&str]) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("v1");
            for part in parts {
                path.extend(part.split('/'));
            }
        }
        self.http.request(method, url)
    }

    /// A request to a place that the server named, which is a path or a whole URL of the same server.
    pub fn follow(&self, method: Method, location: &str) -> Result<RequestBuilder, Failure> {
        let url = self.base.join(location).map_err(|_| Failure::no(format!("the server named a place that is no URL: `{location}`")))?;
        // What proxies before the server do to names must not lead elsewhere: only the path counts.
        let mut own = self.base.clone();
        own.set_path(url.path());
        own.set_query(url.query());
        Ok(self.http.request(method, own))
    }

    /// Sends, and takes any answer that is not a yes as a failure.
    pub async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() { Ok(response) } else { Err(refusal(response).await) }
    }

    pub async fn json(&self, request: RequestBuilder) -> Result<Json, Failure> {
        let response = self.send(request).await?;
        response.json().await.map_err(|error| self.unreachable(&error))
    }

    pub async fn get(&self, parts: &[&str]) -> Result<Json, Failure> {
        self.json(self.request(Method::GET, parts)).await
    }

    /// Up to `limit` items of a list, page after page, and whether there are more.
    pub async fn list(&self, parts: &[&str], query: &[(&str, &str)], limit: usize) -> Result<(Vec<Json>, bool), Failure> {
        let (mut items, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let page = (limit - items.len()).min(PAGE).to_string();
            let mut request = self.request(Method::GET, parts).query(query).query(&[("limit", &page)]);
            if let Some(cursor) = &cursor {
                request = request.query(&[("cursor", cursor)]);
            }
            let mut answer = self.json(request).await?;
            if let Some(Json::Array(page)) = answer.get_mut("items").map(Json::take) {
                items.extend(page);
            }
            cursor = answer.get("next").and_then(Json::as_str).map(str::to_owned);
            if cursor.is_none() || items.len() >= limit {
                items.truncate(limit);
                return Ok((items, cursor.is_some()));
            }
        }
    }

    /// The connection failed: says how, and what to look at.
    pub fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let mut cause: &dyn std::error::Error = error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        let cause = cause.to_string();
        let cause = cause.split(" (os error").next().unwrap_or_default().to_lowercase();
        let hint = if error.is_connect() { " Is `landfall serve` running?" } else { "" };
        Failure::unreachable(format!("could not reach {}: {cause}.{hint}", self.url()))
    }
}

/// What the problem document says, with its code, its place and whether waiting helps.
async fn refusal(response: Response) -> Failure {
    let status = response.status();
    let wait = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<u64>().ok());
    // An upload that stands elsewhere than we believed says where, and goes on there.
    let elsewhere = status == StatusCode::CONFLICT && response.headers().contains_key("upload-offset");
    let passing = elsewhere
        || matches!(
            status,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS | StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT
        );
    let body = response.text().await.unwrap_or_default();
    let problem: Json = serde_json::from_str(&body).unwrap_or_default();
    let mut message = match problem.get("detail").and_then(Json::as_str) {
        Some(detail) => detail.to_owned(),
        None => format!("the server answered {status}"),
    };
    let number = |name: &str| problem.get(name).and_then(Json::as_u64);
    let place = number("line").map(|line| format!("line {line}, byte {}", number("byte_offset").unwrap_or(0)));
    let code = problem.get("code").and_then(Json::as_str).map(str::to_owned);
    let notes: Vec<String> = code.into_iter().chain(place).collect();
    if !notes.is_empty() {
        message.push_str(&format!(" ({})", notes.join(", ")));
    }
    if status == StatusCode::UNAUTHORIZED {
        message.push_str("\nSet LANDFALL_TOKEN to a key, or run this where the server's admin.key is.");
    }
    Failure { wait: wait.map(Duration::from_secs), passing, line: number("line"), ..Failure::no(message) }
}

/// A key file is only for the machine it is on.
fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The administrator's key of a server that was started here.
fn key_file() -> Option<String> {
    let env = environment();
    let data =
        Config::load(Inputs { path: None, data: None, env: &env }).map_or_else(|_| PathBuf::from("./landfall-data"), |config| config.data);
    std::fs::read_to_string(data.join(admin::FILE_NAME)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_encoded_part_by_part() {
        let client = Client::new("http://host:1/base/", Some("key".into())).unwrap();
        let request = client.request(Method::GET, &["datasets", "orders", "files", "a b/ü?.csv"]).build().unwrap();
        assert_eq!(request.url().as_str(), "http://host:1/base/v1/datasets/orders/files/a%20b/%C3%BC%3F.csv");
    }

    #[test]
    fn what_is_no_url_is_wrong_usage() {
        for bad in ["", "8080", "localhost:8080", "ftp://host"] {
            assert_eq!(Client::new(bad, None).unwrap_err().code, 2, "{bad}");
        }
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_told_apart() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let failure = Client::new(&url, None).unwrap().get(&["datasets"]).await.unwrap_err();
        assert_eq!(failure.code, 3);
        assert_eq!(failure.message, format!("could not reach {url}: connection refused. Is `landfall serve` running?"));
    }
}
