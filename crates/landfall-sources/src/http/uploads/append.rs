//! `PATCH /v1/datasets/{d}/uploads/{id}`: the next bytes of an upload.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use landfall_access::Context;
use landfall_access::http::Problem;
use landfall_access::http::body::{BodyLimits, BodyReader, declared_length};
use landfall_catalog::uploads::Upload;
use landfall_model::{Error, ErrorKind, Result, limits};
use tokio::time::Instant;

use super::headers::{self, LENGTH, OFFSET, PARTIAL};
use super::parts::{Taken, take};
use super::{finish, own};
use crate::http::Http;
use crate::http::address::AtUpload;
use crate::http::files::answer;

/// Bytes to be appended.
pub(super) struct Append {
    pub head: HeaderMap,
    pub body: Body,
    /// They are the last.
    pub complete: bool,
}

/// Appends to a resumable upload; the last bytes land it.
#[utoipa::path(
    patch, path = "/v1/datasets/{dataset}/uploads/{id}", tag = "land",
    params(
        ("dataset" = String, Path, description = "The dataset"),
        ("id" = String, Path, description = "The upload"),
        ("Upload-Offset" = u64, Header, description = "Where the bytes begin: what HEAD says"),
        ("Upload-Complete" = String, Header, description = "`?1`: these are the last; `?0`: more will come"),
    ),
    request_body(content_type = "application/partial-upload"),
    responses(
        (status = 204, description = "The bytes are durable; `Upload-Offset` is where to go on"),
        (status = 201, description = "The file is durable", body = crate::http::files::FileReceipt),
        (status = 200, description = "That very content is live under the key", body = crate::http::files::FileReceipt),
        (status = 409, description = "The upload does not stand there; `Upload-Offset` says where", content_type = "application/problem+json"),
    )
)]
pub(crate) async fn append(
    State(http): State<Http>,
    context: Context,
    AtUpload(dataset, id): AtUpload,
    request: Request,
) -> Result<Response, Problem> {
    let upload = own(&http, &context, &dataset, &id).await?;
    let (head, body) = request.into_parts();
    if head.headers.get(CONTENT_TYPE).is_none_or(|value| value != PARTIAL) {
        return Err(Problem(Error::new(ErrorKind::UnsupportedMediaType, format!("a part is sent as `Content-Type: {PARTIAL}`"))));
    }
    let offset = headers::bytes(&head.headers, &OFFSET)?.ok_or_else(|| missing("upload-offset"))?;
    let complete = headers::complete(&head.headers)?.ok_or_else(|| missing("upload-complete"))?;
    if offset != upload.received || (upload.landing.is_some() && !complete) {
        return Ok(elsewhere(&upload, offset));
    }
    append_to(http, context, upload, Append { head: head.headers, body, complete }).await
}

/// Takes the bytes and, with the last of them, lands the file. It runs to its end even if the client goes away, so that
/// what came of a broken body is kept.
pub(super) async fn append_to(http: Http, context: Context, upload: Upload, append: Append) -> Result<Response, Problem> {
    let work = tokio::spawn(async move { run(&http, &context, upload, append).await });
    work.await.map_err(|error| Error::internal("appending to an upload", error))?.map_err(Problem)
}

async fn run(http: &Http, context: &Context, mut upload: Upload, append: Append) -> Result<Response> {
    let started = Instant::now();
    check_length(&mut upload, &append)?;
    let room = upload.length.unwrap_or(limits::FILE_BYTES_MAX).saturating_sub(upload.received);
    let body = BodyReader::new(append.body, declared_length(&append.head)?, BodyLimits::up_to(room))?;
    if let Some(receipt) = finish::landed(http, &upload).await? {
        return Ok(finished(answer(&receipt), upload.received));
    }
    let Taken { received, broken } = match take(http, &upload, body).await {
        Err(error) if error.kind == ErrorKind::Conflict => {
            let now = http.0.files.catalog.upload(&upload.id).await?.unwrap_or_else(|| upload.clone());
            return Ok(elsewhere(&now, upload.received));
        }
        taken => taken?,
    };
    if let Some(error) = broken {
        let mut response = Problem(error).into_response();
        headers::standing(response.headers_mut(), received, false);
        return Ok(response);
    }
    if append.complete {
        let receipt = finish::land(http, context, &upload, received).await?;
        http.0.ack.record(started.elapsed());
        return Ok(finished(answer(&receipt), received));
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    headers::standing(response.headers_mut(), received, false);
    Ok(response)
}

/// The length may be said in any request, and with the last bytes it says itself; it never changes.
fn check_length(upload: &mut Upload, append: &Append) -> Result<()> {
    let said = headers::bytes(&append.head, &LENGTH)?;
    match (upload.length, said) {
        (Some(before), Some(now)) if before != now => {
            Err(Error::new(ErrorKind::BadRequest, format!("`Upload-Length` is {now} and was {before} before: it never changes")))
        }
        (None, Some(now)) if now < upload.received => {
            Err(Error::new(ErrorKind::BadRequest, format!("`Upload-Length` is {now}, and {} bytes have come already", upload.received)))
        }
        (before, now) => {
            upload.length = before.or(now);
            Ok(())
        }
    }
}

fn finished(mut response: Response, received: u64) -> Response {
    headers::standing(response.headers_mut(), received, true);
    response
}

/// The upload stands at another byte than the client believes.
fn elsewhere(upload: &Upload, offset: u64) -> Response {
    let complete = upload.landing.is_some();
    let message = if complete {
        format!("the upload is complete with {} bytes and takes no more", upload.received)
    } else {
        format!("the upload stands at byte {}, not {offset}: go on there", upload.received)
    };
    let mut response = Problem(Error::new(ErrorKind::Conflict, message)).into_response();
    headers::standing(response.headers_mut(), upload.received, complete);
    response
}

fn missing(header: &str) -> Error {
    Error::new(ErrorKind::BadRequest, format!("the header `{header}` is missing: every part says it"))
}
