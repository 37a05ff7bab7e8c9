//! A presigned URL is a permission for what it says and no more. s3s checks the
//! headers that were signed; one that was not could turn a permission to put into
//! one to copy, so every `x-amz-*` header must be among them.

use axum::extract::Request;
use landfall_model::{Error, ErrorKind, Result};

const SIGNED_HEADERS: &str = "X-Amz-SignedHeaders";

/// Of headers that say what is asked for; this one only says what the body is, and is checked against it.
const ABOUT_THE_BODY: &str = "x-amz-content-sha256";

pub fn refuse(request: &Request) -> Result<()> {
    let query = request.uri().query().unwrap_or_default();
    let mut pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let Some((_, signed)) = pairs.clone().find(|(name, _)| *name == SIGNED_HEADERS) else {
        // The forms of version 2 sign no headers at all.
        return match pairs.any(|(name, _)| name == "Signature") {
            true => Err(Error::new(ErrorKind::Denied, "signatures of version 2 are not taken: sign with AWS4-HMAC-SHA256")),
            false => Ok(()),
        };
    };
    let signed = percent_encoding::percent_decode_str(signed).decode_utf8_lossy().to_ascii_lowercase();
    let is_signed = |name: &str| name == ABOUT_THE_BODY || signed.split(';').any(|signed| signed == name);
    match request.headers().keys().find(|name| name.as_str().starts_with("x-amz-") && !is_signed(name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let message = format!("the header `{name}` is not among those that the URL was signed with");
            Err(Error::new(ErrorKind::Denied, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn refused(uri: &str, header: &'static str) -> bool {
        let request = Request::builder().uri(uri).header(header, "x").body(Body::empty()).unwrap();
        refuse(&request).is_err()
    }

    #[test]
    fn what_was_not_signed_is_refused() {
        let presigned = "/orders/a?X-Amz-Signature=ab&X-Amz-SignedHeaders=host%3Bx-amz-acl";
        assert!(refused(presigned, "x-amz-copy-source"));
        assert!(refused(presigned, "x-amz-meta-a"));
        assert!(!refused(presigned, "x-amz-acl"));
        assert!(!refused(presigned, "content-type"));
        assert!(!refused(presigned, "x-amz-content-sha256"));
        assert!(!refused("/orders/a?prefix=x", "x-amz-copy-source"));
        assert!(refused("/orders/a?AWSAccessKeyId=a&Signature=b&Expires=1", "host"));
    }
}
