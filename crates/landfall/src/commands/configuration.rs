//! The commands that read the configuration file: `check`, `schema`, `serve`.

use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};

use landfall_model::{Error, ErrorKind};

use super::Failure;
use crate::app::GivenKeys;
use crate::config::{Config, Inputs, Mistakes, environment};
use crate::output::{Screen, plural};
use crate::roles::Roles;
use crate::serve;

fn load(path: Option<&Path>, data: Option<&str>) -> Result<Config, Mistakes> {
    let env = environment();
    Config::load(Inputs { path, data, env: &env })
}

fn failure(mistakes: &Mistakes) -> Failure {
    Failure::no(mistakes.render(stderr().is_terminal()))
}

pub fn check(path: Option<&Path>, screen: Screen) -> Result<(), Failure> {
    let config = load(path, None).map_err(|mistakes| failure(&mistakes))?;
    for warning in &config.warnings {
        screen.note(&format!("note: {warning}"));
    }
    let datasets = i64::try_from(config.datasets.len()).unwrap_or(i64::MAX);
    let schedules = i64::try_from(config.schedules.len()).unwrap_or(i64::MAX);
    let more = if schedules > 0 { format!(", {}", plural(schedules, "schedule", "schedules")) } else { String::new() };
    screen.line(&format!("ok: {}{more}", plural(datasets, "dataset", "datasets")))
}

pub fn schema(screen: Screen) -> Result<(), Failure> {
    screen.line(&serde_json::to_string_pretty(&crate::config::schema()).unwrap_or_default())
}

pub fn serve(path: Option<PathBuf>, data: Option<String>, roles: Roles) -> Result<(), Failure> {
    let config = load(path.as_deref(), data.as_deref()).map_err(|mistakes| failure(&mistakes))?;
    serve::log();
    let keys = GivenKeys { admin: std::env::var("LANDFALL_ADMIN_KEY").ok(), master: std::env::var("LANDFALL_MASTER_KEY").ok() };
    let reload = move || {
        load(path.as_deref(), data.as_deref())
            .map_err(|mistakes| Error::new(ErrorKind::BadRequest, format!("the configuration has mistakes:\n{}", mistakes.render(false))))
    };
    let runtime = serve::runtime()?;
    let outcome = runtime.block_on(serve::serve(config, roles, keys, reload));
    Ok(outcome?)
}
