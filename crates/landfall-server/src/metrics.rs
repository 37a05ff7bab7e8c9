//! `GET /metrics`: Prometheus text. Counters and histograms are kept where
//! things happen; what only the catalog knows is read at a scrape, at most once
//! a second.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use landfall_access::Context;
use landfall_access::http::Problem;
use landfall_catalog::holds::Subject;
use landfall_model::{Action, DatasetName, Error, Level, Result, Timestamp};
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use parking_lot::Mutex;

use crate::control::{Control, Inner};
use crate::services::seconds;

const FRESH: Duration = Duration::from_secs(1);

/// Seconds: from a sync of the disk to a long load.
const BUCKETS: &[f64] =
    &[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 300.0];

/// What renders the metrics, and when the catalog was last asked. Cloning shares it.
#[derive(Clone)]
pub struct Scrape {
    handle: PrometheusHandle,
    asked: Arc<Mutex<Option<Instant>>>,
    /// The datasets with an objective of which was told before.
    served: Arc<Mutex<BTreeSet<DatasetName>>>,
}

static RECORDER: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// Installs the process's recorder; before anything counts. A second node in one process (in a test) shares it.
pub fn install_recorder() -> Result<Scrape> {
    let mut installed = RECORDER.lock();
    let handle = match &*installed {
        Some(handle) => handle.clone(),
        None => {
            let builder = PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), BUCKETS)
                .map_err(|error| Error::internal("setting up the metrics", error))?;
            let recorder = builder.build_recorder();
            let handle = recorder.handle();
            metrics::set_global_recorder(recorder).map_err(|error| Error::internal("installing the metrics", error))?;
            describe();
            handle
        }
    };
    *installed = Some(handle.clone());
    Ok(Scrape { handle, asked: Arc::default(), served: Arc::default() })
}

impl Scrape {
    /// Brings what the histograms were told into their buckets: until then each observation is kept for itself, also
    /// where nobody ever asks for the metrics. To be called every few seconds.
    pub fn settle(&self) {
        self.handle.run_upkeep();
    }
}

fn describe() {
    for (name, what) in [
        ("received", "acknowledged; a file counts as one until it is decoded"),
        ("loaded", "in the table"),
        ("rejected", "kept as rejects"),
        ("dead_lettered", "whose work failed for good"),
        ("discarded", "of dead letters that were dropped"),
        ("removed", "taken out again: replaced or deleted"),
    ] {
        describe_counter!(format!("landfall_{name}_records_total"), format!("Input records {what}"));
        describe_counter!(format!("landfall_{name}_bytes_total"), format!("Input bytes {what}"));
    }
    describe_counter!("landfall_lease_expired_total", "Leases of jobs and tables that expired: their holder died or stood still");
    describe_counter!("landfall_sla_breaches_total", "Landings that took longer from their arrival than the objective of their dataset");
    describe_gauge!("landfall_sla_objective_seconds", "How long a landing may take from its arrival until it is processed");
    describe_gauge!("landfall_sla_oldest_seconds", "Age of the oldest landing that is not processed");
    describe_gauge!("landfall_sla_at_risk", "1 when that has used up half of the objective, 2 when it is late, else 0");
    describe_gauge!("landfall_in_flight_records", "Records received and neither loaded, rejected, dead-lettered, discarded nor removed");
    describe_gauge!("landfall_dead_letters", "Dead letters that are open");
    describe_gauge!("landfall_queue_depth", "Jobs that are ready or leased");
    describe_gauge!("landfall_queue_oldest_seconds", "Age of the oldest job that is ready or leased");
    describe_gauge!("landfall_load_lag_events", "Events above the watermark");
    describe_gauge!("landfall_load_lag_seconds", "Since the oldest record was received that is in flight");
    describe_gauge!("landfall_purge_lag_seconds", "How long landings have outlived the retention of their dataset; 0 where it is held");
    describe_gauge!("landfall_schedule_lag_seconds", "Since the oldest window of a schedule ended that is not answered; 0 where all are");
    describe_counter!("landfall_runs_total", "Runs of schedules that this node brought to their end, by `state`: `done` or `failed`");
    describe_counter!("landfall_late_windows_total", "Windows that were answered before something of theirs had landed");
    describe_histogram!("landfall_ack_seconds", "From a request's head to its receipt");
    describe_histogram!("landfall_processed_seconds", "From a landing's arrival to its load, or to its being a dead letter");
}

/// Counts as a `f64`, exact up to 2^53.
fn number(count: i64) -> f64 {
    f64::from(u32::try_from(count >> 32).unwrap_or(0)) * 4_294_967_296.0 + f64::from(u32::try_from(count & 0xffff_ffff).unwrap_or(0))
}

