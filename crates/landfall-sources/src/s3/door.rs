//! Which operations there are.

use std::sync::Arc;

use landfall_catalog::datasets::DatasetRecord;
use landfall_model::DatasetName;
use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result};

use super::auth::context;
use super::errors::{Outcome, Refused};
use super::put::dataset;
use super::{S3Door, delete, get, list, multipart, put, tags, under_way};

type Answer<T> = S3Result<S3Response<T>>;

fn told<T>(outcome: Outcome<T>) -> S3Result<T> {
    outcome.map_err(|Refused(error)| error)
}

#[async_trait::async_trait]
impl S3 for S3Door {
    async fn put_object(&self, request: S3Request<PutObjectInput>) -> Answer<PutObjectOutput> {
        told(put::put(self, request).await)
    }

    async fn copy_object(&self, request: S3Request<CopyObjectInput>) -> Answer<CopyObjectOutput> {
        told(put::copy(self, request).await)
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> Answer<GetObjectOutput> {
        told(get::get(self, request).await)
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> Answer<HeadObjectOutput> {
        told(get::head(self, request).await)
    }

    async fn create_multipart_upload(&self, request: S3Request<CreateMultipartUploadInput>) -> Answer<CreateMultipartUploadOutput> {
        told(multipart::create(self, request).await)
    }

    async fn upload_part(&self, request: S3Request<UploadPartInput>) -> Answer<UploadPartOutput> {
        told(multipart::part(self, request).await)
    }

    async fn upload_part_copy(&self, request: S3Request<UploadPartCopyInput>) -> Answer<UploadPartCopyOutput> {
        told(multipart::part_copy(self, request).await)
    }

    async fn complete_multipart_upload(&self, request: S3Request<CompleteMultipartUploadInput>) -> Answer<CompleteMultipartUploadOutput> {
        told(multipart::complete(self, request).await)
    }

    async fn abort_multipart_upload(&self, request: S3Request<AbortMultipartUploadInput>) -> Answer<AbortMultipartUploadOutput> {
        told(multipart::abort(self, request).await)
    }

    async fn list_parts(&self, request: S3Request<ListPartsInput>) -> Answer<ListPartsOutput> {
        told(under_way::parts(self, request).await)
    }

    async fn list_multipart_uploads(&self, request: S3Request<ListMultipartUploadsInput>) -> Answer<ListMultipartUploadsOutput> {
        told(under_way::uploads(self, request).await)
    }

    async fn get_object_tagging(&self, request: S3Request<GetObjectTaggingInput>) -> Answer<GetObjectTaggingOutput> {
        told(tags::get(self, request).await)
    }

    async fn put_object_tagging(&self, request: S3Request<PutObjectTaggingInput>) -> Answer<PutObjectTaggingOutput> {
        told(tags::put(self, request).await)
    }

    async fn delete_object_tagging(&self, request: S3Request<DeleteObjectTaggingInput>) -> Answer<DeleteObjectTaggingOutput> {
        told(tags::delete(self, request).await)
    }

    async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> Answer<DeleteObjectOutput> {
        told(delete::one(self, request).await)
    }

    async fn delete_objects(&self, request: S3Request<DeleteObjectsInput>) -> Answer<DeleteObjectsOutput> {
        told(delete::many(self, request).await)
    }

    async fn list_objects(&self, request: S3Request<ListObjectsInput>) -> Answer<ListObjectsOutput> {
        told(list::v1(self, request).await)
    }

    async fn list_objects_v2(&self, request: S3Request<ListObjectsV2Input>) -> Answer<ListObjectsV2Output> {
        told(list::v2(self, request).await)
    }

    async fn list_object_versions(&self, request: S3Request<ListObjectVersionsInput>) -> Answer<ListObjectVersionsOutput> {
        told(list::versions(self, request).await)
    }

    async fn list_buckets(&self, request: S3Request<ListBucketsInput>) -> Answer<ListBucketsOutput> {
        told(buckets(self, &request))
    }

    async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> Answer<HeadBucketOutput> {
        told(bucket(self, &request, &request.input.bucket))?;
        Ok(S3Response::new(HeadBucketOutput { bucket_region: Some(self.0.region.clone()), ..HeadBucketOutput::default() }))
    }

    async fn get_bucket_location(&self, request: S3Request<GetBucketLocationInput>) -> Answer<GetBucketLocationOutput> {
        told(bucket(self, &request, &request.input.bucket))?;
        let location_constraint = Some(BucketLocationConstraint::from(self.0.region.clone()));
        Ok(S3Response::new(GetBucketLocationOutput { location_constraint }))
    }

    async fn get_bucket_versioning(&self, request: S3Request<GetBucketVersioningInput>) -> Answer<GetBucketVersioningOutput> {
        told(bucket(self, &request, &request.input.bucket))?;
        Ok(S3Response::new(GetBucketVersioningOutput::default()))
    }
}

/// Refuses who may do nothing in the dataset, and tells others whether it is there.
fn bucket<T>(door: &S3Door, request: &S3Request<T>, bucket: &str) -> Outcome<()> {
    let context = context(&door.0.files.gate, request)?;
    let dataset = dataset(bucket)?;
    door.0.files.gate.authorize_any(&context, &dataset)?;
    door.0.files.definitions.get(&dataset)?;
    Ok(())
}

/// The datasets in which the caller may do something. Each is as old as its definition.
fn buckets(door: &S3Door, request: &S3Request<ListBucketsInput>) -> Outcome<S3Response<ListBucketsOutput>> {
    let context = context(&door.0.files.gate, request)?;
    let all = door.0.files.definitions.all();
    let seen = all.iter().filter(|(name, record)| record.beside.is_none() && door.0.files.gate.authorize_any(&context, name).is_ok());
    let bucket = |(name, record): (&DatasetName, &Arc<DatasetRecord>)| Bucket {
        name: Some(name.to_string()),
        creation_date: Some(get::moment(record.changed_at)),
        ..Bucket::default()
    };
    let mut buckets: Vec<_> = seen.map(bucket).collect();
    buckets.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(S3Response::new(ListBucketsOutput { buckets: Some(buckets), ..ListBucketsOutput::default() }))
}
