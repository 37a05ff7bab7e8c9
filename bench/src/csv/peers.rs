//! Who turns the file into a table, each by its quickest durable way.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::Deserialize;
use serde_json::Value;

use super::{Orders, sums};
use crate::peers::{ALL_ROLES, Landfall, Postgres, Session};
use crate::{peers, process, python};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Loader {
    Landfall,
    LandfallInferred,
    Duckdb,
    DuckdbDetected,
    PolarsParquet,
    PolarsDelta,
    Copy,
}

pub struct Loaded {
    pub time: Duration,
    pub sums: Vec<f64>,
    /// Of the server, where it is one process of ours.
    pub peak_memory: Option<u64>,
}

const COLUMNS: &str = r#"columns = { id = "bigint", placed_at = "timestamp", city = "text", price = "double", amount = "decimal(12,2)", due = "date", paid = "boolean", quantity = "int", reference = "text", note = "text" }"#;

const CREATE: &str = "create table orders (id bigint, placed_at timestamptz, city text, price double precision, amount numeric(12,2), \
    due date, paid boolean, quantity int, reference text, note text)";

impl Loader {
    pub fn label(self) -> &'static str {
        match self {
            Loader::Landfall => "Landfall",
            Loader::LandfallInferred => "Landfall, types inferred",
            Loader::Duckdb => "DuckDB → Parquet",
            Loader::DuckdbDetected => "DuckDB → Parquet, types detected",
            Loader::PolarsParquet => "Polars → Parquet",
            Loader::PolarsDelta => "Polars → Delta",
            Loader::Copy => "PostgreSQL COPY",
        }
    }

    pub async fn version(self) -> Result<String> {
        Ok(match self {
            Loader::Landfall => {
                format!("{}, `PUT` over HTTP until its status is `loaded`, into Delta, types declared", peers::landfall_version().await?)
            }
            Loader::LandfallInferred => "the same without `columns`: the file is read twice".into(),
            Loader::Duckdb => format!("{}, `read_csv` into one Parquet file, zstd, types declared", python::version("duckdb")),
            Loader::DuckdbDetected => "the same, types from a sample".into(),
            Loader::PolarsParquet => format!("{}, `scan_csv` into `sink_parquet`, zstd, types declared", python::version("polars")),
            Loader::PolarsDelta => {
                format!("the same read into `write_delta` of deltalake {}, snappy, which is its default", python::version("deltalake"))
            }
            Loader::Copy => {
                format!("{}; `COPY` from a file the server reads, into a table without indexes", peers::postgres_version().await?)
            }
        })
    }

    pub async fn load(self, orders: &Orders) -> Result<Loaded> {
        match self {
            Loader::Landfall => landfall(orders, COLUMNS).await,
            Loader::LandfallInferred => landfall(orders, "").await,
            Loader::Duckdb => script("duckdb_parquet", orders, &[]).await,
            Loader::DuckdbDetected => script("duckdb_parquet", orders, &["detect"]).await,
            Loader::PolarsParquet => script("polars_parquet", orders, &[]).await,
            Loader::PolarsDelta => script("polars_delta", orders, &[]).await,
            Loader::Copy => copy(orders).await,
        }
    }
}

async fn landfall(orders: &Orders, columns: &str) -> Result<Loaded> {
    let server = Landfall::start(&format!("[datasets.orders]\n{columns}\n"), ALL_ROLES, None).await?;
    let start = Instant::now();
    let id = server.put_file("orders", &orders.path).await?;
    server.wait_loaded(&id).await?;
    let (time, peak_memory) = (start.elapsed(), Some(server.peak_memory()?));
    let rows = server.sql(&sums::query("orders")).await?;
    server.stop().await?;
    let sums = rows.first().into_iter().flatten().map(|value| float_of(value).with_context(|| format!("{value} is no number")));
    Ok(Loaded { time, sums: sums.collect::<Result<_>>()?, peak_memory })
}

/// A number as SQL over HTTP gives it: a number, or a text where JSON's would lose digits.
fn float_of(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

#[derive(Deserialize)]
struct Answer {
    seconds: f64,
    sums: Vec<f64>,
}

async fn script(name: &str, orders: &Orders, more: &[&str]) -> Result<Loaded> {
    let folder = process::folder(name)?;
    let (input, output) = (orders.path.to_string_lossy(), folder.path().join("table"));
    let (output, query) = (output.to_string_lossy(), sums::query("{table}"));
    let answer: Answer = python::run(name, &[&[&*input, &*output, query.as_str()], more].concat()).await?;
    Ok(Loaded { time: Duration::from_secs_f64(answer.seconds), sums: answer.sums, peak_memory: None })
}

async fn copy(orders: &Orders) -> Result<Loaded> {
    let (server, port) = Postgres::start(None).await?;
    let mut session = Session::connect(port).await?;
    session.query(CREATE).await?;
    let start = Instant::now();
    session.query(&format!("copy orders from '{}' (format csv, header)", orders.path.display())).await?;
    let time = start.elapsed();
    let row = session.query(&sums::query("orders")).await?;
    server.stop().await?;
    let sums = row.iter().map(|value| value.parse().with_context(|| format!("{value} is no number")));
    Ok(Loaded { time, sums: sums.collect::<Result<_>>()?, peak_memory: None })
}