/// What the catalog alone knows. Each question looks only at what waits, not at what ever landed.
async fn ask(inner: &Inner) -> Result<()> {
    let now = inner.catalog.clock().now();
    let age = |since: Option<Timestamp>| number(since.map_or(0, |since| now.micros() - since.micros()).max(0)) / 1e6;
    let (depth, oldest) = inner.catalog.queue().await?;
    gauge!("landfall_queue_depth").set(number(depth));
    gauge!("landfall_queue_oldest_seconds").set(age(oldest));
    let dead_letters = inner.catalog.open_dead_letters().await?;
    for (dataset, waiting) in inner.catalog.in_flight().await? {
        let open = dead_letters.get(&dataset).copied().unwrap_or(0);
        let dataset = dataset.to_string();
        gauge!("landfall_in_flight_records", "dataset" => dataset.clone()).set(number(waiting.records));
        gauge!("landfall_dead_letters", "dataset" => dataset.clone()).set(number(open));
        gauge!("landfall_load_lag_events", "dataset" => dataset.clone()).set(number(waiting.events));
        gauge!("landfall_load_lag_seconds", "dataset" => dataset).set(age(waiting.oldest));
    }
    ask_services(inner, now).await?;
    ask_schedules(inner, now).await?;
    ask_purges(inner, now).await
}

async fn ask_schedules(inner: &Inner, now: Timestamp) -> Result<()> {
    let waiting: BTreeMap<DatasetName, Timestamp> = inner.schedules.oldest_windows().await?.into_iter().collect();
    for record in inner.schedules.all().await? {
        let name = record.definition.name;
        let lag = waiting.get(&name).map_or(0, |ended| now.micros() - ended.micros()).max(0);
        gauge!("landfall_schedule_lag_seconds", "schedule" => name.to_string()).set(number(lag) / 1e6);
    }
    Ok(())
}

/// How each dataset stands to its objective. One whose objective was taken away is told once more, for a gauge stays where it
/// was set.
async fn ask_services(inner: &Inner, now: Timestamp) -> Result<()> {
    let services = inner.catalog.services().await?;
    let told: BTreeSet<DatasetName> = services.iter().map(|service| service.dataset.clone()).collect();
    for service in &services {
        let dataset = service.dataset.to_string();
        // A counter that is there before it counts makes its first breach a rise.
        counter!("landfall_sla_breaches_total", "dataset" => dataset.clone()).increment(0);
        tell_service(dataset, service.objective.duration().as_secs_f64(), seconds(service.age(now)), service.level(now));
    }
    let before = std::mem::replace(&mut *inner.scrape.served.lock(), told.clone());
    for dataset in before.difference(&told) {
        tell_service(dataset.to_string(), 0.0, 0.0, Level::Met);
    }
    Ok(())
}

fn tell_service(dataset: String, objective: f64, oldest: f64, level: Level) {
    gauge!("landfall_sla_objective_seconds", "dataset" => dataset.clone()).set(objective);
    gauge!("landfall_sla_oldest_seconds", "dataset" => dataset.clone()).set(oldest);
    gauge!("landfall_sla_at_risk", "dataset" => dataset).set(level.number());
}

/// How late the purge of each dataset is. One that nothing purges is told too: it may have been another a moment ago, and a
/// gauge stays where it was set.
async fn ask_purges(inner: &Inner, now: Timestamp) -> Result<()> {
    let unfinished: BTreeMap<DatasetName, Timestamp> = inner.catalog.unfinished_purges().await?.into_iter().collect();
    for (dataset, record) in inner.definitions.all().iter() {
        let mut lag = 0;
        if let Some(retention) = record.definition.retention
            && inner.catalog.hold_on(Subject::Dataset(dataset.clone())).await?.is_none()
        {
            let oldest = inner.catalog.oldest_landing(dataset).await?.into_iter().chain(unfinished.get(dataset).copied()).min();
            lag = oldest.map_or(0, |oldest| retention.before(now).micros() - oldest.micros()).max(0);
        }
        gauge!("landfall_purge_lag_seconds", "dataset" => dataset.to_string()).set(number(lag) / 1e6);
    }
    Ok(())
}

/// The metrics of this node, in the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "health", responses((status = 200, description = "Text of Prometheus", content_type = "text/plain")))]
pub async fn get(State(control): State<Control>, context: Context) -> Result<Response, Problem> {
    control.0.gate.authorize_system(&context, Action::Administer)?;
    let scrape = &control.0.scrape;
    let due = {
        let mut asked = scrape.asked.lock();
        let due = asked.is_none_or(|at| at.elapsed() >= FRESH);
        if due {
            *asked = Some(Instant::now());
        }
        due
    };
    if due {
        ask(&control.0).await?;
    }
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], scrape.handle.render()).into_response())
}
