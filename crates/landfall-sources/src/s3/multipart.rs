//! Multipart uploads: parts in any order, which become one file when the caller
//! says which they are. Completing may run twice, for a client whose answer was
//! lost: the second finds what the first has landed.

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use landfall_access::Context;
use landfall_catalog::parts::Part;
use landfall_catalog::uploads::Upload;
use landfall_land::Put;
use landfall_model::{Action, DatasetName, Error, ErrorKind, FileKey, Result, UploadId, limits};
use landfall_store::{Store, keys};
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, Checksum, CompleteMultipartUploadInput, CompleteMultipartUploadOutput,
    CompletedPart, CopyPartResult, CopySource, CreateMultipartUploadInput, CreateMultipartUploadOutput, Range, UploadPartCopyInput,
    UploadPartCopyOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3ErrorCode, S3Request, S3Response};
use tokio::time::Instant;

use super::attributes::Attributes;
use super::auth::context;
use super::body::blob;
use super::checksum::{Checked, Expected};
use super::errors::{Outcome, not_implemented};
use super::etag::{condition, etag};
use super::put::{named, without_framing};
use super::{S3Door, tags};

/// S3's own limits: other clients count on them.
const NUMBER_MAX: i32 = 10_000;
const PART_BYTES_MIN: u64 = 5 << 20;
const PART_BYTES_MAX: u64 = 5 << 30;

pub async fn create(door: &S3Door, request: S3Request<CreateMultipartUploadInput>) -> Outcome<S3Response<CreateMultipartUploadOutput>> {
    let context = context(&door.0.files.gate, &request)?;
    let input = request.input;
    let (dataset, key) = named(&input.bucket, &input.key)?;
    admit(door, &context, &dataset, &key)?;
    if input.sse_customer_key.is_some() || input.ssekms_key_id.is_some() || input.object_lock_mode.is_some() {
        return Err(not_implemented("encryption with a key of the caller's, or a lock"));
    }
    let attributes = Attributes {
        cache_control: input.cache_control,
        content_disposition: input.content_disposition,
        content_encoding: input.content_encoding.and_then(|encoding| without_framing(&encoding)),
        content_language: input.content_language,
        metadata: input.metadata.unwrap_or_default().into_iter().collect(),
        tags: tags::of_header(input.tagging.as_deref())?,
    };
    let clock = door.0.files.catalog.clock();
    let upload = Upload {
        id: UploadId::new(clock),
        dataset,
        key,
        principal: context.principal.to_string(),
        content_type: input.content_type,
        length: None,
        attributes: Some(attributes.document()?),
        received: 0,
        landing: None,
        created_at: clock.now(),
        touched_at: clock.now(),
    };
    door.0.files.catalog.create_upload(&upload).await?;
    Ok(S3Response::new(CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(upload.id.to_string()),
        checksum_algorithm: input.checksum_algorithm,
        checksum_type: input.checksum_type,
        ..CreateMultipartUploadOutput::default()
    }))
}

fn admit(door: &S3Door, context: &Context, dataset: &DatasetName, key: &FileKey) -> Result<()> {
    door.0.files.gate.authorize(context, Action::Land, dataset, Some(key.as_str()))?;
    door.0.files.definitions.get_open(dataset).map(drop)
}

/// The upload `id` of this caller, of that object.
pub async fn own(door: &S3Door, context: &Context, bucket: &str, key: &str, id: &str) -> Outcome<Upload> {
    let (dataset, key) = named(bucket, key)?;
    admit(door, context, &dataset, &key)?;
    let id: UploadId = id.parse().map_err(|_| S3ErrorCode::NoSuchUpload)?;
    let upload = door.0.files.catalog.upload(&id).await?.ok_or(S3ErrorCode::NoSuchUpload)?;
    let is_it = upload.attributes.is_some() && (&upload.dataset, &upload.key) == (&dataset, &key);
    if is_it && upload.principal == context.principal.to_string() { Ok(upload) } else { Err(S3ErrorCode::NoSuchUpload.into()) }
}

