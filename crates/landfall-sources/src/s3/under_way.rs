//! `ListParts` and `ListMultipartUploads`: what is under way.

use landfall_catalog::uploads::Upload;
use s3s::dto::{ListMultipartUploadsInput, ListMultipartUploadsOutput, ListPartsInput, ListPartsOutput, MultipartUpload, Part as Shown};
use s3s::{S3ErrorCode, S3Request, S3Response};

use super::S3Door;
use super::auth::context;
use super::errors::{Outcome, not_implemented};
use super::etag::etag;
use super::get::moment;
use super::multipart::own;
use super::put::dataset;

/// Of one page, at the most and where nothing is said.
const PAGE: i32 = 1000;

fn most(asked: Option<i32>) -> Outcome<usize> {
    usize::try_from(asked.unwrap_or(PAGE).min(PAGE)).map_err(|_| S3ErrorCode::InvalidArgument.into())
}

pub async fn parts(door: &S3Door, request: S3Request<ListPartsInput>) -> Outcome<S3Response<ListPartsOutput>> {
    let context = context(&door.0.files.gate, &request)?;
    let input = request.input;
    let upload = own(door, &context, &input.bucket, &input.key, &input.upload_id).await?;
    let (after, most) = (i64::from(input.part_number_marker.unwrap_or(0)), most(input.max_parts)?);
    let mut parts = door.0.files.catalog.parts(&upload.id).await?;
    parts.retain(|part| part.number > after);
    let more = parts.len() > most;
    parts.truncate(most);
    let number = |number: i64| i32::try_from(number).ok();
    let shown = parts.iter().map(|part| Shown {
        e_tag: Some(etag(&part.digest)),
        last_modified: Some(moment(part.created_at)),
        part_number: number(part.number),
        size: i64::try_from(part.length).ok(),
        ..Shown::default()
    });
    Ok(S3Response::new(ListPartsOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        is_truncated: Some(more),
        max_parts: i32::try_from(most).ok(),
        next_part_number_marker: parts.last().filter(|_| more).and_then(|part| number(part.number)),
        part_number_marker: input.part_number_marker,
        parts: Some(shown.collect()),
        ..ListPartsOutput::default()
    }))
}

/// Those of every caller, for who may see all of the dataset or what is under a prefix of it.
pub async fn uploads(door: &S3Door, request: S3Request<ListMultipartUploadsInput>) -> Outcome<S3Response<ListMultipartUploadsOutput>> {
    let context = context(&door.0.files.gate, &request)?;
    let input = request.input;
    if input.delimiter.as_ref().is_some_and(|delimiter| !delimiter.is_empty()) {
        return Err(not_implemented("listing uploads with a delimiter"));
    }
    let (dataset, most) = (dataset(&input.bucket)?, most(input.max_uploads)?);
    let after = (input.key_marker.clone().unwrap_or_default(), input.upload_id_marker.clone().unwrap_or_default());
    let mut found: Vec<Upload> = Vec::new();
    for prefix in door.0.files.visible(&context, &dataset, input.prefix.clone().unwrap_or_default())? {
        let missing = most + 1 - found.len();
        found.extend(door.0.files.catalog.uploads_in_parts(&dataset, &prefix, (&after.0, &after.1), missing).await?);
        if found.len() > most {
            break;
        }
    }
    let more = found.len() > most;
    found.truncate(most);
    let shown = found.iter().map(|upload| MultipartUpload {
        initiated: Some(moment(upload.created_at)),
        key: Some(upload.key.to_string()),
        upload_id: Some(upload.id.to_string()),
        ..MultipartUpload::default()
    });
    let uploads = Some(shown.collect());
    let last = found.last().filter(|_| more);
    Ok(S3Response::new(ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        is_truncated: Some(more),
        key_marker: input.key_marker,
        max_uploads: i32::try_from(most).ok(),
        next_key_marker: last.map(|upload| upload.key.to_string()),
        next_upload_id_marker: last.map(|upload| upload.id.to_string()),
        prefix: input.prefix,
        upload_id_marker: input.upload_id_marker,
        uploads,
        ..ListMultipartUploadsOutput::default()
    }))
}
