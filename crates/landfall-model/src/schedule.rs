//! A schedule: a query that runs at the fires of a cron expression, once for
//! each window of time, and lands its answer as a file. So what it makes is a
//! landing like any other: in a dataset, under a key, with its rows in the table,
//! and a second run of a window takes the place of the first.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Result;
use crate::key::FileKey;
use crate::name::DatasetName;
use crate::span::Span;

/// A schedule's definition. Its serialised form is what the catalog versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// By the rule for names of datasets.
    pub name: DatasetName,
    /// Five fields: minute, hour, day of the month, month, day of the week.
    pub cron: String,
    /// By its name in the IANA database, like `Europe/Madrid`.
    pub timezone: String,
    /// The query; `$start` and `$end` are the moments of the window.
    pub sql: String,
    /// Where its answers land.
    pub into: DatasetName,
    /// How far a window reaches back; `None`: to the fire before.
    pub window: Option<Span>,
    pub format: ResultFormat,
    /// The key of a window's file, with `{schedule}`, `{from}` and `{to}` in it.
    pub key: Option<String>,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ResultFormat {
    /// One JSON object a row.
    #[default]
    Ndjson,
    /// With a header.
    Csv,
}

/// What a run is about: landings received from `from` on, and before `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    pub from: Timestamp,
    pub to: Timestamp,
}

impl Schedule {
    /// Where the answer of a window lands. Two windows that end at different moments have different keys.
    pub fn key_of(&self, window: Window) -> Result<FileKey> {
        let pattern = self.key.clone().unwrap_or_else(|| format!("{{schedule}}/{{to}}.{}", self.format.extension()));
        let moment = |at: Timestamp| at.format("%Y%m%dT%H%M%SZ");
        let key = pattern.replace("{schedule}", self.name.as_str()).replace("{from}", &moment(window.from));
        key.replace("{to}", &moment(window.to)).parse()
    }
}

impl ResultFormat {
    pub fn extension(self) -> &'static str {
        match self {
            ResultFormat::Ndjson => "ndjson",
            ResultFormat::Csv => "csv",
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.from, self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_window_has_a_key_of_its_own() {
        let mut schedule = Schedule {
            name: "daily".parse().unwrap(),
            cron: "0 3 * * *".into(),
            timezone: "Europe/Madrid".into(),
            sql: "select 1".into(),
            into: "daily_totals".parse().unwrap(),
            window: None,
            format: ResultFormat::Csv,
            key: None,
        };
        let window = Window { from: "2026-11-20T02:00:00Z".parse().unwrap(), to: "2026-11-21T02:00:00Z".parse().unwrap() };
        assert_eq!(schedule.key_of(window).unwrap().as_str(), "daily/20261121T020000Z.csv");
        schedule.key = Some("totals/{from}_{to}.txt".into());
        assert_eq!(schedule.key_of(window).unwrap().as_str(), "totals/20261120T020000Z_20261121T020000Z.txt");
    }
}
