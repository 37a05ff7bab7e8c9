//! Checksums of a body, by headers or by trailers: compared when all of it has
//! come, and before anything lands. s3s parses them and does not check them.

use std::pin::Pin;
use std::task::{Context, Poll};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use landfall_model::{Error, ErrorKind, Result};
use s3s::TrailingHeaders;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use s3s::dto::{Checksum, StreamingBlob};

use super::errors::ours;

const TRAILER: &str = "x-amz-trailer";

/// What a request says of its body: base64 of each.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    pub md5: Option<String>,
    pub sums: Checksum,
    /// Names of the trailers that will say it.
    trailers: Vec<String>,
}

impl Expected {
    pub fn new(md5: Option<String>, sums: Checksum, headers: &axum::http::HeaderMap) -> Expected {
        let named = headers.get_all(TRAILER).iter().filter_map(|value| value.to_str().ok());
        let trailers = named.flat_map(|names| names.split(',')).map(|name| name.trim().to_ascii_lowercase()).collect();
        Expected { md5, sums, trailers }
    }

    fn wants(&self, given: Option<&String>, algorithm: &str) -> bool {
        given.is_some() || self.trailers.iter().any(|name| name.strip_prefix("x-amz-checksum-") == Some(algorithm))
    }

    fn hasher(&self) -> ChecksumHasher {
        let sums = &self.sums;
        ChecksumHasher {
            crc32: self.wants(sums.checksum_crc32.as_ref(), "crc32").then(Crc32::new),
            crc32c: self.wants(sums.checksum_crc32c.as_ref(), "crc32c").then(Crc32c::new),
            crc64nvme: self.wants(sums.checksum_crc64nvme.as_ref(), "crc64nvme").then(Crc64Nvme::new),
            sha1: self.wants(sums.checksum_sha1.as_ref(), "sha1").then(Sha1::new),
            sha256: self.wants(sums.checksum_sha256.as_ref(), "sha256").then(Sha256::new),
        }
    }
}

/// The bytes of `body`; after the last of them an error, if they are not those that were announced.
pub struct Checked {
    body: StreamingBlob,
    expected: Expected,
    trailing: Option<TrailingHeaders>,
    hasher: Option<(ChecksumHasher, Option<Md5>)>,
}

impl Checked {
    pub fn new(body: StreamingBlob, expected: Expected, trailing: Option<TrailingHeaders>) -> Checked {
        let hasher = Some((expected.hasher(), expected.md5.is_some().then(Md5::new)));
        Checked { body, expected, trailing, hasher }
    }

    fn verdict(&self, hasher: ChecksumHasher, md5: Option<Md5>) -> Result<()> {
        let md5 = md5.map(|md5| STANDARD.encode(md5.finalize()));
        check("Content-MD5", self.expected.md5.as_deref(), md5.as_deref())?;
        let (found, sums) = (hasher.finalize(), &self.expected.sums);
        for (algorithm, expected, found) in [
            ("crc32", &sums.checksum_crc32, &found.checksum_crc32),
            ("crc32c", &sums.checksum_crc32c, &found.checksum_crc32c),
            ("crc64nvme", &sums.checksum_crc64nvme, &found.checksum_crc64nvme),
            ("sha1", &sums.checksum_sha1, &found.checksum_sha1),
            ("sha256", &sums.checksum_sha256, &found.checksum_sha256),
        ] {
            let Some(found) = found else { continue };
            let name = format!("x-amz-checksum-{algorithm}");
            let trailer = self.trailer(&name);
            match expected.as_deref().or(trailer.as_deref()) {
                Some(expected) => check(&name, Some(expected), Some(found))?,
                None => return Err(Error::new(ErrorKind::DigestMismatch, format!("the trailer `{name}` was announced and did not come"))),
            }
        }
        Ok(())
    }

    fn trailer(&self, name: &str) -> Option<String> {
        self.trailing.as_ref()?.read(|trailers| Some(trailers.get(name)?.to_str().ok()?.trim().to_owned())).flatten()
    }
}

fn check(name: &str, expected: Option<&str>, found: Option<&str>) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    let (expected, found) = (expected.unwrap_or_default(), found.unwrap_or_default());
    let message = format!("`{name}` says {expected} and the body that came has {found}; nothing landed");
    Err(Error::new(ErrorKind::DigestMismatch, message))
}

impl Stream for Checked {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let this = &mut *self;
        if this.hasher.is_none() {
            return Poll::Ready(None);
        }
        let piece = std::task::ready!(this.body.poll_next_unpin(context));
        Poll::Ready(match piece {
            Some(Ok(bytes)) => {
                if let Some((sums, md5)) = &mut this.hasher {
                    sums.update(&bytes);
                    if let Some(md5) = md5 {
                        md5.update(&bytes);
                    }
                }
                Some(Ok(bytes))
            }
            Some(Err(error)) => {
                this.hasher = None;
                Some(Err(ours(&error)))
            }
            None => this.hasher.take().and_then(|(sums, md5)| this.verdict(sums, md5).err()).map(Err),
        })
    }
}
