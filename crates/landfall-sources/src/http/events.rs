//! `POST /v1/datasets/{d}/events`: one body, all of its events or none.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use landfall_access::Context;
use landfall_access::http::Problem;
use landfall_access::http::body::{BodyLimits, declared_length, read_all};
use landfall_land::Receipt;
use landfall_model::{Action, Error, ErrorKind, Result, limits};
use serde::Serialize;
use tokio::time::Instant;

use crate::http::address::AtDataset;
use crate::http::{Http, cloudevents, encoding};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What is answered once the events are durable.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct EventsReceipt {
    /// `DATASET.REGION.NUMBER` of the first event of the body.
    first_id: String,
    /// The same of the last; the numbers between are this body's too.
    last_id: String,
    count: u64,
    /// Where the timeline is.
    status: String,
}

/// Lands events: one JSON object, an array of them, NDJSON, or CloudEvents 1.0 (binary, structured or batch).
#[utoipa::path(
    post, path = "/v1/datasets/{dataset}/events", tag = "land",
    params(
        ("dataset" = String, Path, description = "The dataset"),
        ("Idempotency-Key" = Option<String>, Header, description = "A repeated key with the same body gives the first receipt again, for 24 hours"),
        ("Content-Encoding" = Option<String>, Header, description = "`gzip` or `zstd`"),
    ),
    request_body(content_type = "application/json", description = "At most 16 MiB once unpacked"),
    responses(
        (status = 202, description = "The events are durable", body = EventsReceipt),
        (status = 200, description = "The Idempotency-Key was known: the first receipt", body = EventsReceipt),
        (status = "4XX", description = "Nothing landed", content_type = "application/problem+json"),
        (status = 503, description = "Nothing landed; come back after `Retry-After`", content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post(
    State(http): State<Http>,
    context: Context,
    AtDataset(dataset): AtDataset,
    request: Request,
) -> Result<Response, Problem> {
    let started = Instant::now();
    // Before the body is read: who may not land must not make us hold 16 MiB.
    http.0.files.gate.authorize(&context, Action::Land, &dataset, None)?;
    http.0.files.definitions.get_open(&dataset)?;
    let (head, body) = request.into_parts();
    let declared = declared_length(&head.headers)?;
    let limits = BodyLimits::up_to(limits::EVENTS_BODY_BYTES_MAX as u64);
    let (bytes, mut held) = read_all(body, declared, limits, &http.0.budget).await?;
    let bytes = encoding::decode(&head.headers, bytes, &mut held).await?;
    let bytes = cloudevents::unwrap(&head.headers, bytes)?;
    let receipt = http.0.land.events(&context, &dataset, bytes, idempotency_key(&head.headers)?).await?;
    http.0.ack.record(started.elapsed());
    Ok(answer(&receipt))
}

/// The key as it stands, or what is between the quotes where it is written as a structured string.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let text = value.to_str().map_err(|_| Error::new(ErrorKind::BadRequest, "`Idempotency-Key` must be printable ASCII"))?;
    Ok(Some(text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)))
}

/// The ids hold nothing that JSON would escape, so the hot path writes the text itself.
fn answer(receipt: &Receipt) -> Response {
    let Receipt { first_id, last_id, count, repeated } = receipt;
    let text = format!(r#"{{"first_id":"{first_id}","last_id":"{last_id}","count":{count},"status":"/v1/status/{first_id}"}}"#);
    let mut response = Body::from(text).into_response();
    *response.status_mut() = if *repeated { StatusCode::OK } else { StatusCode::ACCEPTED };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idempotency_key_is_taken_with_quotes_and_without() {
        let read = |text: &str| {
            let headers: HeaderMap = [(IDEMPOTENCY_KEY, HeaderValue::from_str(text).unwrap())].into_iter().collect();
            idempotency_key(&headers).unwrap().map(str::to_owned)
        };
        assert_eq!((read("a-1"), read("\"a-1\""), read("\"a")), (Some("a-1".into()), Some("a-1".into()), Some("\"a".into())));
        assert_eq!(idempotency_key(&HeaderMap::new()).unwrap(), None);
    }

    #[tokio::test]
    async fn the_receipt_is_json_of_the_documented_shape() {
        let receipt = Receipt {
            first_id: "orders.local.41".parse().unwrap(),
            last_id: "orders.local.42".parse().unwrap(),
            count: 2,
            repeated: false,
        };
        let response = answer(&receipt);
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let expected = EventsReceipt {
            first_id: "orders.local.41".into(),
            last_id: "orders.local.42".into(),
            count: 2,
            status: "/v1/status/orders.local.41".into(),
        };
        assert_eq!(bytes, serde_json::to_vec(&expected).unwrap());
    }
}
