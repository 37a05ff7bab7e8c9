//! The lists: landings, jobs, rejects, loads, dead letters, holds, purges, breaches, each
//! with the columns that people look for.

use serde_json::Value as Json;

use super::arguments::{List, Listed};
use super::{Client, Failure};
use crate::output::Kind::{Count, Id, Size, Text, Time};
use crate::output::{Column, Listing, Screen, count};

/// One list of the API.
pub struct Spec {
    path: &'static str,
    pub columns: &'static [Column],
    empty: &'static str,
}

pub const LANDINGS: Spec = Spec {
    path: "landings",
    columns: &[
        Column::new("landing", "id", Id),
        Column::new("dataset", "dataset", Text),
        Column::new("key", "key", Text),
        Column::new("phase", "phase", Id),
        Column::new("state", "state", Id),
        Column::new("records", "records", Count),
        Column::new("size", "size", Size),
        Column::new("received", "received_at", Time),
        Column::new("kind", "kind", Id),
    ],
    empty: "nothing has landed",
};

pub const JOBS: Spec = Spec {
    path: "jobs",
    columns: &[
        Column::new("job", "id", Id),
        Column::new("dataset", "dataset", Text),
        Column::new("state", "state", Id),
        Column::new("attempts", "attempts", Count),
        Column::new("error", "error", Text),
        Column::new("updated", "updated_at", Time),
        Column::new("landing", "landing", Id),
    ],
    empty: "no jobs",
};

pub const REJECTS: Spec = Spec {
    path: "rejects",
    columns: &[
        Column::new("dataset", "dataset", Text),
        Column::new("line", "line", Count),
        Column::new("byte", "byte_offset", Count),
        Column::new("reason", "reason", Text),
        Column::new("raw", "raw", Text),
        Column::new("landing", "landing", Id),
    ],
    empty: "no rejects",
};

pub const LOADS: Spec = Spec {
    path: "loads",
    columns: &[
        Column::new("dataset", "dataset", Text),
        Column::new("sink", "sink", Id),
        Column::new("load", "number", Count),
        Column::new("state", "state", Id),
        Column::new("records", "records", Count),
        Column::new("rows", "rows", Count),
        Column::new("manifests", "manifests", Count),
        Column::new("removals", "removals", Count),
        Column::new("committed", "committed_at", Time),
    ],
    empty: "no loads",
};

pub const DEAD_LETTERS: Spec = Spec {
    path: "dead-letters",
    columns: &[
        Column::new("landing", "landing", Id),
        Column::new("dataset", "dataset", Text),
        Column::new("key", "key", Text),
        Column::new("reason", "reason", Text),
        Column::new("line", "line", Count),
        Column::new("code", "code", Id),
        Column::new("state", "state", Id),
    ],
    empty: "no dead letters",
};

pub const HOLDS: Spec = Spec {
    path: "holds",
    columns: &[
        Column::new("held", "subject", Id),
        Column::new("dataset", "dataset", Text),
        Column::new("reason", "reason", Text),
        Column::new("by", "principal", Text),
        Column::new("since", "created_at", Time),
    ],
    empty: "nothing is held",
};

pub const PURGES: Spec = Spec {
    path: "purges",
    columns: &[
        Column::new("landing", "landing", Id),
        Column::new("dataset", "dataset", Text),
        Column::new("kind", "kind", Id),
        Column::new("landings", "landings", Count),
        Column::new("records", "records", Count),
        Column::new("size", "bytes", Size),
        Column::new("received", "received_at", Time),
        Column::new("purged", "purged_at", Time),
        Column::new("bytes gone", "bytes_at", Time),
    ],
    empty: "nothing was purged",
};

pub const BREACHES: Spec = Spec {
    path: "sla-breaches",
    columns: &[
        Column::new("landing", "landing", Id),
        Column::new("dataset", "dataset", Text),
        Column::new("kind", "kind", Id),
        Column::new("landings", "landings", Count),
        Column::new("records", "records", Count),
        Column::new("received", "received_at", Time),
        Column::new("seconds", "seconds", Count),
        Column::new("objective", "objective_seconds", Count),
    ],
    empty: "no service level was breached",
};

pub const REPLAYS: Spec = Spec {
    path: "replays",
    columns: &[
        Column::new("replay", "id", Id),
        Column::new("dataset", "dataset", Text),
        Column::new("state", "state", Id),
        Column::new("from", "from", Time),
        Column::new("to", "to", Time),
        Column::new("into", "into", Text),
        Column::new("load", "load", Count),
        Column::new("error", "error", Text),
        Column::new("updated", "updated_at", Time),
    ],
    empty: "no replays",
};

pub const SCHEDULES: Spec = Spec {
    path: "schedules",
    columns: &[
        Column::new("schedule", "name", Text),
        Column::new("cron", "cron", Text),
        Column::new("zone", "timezone", Text),
        Column::new("into", "into", Text),
        Column::new("next", "next_at", Time),
        Column::new("last window", "last_run/to", Time),
        Column::new("state", "last_run/state", Id),
        Column::new("rows", "last_run/rows", Count),
        Column::new("late", "last_run/late", Count),
        Column::new("waiting since", "waiting_since", Time),
        Column::new("error", "last_run/error", Text),
    ],
    empty: "no schedules: declare one as [schedules.NAME] in the configuration",
};

pub const RUNS: Spec = Spec {
    path: "runs",
    columns: &[
        Column::new("run", "id", Id),
        Column::new("schedule", "schedule", Text),
        Column::new("from", "from", Time),
        Column::new("to", "to", Time),
        Column::new("state", "state", Id),
        Column::new("rows", "rows", Count),
        Column::new("rejected", "rejected", Count),
        Column::new("late", "late", Count),
        Column::new("finished", "finished_at", Time),
        Column::new("error", "error", Text),
    ],
    empty: "no runs",
};

impl Spec {
    /// Up to `limit` of the list's items, and whether there are more.
    pub async fn fetch(&self, client: &Client, dataset: Option<&str>, limit: usize) -> Result<(Vec<Json>, bool), Failure> {
        let query: Vec<(&str, &str)> = dataset.map(|dataset| ("dataset", dataset)).into_iter().collect();
        client.list(&[self.path], &query, limit).await
    }

    pub fn listing(&self, items: Vec<Json>) -> Listing<'static> {
        Listing { columns: self.columns, items, empty: self.empty }
    }
}

pub async fn print(client: &Client, spec: &Spec, listed: &Listed, screen: Screen) -> Result<(), Failure> {
    let (items, more) = spec.fetch(client, listed.dataset.as_deref(), limit(listed.list)).await?;
    show(spec.listing(items), more, listed.list, screen)
}

pub fn limit(list: List) -> usize {
    if list.all { usize::MAX } else { list.limit }
}

/// Prints, and says where it is not all.
pub fn show(listing: Listing<'_>, more: bool, list: List, screen: Screen) -> Result<(), Failure> {
    listing.print(screen, list.output.output)?;
    if more {
        let shown = i64::try_from(listing.items.len()).unwrap_or(i64::MAX);
        screen.note(&format!("these are the first {}; --all shows every one", count(shown)));
    }
    Ok(())
}