pub async fn part(door: &S3Door, request: S3Request<UploadPartInput>) -> Outcome<S3Response<UploadPartOutput>> {
    let context = context(&door.0.files.gate, &request)?;
    let (trailing, headers, input) = (request.trailing_headers, request.headers, request.input);
    let upload = own(door, &context, &input.bucket, &input.key, &input.upload_id).await?;
    let sums = Checksum {
        checksum_crc32: input.checksum_crc32,
        checksum_crc32c: input.checksum_crc32c,
        checksum_crc64nvme: input.checksum_crc64nvme,
        checksum_sha1: input.checksum_sha1,
        checksum_sha256: input.checksum_sha256,
        ..Checksum::default()
    };
    let expected = Expected::new(input.content_md5, sums.clone(), &headers);
    let body = input.body.unwrap_or_else(|| blob(stream::empty()));
    let length = input.content_length.and_then(|length| u64::try_from(length).ok());
    let part = take(door, &upload, input.part_number, length, Checked::new(body, expected, trailing)).await?;
    Ok(S3Response::new(UploadPartOutput {
        e_tag: Some(etag(&part.digest)),
        checksum_crc32: sums.checksum_crc32,
        checksum_crc32c: sums.checksum_crc32c,
        checksum_crc64nvme: sums.checksum_crc64nvme,
        checksum_sha1: sums.checksum_sha1,
        checksum_sha256: sums.checksum_sha256,
        ..UploadPartOutput::default()
    }))
}

pub async fn part_copy(door: &S3Door, request: S3Request<UploadPartCopyInput>) -> Outcome<S3Response<UploadPartCopyOutput>> {
    let context = context(&door.0.files.gate, &request)?;
    let input = request.input;
    let upload = own(door, &context, &input.bucket, &input.key, &input.upload_id).await?;
    let CopySource::Bucket { bucket, key, .. } = &input.copy_source else { return Err(not_implemented("copying from an access point")) };
    let (from, from_key) = named(bucket, key)?;
    let source = door.0.files.live(&context, &from, &from_key).await?;
    condition(input.copy_source_if_match.as_ref(), input.copy_source_if_none_match.as_ref()).check(&from_key, Some(&source.digest))?;
    let size = u64::try_from(source.size).unwrap_or(0);
    let range = match input.copy_source_range.as_deref().map(Range::parse) {
        None => 0..size,
        Some(range) => range.ok().and_then(|range| range.check(size).ok()).ok_or(S3ErrorCode::InvalidRange)?,
    };
    let bytes = door.0.files.read(&source, range).await?;
    let part = take(door, &upload, input.part_number, None, bytes).await?;
    let result = CopyPartResult { e_tag: Some(etag(&part.digest)), ..CopyPartResult::default() };
    Ok(S3Response::new(UploadPartCopyOutput { copy_part_result: Some(result), ..UploadPartCopyOutput::default() }))
}

