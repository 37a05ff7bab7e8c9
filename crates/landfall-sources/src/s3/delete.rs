//! `DeleteObject` and `DeleteObjects`: a file leaves its dataset, and its rows the
//! table. That there was none is no error.

use landfall_access::Context;
use landfall_model::{Condition, DatasetName};
use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, Error as Failure, ObjectIdentifier,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response};

use super::S3Door;
use super::auth::context;
use super::errors::{Outcome, not_implemented};
use super::etag::condition;
use super::get::ONLY_VERSION;
use super::put::{dataset, named};

pub async fn one(door: &S3Door, request: S3Request<DeleteObjectInput>) -> Outcome<S3Response<DeleteObjectOutput>> {
    let context = context(&door.0.files.gate, &request)?;
    let input = request.input;
    let (dataset, key) = named(&input.bucket, &input.key)?;
    only_version(input.version_id.as_deref())?;
    if input.if_match_size.is_some() || input.if_match_last_modified_time.is_some() {
        return Err(not_implemented("deleting by size or by time"));
    }
    door.0.land.delete(&context, &dataset, &key, &condition(input.if_match.as_ref(), None)).await?;
    Ok(S3Response::new(DeleteObjectOutput::default()))
}

fn only_version(version: Option<&str>) -> Outcome<()> {
    if version.is_none_or(|version| version == ONLY_VERSION) { Ok(()) } else { Err(S3ErrorCode::NoSuchVersion.into()) }
}

/// Each by itself: one that is refused is told, and the others go.
pub async fn many(door: &S3Door, request: S3Request<DeleteObjectsInput>) -> Outcome<S3Response<DeleteObjectsOutput>> {
    let context = context(&door.0.files.gate, &request)?;
    let input = request.input;
    let dataset = dataset(&input.bucket)?;
    let quiet = input.delete.quiet.unwrap_or(false);
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    for object in input.delete.objects {
        match delete(door, &context, &dataset, &object).await {
            Ok(()) if quiet => {}
            Ok(()) => deleted.push(DeletedObject { key: Some(object.key), ..DeletedObject::default() }),
            Err(refused) => errors.push(failure(object.key, &refused.0)),
        }
    }
    Ok(S3Response::new(DeleteObjectsOutput { deleted: Some(deleted), errors: Some(errors), request_charged: None }))
}

async fn delete(door: &S3Door, context: &Context, dataset: &DatasetName, object: &ObjectIdentifier) -> Outcome<()> {
    only_version(object.version_id.as_deref())?;
    if object.size.is_some() || object.last_modified_time.is_some() || object.e_tag.is_some() {
        return Err(not_implemented("deleting many by tag, size or time"));
    }
    door.0.land.delete(context, dataset, &object.key.parse()?, &Condition::default()).await?;
    Ok(())
}

fn failure(key: String, error: &S3Error) -> Failure {
    Failure { code: Some(error.code().as_str().to_owned()), key: Some(key), message: error.message().map(str::to_owned), version_id: None }
}
