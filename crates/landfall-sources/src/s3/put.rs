//! `PutObject` and `CopyObject`: one file lands, once all of it has come and is
//! what its checksums say.

use bytes::Bytes;
use futures::stream::BoxStream;
use landfall_land::Put;
use landfall_model::{Action, DatasetName, Error, ErrorKind, FileKey, Landing, Result};
use s3s::dto::{
    Checksum, CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, ObjectCannedACL, PutObjectInput, PutObjectOutput,
    StreamingBlob,
};
use s3s::{S3Request, S3Response};
use tokio::time::Instant;

use super::attributes::Attributes;
use super::auth::context;
use super::checksum::{Checked, Expected};
use super::errors::{Outcome, not_implemented};
use super::etag::{condition, etag};
use super::{S3Door, get, tags};

/// What would have to be kept and is not must not be taken for kept.
fn refuse_unkept(input: &PutObjectInput) -> Outcome<()> {
    let private =
        |acl: &ObjectCannedACL| acl.as_str() == ObjectCannedACL::PRIVATE || acl.as_str() == ObjectCannedACL::BUCKET_OWNER_FULL_CONTROL;
    let asked = [
        (input.acl.as_ref().is_some_and(|acl| !private(acl)), "an access control list: access is granted in the configuration"),
        (input.grant_read.is_some() || input.grant_full_control.is_some(), "a grant to somebody: access is granted in the configuration"),
        (input.sse_customer_key.is_some() || input.ssekms_key_id.is_some(), "encryption with a key of the caller's"),
        (
            input.object_lock_mode.is_some() || input.object_lock_legal_hold_status.is_some(),
            "an object lock: `landfall hold` keeps a landing",
        ),
        (input.website_redirect_location.is_some(), "a redirect"),
        (input.write_offset_bytes.is_some(), "appending to an object"),
    ];
    asked.iter().find(|(asked, _)| *asked).map_or(Ok(()), |(_, what)| Err(not_implemented(what)))
}

pub async fn put(door: &S3Door, request: S3Request<PutObjectInput>) -> Outcome<S3Response<PutObjectOutput>> {
    let started = Instant::now();
    let context = context(&door.0.files.gate, &request)?;
    let (trailing, headers, mut input) = (request.trailing_headers, request.headers, request.input);
    let (dataset, key) = named(&input.bucket, &input.key)?;
    // Before the first byte is read.
    door.0.files.gate.authorize(&context, Action::Land, &dataset, Some(key.as_str()))?;
    door.0.files.definitions.get_open(&dataset)?;
    refuse_unkept(&input)?;
    let attributes = Attributes {
        cache_control: input.cache_control.take(),
        content_disposition: input.content_disposition.take(),
        content_encoding: input.content_encoding.take().and_then(|encoding| without_framing(&encoding)),
        content_language: input.content_language.take(),
        metadata: input.metadata.take().unwrap_or_default().into_iter().collect(),
        tags: tags::of_header(input.tagging.as_deref())?,
    };
    let sums = Checksum {
        checksum_crc32: input.checksum_crc32.take(),
        checksum_crc32c: input.checksum_crc32c.take(),
        checksum_crc64nvme: input.checksum_crc64nvme.take(),
        checksum_sha1: input.checksum_sha1.take(),
        checksum_sha256: input.checksum_sha256.take(),
        ..Checksum::default()
    };
    let put = Put {
        content_type: input.content_type.take(),
        length: input.content_length.and_then(|length| u64::try_from(length).ok()),
        condition: condition(input.if_match.as_ref(), input.if_none_match.as_ref()),
        attributes: Some(attributes.document()?),
        ..Put::new(key)
    };
    let expected = Expected::new(input.content_md5.take(), sums.clone(), &headers);
    let body = input.body.take().unwrap_or_else(|| StreamingBlob::from(s3s::Body::empty()));
    let receipt = door.0.land.file(&context, &dataset, put, Checked::new(body, expected, trailing)).await?;
    door.0.ack.record(started.elapsed());
    Ok(S3Response::new(PutObjectOutput {
        e_tag: Some(etag(&receipt.digest)),
        checksum_crc32: sums.checksum_crc32,
        checksum_crc32c: sums.checksum_crc32c,
        checksum_crc64nvme: sums.checksum_crc64nvme,
        checksum_sha1: sums.checksum_sha1,
        checksum_sha256: sums.checksum_sha256,
        ..PutObjectOutput::default()
    }))
}

