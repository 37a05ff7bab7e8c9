//! Which tables there are, and their columns. A table's columns stand in the order of the cells that `pages` makes.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemKind {
    Datasets,
    Landings,
    Jobs,
    Loads,
    Rejects,
    DeadLetters,
    Holds,
    Purges,
    Replays,
    Schedules,
    Runs,
    LateLandings,
    SlaBreaches,
    Audit,
}

/// Types of the columns: text, whole number, number, truth; and moments.
const T: DataType = DataType::Utf8View;
const N: DataType = DataType::Int64;
const F: DataType = DataType::Float64;
const B: DataType = DataType::Boolean;

fn moment() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

impl SystemKind {
    pub const ALL: &[SystemKind] = &[
        SystemKind::Datasets,
        SystemKind::Landings,
        SystemKind::Jobs,
        SystemKind::Loads,
        SystemKind::Rejects,
        SystemKind::DeadLetters,
        SystemKind::Holds,
        SystemKind::Purges,
        SystemKind::Replays,
        SystemKind::Schedules,
        SystemKind::Runs,
        SystemKind::LateLandings,
        SystemKind::SlaBreaches,
        SystemKind::Audit,
    ];

    pub fn name(self) -> &'static str {
        match self {
            SystemKind::Datasets => "datasets",
            SystemKind::Landings => "landings",
            SystemKind::Jobs => "jobs",
            SystemKind::Loads => "loads",
            SystemKind::Rejects => "rejects",
            SystemKind::DeadLetters => "dead_letters",
            SystemKind::Holds => "holds",
            SystemKind::Purges => "purges",
            SystemKind::Replays => "replays",
            SystemKind::Schedules => "schedules",
            SystemKind::Runs => "runs",
            SystemKind::LateLandings => "late_landings",
            SystemKind::SlaBreaches => "sla_breaches",
            SystemKind::Audit => "audit",
        }
    }

    pub fn schema(self) -> SchemaRef {
        let columns = match self {
            SystemKind::Datasets => datasets(),
            SystemKind::Landings => landings(),
            SystemKind::Jobs => jobs(),
            SystemKind::Loads => loads(),
            SystemKind::Rejects => rejects(),
            SystemKind::DeadLetters => dead_letters(),
            SystemKind::Holds => holds(),
            SystemKind::Purges => purges(),
            SystemKind::Replays => replays(),
            SystemKind::Schedules => schedules(),
            SystemKind::Runs => runs(),
            SystemKind::LateLandings => late_landings(),
            SystemKind::SlaBreaches => sla_breaches(),
            SystemKind::Audit => audit(),
        };
        Arc::new(Schema::new(columns.into_iter().map(|(name, kind)| Field::new(name, kind, true)).collect::<Vec<_>>()))
    }
}

