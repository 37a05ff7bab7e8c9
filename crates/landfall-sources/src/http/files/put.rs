//! `PUT /v1/datasets/{d}/files/{key...}`: the body streams through; nothing
//! lands unless all of it came.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use landfall_access::Context;
use landfall_access::http::Problem;
use landfall_access::http::body::{BodyLimits, BodyReader, declared_length};
use landfall_land::Put;
use landfall_model::{Action, Error, ErrorKind, Result, limits};
use serde::Serialize;
use tokio::time::Instant;

use crate::http::Http;
use crate::http::address::AtFile;
use crate::http::files::conditions;
use crate::http::files::digest::{self, Verified};

/// Longer than any registered media type with its parameters.
const CONTENT_TYPE_BYTES_MAX: usize = 255;

/// What is answered once the file is durable.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct FileReceipt {
    /// The landing.
    id: String,
    /// `sha256:` and 64 hexadecimal digits.
    digest: String,
    /// Where the timeline is.
    status: String,
}

/// Lands one file under its key; another file that was there is replaced.
#[utoipa::path(
    put, path = "/v1/datasets/{dataset}/files/{*key}", tag = "land",
    params(
        ("dataset" = String, Path, description = "The dataset"),
        ("key" = String, Path, description = "The key, percent-encoded; it may hold `/`"),
        ("If-Match" = Option<String>, Header, description = "Entity tags, one of which the file under the key must have when all of it has come; `*`: there must be one"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: there must be none; or entity tags that it must not have"),
        ("Content-Digest" = Option<String>, Header, description = "`sha-256=:BASE64:`; other bytes are refused. `Repr-Digest` and `Digest` are read as well"),
    ),
    request_body(content_type = "application/octet-stream", description = "The file; what it is is told by its content"),
    responses(
        (status = 201, description = "The file is durable", body = FileReceipt),
        (status = 200, description = "That very content is live under the key: nothing landed", body = FileReceipt),
        (status = 412, description = "A condition does not hold: nothing landed", content_type = "application/problem+json"),
        (status = "4XX", description = "Nothing landed", content_type = "application/problem+json"),
        (status = 503, description = "Nothing landed; come back after `Retry-After`", content_type = "application/problem+json"),
    )
)]
pub(crate) async fn put(
    State(http): State<Http>,
    context: Context,
    AtFile(dataset, key): AtFile,
    request: Request,
) -> Result<Response, Problem> {
    let started = Instant::now();
    // Before the first byte is read, so that a client that waits for `100 Continue` need not send any.
    http.0.files.gate.authorize(&context, Action::Land, &dataset, Some(key.as_str()))?;
    http.0.files.definitions.get_open(&dataset)?;
    let (head, body) = request.into_parts();
    let condition = conditions::of_change(&head.headers)?;
    let content_type = content_type(&head.headers)?;
    let expected = digest::expected(&head.headers)?;
    let declared = declared_length(&head.headers)?;
    let put = Put { content_type, length: declared, condition, ..Put::new(key) };
    let reader = BodyReader::new(body, declared, BodyLimits::up_to(limits::FILE_BYTES_MAX))?;
    let receipt = http.0.land.file(&context, &dataset, put, Verified::new(reader, expected)).await?;
    http.0.ack.record(started.elapsed());
    Ok(answer(&receipt))
}

pub(crate) fn answer(receipt: &landfall_land::FileReceipt) -> Response {
    let digest = format!("sha256:{}", receipt.digest);
    let etag = HeaderValue::from_str(&format!("\"{digest}\""));
    let status = if receipt.unchanged { StatusCode::OK } else { StatusCode::CREATED };
    let body = FileReceipt { id: receipt.id.to_string(), digest, status: format!("/v1/status/{}", receipt.id) };
    let mut response = (status, Json(body)).into_response();
    if let Ok(etag) = etag {
        response.headers_mut().insert(ETAG, etag);
    }
    response
}

/// `Content-Type`, to be stored as it is.
pub(crate) fn content_type(headers: &HeaderMap) -> Result<Option<String>> {
    let Some(value) = headers.get(CONTENT_TYPE) else { return Ok(None) };
    match value.to_str() {
        Ok(text) if text.len() <= CONTENT_TYPE_BYTES_MAX => Ok(Some(text.to_owned())),
        _ => Err(Error::new(
            ErrorKind::BadRequest,
            format!("`Content-Type` must be printable ASCII of at most {CONTENT_TYPE_BYTES_MAX} bytes"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_type_is_stored_as_it_is_or_refused() {
        let read = |bytes: &[u8]| {
            let headers: HeaderMap = [(CONTENT_TYPE, HeaderValue::from_bytes(bytes).unwrap())].into_iter().collect();
            content_type(&headers)
        };
        assert_eq!(read(b"Text/CSV; header=present").unwrap().as_deref(), Some("Text/CSV; header=present"));
        assert!(read(b"text/\xff").is_err() && read(&[b'x'; 256]).is_err());
    }
}
