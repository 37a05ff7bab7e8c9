//! Lists: files in order of key, or what their keys have in common up to a
//! delimiter, a page at a time. Each file is its own only version.

use landfall_access::Context;
use landfall_model::{DatasetName, Landing, Result};
use s3s::dto::{
    CommonPrefix, ListObjectVersionsInput, ListObjectVersionsOutput, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input,
    ListObjectsV2Output, Object, ObjectStorageClass, ObjectVersion, ObjectVersionStorageClass,
};
use s3s::{S3ErrorCode, S3Request, S3Response};

use super::S3Door;
use super::auth::context;
use super::errors::Outcome;
use super::etag::etag;
use super::get::{ONLY_VERSION, modified};
use super::put::dataset;

/// Entries of one page, at the most and where nothing is said.
const PAGE: i32 = 1000;

/// Behind every key that begins with what stands before it.
const LAST: char = char::MAX;

struct Asked {
    prefix: String,
    delimiter: Option<String>,
    /// The last entry of the page before.
    after: String,
    most: usize,
}

impl Asked {
    fn new(prefix: Option<String>, delimiter: Option<String>, after: Option<String>, most: Option<i32>) -> Outcome<Asked> {
        let most = usize::try_from(most.unwrap_or(PAGE).min(PAGE)).map_err(|_| S3ErrorCode::InvalidArgument)?;
        let delimiter = delimiter.filter(|delimiter| !delimiter.is_empty());
        Ok(Asked { prefix: prefix.unwrap_or_default(), delimiter, after: after.unwrap_or_default(), most })
    }

    /// What `key` has in common with others, up to the first delimiter behind the prefix.
    fn common<'k>(&self, key: &'k str) -> Option<&'k str> {
        let (delimiter, rest) = (self.delimiter.as_ref()?, key.strip_prefix(&self.prefix)?);
        let end = rest.find(delimiter.as_str())? + delimiter.len();
        Some(&key[..self.prefix.len() + end])
    }

    /// Where to go on: behind all that the last entry stands for.
    fn start(&self) -> String {
        if self.common(&self.after) == Some(&self.after) { format!("{}{LAST}", self.after) } else { self.after.clone() }
    }
}

#[derive(Default)]
struct Page {
    files: Vec<Landing>,
    common: Vec<String>,
    /// The last entry, where there are more.
    next: Option<String>,
}

impl Page {
    fn entries(&self) -> usize {
        self.files.len() + self.common.len()
    }

    fn common_prefixes(&self) -> Option<Vec<CommonPrefix>> {
        let prefixes = self.common.iter().map(|prefix| CommonPrefix { prefix: Some(prefix.clone()) }).collect::<Vec<_>>();
        (!prefixes.is_empty()).then_some(prefixes)
    }

    fn objects(&self) -> Vec<Object> {
        let object = |landing: &Landing| Object {
            e_tag: Some(etag(&landing.digest)),
            key: landing.key.as_ref().map(ToString::to_string),
            last_modified: Some(modified(landing)),
            size: Some(landing.size),
            storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
            ..Object::default()
        };
        self.files.iter().map(object).collect()
    }
}

async fn page(door: &S3Door, context: &Context, dataset: &DatasetName, asked: &Asked) -> Result<Page> {
    let (mut page, mut last) = (Page::default(), String::new());
    for prefix in door.0.files.visible(context, dataset, asked.prefix.clone())? {
        let mut after = asked.start();
        loop {
            // One more than fits tells whether there are more.
            let wanted = asked.most + 1 - page.entries();
            let found = door.0.files.catalog.live_files(dataset, &prefix, &after, wanted).await?;
            let ended = found.len() < wanted;
            for landing in found {
                let key = landing.key.as_ref().map(ToString::to_string).unwrap_or_default();
                if key.as_str() <= after.as_str() {
                    continue;
                }
                if page.entries() == asked.most {
                    page.next = Some(last).filter(|_| asked.most > 0);
                    return Ok(page);
                }
                if let Some(common) = asked.common(&key) {
                    after = format!("{common}{LAST}");
                    last = common.to_owned();
                    page.common.push(common.to_owned());
                } else {
                    after.clone_from(&key);
                    last = key;
                    page.files.push(landing);
                }
            }
            if ended {
                break;
            }
        }
    }
    Ok(page)
}