type Columns = Vec<(&'static str, DataType)>;

fn datasets() -> Columns {
    vec![
        ("dataset", T),
        ("description", T),
        ("columns", T),
        ("on_bad_record", T),
        ("transform", T),
        ("retention", T),
        ("sla", T),
        ("sla_state", T),
        ("priority", T),
        ("version", N),
        ("detached", B),
        ("changed_at", moment()),
        ("beside", T),
        ("made_by", T),
    ]
}

fn landings() -> Columns {
    vec![
        ("landing", T),
        ("dataset", T),
        ("region", T),
        ("kind", T),
        ("source", T),
        ("principal", T),
        ("key", T),
        ("generation", N),
        ("content_type", T),
        ("digest", T),
        ("size", N),
        ("received_at", moment()),
        ("first_event", T),
        ("last_event", T),
        ("records", N),
        ("landings", N),
        ("state", T),
        ("phase", T),
        ("load", N),
    ]
}

fn jobs() -> Columns {
    vec![
        ("job", T),
        ("kind", T),
        ("dataset", T),
        ("landing", T),
        ("state", T),
        ("attempts", N),
        ("owner", T),
        ("run_at", moment()),
        ("error", T),
        ("created_at", moment()),
        ("updated_at", moment()),
    ]
}

fn loads() -> Columns {
    vec![
        ("dataset", T),
        ("sink", T),
        ("number", N),
        ("state", T),
        ("records", N),
        ("rows", N),
        ("manifests", N),
        ("removals", N),
        ("numbered_at", moment()),
        ("committed_at", moment()),
        ("table_version", N),
    ]
}

fn rejects() -> Columns {
    vec![
        ("dataset", T),
        ("manifest", T),
        ("landing", T),
        ("event", T),
        ("line", N),
        ("byte_offset", N),
        ("reason", T),
        ("raw", T),
        ("bytes", N),
    ]
}

fn dead_letters() -> Columns {
    vec![
        ("landing", T),
        ("dataset", T),
        ("kind", T),
        ("key", T),
        ("code", T),
        ("reason", T),
        ("line", N),
        ("byte_offset", N),
        ("records", N),
        ("size", N),
        ("received_at", moment()),
        ("created_at", moment()),
    ]
}

fn holds() -> Columns {
    vec![("subject", T), ("dataset", T), ("landing", T), ("reason", T), ("principal", T), ("created_at", moment())]
}

fn replays() -> Columns {
    vec![
        ("replay", T),
        ("dataset", T),
        ("window_from", moment()),
        ("window_to", moment()),
        ("state", T),
        ("version", N),
        ("principal", T),
        ("error", T),
        ("load", N),
        ("created_at", moment()),
        ("updated_at", moment()),
        ("into_table", T),
    ]
}

/// `dataset` is where the answers land.
fn schedules() -> Columns {
    vec![
        ("schedule", T),
        ("dataset", T),
        ("cron", T),
        ("timezone", T),
        ("sql", T),
        ("window", T),
        ("format", T),
        ("version", N),
        ("detached", B),
        ("next_at", moment()),
        ("changed_at", moment()),
    ]
}

fn runs() -> Columns {
    vec![
        ("run", T),
        ("schedule", T),
        ("dataset", T),
        ("window_from", moment()),
        ("window_to", moment()),
        ("state", T),
        ("backfill", B),
        ("principal", T),
        ("attempts", N),
        ("key", T),
        ("landing", T),
        ("rows", N),
        ("rejected", N),
        ("late", N),
        ("error", T),
        ("started_at", moment()),
        ("finished_at", moment()),
    ]
}

/// `dataset` is where they landed.
fn late_landings() -> Columns {
    vec![("run", T), ("schedule", T), ("dataset", T), ("landing", T), ("received_at", moment()), ("found_at", moment())]
}

fn purges() -> Columns {
    vec![
        ("landing", T),
        ("last_landing", T),
        ("landings", N),
        ("dataset", T),
        ("kind", T),
        ("digest", T),
        ("records", N),
        ("bytes", N),
        ("received_at", moment()),
        ("purged_at", moment()),
        ("bytes_at", moment()),
    ]
}

fn sla_breaches() -> Columns {
    vec![
        ("dataset", T),
        ("landing", T),
        ("last_landing", T),
        ("landings", N),
        ("records", N),
        ("first_event", T),
        ("last_event", T),
        ("kind", T),
        ("received_at", moment()),
        ("processed_at", moment()),
        ("objective_seconds", F),
        ("seconds", F),
    ]
}

fn audit() -> Columns {
    vec![
        ("dataset", T),
        ("sink", T),
        ("received_records", N),
        ("received_bytes", N),
        ("loaded_records", N),
        ("loaded_bytes", N),
        ("rejected_records", N),
        ("rejected_bytes", N),
        ("dead_lettered_records", N),
        ("dead_lettered_bytes", N),
        ("discarded_records", N),
        ("discarded_bytes", N),
        ("removed_records", N),
        ("removed_bytes", N),
        ("in_flight_records", N),
        ("in_flight_bytes", N),
        ("rows", N),
        ("balances", B),
    ]
}