/// Takes one part: into the store, then into the catalog, then acknowledged.
async fn take(
    door: &S3Door,
    upload: &Upload,
    number: i32,
    length: Option<u64>,
    body: impl Stream<Item = Result<Bytes>> + Send,
) -> Outcome<Part> {
    if !(1..=NUMBER_MAX).contains(&number) {
        return Err(Error::new(ErrorKind::BadRequest, format!("a part has a number from 1 to {NUMBER_MAX}, and not {number}")).into());
    }
    if upload.landing.is_some() {
        return Err(S3ErrorCode::NoSuchUpload.into());
    }
    let (catalog, store) = (&door.0.files.catalog, &door.0.files.store);
    // A part may come twice at once, and each is an object of its own; the catalog takes the last.
    let object = keys::upload_part(&UploadId::new(catalog.clock()), u64::try_from(number).unwrap_or(0));
    // Registered first, so that a part that is never named is known and swept.
    catalog.register_paths(&upload.dataset, &object, vec![object.clone()]).await?;
    let (mut writing, mut size) = (store.upload(&object).await?, 0);
    futures::pin_mut!(body);
    while let Some(bytes) = body.next().await {
        let bytes = bytes?;
        size += bytes.len() as u64;
        if size > PART_BYTES_MAX {
            return Err(Error::new(ErrorKind::BodyTooLarge, format!("a part has at most {PART_BYTES_MAX} bytes")).into());
        }
        writing.write(bytes).await?;
    }
    if let Some(length) = length.filter(|length| *length != size) {
        let message = format!("the part has {size} bytes and was declared with {length}; it is not kept");
        return Err(Error::new(ErrorKind::LengthMismatch, message).into());
    }
    let stored = writing.finish().await?;
    let part = Part {
        number: number.into(),
        length: stored.size,
        digest: stored.digest,
        object: object.clone(),
        created_at: catalog.clock().now(),
    };
    if let Err(error) = catalog.put_part(&upload.id, part.clone()).await {
        store.delete(&object).await?;
        return Err(if error.kind == ErrorKind::NotFound { S3ErrorCode::NoSuchUpload.into() } else { error.into() });
    }
    Ok(part)
}

/// The parts that the caller names, as they came: in order, each there with that tag, and none but the last small.
fn chosen(asked: &[CompletedPart], there: &[Part]) -> Outcome<Vec<Part>> {
    let mut chosen: Vec<Part> = Vec::with_capacity(asked.len());
    for one in asked {
        let number = i64::from(one.part_number.unwrap_or(0));
        if chosen.last().is_some_and(|before| before.number >= number) {
            return Err(S3ErrorCode::InvalidPartOrder.into());
        }
        let part = there.binary_search_by_key(&number, |part| part.number).ok().and_then(|place| there.get(place));
        let part = part.filter(|part| one.e_tag.as_ref().is_none_or(|tag| *tag == etag(&part.digest)));
        chosen.push(part.ok_or(S3ErrorCode::InvalidPart)?.clone());
    }
    match chosen.split_last() {
        None => Err(S3ErrorCode::MalformedXML.into()),
        Some((_, before)) if before.iter().any(|part| part.length < PART_BYTES_MIN) => Err(S3ErrorCode::EntityTooSmall.into()),
        Some(_) => Ok(chosen),
    }
}

pub async fn complete(
    door: &S3Door,
    request: S3Request<CompleteMultipartUploadInput>,
) -> Outcome<S3Response<CompleteMultipartUploadOutput>> {
    let started = Instant::now();
    let context = context(&door.0.files.gate, &request)?;
    let input = request.input;
    let upload = own(door, &context, &input.bucket, &input.key, &input.upload_id).await?;
    let digest = match &upload.landing {
        Some(landing) => door.0.files.catalog.landing(landing).await?.ok_or(S3ErrorCode::NoSuchUpload)?.digest,
        None => land(door, &context, &upload, &input).await?,
    };
    door.0.ack.record(started.elapsed());
    Ok(S3Response::new(CompleteMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        e_tag: Some(etag(&digest)),
        ..CompleteMultipartUploadOutput::default()
    }))
}

