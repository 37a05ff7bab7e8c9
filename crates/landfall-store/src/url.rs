//! Where a store is: `store.url` of the configuration, understood.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use landfall_model::{Error, ErrorKind};
use url::Url;

/// A folder, or a prefix in an S3 bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    /// A path, or `file:///path`.
    Local(PathBuf),
    /// `s3://bucket` or `s3://bucket/prefix`; the prefix has no `/` at either end.
    S3 { bucket: String, prefix: String },
}

impl StoreUrl {
    fn from_url(text: &str, url: &Url) -> Result<StoreUrl, Error> {
        let wrong = |why: &str| Error::new(ErrorKind::BadRequest, format!("`{text}` cannot be the URL of a store: {why}"));
        match url.scheme() {
            "file" => {
                url.to_file_path().map(StoreUrl::Local).map_err(|()| wrong("`file://` wants an absolute path, as in `file:///srv/store`"))
            }
            "s3" => {
                let bucket = url.host_str().unwrap_or_default().to_owned();
                if bucket.is_empty() {
                    return Err(wrong("it names no bucket; write `s3://bucket/prefix`"));
                }
                if !url.username().is_empty() || url.port().is_some() || url.query().is_some() {
                    return Err(wrong(
                        "endpoint and keys come from the AWS environment (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION)",
                    ));
                }
                Ok(StoreUrl::S3 { bucket, prefix: url.path().trim_matches('/').to_owned() })
            }
            other => Err(wrong(&format!("`{other}` is not a store; there are folders and `s3://bucket/prefix`"))),
        }
    }
}

impl FromStr for StoreUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<StoreUrl, Error> {
        if text.is_empty() {
            return Err(Error::new(ErrorKind::BadRequest, "the URL of a store cannot be empty; leave it out for a folder under `data`"));
        }
        match text.contains("://").then(|| Url::parse(text)) {
            None => Ok(StoreUrl::Local(text.into())),
            Some(Ok(url)) => StoreUrl::from_url(text, &url),
            Some(Err(why)) => Err(Error::new(ErrorKind::BadRequest, format!("`{text}` cannot be the URL of a store: {why}"))),
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreUrl::Local(path) => path.display().fmt(f),
            StoreUrl::S3 { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            StoreUrl::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_a_folder_or_a_bucket() {
        let s3 = |bucket: &str, prefix: &str| StoreUrl::S3 { bucket: bucket.into(), prefix: prefix.into() };
        for (text, expected) in [
            ("landfall-data/store", StoreUrl::Local("landfall-data/store".into())),
            ("/srv/a b", StoreUrl::Local("/srv/a b".into())),
            ("file:///srv/a%20b", StoreUrl::Local("/srv/a b".into())),
            ("s3://lake", s3("lake", "")),
            ("s3://lake/landfall/eu/", s3("lake", "landfall/eu")),
        ] {
            assert_eq!(text.parse::<StoreUrl>().unwrap(), expected, "{text}");
        }
        for wrong in ["", "s3://", "gs://lake", "file://host/x", "s3://key@lake", "s3://lake:9000/x", "http://x/y"] {
            assert_eq!(wrong.parse::<StoreUrl>().unwrap_err().kind, ErrorKind::BadRequest, "{wrong}");
        }
    }
}
