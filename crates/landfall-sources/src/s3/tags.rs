//! Tags of an object: set with it by a header, and read, set and taken away for
//! themselves. They are part of its attributes.

use std::collections::BTreeMap;

use landfall_model::{Action, Landing};
use s3s::dto::{
    DeleteObjectTaggingInput, DeleteObjectTaggingOutput, GetObjectTaggingInput, GetObjectTaggingOutput, PutObjectTaggingInput,
    PutObjectTaggingOutput, Tag,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response};

use super::S3Door;
use super::attributes::Attributes;
use super::auth::context;
use super::errors::{Outcome, Refused};
use super::put::named;

pub type Tags = BTreeMap<String, String>;

/// S3's own limits.
const TAGS_MAX: usize = 10;
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;

fn checked(pairs: impl Iterator<Item = (String, String)>) -> Outcome<Tags> {
    let wrong = |why: &str| Refused(S3Error::with_message(S3ErrorCode::InvalidTag, why.to_owned()));
    let mut tags = Tags::new();
    for (key, value) in pairs {
        if key.is_empty() || key.chars().count() > KEY_CHARS_MAX || value.chars().count() > VALUE_CHARS_MAX {
            return Err(wrong("the key of a tag has 1 to 128 characters, and its value at most 256"));
        }
        if tags.insert(key, value).is_some() {
            return Err(wrong("a tag is given twice"));
        }
    }
    if tags.len() > TAGS_MAX { Err(wrong("an object has at most 10 tags")) } else { Ok(tags) }
}

/// The header `x-amz-tagging`: keys and values as in the query of a URL.
pub fn of_header(text: Option<&str>) -> Outcome<Tags> {
    checked(url::form_urlencoded::parse(text.unwrap_or_default().as_bytes()).into_owned())
}

pub async fn get(door: &S3Door, request: S3Request<GetObjectTaggingInput>) -> Outcome<S3Response<GetObjectTaggingOutput>> {
    let context = context(&door.0.files.gate, &request)?;
    let (dataset, key) = named(&request.input.bucket, &request.input.key)?;
    let landing = door.0.files.live(&context, &dataset, &key).await?;
    let tags = attributes(door, &landing).await?.tags;
    let tag_set = tags.into_iter().map(|(key, value)| Tag { key: Some(key), value: Some(value) }).collect();
    Ok(S3Response::new(GetObjectTaggingOutput { tag_set, version_id: None }))
}

pub async fn put(door: &S3Door, request: S3Request<PutObjectTaggingInput>) -> Outcome<S3Response<PutObjectTaggingOutput>> {
    let tags = request.input.tagging.tag_set.iter().map(|tag| (tag.key.clone().unwrap_or_default(), tag.value.clone().unwrap_or_default()));
    let tags = checked(tags)?;
    let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
    change(door, &request, &bucket, &key, tags).await?;
    Ok(S3Response::new(PutObjectTaggingOutput::default()))
}

pub async fn delete(door: &S3Door, request: S3Request<DeleteObjectTaggingInput>) -> Outcome<S3Response<DeleteObjectTaggingOutput>> {
    let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
    change(door, &request, &bucket, &key, Tags::new()).await?;
    let answer = DeleteObjectTaggingOutput::default();
    Ok(S3Response::with_status(answer, axum::http::StatusCode::NO_CONTENT))
}

/// Who may land under the key may say what is there.
async fn change<T>(door: &S3Door, request: &S3Request<T>, bucket: &str, key: &str, tags: Tags) -> Outcome<()> {
    let files = &door.0.files;
    let context = context(&files.gate, request)?;
    let (dataset, key) = named(bucket, key)?;
    files.gate.authorize(&context, Action::Land, &dataset, Some(key.as_str()))?;
    files.definitions.get_open(&dataset)?;
    let landing = files.catalog.live_file(&dataset, &key).await?.ok_or(S3ErrorCode::NoSuchKey)?;
    let attributes = Attributes { tags, ..attributes(door, &landing).await? };
    let there = files.catalog.describe_file(&landing.id, &attributes.document()?).await?;
    if there { Ok(()) } else { Err(S3ErrorCode::NoSuchKey.into()) }
}

pub async fn attributes(door: &S3Door, landing: &Landing) -> landfall_model::Result<Attributes> {
    Attributes::read(door.0.files.catalog.attributes(&landing.id).await?.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_and_have_limits() {
        let read = |text: &str| of_header(Some(text)).map_err(|refused| refused.0.code().as_str().to_owned());
        assert_eq!(read("a=1&b+c=%C3%A4").unwrap(), [("a".into(), "1".into()), ("b c".into(), "ä".into())].into());
        assert_eq!(read("").unwrap(), Tags::new());
        let eleven = (0..11).map(|tag| format!("t{tag}=x")).collect::<Vec<_>>().join("&");
        for wrong in ["=x", "a=1&a=2", &format!("{}=x", "k".repeat(129)), &format!("k={}", "v".repeat(257)), &eleven] {
            assert_eq!(read(wrong).unwrap_err(), "InvalidTag", "{wrong}");
        }
    }
}