/// `aws-chunked` is how the body came, and not what it is.
pub fn without_framing(encoding: &str) -> Option<String> {
    let kept: Vec<_> =
        encoding.split(',').map(str::trim).filter(|one| !one.is_empty() && !one.eq_ignore_ascii_case("aws-chunked")).collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

/// The dataset and the key that a bucket and an object name.
pub fn named(bucket: &str, key: &str) -> Result<(DatasetName, FileKey)> {
    Ok((dataset(bucket)?, key.parse()?))
}

/// A name that no dataset can have is the name of none.
pub fn dataset(bucket: &str) -> Result<DatasetName> {
    bucket.parse().map_err(|_| Error::new(ErrorKind::UnknownDataset, format!("there is no dataset `{}`", bucket.escape_debug())))
}

pub async fn copy(door: &S3Door, request: S3Request<CopyObjectInput>) -> Outcome<S3Response<CopyObjectOutput>> {
    let started = Instant::now();
    let context = context(&door.0.files.gate, &request)?;
    let input = request.input;
    let CopySource::Bucket { bucket, key, .. } = &input.copy_source else { return Err(not_implemented("copying from an access point")) };
    let (from, from_key) = named(bucket, key)?;
    let source = door.0.files.live(&context, &from, &from_key).await?;
    condition(input.copy_source_if_match.as_ref(), input.copy_source_if_none_match.as_ref()).check(&from_key, Some(&source.digest))?;
    let (to, to_key) = named(&input.bucket, &input.key)?;
    let replaces = input.metadata_directive.as_ref().is_some_and(|directive| directive.as_str() == "REPLACE");
    if (&from, &from_key) == (&to, &to_key) && !replaces {
        return Err(Error::new(ErrorKind::BadRequest, "an object is copied to itself, which changes nothing").into());
    }
    let kept = tags::attributes(door, &source).await?;
    let replaces_tags = input.tagging_directive.as_ref().is_some_and(|directive| directive.as_str() == "REPLACE");
    let tags = if replaces_tags { tags::of_header(input.tagging.as_deref())? } else { kept.tags.clone() };
    let (attributes, content_type) = if replaces {
        let metadata = input.metadata.unwrap_or_default().into_iter().collect();
        let given = Attributes {
            cache_control: input.cache_control,
            content_disposition: input.content_disposition,
            content_encoding: input.content_encoding,
            content_language: input.content_language,
            metadata,
            tags,
        };
        (given, input.content_type)
    } else {
        (Attributes { tags, ..kept }, source.content_type.clone())
    };
    let put = Put { content_type, attributes: Some(attributes.document()?), ..Put::new(to_key) };
    let receipt = door.0.land.file(&context, &to, put, whole(door, &source).await?).await?;
    door.0.ack.record(started.elapsed());
    let result =
        CopyObjectResult { e_tag: Some(etag(&receipt.digest)), last_modified: Some(get::modified(&source)), ..CopyObjectResult::default() };
    Ok(S3Response::new(CopyObjectOutput { copy_object_result: Some(result), ..CopyObjectOutput::default() }))
}

async fn whole(door: &S3Door, landing: &Landing) -> Result<BoxStream<'static, Result<Bytes>>> {
    door.0.files.read(landing, 0..u64::try_from(landing.size).unwrap_or(0)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_body_came_is_not_what_it_is() {
        assert_eq!(without_framing("aws-chunked"), None);
        assert_eq!(without_framing("gzip, aws-chunked").as_deref(), Some("gzip"));
        assert_eq!(without_framing("gzip").as_deref(), Some("gzip"));
    }
}
