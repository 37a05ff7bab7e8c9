//! The configuration file, key by key. These structs are the one list of what
//! may be written: reading, did-you-mean and the JSON Schema all follow them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use landfall_model::{BadRecord, Column, CsvSettings, DatasetName, Grant, Priority, Region, ResultFormat, Span, Type};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Configuration of Landfall. Everything has a default: an empty file is valid.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "landfall.toml")]
pub struct File {
    /// The folder of the embedded catalog, the embedded store and the keys; seen from where `serve` is started.
    pub data: String,
    /// The name of this region: part of every event's id, so it never changes.
    pub region: Region,
    /// What URLs that are handed out begin with, where it is not the address of the door itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    pub catalog: CatalogSection,
    pub store: StoreSection,
    pub listen: ListenSection,
    /// The datasets, by name: `[datasets.NAME]`. Files in `datasets/` beside this one hold one each.
    pub datasets: BTreeMap<DatasetName, DatasetSection>,
    /// Queries that run at certain times and land their answers in a dataset, by name: `[schedules.NAME]`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub schedules: BTreeMap<DatasetName, ScheduleSection>,
}

/// Where facts and work are recorded.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CatalogSection {
    /// `postgres://user@host/db` or `sqlite:PATH`; SQLite under `data` if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Where bytes and tables are kept.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSection {
    /// `s3://bucket/prefix` (endpoint and keys as in the AWS environment) or a folder; a folder under `data` if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A second, colder store for raw bytes: another bucket, or a folder on another disk. See `archive_after` of a dataset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<ArchiveSection>,
}

/// Where old raw bytes are kept.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ArchiveSection {
    /// `s3://bucket/prefix` or a folder, as in [store]; not the store itself.
    pub url: String,
}

/// The doors: `host:port`, or `off`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ListenSection {
    /// Events, files, SQL and the control API; `127.0.0.1:8080` if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<Door>,
    /// The S3 API, where each dataset is a bucket; closed if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3: Option<Door>,
    /// SFTP. Not built yet in this version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sftp: Option<Door>,
    /// The PostgreSQL protocol. Not built yet in this version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postgres: Option<Door>,
}

/// One dataset: how it is decoded, transformed, kept, and who may do what.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DatasetSection {
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `reject`: a bad record of a file is kept aside and the others load. `fail`: none of the file loads.
    pub on_bad_record: BadRecord,
    /// Who may do what, beside the administrator. Denied unless granted.
    pub grants: Vec<Grant>,
    /// The columns and their types, in order; inferred from what lands first if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<ColumnTable>,
    /// A SQL query over `input`, the decoded records; for events row by row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transform: Option<String>,
    pub csv: CsvSettings,
    /// How long landings are kept, like `30d`: then they are purged, with their rows and all that was made of them. For ever if
    /// left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention: Option<Span>,
    /// When the raw bytes of a landing move to [store.archive], like `90d`; they are read from there as before. Never if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive_after: Option<Span>,
    /// The objective, like `5s`: how long a landing may take from its arrival until it is queryable and processed. What takes longer
    /// is counted and listed. Nothing is measured if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sla: Option<Span>,
    /// Whose work goes first: `high` before `normal` before `low`; equals take turns.
    pub priority: Priority,
}

/// One schedule: for each window of time that ends, its query is answered once, and the answer lands as a file.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleSection {
    /// When a window ends: minute, hour, day of the month, month, day of the week. `0 3 * * *` is each day at three.
    pub cron: String,
    /// The IANA name of the time zone that `cron` is about, like `Europe/Madrid`; UTC if left out.
    #[serde(default = "utc")]
    pub timezone: String,
    /// A query; `$start` and `$end` are the moments of the window, as in `_received_at >= $start and _received_at < $end`.
    pub sql: String,
    /// The dataset that the answers land in, and so the table that their rows are in. It need not be declared.
    pub into: DatasetName,
    /// How far a window reaches back, like `7d`; to where the one before ended if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Span>,
    /// How the files are written.
    #[serde(default)]
    pub format: ResultFormat,
    /// The key of a window's file, in which `{schedule}`, `{from}` and `{to}` are filled in; `{schedule}/{to}.ndjson` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

fn utc() -> String {
    "UTC".into()
}

impl Default for File {
    fn default() -> File {
        File {
            data: "./landfall-data".into(),
            region: Region::default(),
            public_url: None,
            catalog: CatalogSection::default(),
            store: StoreSection::default(),
            listen: ListenSection::default(),
            datasets: BTreeMap::new(),
            schedules: BTreeMap::new(),
        }
    }
}

/// A door's address, or that it is closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Door {
    Off,
    /// `host:port`.
    At(String),
}

impl FromStr for Door {
    type Err = String;

    fn from_str(text: &str) -> Result<Door, String> {
        if text == "off" {
            return Ok(Door::Off);
        }
        let fits = text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
        if fits { Ok(Door::At(text.to_owned())) } else { Err(format!("`{text}` is not an address: write `host:port`, or `off`")) }
    }
}

impl<'de> Deserialize<'de> for Door {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Door {
    fn schema_name() -> Cow<'static, str> {
        "Door".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^(off|.+:[0-9]{1,5})$" })
    }
}

/// Columns as a table of the file, whose order is the table's order.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct ColumnTable(pub Vec<Column>);

impl<'de> Deserialize<'de> for ColumnTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Columns;
        impl<'de> Visitor<'de> for Columns {
            type Value = ColumnTable;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of columns and their types")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ColumnTable, A::Error> {
                let mut list = Vec::new();
                while let Some((name, kind)) = map.next_entry::<String, Type>()? {
                    list.push(Column::new(name, kind));
                }
                Ok(ColumnTable(list))
            }
        }
        deserializer.deserialize_map(Columns)
    }
}

impl JsonSchema for ColumnTable {
    fn schema_name() -> Cow<'static, str> {
        "Columns".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let kind = generator.subschema_for::<Type>();
        json_schema!({ "type": "object", "additionalProperties": kind })
    }
}

/// The JSON Schema of the file, for editors.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(File).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doors_are_addresses_or_off() {
        assert_eq!("off".parse(), Ok(Door::Off));
        assert_eq!("[::1]:80".parse(), Ok(Door::At("[::1]:80".into())));
        for bad in ["", "8080", ":80", "host:", "host:99999"] {
            assert!(bad.parse::<Door>().is_err(), "{bad}");
        }
    }
}
