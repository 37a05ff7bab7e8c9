//! What a path addresses: `/v1/datasets/{dataset}/...`. Read by hand from the
//! raw path, so that a key is decoded once and a bad one is named.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use landfall_access::http::Problem;
use landfall_model::{DatasetName, Error, ErrorKind, FileKey, Result, UploadId};
use percent_encoding::percent_decode_str;

const ROOT: &str = "/v1/datasets/";

/// The dataset of `/v1/datasets/{dataset}/...`.
pub(crate) struct AtDataset(pub DatasetName);

/// The file of `/v1/datasets/{dataset}/files/{key...}`.
pub(crate) struct AtFile(pub DatasetName, pub FileKey);

/// The upload of `/v1/datasets/{dataset}/uploads/{id}`.
pub(crate) struct AtUpload(pub DatasetName, pub UploadId);

/// The dataset, and what follows its name and the next word.
fn split(path: &str) -> Result<(DatasetName, &str)> {
    let rest = path.strip_prefix(ROOT).unwrap_or_default();
    let (dataset, rest) = rest.split_once('/').unwrap_or((rest, ""));
    Ok((decode(dataset)?.parse()?, rest.split_once('/').map_or("", |(_, rest)| rest)))
}

fn decode(text: &str) -> Result<std::borrow::Cow<'_, str>> {
    percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| Error::new(ErrorKind::BadKey, format!("`{text}` is not UTF-8 once it is percent-decoded")))
}

fn at_file(path: &str) -> Result<AtFile> {
    let (dataset, key) = split(path)?;
    Ok(AtFile(dataset, decode(key)?.parse()?))
}

fn at_upload(path: &str) -> Result<AtUpload> {
    let (dataset, id) = split(path)?;
    Ok(AtUpload(dataset, decode(id)?.parse()?))
}

impl<S: Send + Sync> FromRequestParts<S> for AtDataset {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<AtDataset, Problem> {
        Ok(AtDataset(split(parts.uri.path())?.0))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for AtFile {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<AtFile, Problem> {
        Ok(at_file(parts.uri.path())?)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for AtUpload {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<AtUpload, Problem> {
        Ok(at_upload(parts.uri.path())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> Result<(String, String), ErrorKind> {
        at_file(path).map(|AtFile(dataset, key)| (dataset.to_string(), key.to_string())).map_err(|error| error.kind)
    }

    #[test]
    fn a_key_is_decoded_once() {
        let found = |key: &str| Ok(("orders".to_owned(), key.to_owned()));
        assert_eq!(file("/v1/datasets/orders/files/a.csv"), found("a.csv"));
        assert_eq!(file("/v1/datasets/orders/files/2026/d%C3%ADa%20a.csv"), found("2026/día a.csv"));
        assert_eq!(file("/v1/datasets/orders/files/a%2Fb"), found("a/b"));
        assert_eq!(file("/v1/datasets/orders/files/a%252Fb"), found("a%2Fb"));
        for bad in ["a%FF", "..%2Fb", "a//b", "a/%2e%2e/b", "%00"] {
            assert_eq!(file(&format!("/v1/datasets/orders/files/{bad}")), Err(ErrorKind::BadKey), "{bad}");
        }
        assert_eq!(file("/v1/datasets/Orders/files/a"), Err(ErrorKind::BadRequest));
    }

    #[test]
    fn the_dataset_is_the_same_for_every_path_below_it() {
        for path in ["/v1/datasets/orders/events", "/v1/datasets/orders/files/a/b", "/v1/datasets/orders/files"] {
            assert_eq!(split(path).unwrap().0.as_str(), "orders");
        }
    }
}
