//! `POST /v1/sql`: one statement that reads, its answer streamed in the form
//! that `Accept` asks for.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use landfall_access::Context;
use landfall_access::http::{Problem, json};
use landfall_model::{Error, ErrorKind, Result, limits};
use landfall_query::{Format, encode};
use serde::Deserialize;

use crate::control::Control;

/// A statement and the values of its parameters `$1`, `$2`, ...
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SqlRequest {
    sql: String,
    #[serde(default)]
    params: Vec<serde_json::Value>,
}

/// The first media type of `Accept` that there is; JSON where anything goes.
fn format(headers: &HeaderMap) -> Result<Format> {
    let Some(accept) = headers.get(ACCEPT) else { return Ok(Format::Json) };
    let text = accept.to_str().unwrap_or_default();
    let mut asked = text.split(',').map(|part| part.split(';').next().unwrap_or_default().trim());
    let found = asked.find_map(|media| match media {
        "" | "*/*" | "application/*" => Some(Format::Json),
        "text/*" => Some(Format::Csv),
        "application/jsonl" | "application/json-lines" => Some(Format::Ndjson),
        media => Format::ALL.iter().copied().find(|format| format.media_type().eq_ignore_ascii_case(media)),
    });
    found.ok_or_else(|| {
        let known: Vec<_> = Format::ALL.iter().map(|format| format.media_type()).collect();
        Error::new(ErrorKind::UnsupportedMediaType, format!("an answer cannot be given as `{text}`: ask for {}", known.join(", ")))
    })
}

fn check(request: &SqlRequest) -> Result<()> {
    if request.sql.len() <= limits::SQL_BYTES_MAX {
        return Ok(());
    }
    let message = format!("the statement has {} bytes, at most {} are read", request.sql.len(), limits::SQL_BYTES_MAX);
    Err(Error::new(ErrorKind::BadSql, message))
}

/// Answers one SQL statement that only reads; without a limit on rows.
#[utoipa::path(post, path = "/v1/sql", tag = "show", request_body = SqlRequest,
    responses(
        (status = 200, description = "`columns` and `rows`; or by `Accept` text/csv, application/x-ndjson, application/vnd.apache.arrow.stream"),
        (status = 400, description = "The statement is wrong", content_type = "application/problem+json"),
    ))]
pub async fn post(State(control): State<Control>, context: Context, request: Request) -> Result<Response, Problem> {
    let format = format(request.headers())?;
    let request: SqlRequest = json(request, "{\"sql\": \"select ...\", \"params\": [...]}", &control.0.budget).await?;
    check(&request)?;
    let queries = control.0.queries.as_ref();
    let queries = queries.ok_or_else(|| Error::new(ErrorKind::Unavailable, "this node answers no SQL: its roles leave out `query`"))?;
    let answer = queries.run(&context, &request.sql, &request.params).await?;
    let mut response = Body::from_stream(encode(answer, format)).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_told_by_accept() {
        let ask = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_str(accept).unwrap());
            format(&headers)
        };
        assert_eq!(format(&HeaderMap::new()).unwrap(), Format::Json);
        assert_eq!(ask("text/csv").unwrap(), Format::Csv);
        assert_eq!(ask("image/png, application/x-ndjson;q=0.9").unwrap(), Format::Ndjson);
        assert_eq!(ask("*/*").unwrap(), Format::Json);
        assert_eq!(ask("image/png").unwrap_err().kind, ErrorKind::UnsupportedMediaType);
    }

    #[test]
    fn a_statement_has_a_limit_and_no_other_fields() {
        let request = |sql: String| SqlRequest { sql, params: Vec::new() };
        assert!(check(&request("select 1".into())).is_ok());
        assert_eq!(check(&request(" ".repeat(limits::SQL_BYTES_MAX + 1))).unwrap_err().kind, ErrorKind::BadSql);
        assert!(serde_json::from_str::<SqlRequest>(r#"{"sql": "select 1", "parms": []}"#).is_err());
    }
}
