//! Serving: a node from its configuration, until it is told to stop.

mod lines;
mod log;
mod run;
mod tuning;

use landfall_model::{Clock, Result};

use crate::app::{self, GivenKeys, Running, Settings};
use crate::config::Config;
use crate::roles::Roles;

pub use log::log;
pub use run::serve;
pub use tuning::runtime;

/// Starts a node with the roles given.
pub async fn start(config: &Config, roles: Roles, keys: GivenKeys) -> Result<Running> {
    let settings = Settings {
        data: config.data.clone(),
        region: config.region.clone(),
        public_url: config.public_url.clone(),
        catalog_url: config.catalog.url.clone(),
        store_url: config.store.url.clone(),
        archive_url: config.store.archive.clone(),
        http: config.listen.http.clone(),
        s3: config.listen.s3.clone(),
        datasets: config.datasets.clone(),
        schedules: config.schedules.clone(),
        roles,
        keys,
    };
    app::start(settings, Clock::system()).await
}
