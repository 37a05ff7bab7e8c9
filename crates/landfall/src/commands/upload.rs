//! Resumable upload of a large file (draft-ietf-httpbis-resumable-upload):
//! parts of one size, each acknowledged when it is durable; after a broken
//! connection or a new start the server says where to go on.

use std::io::SeekFrom;
use std::path::Path;

use indicatif::ProgressBar;
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::{Method, Response};
use serde_json::Value as Json;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::resume::Resume;
use super::retry::Retry;
use super::{Client, Failure};

/// Bytes of one part, and what is small enough to go in one request.
pub const PART_BYTES: u64 = 8 << 20;

/// A file on its way.
pub struct Upload<'a> {
    pub client: &'a Client,
    pub dataset: &'a str,
    pub key: &'a str,
    pub path: &'a Path,
    /// Bytes of the file.
    pub size: u64,
    pub resume: Resume,
    pub bar: &'a ProgressBar,
}

impl Upload<'_> {
    /// Uploads what is missing, and gives the answer to the last part.
    pub async fn run(&self) -> Result<Response, Failure> {
        let (location, mut offset) = self.place().await?;
        let mut file = File::open(self.path).await?;
        let mut retry = Retry::default();
        self.bar.set_position(offset);
        loop {
            let part = self.part(&mut file, offset).await?;
            let length = u64::try_from(part.len()).unwrap_or(PART_BYTES);
            match self.send(&location, offset, part).await {
                Ok(response) if offset + length == self.size => {
                    self.resume.forget();
                    return Ok(response);
                }
                Ok(_) => {
                    retry.progress();
                    offset += length;
                }
                Err(failure) => {
                    retry.wait(failure).await?;
                    offset = self.offset(&location).await.unwrap_or(offset);
                }
            }
            self.bar.set_position(offset);
        }
    }

    /// Where the server keeps this upload, and how much of it: of one that was interrupted, or a new one.
    pub(super) async fn place(&self) -> Result<(String, u64), Failure> {
        if let Some(location) = self.resume.location() {
            match self.offset(&location).await {
                // All of it may be there and only the answer was lost: a last part without bytes asks for it again.
                Ok(offset) if offset <= self.size => return Ok((location, offset)),
                Err(failure) if failure.passing => return Err(failure),
                // Swept or unknown: it begins anew.
                _ => self.resume.forget(),
            }
        }
        let request = self.client.request(Method::POST, &["datasets", self.dataset, "uploads"]).query(&[("key", self.key)]);
        let response = self.client.send(request.header("Upload-Complete", "?0").header("Upload-Length", self.size)).await?;
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let location = location.ok_or_else(|| Failure::no("the server began an upload and did not say where"))?.to_owned();
        self.resume.remember(&location);
        Ok((location, offset_of(response.headers()).unwrap_or(0)))
    }

    async fn offset(&self, location: &str) -> Result<u64, Failure> {
        let response = self.client.send(self.client.follow(Method::HEAD, location)?).await?;
        offset_of(response.headers()).ok_or_else(|| Failure::no("the server did not say how much of the upload it has"))
    }

    async fn part(&self, file: &mut File, offset: u64) -> Result<Vec<u8>, Failure> {
        let length = PART_BYTES.min(self.size - offset);
        file.seek(SeekFrom::Start(offset)).await?;
        let mut part = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        file.take(length).read_to_end(&mut part).await?;
        if u64::try_from(part.len()).ok() == Some(length) {
            return Ok(part);
        }
        Err(Failure::no(format!("{} became shorter while it was uploaded", self.path.display())))
    }

    pub(super) async fn send(&self, location: &str, offset: u64, part: Vec<u8>) -> Result<Response, Failure> {
        let last = offset + u64::try_from(part.len()).unwrap_or(0) == self.size;
        let request = self.client.follow(Method::PATCH, location)?.header(CONTENT_TYPE, "application/partial-upload");
        let request = request.header("Upload-Offset", offset).header("Upload-Complete", if last { "?1" } else { "?0" });
        self.client.send(request.body(part)).await
    }
}

fn offset_of(headers: &HeaderMap) -> Option<u64> {
    headers.get("Upload-Offset")?.to_str().ok()?.trim().parse().ok()
}

/// The receipt of a file that landed.
pub async fn receipt(client: &Client, response: Response) -> Result<Json, Failure> {
    response.json().await.map_err(|error| client.unreachable(&error))
}
