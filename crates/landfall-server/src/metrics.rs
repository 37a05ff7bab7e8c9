//! `GET /metrics`: Prometheus text. Counters and histograms are kept where
//! things happen; what only the catalog knows is read at a scrape, at most once
//! a second.

use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use landfall_access::Context;
use landfall_access::http::Problem;
use landfall_model::{Action, Error, Result};
use metrics::{describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use parking_lot::Mutex;

use crate::control::{Control, Inner};

const FRESH: Duration = Duration::from_secs(1);

/// Seconds: from a sync of the disk to a long load.
const BUCKETS: &[f64] =
    &[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 300.0];

/// What renders the metrics, and when the catalog was last asked.
pub struct Scrape {
    handle: PrometheusHandle,
    asked: Mutex<Option<Instant>>,
}

/// Installs the process's recorder; before anything counts. In a process that has one already (a second node in a
/// test), the new one is rendered and the first one counts.
pub fn install_recorder() -> Result<Scrape> {
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), BUCKETS)
        .map_err(|error| Error::internal("setting up the metrics", error))?;
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_ok() {
        describe();
    }
    Ok(Scrape { handle, asked: Mutex::new(None) })
}

fn describe() {
    for (name, what) in [("received", "acknowledged"), ("loaded", "in the table"), ("rejected", "kept as rejects")] {
        describe_counter!(format!("landfall_{name}_records_total"), format!("Input records {what}"));
        describe_counter!(format!("landfall_{name}_bytes_total"), format!("Input bytes {what}"));
    }
    describe_counter!("landfall_lease_expired_total", "Leases that ended without their holder's word");
    describe_gauge!("landfall_in_flight_records", "Records received and neither loaded, rejected, dead-lettered, discarded nor removed");
    describe_gauge!("landfall_queue_depth", "Jobs that are ready or leased");
    describe_gauge!("landfall_queue_oldest_seconds", "Age of the oldest job that is ready or leased");
    describe_gauge!("landfall_load_lag_events", "Events above the watermark");
    describe_histogram!("landfall_ack_seconds", "From a request's head to its receipt");
}

/// Counts as a `f64`, exact up to 2^53.
fn number(count: i64) -> f64 {
    f64::from(u32::try_from(count >> 32).unwrap_or(0)) * 4_294_967_296.0 + f64::from(u32::try_from(count & 0xffff_ffff).unwrap_or(0))
}

async fn ask(inner: &Inner) -> Result<()> {
    let (depth, oldest) = inner.catalog.queue().await?;
    gauge!("landfall_queue_depth").set(number(depth));
    let age = oldest.map_or(0, |at| inner.catalog.clock().now().micros() - at.micros());
    gauge!("landfall_queue_oldest_seconds").set(number(age.max(0)) / 1e6);
    for audit in inner.catalog.audit(None).await? {
        let dataset = audit.dataset.to_string();
        let waiting = inner.catalog.waiting_events(&audit.dataset).await?;
        gauge!("landfall_in_flight_records", "dataset" => dataset.clone()).set(number(audit.in_flight.records));
        gauge!("landfall_dead_lettered_records", "dataset" => dataset.clone()).set(number(audit.dead_lettered.records));
        gauge!("landfall_load_lag_events", "dataset" => dataset).set(number(waiting.events));
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
