//! What the handlers work with, and the routes they stand at.

use std::sync::Arc;

use axum::extract::FromRef;
use landfall_access::Gate;
use landfall_access::http::Budget;
use landfall_catalog::{Catalog, Definitions};
use landfall_query::Queries;
use landfall_schedules::Schedules;
use landfall_store::Store;
use landfall_tables::delta::Tables;
use landfall_tables::events::Bodies;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::metrics::Scrape;
use crate::{
    audit, datasets, dead_letters, health, holds, keys, lists, metrics, purges, replays, schedules, services, sql, status, tables,
};

/// Cloning shares it.
#[derive(Clone)]
pub struct Control(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub catalog: Catalog,
    pub schedules: Schedules,
    pub store: Store,
    pub tables: Tables,
    pub definitions: Definitions,
    pub gate: Gate,
    /// `None` on a node without the role `query`.
    pub queries: Option<Queries>,
    pub scrape: Scrape,
    pub budget: Budget,
}

impl FromRef<Control> for Gate {
    fn from_ref(control: &Control) -> Gate {
        control.0.gate.clone()
    }
}

impl Inner {
    /// Where landings that were merged are told apart.
    pub fn bodies(&self) -> Bodies {
        Bodies { catalog: self.catalog.clone(), store: self.store.clone() }
    }
}

impl Control {
    pub fn new(
        catalog: Catalog,
        tables: Tables,
        definitions: Definitions,
        gate: Gate,
        queries: Option<Queries>,
        scrape: Scrape,
    ) -> Control {
        let (store, schedules) = (tables.store().clone(), Schedules::new(catalog.clone()));
        Control(Arc::new(Inner { catalog, schedules, store, tables, definitions, gate, queries, scrape, budget: Budget::default() }))
    }

    /// The routes, each with its description.
    pub fn router(self) -> OpenApiRouter {
        routes().with_state(self)
    }

    /// The descriptions alone.
    pub fn described() -> utoipa::openapi::OpenApi {
        routes().into_openapi()
    }
}

fn routes() -> OpenApiRouter<Control> {
    OpenApiRouter::new()
        .routes(routes!(status::get))
        .routes(routes!(sql::post))
        .routes(routes!(datasets::list))
        .routes(routes!(lists::landings::list))
        .routes(routes!(lists::jobs::list))
        .routes(routes!(lists::loads::list))
        .routes(routes!(lists::rejects::list))
        .routes(routes!(dead_letters::list))
        .routes(routes!(dead_letters::get))
        .routes(routes!(dead_letters::retry))
        .routes(routes!(dead_letters::drop_it))
        .routes(routes!(holds::list))
        .routes(routes!(holds::put, holds::release))
        .routes(routes!(purges::list))
        .routes(routes!(services::list))
        .routes(routes!(replays::begin))
        .routes(routes!(replays::list))
        .routes(routes!(replays::get))
        .routes(routes!(replays::pause))
        .routes(routes!(replays::resume))
        .routes(routes!(replays::cancel))
        .routes(routes!(schedules::list))
        .routes(routes!(schedules::runs))
        .routes(routes!(schedules::run))
        .routes(routes!(schedules::ask))
        .routes(routes!(tables::drop_it))
        .routes(routes!(audit::get))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::revoke))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(metrics::get))
}
