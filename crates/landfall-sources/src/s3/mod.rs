//! The S3 door: a bucket is a dataset, an object a live file. The protocol, its
//! signatures included, is s3s's; what an operation does is here, one file per
//! verb, and what is not here says `NotImplemented`.

mod attributes;
mod auth;
mod body;
mod checksum;
mod delete;
mod door;
mod errors;
mod etag;
mod get;
mod list;
mod multipart;
mod put;
mod tags;
mod under_way;
mod unsigned;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use landfall_access::Gate;
use landfall_access::http::Budget;
use landfall_catalog::{Catalog, Definitions};
use landfall_land::Land;
use landfall_store::Store;
use metrics::Histogram;
use s3s::service::{S3Service, S3ServiceBuilder};

use self::body::Bounded;
use self::errors::{Outcome, Refused};
use crate::files::Files;

/// What the operations work with. Cloning shares it.
#[derive(Clone)]
pub struct S3Door(Arc<Inner>);

struct Inner {
    land: Land,
    files: Files,
    region: String,
    /// `landfall_ack_seconds`: from a request's head to its receipt.
    ack: Histogram,
}

impl S3Door {
    /// The recorder of metrics must be installed before.
    pub fn new(land: Land, gate: Gate, catalog: Catalog, store: Store, definitions: Definitions, region: String) -> S3Door {
        let ack = metrics::histogram!("landfall_ack_seconds", "source" => "s3");
        S3Door(Arc::new(Inner { land, files: Files { gate, catalog, store, definitions }, region, ack }))
    }

    /// To be served by `http::serve`.
    pub fn router(self) -> Router {
        let mut service = S3ServiceBuilder::new(self.clone());
        service.set_auth(auth::Secrets(self.0.files.gate.clone()));
        service.set_access(auth::LetIn);
        service.set_validation(auth::AnyName);
        let service = service.build();
        let budget = Budget::default();
        Router::new().fallback(move |request| answer(service.clone(), budget.clone(), request))
    }
}

async fn answer(service: S3Service, budget: Budget, request: Request) -> Response {
    let answered = match admitted(request, &budget).await {
        Ok(Bounded { request, held }) => {
            let answered = service.call(request).await;
            drop(held);
            answered
        }
        Err(Refused(error)) => error.to_http_response().map_err(|error| s3s::HttpError::new(Box::new(error))),
    };
    match answered {
        Ok(answer) => answer.map(Body::new),
        Err(error) => {
            let why: s3s::StdError = error.into();
            tracing::error!(%why, "a request of S3 could not be answered");
            axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn admitted(request: Request, budget: &Budget) -> Outcome<Bounded> {
    unsigned::refuse(&request)?;
    body::bounded(request, budget).await
}
