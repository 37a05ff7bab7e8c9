//! S3: how the client is set up, and how an object is created only if it is
//! not there when answers get lost on the way.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use landfall_model::{Clock, Error, ErrorKind, Result, limits};
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, RetryConfig};

use crate::errors::from_object_store;

/// The variables that name another endpoint than Amazon's, where plain HTTP may be meant.
const ENDPOINTS: [&str; 3] = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"];

/// The two clients of one bucket.
#[derive(Clone, Debug)]
pub(crate) struct S3 {
    /// Sends again what failed.
    pub objects: Arc<dyn ObjectStore>,
    /// Sends once: a create that is sent again finds its own object there and takes it for somebody else's.
    once: PrefixStore<AmazonS3>,
    clock: Clock,
}

/// The settings in the variables of the AWS environment, for `bucket`.
pub(crate) fn settings(bucket: &str, variables: &[(String, String)]) -> AmazonS3Builder {
    let mut builder = AmazonS3Builder::new();
    for (name, value) in variables {
        let key = name.starts_with("AWS_").then(|| name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>());
        if let Some(Ok(key)) = key {
            builder = builder.with_config(key, value);
        }
    }
    if variables.iter().any(|(name, value)| ENDPOINTS.contains(&name.as_str()) && value.starts_with("http://")) {
        builder = builder.with_allow_http(true);
    }
    builder.with_bucket_name(bucket)
}

impl S3 {
    pub fn new(builder: AmazonS3Builder, prefix: &str, clock: Clock) -> Result<S3> {
        let wrong = |error| from_object_store("set up the S3 store", &error);
        let prefix = Path::parse(prefix).map_err(|error| Error::new(ErrorKind::BadRequest, format!("the store's prefix: {error}")))?;
        let never = RetryConfig { max_retries: 0, ..RetryConfig::default() };
        let once = builder.clone().with_retry(never).build().map_err(wrong)?;
        let again = builder.build().map_err(wrong)?;
        Ok(S3 { objects: Arc::new(PrefixStore::new(again, prefix.clone())), once: PrefixStore::new(once, prefix), clock })
    }

    /// Creates the object; false: it is there already. Where S3's answer is lost, what is there is compared with what was
    /// sent, so `bytes` should hold something that no other writer sends. After an error it is not known whether it is there.
    pub async fn put_if_absent(&self, path: &Path, bytes: &Bytes) -> Result<bool> {
        let (mut lost, mut why) = (false, String::new());
        for attempt in 0..limits::S3_CREATE_ATTEMPTS_MAX {
            if attempt > 0 {
                tokio::time::sleep(self.pause(attempt)).await;
            }
            let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
            match self.once.put_opts(path, bytes.clone().into(), options).await {
                Ok(_) => return Ok(true),
                Err(error) if is_refusal(&error) => return Err(from_object_store(&format!("create object `{path}`"), &error)),
                Err(error) => {
                    lost |= !matches!(error, object_store::Error::AlreadyExists { .. });
                    why = error.to_string();
                }
            }
            match self.holds(path, bytes).await {
                // If no answer was lost it is another's, even with the same bytes.
                Ok(Some(same)) => return Ok(same && lost),
                // Ours never arrived, or another's create was under way (S3 answers 409) and failed.
                Ok(None) => {}
                Err(error) => why = error.to_string(),
            }
        }
        let message = format!("create object `{path}`: it is not known whether S3 took it: {why}");
        Err(Error::new(ErrorKind::Unavailable, message))
    }

    /// Whether the object holds just these bytes; `None`: there is none.
    async fn holds(&self, path: &Path, bytes: &Bytes) -> object_store::Result<Option<bool>> {
        match self.objects.get(path).await {
            Ok(found) if found.meta.size != bytes.len() as u64 => Ok(Some(false)),
            Ok(found) => Ok(Some(found.bytes().await? == bytes)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// From half of the doubled wait up to the whole, so that writers that met once do not meet again.
    fn pause(&self, attempt: u32) -> Duration {
        let whole = limits::BACKOFF_FIRST.saturating_mul(1 << attempt.min(16)).min(limits::BACKOFF_MAX);
        let half = u64::try_from(whole.as_millis() / 2).unwrap_or(u64::MAX);
        Duration::from_millis(half + self.clock.random_below(half))
    }
}

/// S3 has said no for a reason that does not pass.
fn is_refusal(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. })
}