async fn land(door: &S3Door, context: &Context, upload: &Upload, input: &CompleteMultipartUploadInput) -> Outcome<String> {
    let asked = input.multipart_upload.as_ref().and_then(|upload| upload.parts.as_deref()).unwrap_or_default();
    let parts = chosen(asked, &door.0.files.catalog.parts(&upload.id).await?)?;
    let length = parts.iter().map(|part| part.length).sum();
    if length > limits::FILE_BYTES_MAX {
        return Err(Error::new(
            ErrorKind::BodyTooLarge,
            format!("the file would have {length} bytes, at most {} are allowed", limits::FILE_BYTES_MAX),
        )
        .into());
    }
    if input.mpu_object_size.is_some_and(|size| u64::try_from(size) != Ok(length)) {
        return Err(Error::new(
            ErrorKind::LengthMismatch,
            format!("the parts have {length} bytes together, and another number was declared"),
        )
        .into());
    }
    // A sum of sums says nothing of the whole; the parts were compared with theirs.
    let whole = |sum: &Option<String>| sum.clone().filter(|sum| !sum.contains('-'));
    let sums = Checksum {
        checksum_crc32: whole(&input.checksum_crc32),
        checksum_crc32c: whole(&input.checksum_crc32c),
        checksum_crc64nvme: whole(&input.checksum_crc64nvme),
        checksum_sha1: whole(&input.checksum_sha1),
        checksum_sha256: whole(&input.checksum_sha256),
        ..Checksum::default()
    };
    let store = door.0.files.store.clone();
    let bytes = stream::iter(parts).then(move |part| bytes_of(store.clone(), part)).try_flatten();
    let body = Checked::new(blob(bytes), Expected::new(None, sums, &axum::http::HeaderMap::new()), None);
    let put = Put {
        content_type: upload.content_type.clone(),
        length: Some(length),
        condition: condition(input.if_match.as_ref(), input.if_none_match.as_ref()),
        attributes: upload.attributes.clone(),
        ..Put::new(upload.key.clone())
    };
    let receipt = door.0.land.file(context, &upload.dataset, put, body).await?;
    door.0.files.catalog.finish_parts(&upload.id, &receipt.id).await?;
    Ok(receipt.digest)
}

async fn bytes_of(store: Store, part: Part) -> Result<BoxStream<'static, Result<Bytes>>> {
    store.stream(&part.object, None).await
}

pub async fn abort(door: &S3Door, request: S3Request<AbortMultipartUploadInput>) -> Outcome<S3Response<AbortMultipartUploadOutput>> {
    let context = context(&door.0.files.gate, &request)?;
    let input = request.input;
    let upload = own(door, &context, &input.bucket, &input.key, &input.upload_id).await?;
    door.0.files.catalog.delete_upload(&upload.id).await?;
    Ok(S3Response::new(AbortMultipartUploadOutput::default()))
}

#[cfg(test)]
mod tests {
    use landfall_model::Timestamp;

    use super::*;

    fn there() -> Vec<Part> {
        let part =
            |number: i64, length| Part { number, length, digest: number.to_string(), object: String::new(), created_at: Timestamp(0) };
        vec![part(1, PART_BYTES_MIN), part(2, 10), part(7, PART_BYTES_MIN)]
    }

    fn outcome(numbers: &[i32]) -> String {
        let asked =
            |number: &i32| CompletedPart { part_number: Some(*number), e_tag: Some(etag(&number.to_string())), ..CompletedPart::default() };
        match chosen(&numbers.iter().map(asked).collect::<Vec<_>>(), &there()) {
            Ok(chosen) => chosen.iter().map(|part| part.number.to_string()).collect::<Vec<_>>().join(" "),
            Err(refused) => refused.0.code().as_str().to_owned(),
        }
    }

    #[test]
    fn the_parts_that_are_named_must_be_there_in_order_and_large() {
        assert_eq!(outcome(&[1, 7]), "1 7");
        assert_eq!(outcome(&[1, 2]), "1 2");
        assert_eq!(outcome(&[2]), "2");
        assert_eq!(outcome(&[1, 2, 7]), "EntityTooSmall");
        assert_eq!(outcome(&[7, 1]), "InvalidPartOrder");
        assert_eq!(outcome(&[1, 1]), "InvalidPartOrder");
        assert_eq!(outcome(&[1, 3]), "InvalidPart");
        assert_eq!(outcome(&[]), "MalformedXML");
        let other = CompletedPart { part_number: Some(1), e_tag: Some(etag("x")), ..CompletedPart::default() };
        assert!(chosen(&[other], &there()).is_err());
    }
}
