//! The log entry of one commit: pure, from a state and an intent. Whether it
//! may be written at all is decided before, in `commit`.

use std::collections::BTreeMap;

use bytes::Bytes;
use landfall_model::{Clock, Column, Columns, DataFile, Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::action::{Add, Format, Line, MetaData, Protocol, Remove, Txn};
use super::commit::Intent;
use super::schema;
use super::state::{FENCE, LOAD, LOAD_ID, State, WATERMARK};

/// Key of the table's configuration that lists the regions with a watermark, by commas:
/// the library that opens tables gives a transaction by its name only.
pub(super) const REGIONS: &str = "landfall.regions";

const ENGINE: &str = concat!("Landfall/", env!("CARGO_PKG_VERSION"));

/// The entry that takes `state` one version on.
pub(super) fn entry(state: &State, intent: &Intent, clock: &Clock) -> Result<Bytes> {
    let millis = clock.now().millis();
    let mut lines = vec![Line { commit_info: Some(commit_info(state, intent, millis)), ..Line::default() }];
    if state.version < 0 {
        lines.push(Line { protocol: Some(Protocol::OURS), ..Line::default() });
    }
    lines.extend(meta_data(state, intent, clock)?.map(|meta| Line { meta_data: Some(meta), ..Line::default() }));
    let mut txn = |app_id: String, version: i64| {
        let txn = Txn { app_id: app_id.into(), version, last_updated: Some(millis) };
        lines.push(Line { txn: Some(txn), ..Line::default() });
    };
    txn(FENCE.to_owned(), intent.epoch());
    if let Intent::Load(load) = intent {
        txn(LOAD.to_owned(), load.number);
        txn(LOAD_ID.to_owned(), load.id.0);
        load.watermarks.iter().for_each(|(region, seq)| txn(format!("{WATERMARK}{region}"), *seq));
    }
    // A rewrite moves rows from file to file: whoever follows the table's changes may pass it over.
    let data_change = matches!(intent, Intent::Load(_));
    lines.extend(removes(state, intent.remove(), millis, data_change));
    lines.extend(intent.add().iter().map(|file| add(file, millis, data_change)));
    let mut bytes = Vec::new();
    for line in &lines {
        serde_json::to_writer(&mut bytes, line).map_err(|why| Error::internal("writing a log entry", why))?;
        bytes.push(b'\n');
    }
    Ok(bytes.into())
}

fn commit_info(state: &State, intent: &Intent, millis: i64) -> Value {
    let mut info = json!({"timestamp": millis, "engineInfo": ENGINE, "readVersion": state.version.max(0)});
    let (operation, parameters) = match intent {
        Intent::Fence { epoch } => ("FENCE", json!({"epoch": epoch.to_string()})),
        Intent::Load(load) => {
            let parameters = json!({"mode": "Append", "load": load.number.to_string(), "loadId": load.id.0.to_string()});
            ("WRITE", parameters)
        }
        Intent::Rewrite(_) => ("OPTIMIZE", json!({"predicate": "[]"})),
    };
    info["operation"] = json!(operation);
    info["operationParameters"] = parameters;
    info
}

/// Only files that are in the table can leave it, and the commit has made sure that all of them are.
fn removes<'a>(state: &'a State, paths: &'a [String], millis: i64, data_change: bool) -> impl Iterator<Item = Line<'a>> {
    paths.iter().filter_map(|path| state.files.get(path)).map(move |file| {
        let remove = Remove {
            path: file.data.path.as_str().into(),
            deletion_timestamp: Some(millis),
            data_change,
            extended_file_metadata: true,
            partition_values: Some(partition_values(&file.data)),
            size: Some(file.data.size),
        };
        Line { remove: Some(remove), ..Line::default() }
    })
}

fn add(file: &DataFile, millis: i64, data_change: bool) -> Line<'_> {
    let add = Add {
        path: file.path.as_str().into(),
        partition_values: partition_values(file),
        size: file.size,
        modification_time: millis,
        data_change,
        stats: Some(file.stats.as_str().into()),
    };
    Line { add: Some(add), ..Line::default() }
}

fn partition_values(file: &DataFile) -> BTreeMap<String, Option<String>> {
    BTreeMap::from([(Columns::PARTITION.to_owned(), Some(file.partition.clone()))])
}

/// The metadata, if the table is new, or its columns or regions grow.
fn meta_data(state: &State, intent: &Intent, clock: &Clock) -> Result<Option<MetaData>> {
    let (asked, watermarks) = match intent {
        Intent::Fence { .. } | Intent::Rewrite(_) => (&[][..], &[][..]),
        Intent::Load(load) => (load.columns.as_slice(), load.watermarks.as_slice()),
    };
    let columns = grown(&state.columns, asked)?;
    let mut regions: Vec<&str> = state.watermarks.keys().chain(watermarks.iter().map(|(region, _)| region)).map(|r| r.as_str()).collect();
    regions.sort_unstable();
    regions.dedup();
    if state.version >= 0 && columns.len() == state.columns.len() && regions.len() == state.watermarks.len() {
        return Ok(None);
    }
    let mut meta = match &state.meta {
        Some(meta) => MetaData::clone(meta),
        None => new_meta(clock),
    };
    meta.schema_string = schema::to_delta(&columns);
    if !regions.is_empty() {
        meta.configuration.insert(REGIONS.to_owned(), regions.join(","));
    }
    Ok(Some(meta))
}

fn new_meta(clock: &Clock) -> MetaData {
    MetaData {
        id: uuid(clock.random_bytes()),
        format: Format { provider: "parquet".to_owned(), options: BTreeMap::new() },
        schema_string: String::new(),
        partition_columns: vec![Columns::PARTITION.to_owned()],
        configuration: BTreeMap::new(),
        created_time: Some(clock.now().millis()),
    }
}

/// A random UUID (RFC 9562, version 4), which is what the protocol wants a table's id to look like.
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// The table's columns and, after them, those of `asked` that it lacks. A column never changes its type, and no
/// two names may differ in case alone, because the Delta protocol takes such names for one.
fn grown(columns: &[Column], asked: &[Column]) -> Result<Vec<Column>> {
    let mut all = columns.to_vec();
    let mut known: BTreeMap<String, usize> = all.iter().enumerate().map(|(at, column)| (column.name.to_lowercase(), at)).collect();
    for column in asked {
        let Some(at) = known.get(&column.name.to_lowercase()) else {
            known.insert(column.name.to_lowercase(), all.len());
            all.push(column.clone());
            continue;
        };
        let there = &all[*at];
        if there != column {
            let message = format!(
                "the table has the column `{}` of type {}; a load cannot bring `{}` of type {} beside it",
                there.name, there.kind, column.name, column.kind
            );
            return Err(Error::new(ErrorKind::Conflict, message));
        }
    }
    Ok(all)
}