pub async fn v2(door: &S3Door, request: S3Request<ListObjectsV2Input>) -> Outcome<S3Response<ListObjectsV2Output>> {
    let context = context(&door.0.files.gate, &request)?;
    let input = request.input;
    let after = input.continuation_token.clone().or_else(|| input.start_after.clone());
    let asked = Asked::new(input.prefix.clone(), input.delimiter.clone(), after, input.max_keys)?;
    let page = page(door, &context, &dataset(&input.bucket)?, &asked).await?;
    Ok(S3Response::new(ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: input.prefix,
        max_keys: i32::try_from(asked.most).ok(),
        key_count: i32::try_from(page.entries()).ok(),
        continuation_token: input.continuation_token,
        is_truncated: Some(page.next.is_some()),
        common_prefixes: page.common_prefixes(),
        contents: Some(page.objects()),
        next_continuation_token: page.next,
        delimiter: input.delimiter,
        start_after: input.start_after,
        ..ListObjectsV2Output::default()
    }))
}

pub async fn v1(door: &S3Door, request: S3Request<ListObjectsInput>) -> Outcome<S3Response<ListObjectsOutput>> {
    let context = context(&door.0.files.gate, &request)?;
    let input = request.input;
    let asked = Asked::new(input.prefix.clone(), input.delimiter.clone(), input.marker.clone(), input.max_keys)?;
    let page = page(door, &context, &dataset(&input.bucket)?, &asked).await?;
    Ok(S3Response::new(ListObjectsOutput {
        name: Some(input.bucket),
        prefix: input.prefix,
        marker: Some(input.marker.unwrap_or_default()),
        max_keys: i32::try_from(asked.most).ok(),
        is_truncated: Some(page.next.is_some()),
        common_prefixes: page.common_prefixes(),
        contents: Some(page.objects()),
        next_marker: page.next,
        delimiter: input.delimiter,
        ..ListObjectsOutput::default()
    }))
}

pub async fn versions(door: &S3Door, request: S3Request<ListObjectVersionsInput>) -> Outcome<S3Response<ListObjectVersionsOutput>> {
    let context = context(&door.0.files.gate, &request)?;
    let input = request.input;
    let asked = Asked::new(input.prefix.clone(), input.delimiter.clone(), input.key_marker.clone(), input.max_keys)?;
    let page = page(door, &context, &dataset(&input.bucket)?, &asked).await?;
    let version = |object: Object| ObjectVersion {
        e_tag: object.e_tag,
        is_latest: Some(true),
        key: object.key,
        last_modified: object.last_modified,
        size: object.size,
        storage_class: Some(ObjectVersionStorageClass::from_static(ObjectVersionStorageClass::STANDARD)),
        version_id: Some(ONLY_VERSION.into()),
        ..ObjectVersion::default()
    };
    Ok(S3Response::new(ListObjectVersionsOutput {
        name: Some(input.bucket),
        prefix: input.prefix,
        key_marker: input.key_marker,
        max_keys: i32::try_from(asked.most).ok(),
        is_truncated: Some(page.next.is_some()),
        common_prefixes: page.common_prefixes(),
        versions: Some(page.objects().into_iter().map(version).collect()),
        next_version_id_marker: page.next.as_ref().map(|_| ONLY_VERSION.into()),
        next_key_marker: page.next,
        delimiter: input.delimiter,
        ..ListObjectVersionsOutput::default()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_their_prefix_up_to_the_delimiter_in_common() {
        let asked = |prefix: &str, after: &str| {
            let delimiter = Some("/".to_owned());
            Asked { prefix: prefix.into(), delimiter, after: after.into(), most: 10 }
        };
        assert_eq!(asked("", "").common("a/b/c"), Some("a/"));
        assert_eq!(asked("a/", "").common("a/b/c"), Some("a/b/"));
        assert_eq!(asked("a/", "").common("a/b"), None);
        assert_eq!(asked("", "a/").start(), format!("a/{LAST}"));
        assert_eq!(asked("", "a").start(), "a");
        assert_eq!(asked("", "a/b").start(), "a/b");
    }
}
