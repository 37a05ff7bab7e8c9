//! Who calls: the access key is the name of a key, and the secret access key its
//! secret. s3s checks the signature; what the caller may do, the gate says in
//! each operation, also of those who signed nothing.

use landfall_access::{Context, Credentials, Gate};
use landfall_model::{Result, Source};
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::validation::NameValidation;
use s3s::{S3Request, S3Result, s3_error};

pub struct Secrets(pub Gate);

#[async_trait::async_trait]
impl S3Auth for Secrets {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        match self.0.secret_of(access_key) {
            Some(secret) => Ok(SecretKey::from(secret.reveal())),
            None => {
                Err(s3_error!(InvalidAccessKeyId, "no key of that name signs here: it is mistyped, was revoked, or is to be made anew"))
            }
        }
    }
}

/// Lets everybody in as far as the operations, which ask the gate.
pub struct LetIn;

#[async_trait::async_trait]
impl S3Access for LetIn {
    async fn check(&self, _: &mut S3AccessContext<'_>) -> S3Result<()> {
        Ok(())
    }
}

/// Which names datasets have is for the definitions to say: a `_` is none of S3's.
pub struct AnyName;

impl NameValidation for AnyName {
    fn validate_bucket_name(&self, name: &str) -> bool {
        !name.is_empty()
    }
}

/// The context of a request whose signature, if it has one, was checked.
pub fn context<T>(gate: &Gate, request: &S3Request<T>) -> Result<Context> {
    let peer = request.extensions.get::<landfall_access::http::Peer>().map(|peer| peer.0);
    match &request.credentials {
        Some(credentials) => gate.signed(&credentials.access_key, Source::S3, peer),
        None => gate.authenticate(Credentials::None, Source::S3, peer),
    }
}
