//! The HTTP door for what lands: events, files, and resumable uploads. The
//! rest of HTTP, which shows what has landed, is another room's.

mod address;
mod cloudevents;
mod encoding;
mod events;
mod files;
mod listener;
mod patience;
mod turns;
mod uploads;

use std::sync::Arc;

use axum::extract::FromRef;
use landfall_access::Gate;
use landfall_access::http::Budget;
use landfall_catalog::{Catalog, Definitions};
use landfall_land::Land;
use landfall_store::Store;
use metrics::Histogram;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::files::Files;

pub use listener::{serve, serve_with};

/// What the handlers work with. Cloning shares it.
#[derive(Clone)]
pub struct Http(Arc<Inner>);

struct Inner {
    land: Land,
    files: Files,
    budget: Budget,
    /// `landfall_ack_seconds`: from a request's head to its receipt.
    ack: Histogram,
}

impl FromRef<Http> for Gate {
    fn from_ref(http: &Http) -> Gate {
        http.0.files.gate.clone()
    }
}

impl Http {
    /// The recorder of metrics must be installed before.
    pub fn new(land: Land, gate: Gate, catalog: Catalog, store: Store, definitions: Definitions) -> Http {
        let ack = metrics::histogram!("landfall_ack_seconds", "source" => "http");
        let files = Files { gate, catalog, store, definitions };
        Http(Arc::new(Inner { land, files, budget: Budget::default(), ack }))
    }

    /// The routes, each with its description.
    pub fn router(self) -> OpenApiRouter {
        routes().with_state(self)
    }

    /// The description alone.
    pub fn described() -> OpenApi {
        routes().split_for_parts().1
    }
}

fn routes() -> OpenApiRouter<Http> {
    OpenApiRouter::new()
        .routes(routes!(events::post))
        .routes(routes!(files::list::list))
        .routes(routes!(files::put::put, files::get::get, files::get::head, files::delete::delete))
        .routes(routes!(uploads::create::create))
        .routes(routes!(uploads::append::append, uploads::show::head, uploads::delete::delete))
}
