//! Conditional requests (RFC 9110, 13): for reading, and for changing what is there.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::header::{AsHeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE};
use axum::http::{HeaderMap, HeaderName};
use landfall_model::{Condition, Contents, Error, ErrorKind, Result, Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Send,
    /// 304: the client has it.
    NotModified,
    /// 412: it is not what the client wants.
    Failed,
}

/// A moment as HTTP has it: whole seconds.
pub(super) fn http_time(moment: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(moment.micros() / 1_000_000).unwrap_or(0))
}

fn text(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

fn date(headers: &HeaderMap, name: impl AsHeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(text(headers, name)?).ok()
}

/// Whether the list in an `If-Match` or `If-None-Match` names `etag`. No entity tag of ours holds a comma.
fn lists(list: &str, etag: &str) -> bool {
    list.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == etag)
}

/// The condition of a request that puts or deletes. A tag that is none of ours is the tag of no content. Moments are whole
/// seconds, in which a file may change twice, so a condition on one is refused and not taken for more than it is.
pub(crate) fn of_change(headers: &HeaderMap) -> Result<Condition> {
    if let Some(name) = [IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE].iter().find(|name| headers.contains_key(*name)) {
        let message = format!("`{name}` is not taken with a request that changes something: say `If-Match` with the file's `ETag`");
        return Err(Error::new(ErrorKind::BadRequest, message));
    }
    Ok(Condition { is: contents(headers, IF_MATCH)?, is_not: contents(headers, IF_NONE_MATCH)? })
}

fn contents(headers: &HeaderMap, name: HeaderName) -> Result<Option<Contents>> {
    let Some(value) = headers.get(&name) else { return Ok(None) };
    let list = value.to_str().map_err(|_| Error::new(ErrorKind::BadRequest, format!("`{name}` must be `*` or a list of entity tags")))?;
    if list.trim() == "*" {
        return Ok(Some(Contents::Any));
    }
    // A weak tag is never equal to what a change asks for (RFC 9110, 13.1.1), and we give none.
    let digest = |tag: &str| Some(tag.trim().strip_prefix("\"sha256:")?.strip_suffix('"')?.to_owned());
    Ok(Some(Contents::OneOf(list.split(',').filter_map(digest).collect())))
}

/// In the order of RFC 9110, 13.2.2.
pub(super) fn evaluate(headers: &HeaderMap, etag: &str, modified: SystemTime) -> Verdict {
    let matches = match text(headers, IF_MATCH) {
        Some(list) => lists(list, etag),
        None => date(headers, IF_UNMODIFIED_SINCE).is_none_or(|since| modified <= since),
    };
    if !matches {
        return Verdict::Failed;
    }
    let known = match text(headers, IF_NONE_MATCH) {
        Some(list) => lists(list, etag),
        None => date(headers, IF_MODIFIED_SINCE).is_some_and(|since| modified <= since),
    };
    if known { Verdict::NotModified } else { Verdict::Send }
}

/// Whether a `Range` still means the same file: without `If-Range`, or where it names this one.
pub(super) fn range_holds(headers: &HeaderMap, etag: &str, modified: SystemTime) -> bool {
    match text(headers, IF_RANGE) {
        None => true,
        Some(condition) => condition == etag || httpdate::parse_http_date(condition).is_ok_and(|date| date == modified),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const ETAG: &str = "\"sha256:ab\"";
    const NOW: &str = "Tue, 14 Nov 2023 22:13:20 GMT";
    const BEFORE: &str = "Tue, 14 Nov 2023 22:13:19 GMT";

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        [(name, HeaderValue::from_str(value).unwrap())].into_iter().collect()
    }

    #[test]
    fn a_change_is_told_its_condition() {
        let of = |name: HeaderName, value: &str| of_change(&headers(name, value));
        let is = |digests: &[&str]| Some(Contents::OneOf(digests.iter().map(|digest| (*digest).to_owned()).collect()));
        assert_eq!(of(IF_NONE_MATCH, "*").unwrap(), Condition::absent());
        assert_eq!(of(IF_MATCH, " *").unwrap().is, Some(Contents::Any));
        assert_eq!(of(IF_MATCH, "\"sha256:ab\", W/\"sha256:cd\", \"x\"").unwrap().is, is(&["ab"]));
        assert_eq!(of(IF_MATCH, "sha256:ab").unwrap().is, is(&[]));
        assert_eq!(of_change(&HeaderMap::new()).unwrap(), Condition::default());
        assert_eq!(of(IF_UNMODIFIED_SINCE, NOW).unwrap_err().kind, ErrorKind::BadRequest);
    }

    #[test]
    fn conditions_are_evaluated() {
        let modified = http_time(Timestamp(1_700_000_000_999_999));
        for (name, value, expected) in [
            (IF_NONE_MATCH, ETAG, Verdict::NotModified),
            (IF_NONE_MATCH, "W/\"sha256:ab\", \"x\"", Verdict::NotModified),
            (IF_NONE_MATCH, "\"x\"", Verdict::Send),
            (IF_MODIFIED_SINCE, NOW, Verdict::NotModified),
            (IF_MODIFIED_SINCE, BEFORE, Verdict::Send),
            (IF_MODIFIED_SINCE, "yesterday", Verdict::Send),
            (IF_MATCH, "*", Verdict::Send),
            (IF_MATCH, "\"x\"", Verdict::Failed),
            (IF_UNMODIFIED_SINCE, BEFORE, Verdict::Failed),
        ] {
            assert_eq!(evaluate(&headers(name.clone(), value), ETAG, modified), expected, "{name}: {value}");
        }
        for (value, expected) in [(ETAG, true), (NOW, true), (BEFORE, false), ("\"x\"", false)] {
            assert_eq!(range_holds(&headers(IF_RANGE, value), ETAG, modified), expected, "{value}");
        }
    }
}
