//! `landfall put`: files into a dataset. Small ones in one request, large ones
//! in parts that resume.

use std::path::Path;

use reqwest::{Method, StatusCode};
use serde_json::Value as Json;

use super::arguments::Put;
use super::resume::{self, Resume};
use super::retry::Retry;
use super::upload::{PART_BYTES, Upload, receipt};
use super::{Client, Failure, progress, status};
use crate::output::{Screen, plural, size};

/// A file that landed.
#[derive(Clone, Debug)]
pub struct Landed {
    pub id: String,
    /// `sha256:...`
    pub digest: String,
    /// That very content was live under the key already.
    pub unchanged: bool,
}

pub async fn put(client: &Client, put: &Put, screen: Screen) -> Result<(), Failure> {
    let mut bad = false;
    for path in &put.files {
        let key = key_of(path, put.key.as_deref(), put.files.len())?;
        let file = std::fs::metadata(path).map_err(|error| Failure::no(format!("{}: {error}", path.display())))?;
        if !file.is_file() {
            return Err(Failure::usage(format!("{} is not a file", path.display())));
        }
        let landed = put_file(client, &put.dataset, &key, path, &file).await?;
        let name = screen.bold(&format!("{}/{key}", put.dataset));
        let note = if landed.unchanged { ", which was there already" } else { "" };
        screen.line(&format!("{name}  {}{note}", size(i64::try_from(file.len()).unwrap_or(i64::MAX))))?;
        screen.line(&format!("  landing  {}\n  digest   {}", landed.id, landed.digest))?;
        if put.wait {
            let answer = status::wait_until_done(client, &landed.id).await?;
            bad |= status::standing(&answer) != "loaded";
            screen.line(&format!("  {}", outcome(&answer, &put.dataset)))?;
        }
    }
    if bad { Err(Failure::said()) } else { Ok(()) }
}

/// What became of a landing, in a line.
pub fn outcome(answer: &Json, dataset: &str) -> String {
    let number = |name: &str| answer.get(name).and_then(Json::as_i64).unwrap_or(0);
    match status::standing(answer) {
        "loaded" => {
            let rejects = number("rejected_records");
            let hint = if rejects > 0 { format!("; see `landfall rejects {dataset}`") } else { String::new() };
            format!("loaded   {}, {}{hint}", plural(number("records"), "record", "records"), plural(rejects, "reject", "rejects"))
        }
        "dead" => {
            let text = |name: &str| answer.get(name).and_then(Json::as_str).unwrap_or_default();
            format!("dead     {} ({})", text("reason"), text("code"))
        }
        other => format!("{other}: another file took its place, or it was deleted, before it was loaded"),
    }
}

fn key_of(path: &Path, key: Option<&str>, files: usize) -> Result<String, Failure> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| Failure::usage(format!("{} has no name to be its key; give one with --key", path.display())));
    match key {
        None => Ok(name?.to_owned()),
        Some(folder) if folder.ends_with('/') => Ok(format!("{folder}{}", name?)),
        Some(key) if files == 1 => Ok(key.to_owned()),
        Some(key) => {
            Err(Failure::usage(format!("--key {key} names one file, and here are {files}; end it with `/` to make it their folder")))
        }
    }
}

async fn put_file(client: &Client, dataset: &str, key: &str, path: &Path, file: &std::fs::Metadata) -> Result<Landed, Failure> {
    if file.len() <= PART_BYTES {
        let bytes = std::fs::read(path).map_err(|error| Failure::no(format!("{}: {error}", path.display())))?;
        return put_bytes(client, dataset, key, bytes).await;
    }
    let bar = progress::bytes(key, file.len());
    let resume = Resume::new(resume::folder(), client.url(), dataset, key, file);
    let outcome = Upload { client, dataset, key, path, size: file.len(), resume, bar: &bar }.run().await;
    bar.finish_and_clear();
    landed(client, outcome?).await
}

/// Puts a small file in one request, which may be repeated: the same content lands once.
pub async fn put_bytes(client: &Client, dataset: &str, key: &str, bytes: Vec<u8>) -> Result<Landed, Failure> {
    let bytes = bytes::Bytes::from(bytes);
    let mut retry = Retry::default();
    loop {
        let request = client.request(Method::PUT, &["datasets", dataset, "files", key]).body(bytes.clone());
        match client.send(request).await {
            Ok(response) => return landed(client, response).await,
            Err(failure) if failure.code == 3 => return Err(failure),
            Err(failure) => retry.wait(failure).await?,
        }
    }
}

async fn landed(client: &Client, response: reqwest::Response) -> Result<Landed, Failure> {
    let unchanged = response.status() == StatusCode::OK;
    let receipt = receipt(client, response).await?;
    let text = |name: &str| receipt.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    Ok(Landed { id: text("id"), digest: text("digest"), unchanged })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_name_or_what_was_said() {
        let key = |key, files| key_of(Path::new("dir/a.csv"), key, files);
        assert_eq!(key(None, 2).unwrap(), "a.csv");
        assert_eq!(key(Some("2026/"), 2).unwrap(), "2026/a.csv");
        assert_eq!(key(Some("b.csv"), 1).unwrap(), "b.csv");
        assert_eq!(key(Some("b.csv"), 2).unwrap_err().code, 2);
    }
}
