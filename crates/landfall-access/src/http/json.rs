//! Small JSON documents that a client sends to be acted on.

use axum::extract::Request;
use landfall_model::{Error, ErrorKind, Result, limits};
use serde::de::DeserializeOwned;

use crate::http::body::{BodyLimits, declared_length, read_all};
use crate::http::budget::Budget;

/// Reads the body of `request`, whatever its `Content-Type`; `form` says in the error how it should look.
pub async fn json<T: DeserializeOwned>(request: Request, form: &str, budget: &Budget) -> Result<T> {
    let (head, body) = request.into_parts();
    let limits = BodyLimits::up_to(limits::JSON_BODY_BYTES_MAX);
    let (bytes, _held) = read_all(body, declared_length(&head.headers)?, limits, budget).await?;
    serde_json::from_slice(&bytes)
        .map_err(|why| Error::new(ErrorKind::BadRequest, format!("the body must be JSON of the form {form}: {why}")))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Named {
        name: String,
    }

    async fn read(body: impl Into<axum::body::Body>) -> Result<Named, ErrorKind> {
        json(Request::new(body.into()), "{\"name\"}", &Budget::default()).await.map_err(|error| error.kind)
    }

    #[tokio::test]
    async fn a_document_is_read_or_refused() {
        assert_eq!(read("{\"name\": \"a\"}").await, Ok(Named { name: "a".into() }));
        for bad in ["", "{\"name\": 1}", "{\"nmae\": \"a\"}", "{\"name\": \"a\"} x"] {
            assert_eq!(read(bad).await, Err(ErrorKind::BadRequest), "{bad}");
        }
        assert_eq!(read(" ".repeat(5 << 20)).await, Err(ErrorKind::BodyTooLarge));
    }
}
