//! Asks S3 whether the bucket keeps old versions. In one that does a deleted
//! object stays, and "purged is gone" would be a lie, so it is refused.

use std::time::Duration;

use http::Method;
use landfall_model::{Error, ErrorKind, Result};
use object_store::ClientOptions;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsAuthorizer};
use object_store::client::{HttpConnector, HttpRequestBody, ReqwestConnector};
use object_store::path::Path;
use object_store::signer::Signer;
use url::Url;

/// What S3 answers to `GET ?versioning`.
struct Answer {
    status: u16,
    body: String,
}

/// Refuses a bucket with versioning, a bucket that is not there, and keys that S3 does not know.
pub(crate) async fn refuse_versions(builder: &AmazonS3Builder, bucket: &str) -> Result<()> {
    let answer = ask(builder).await.map_err(|why| Error::unavailable(&format!("ask S3 about the bucket `{bucket}`"), why))?;
    judge(bucket, &answer)
}

fn judge(bucket: &str, answer: &Answer) -> Result<()> {
    let code = element(&answer.body, "Code");
    match answer.status {
        200 if element(&answer.body, "Status") == Some("Enabled") => {
            let message = format!(
                "the bucket `{bucket}` keeps old versions, so what is purged would stay in it; suspend its versioning or name another bucket"
            );
            Err(Error::new(ErrorKind::Conflict, message))
        }
        200 => Ok(()),
        403 if code == Some("AccessDenied") => {
            tracing::warn!(
                bucket,
                "S3 does not let this key ask whether the bucket keeps old versions (s3:GetBucketVersioning); if it does, purged objects stay in it"
            );
            Ok(())
        }
        405 | 501 => Ok(()),
        404 => Err(Error::new(ErrorKind::NotFound, format!("there is no bucket `{bucket}`; make it first"))),
        status => {
            let why = code.map_or_else(|| format!("status {status}"), |code| format!("{code} (status {status})"));
            Err(Error::unavailable(&format!("ask S3 about the bucket `{bucket}`"), why))
        }
    }
}

/// The text of the first element `name`. S3's answers here are a handful of flat elements.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once("</").map(|(text, _)| text.trim())
}

async fn ask(builder: &AmazonS3Builder) -> std::result::Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
    let s3 = builder.clone().build()?;
    // object_store tells a bucket's address only as part of an object's, signed.
    let mut url: Url = s3.signed_url(Method::GET, &Path::from("x"), Duration::from_secs(60)).await?;
    url.path_segments_mut().map_err(|()| "the endpoint cannot be a base")?.pop();
    url.set_query(Some("versioning="));

    let mut request = http::Request::builder().method(Method::GET).uri(url.as_str()).body(HttpRequestBody::empty())?;
    let credential = s3.credentials().get_credential().await?;
    let region = builder.get_config_value(&AmazonS3ConfigKey::Region).unwrap_or_else(|| "us-east-1".into());
    AwsAuthorizer::new(&credential, "s3", &region).authorize(&mut request, None);

    let options = ClientOptions::new().with_allow_http(url.scheme() == "http");
    let response = ReqwestConnector::default().connect(&options)?.execute(request).await?;
    let status = response.status().as_u16();
    let body = response.into_body().bytes().await?;
    Ok(Answer { status, body: String::from_utf8_lossy(&body).into_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_of_s3_is_judged() {
        let judge = |status, body: &str| judge("lake", &Answer { status, body: body.into() }).map_err(|error| error.kind);
        assert_eq!(judge(200, "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"), Err(ErrorKind::Conflict));
        assert_eq!(judge(200, "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>"), Ok(()));
        assert_eq!(judge(200, "<VersioningConfiguration/>"), Ok(()));
        assert_eq!(judge(404, "<Error><Code>NoSuchBucket</Code></Error>"), Err(ErrorKind::NotFound));
        assert_eq!(judge(403, "<Error><Code>AccessDenied</Code></Error>"), Ok(()));
        assert_eq!(judge(403, "<Error><Code>SignatureDoesNotMatch</Code></Error>"), Err(ErrorKind::Unavailable));
        assert_eq!(judge(501, ""), Ok(()));
        assert_eq!(judge(500, ""), Err(ErrorKind::Unavailable));
    }
}
