//! Reading what stands after the `?`, and the pages of lists.

use axum::extract::Query;
use axum::http::Uri;
use landfall_model::{Error, ErrorKind, Result, limits};
use serde::de::DeserializeOwned;

/// The parameters of `uri`. A `T` that denies unknown fields refuses a misspelt parameter instead of ignoring it.
pub fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T> {
    match Query::try_from_uri(uri) {
        Ok(Query(parameters)) => Ok(parameters),
        Err(rejection) => {
            let text = rejection.body_text();
            let reason = text.rsplit_once("query string: ").map_or(text.as_str(), |(_, reason)| reason);
            Err(Error::new(ErrorKind::BadRequest, format!("the parameters after `?` cannot be read: {reason}")))
        }
    }
}

/// How many items a page has: the default where nothing is asked for.
pub fn page_limit(asked: Option<usize>) -> Result<usize> {
    match asked {
        None => Ok(limits::PAGE_ITEMS_DEFAULT),
        Some(limit) if (1..=limits::PAGE_ITEMS_MAX).contains(&limit) => Ok(limit),
        Some(limit) => Err(Error::new(ErrorKind::BadRequest, format!("`limit` must be from 1 to {}, not {limit}", limits::PAGE_ITEMS_MAX))),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Parameters {
        limit: Option<usize>,
    }

    fn read(text: &str) -> Result<Option<usize>, String> {
        let parameters: Parameters = query(&text.parse().unwrap()).map_err(|error| error.message)?;
        Ok(parameters.limit)
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_reason() {
        assert_eq!((read("/x"), read("/x?limit=5")), (Ok(None), Ok(Some(5))));
        assert!(read("/x?limti=5").unwrap_err().contains("limti"), "{:?}", read("/x?limti=5"));
        assert!(read("/x?limit=many").unwrap_err().contains("digit"), "{:?}", read("/x?limit=many"));
    }

    #[test]
    fn a_page_has_a_limit() {
        assert!(page_limit(Some(0)).is_err() && page_limit(Some(limits::PAGE_ITEMS_MAX + 1)).is_err());
        assert_eq!(page_limit(None).unwrap(), limits::PAGE_ITEMS_DEFAULT);
    }
}
