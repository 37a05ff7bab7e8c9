//! `GetObject` and `HeadObject`: the bytes that landed, with ranges and conditions.

use std::ops::Range;
use std::time::{Duration, UNIX_EPOCH};

use landfall_model::{Error, ErrorKind, Landing};
use s3s::dto::{GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, Timestamp};
use s3s::{S3ErrorCode, S3Request, S3Response};

use super::auth::context;
use super::body::blob;
use super::errors::{Outcome, not_implemented};
use super::etag::{condition, etag};
use super::put::named;
use super::{S3Door, tags};

/// When the object was last modified, in whole seconds as HTTP has them.
pub fn modified(landing: &Landing) -> Timestamp {
    moment(landing.received_at)
}

pub fn moment(at: landfall_model::Timestamp) -> Timestamp {
    let seconds = u64::try_from(at.micros() / 1_000_000).unwrap_or(0);
    Timestamp::from(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// 304 where the client has it already, 412 where it is not what the client wants (RFC 9110, 13.2.2).
fn check(input: &GetObjectInput, landing: &Landing) -> Outcome<()> {
    let (digest, modified) = (Some(landing.digest.as_str()), modified(landing));
    let Some(key) = &landing.key else { return Ok(()) };
    condition(input.if_match.as_ref(), None).check(key, digest)?;
    let changed = |since: &Timestamp| modified > *since;
    if input.if_match.is_none() && input.if_unmodified_since.as_ref().is_some_and(changed) {
        return Err(Error::new(ErrorKind::PreconditionFailed, format!("the file under `{key}` was changed since")).into());
    }
    let known = match &input.if_none_match {
        Some(_) => condition(None, input.if_none_match.as_ref()).check(key, digest).is_err(),
        None => input.if_modified_since.as_ref().is_some_and(|since| !changed(since)),
    };
    if known { Err(S3ErrorCode::NotModified.into()) } else { Ok(()) }
}

pub async fn get(door: &S3Door, request: S3Request<GetObjectInput>) -> Outcome<S3Response<GetObjectOutput>> {
    let Found { landing, range, head } = find(door, request).await?;
    let body = Some(blob(door.0.files.read(&landing, range).await?));
    Ok(S3Response::new(GetObjectOutput { body, ..head }))
}

/// What is asked for, and the answer without its bytes.
struct Found {
    landing: Landing,
    range: Range<u64>,
    head: GetObjectOutput,
}

async fn find(door: &S3Door, request: S3Request<GetObjectInput>) -> Outcome<Found> {
    let context = context(&door.0.files.gate, &request)?;
    let input = request.input;
    let (dataset, key) = named(&input.bucket, &input.key)?;
    if input.version_id.as_ref().is_some_and(|version| version != ONLY_VERSION) {
        return Err(S3ErrorCode::NoSuchVersion.into());
    }
    if input.part_number.is_some_and(|part| part != 1) || input.sse_customer_key.is_some() {
        return Err(not_implemented("reading a part by its number, or with a key of the caller's,"));
    }
    let landing = door.0.files.live(&context, &dataset, &key).await?;
    check(&input, &landing)?;
    let attributes = tags::attributes(door, &landing).await?;
    let size = u64::try_from(landing.size).unwrap_or(0);
    let range = match &input.range {
        None => 0..size,
        Some(range) => range.check(size).map_err(|_| {
            Error::new(ErrorKind::RangeNotSatisfiable, format!("the file has {size} bytes, and the range has none of them"))
        })?,
    };
    let content_range = input.range.map(|_| format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1)));
    let length = i64::try_from(range.end - range.start).unwrap_or(i64::MAX);
    let head = GetObjectOutput {
        accept_ranges: Some("bytes".into()),
        cache_control: input.response_cache_control.or(attributes.cache_control.clone()),
        content_disposition: input.response_content_disposition.or(attributes.content_disposition.clone()),
        content_encoding: input.response_content_encoding.or(attributes.content_encoding.clone()),
        content_language: input.response_content_language.or(attributes.content_language.clone()),
        content_length: Some(length),
        content_range,
        content_type: input.response_content_type.or(landing.content_type.clone()).or_else(|| Some(UNKNOWN_TYPE.into())),
        e_tag: Some(etag(&landing.digest)),
        last_modified: Some(modified(&landing)),
        metadata: attributes.metadata(),
        tag_count: i32::try_from(attributes.tags.len()).ok().filter(|count| *count > 0),
        ..GetObjectOutput::default()
    };
    Ok(Found { landing, range, head })
}

/// What a file is said to be whose sender said nothing.
const UNKNOWN_TYPE: &str = "binary/octet-stream";

/// The version that every object has.
pub const ONLY_VERSION: &str = "null";

pub async fn head(door: &S3Door, request: S3Request<HeadObjectInput>) -> Outcome<S3Response<HeadObjectOutput>> {
    let asked = request.map_input(|input| GetObjectInput {
        bucket: input.bucket,
        key: input.key,
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        if_modified_since: input.if_modified_since,
        if_unmodified_since: input.if_unmodified_since,
        part_number: input.part_number,
        range: input.range,
        version_id: input.version_id,
        ..GetObjectInput::default()
    });
    let found = find(door, asked).await?.head;
    Ok(S3Response::new(HeadObjectOutput {
        accept_ranges: found.accept_ranges,
        cache_control: found.cache_control,
        content_disposition: found.content_disposition,
        content_encoding: found.content_encoding,
        content_language: found.content_language,
        content_length: found.content_length,
        content_range: found.content_range,
        content_type: found.content_type,
        e_tag: found.e_tag,
        last_modified: found.last_modified,
        metadata: found.metadata,
        ..HeadObjectOutput::default()
    }))
}
