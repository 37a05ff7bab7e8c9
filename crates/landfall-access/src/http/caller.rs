//! Makes the context of an HTTP request: reads `Authorization` and asks the gate.

use std::net::SocketAddr;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use landfall_model::{Error, ErrorKind, Result, Source};

use crate::context::{Context, Credentials};
use crate::gate::Gate;
use crate::http::Problem;

/// Where a connection comes from; the listener puts it into each request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// The context of the request whose head is `parts`.
pub fn context(gate: &Gate, parts: &Parts) -> Result<Context> {
    let peer = parts.extensions.get::<Peer>().map(|peer| peer.0);
    let Some(header) = parts.headers.get(AUTHORIZATION) else {
        return gate.authenticate(Credentials::None, Source::Http, peer);
    };
    let text = header.to_str().map_err(|_| unreadable())?;
    let (scheme, rest) = text.split_once(' ').ok_or_else(unreadable)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return gate.authenticate(Credentials::Bearer(rest.trim()), Source::Http, peer);
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = STANDARD.decode(rest.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(unreadable)?;
        let (user, password) = decoded.split_once(':').ok_or_else(unreadable)?;
        return gate.authenticate(Credentials::Basic { user, password }, Source::Http, peer);
    }
    Err(unreadable())
}

fn unreadable() -> Error {
    Error::new(
        ErrorKind::Unauthenticated,
        "`Authorization` must be `Bearer KEY`, or `Basic` with the key's name as user and the key as password",
    )
}

impl<S> FromRequestParts<S> for Context
where
    S: Send + Sync,
    Gate: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Context, Problem> {
        context(&Gate::from_ref(state), parts).map_err(Problem)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;
    use crate::master::MasterKey;

    fn who(authorization: Option<&str>) -> Result<String, ErrorKind> {
        let mut request = Request::builder();
        if let Some(value) = authorization {
            request = request.header(AUTHORIZATION, value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        context(&Gate::new("0123456789abcdef", MasterKey::of(&[7; 32]).unwrap()), &parts)
            .map(|context| context.principal.to_string())
            .map_err(|error| error.kind)
    }

    #[test]
    fn the_header_is_read_in_both_schemes() {
        assert_eq!(who(None), Ok("anonymous".into()));
        assert_eq!(who(Some("Bearer 0123456789abcdef")), Ok("key:admin".into()));
        assert_eq!(who(Some("bearer  0123456789abcdef")), Ok("key:admin".into()));
        assert_eq!(who(Some(&format!("Basic {}", STANDARD.encode("admin:0123456789abcdef")))), Ok("key:admin".into()));
        for wrong in ["Bearer", "Bearer x", "Digest a", "Basic !!!", "Basic YQ==", "0123456789abcdef"] {
            assert_eq!(who(Some(wrong)), Err(ErrorKind::Unauthenticated), "{wrong}");
        }
    }
}
