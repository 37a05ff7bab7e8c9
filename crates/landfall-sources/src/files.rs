//! What every door does the same with the files of a dataset: finds one, reads
//! its bytes wherever they are, and lists those that the caller may see.

use std::ops::Range;

use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use landfall_access::{Context, Decision, Gate};
use landfall_catalog::{Catalog, Definitions, landings};
use landfall_model::{Action, BodyPlace, DatasetName, Error, ErrorKind, FileKey, Landing, Result};
use landfall_store::Store;

/// Cloning shares it.
#[derive(Clone)]
pub(crate) struct Files {
    pub gate: Gate,
    pub catalog: Catalog,
    pub store: Store,
    pub definitions: Definitions,
}

pub(crate) fn no_file(dataset: &DatasetName, key: &FileKey) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no file `{key}` in the dataset `{dataset}`"))
}

impl Files {
    /// The file that is live under `key`.
    pub async fn live(&self, context: &Context, dataset: &DatasetName, key: &FileKey) -> Result<Landing> {
        self.gate.authorize(context, Action::Read, dataset, Some(key.as_str()))?;
        self.definitions.get(dataset)?;
        let found = self.catalog.live_file(dataset, key).await?;
        found.ok_or_else(|| no_file(dataset, key))
    }

    /// The bytes `range` of a file.
    pub async fn read(&self, landing: &Landing, range: Range<u64>) -> Result<BoxStream<'static, Result<Bytes>>> {
        let (key, offset) = match &landing.body {
            BodyPlace::Object { key, offset, .. } => (key.clone(), *offset),
            BodyPlace::Inline => match self.catalog.body(&landing.id).await? {
                Some(landings::Body::Object { key, offset, .. }) => (key, offset),
                Some(landings::Body::Bytes(whole)) => {
                    let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(whole.len());
                    let piece = whole.slice(at(range.start)..at(range.end));
                    return Ok(stream::once(std::future::ready(Ok(piece)).boxed()).boxed());
                }
                None => return Err(Error::new(ErrorKind::Gone, "the file was removed while it was asked for: ask again")),
            },
        };
        self.store.stream(&key, Some(range.start + offset..range.end + offset)).await
    }

    /// What of the keys that begin with `prefix` the caller may list: prefixes in order, none inside another, and at least one.
    pub fn visible(&self, context: &Context, dataset: &DatasetName, prefix: String) -> Result<Vec<String>> {
        let prefixes = match self.gate.decide(context, Action::List, Some(dataset), None) {
            Decision::Granted => vec![prefix],
            Decision::Under(granted) => under(&prefix, granted),
            Decision::Denied => Vec::new(),
        };
        if prefixes.is_empty() {
            self.gate.authorize(context, Action::List, dataset, Some(""))?;
            return Err(Error::new(ErrorKind::Denied, "nothing under that prefix may be listed"));
        }
        self.definitions.get(dataset)?;
        Ok(prefixes)
    }
}

/// What of the keys that begin with `asked` is under one of `granted`.
fn under(asked: &str, granted: Vec<String>) -> Vec<String> {
    let mut prefixes = granted
        .into_iter()
        .filter_map(
            |granted| if asked.starts_with(&granted) { Some(asked.to_owned()) } else { granted.starts_with(asked).then_some(granted) },
        )
        .collect::<Vec<_>>();
    prefixes.sort();
    prefixes.dedup_by(|later, earlier| later.starts_with(earlier.as_str()));
    prefixes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_shows_only_what_is_under_the_grants() {
        let granted = || vec!["b/".to_owned(), "a/".to_owned(), "a/x/".to_owned()];
        assert_eq!(under("", granted()), ["a/", "b/"]);
        assert_eq!(under("a/x/1", granted()), ["a/x/1"]);
        assert_eq!(under("a/", granted()), ["a/"]);
        assert!(under("c/", granted()).is_empty());
    }
}
