//! The answers where no route is.

use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use axum::http::Uri;
use landfall_model::{Error, ErrorKind};

use crate::http::Problem;

/// Makes unknown paths and methods answer with a problem document, like everything else. Comes last: it holds for the
/// routes that are there when it is called.
pub fn with_fallbacks(router: Router) -> Router {
    router.method_not_allowed_fallback(method_not_allowed).fallback(not_found)
}

async fn not_found(uri: Uri) -> Problem {
    Problem(Error::new(ErrorKind::NotFound, format!("there is nothing at `{}`: /openapi.json lists what there is", uri.path())))
}

async fn method_not_allowed(method: Method, request: Request) -> Problem {
    let message = format!("`{}` cannot be asked with {method}: /openapi.json lists what can be", request.uri().path());
    Problem(Error::new(ErrorKind::MethodNotAllowed, message))
}
