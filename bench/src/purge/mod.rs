//! A table of thirty days whose first day leaves: one commit that only removes, and no file of the other days is
//! written again. The server runs a day at a time under a clock of its own, and over the midnight that ends it.

mod days;
mod files;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Utc};
use clap::Args;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::clock::{self, Clock};
use crate::delta::Log;
use crate::numbers::{float, latency, rate, thousands};
use crate::peers::{ALL_ROLES, Landfall, landfall_version};
use crate::{machine, process, report};
use days::Days;
use files::Files;

const DATASET: &str = "plays";
const CONFIG: &str = "[datasets.plays]\ncolumns = { id = \"bigint\", channel = \"int\", title = \"text\" }\nretention = \"30d\"\n";
const RETENTION_DAYS: u32 = 30;
/// Long before midnight the last server starts: enough to be ready, and to see that nothing leaves too early.
const BEFORE_MIDNIGHT: Duration = Duration::from_secs(20);
/// A table is at rest when its log has stayed the same for so long by the server's clock: several looks of its keeper.
const QUIET: Duration = Duration::from_secs(90);
const LEAVE_MAX: Duration = Duration::from_secs(300);
/// By the server's clock.
const BYTES_MAX: Duration = Duration::from_secs(3 * 3600);
const POLL: Duration = Duration::from_millis(200);

#[derive(Args)]
pub struct Options {
    /// Rows of the table, over thirty days.
    #[arg(long, default_value_t = 100_000_000)]
    rows: u64,
    /// CSV files of each day.
    #[arg(long, default_value_t = 3)]
    files: u32,
    /// How many times as fast the server's clock runs while nothing is timed.
    #[arg(long, default_value_t = 20.0)]
    speed: f64,
    /// Only print: leave docs/benchmarks.md as it is.
    #[arg(long)]
    dry: bool,
}

/// What was seen.
struct Seen {
    loading: Duration,
    leaving: Left,
    /// Files of the days that stay, and their bytes.
    stayed: (u64, u64),
    /// From the commit until no byte is left, by the server's clock.
    bytes_gone: Duration,
    purged: u64,
}

/// The load that took the first day out.
struct Left {
    number: u64,
    commit: Duration,
    committed_at: DateTime<Utc>,
    /// From midnight to the commit.
    after_midnight: Duration,
    files: u64,
    bytes: u64,
    rows: u64,
}

pub async fn run(options: &Options) -> Result<()> {
    let days = Days::new(options.rows, RETENTION_DAYS, options.files)?;
    clock::fetch().await?;
    let seen = see(options, &days).await?;
    let text = head(options, &days, &seen).await? + &markdown(&seen);
    if options.dry {
        println!("{text}");
        return Ok(());
    }
    report::keep("purge", &text)
}

async fn start(folder: TempDir, at: DateTime<Utc>, speed: f64) -> Result<Landfall> {
    let clock = Clock::at(at, speed).await?;
    Landfall::start_in(folder, CONFIG, ALL_ROLES, |command| clock.apply(command)).await
}

async fn see(options: &Options, days: &Days) -> Result<Seen> {
    let mut folder = process::folder("purge")?;
    let mut log = Log::of(&folder.path().join("data/store"), DATASET);
    let mut loading = Duration::ZERO;
    for day in 0..days.count {
        let server = start(folder, days.noon(day), 1.0).await?;
        let begun = Instant::now();
        days.load(&server, DATASET, day).await?;
        loading += begun.elapsed();
        folder = server.stop_and_keep().await?;
        // Between two servers nobody cuts the log off.
        log.follow()?;
    }
    println!("{} rows in {:.0} s of uploading and loading", thousands(float(days.rows())), loading.as_secs_f64());
    // Only the small files of a day that is over are merged into one.
    let server = start(folder, days.noon(days.count), options.speed).await?;
    rest(&server, &mut log, options.speed).await?;
    folder = server.stop_and_keep().await?;
    log.follow()?;
    let before = Files::list(folder.path(), DATASET)?;
    println!("at rest: {} data files in the table", log.files().len());

    let server = start(folder, days.midnight() - BEFORE_MIDNIGHT, 1.0).await?;
    let leaving = leave(&server, days, &mut log, &before).await?;
    let stayed = before.check_unchanged(&Files::list(server.data().parent().context("a folder")?, DATASET)?, log.files())?;
    days.check(&server, DATASET, 1).await?;
    folder = server.stop_and_keep().await?;

    let server = start(folder, leaving.committed_at + Duration::from_secs(60), options.speed).await?;
    let (purged, bytes_gone) = bytes_gone(&server, options.speed, leaving.committed_at).await?;
    log.follow()?;
    let after = Files::list(server.data().parent().context("a folder")?, DATASET)?;
    before.check_unchanged(&after, log.files())?;
    days.check_gone(&server.data().join("store"), 0)?;
    days.check(&server, DATASET, 1).await?;
    server.wait_all_loaded(DATASET).await?;
    server.stop().await?;
    Ok(Seen { loading, leaving, stayed, bytes_gone, purged })
}

/// Waits until the table's log stays the same: its small files are merged.
async fn rest(server: &Landfall, log: &mut Log, speed: f64) -> Result<()> {
    let mut since = Instant::now();
    while since.elapsed() < QUIET.div_f64(speed).max(Duration::from_secs(3)) {
        tokio::time::sleep(POLL).await;
        if !log.follow()?.is_empty() {
            since = Instant::now();
        }
    }
    server.wait_all_loaded(DATASET).await
}

/// Waits for the commit that takes the first day out, and looks at what it did.
async fn leave(server: &Landfall, days: &Days, log: &mut Log, before: &Files) -> Result<Left> {
    let last = server.number("select max(number) from landfall.loads").await?;
    let sql =
        format!("select number, numbered_at, committed_at from landfall.loads where number > {last} and state = 'done' order by number");
    let started = Instant::now();
    let rows = loop {
        let rows = server.sql(&sql).await?;
        if !rows.is_empty() {
            break rows;
        }
        ensure!(started.elapsed() < LEAVE_MAX, "nothing has left the table {LEAVE_MAX:?} after the last server began");
        tokio::time::sleep(POLL).await;
    };
    ensure!(rows.len() == 1 && rows[0].len() == 3, "one load was to take the day out: {rows:?}");
    let moment =
        |at: usize| -> Result<DateTime<Utc>> { Ok(rows[0][at].as_str().with_context(|| format!("a moment in {rows:?}"))?.parse()?) };
    let (numbered_at, committed_at) = (moment(1)?, moment(2)?);
    let commits = log.follow()?;
    let mut changing = commits.into_iter().filter(|(_, commit)| !commit.adds.is_empty() || !commit.removes.is_empty());
    let (version, commit) = changing.next().context("a commit that changes the table")?;
    ensure!(changing.next().is_none(), "more than one commit has changed files of the table");
    ensure!(commit.adds.is_empty(), "version {version} adds {:?}", commit.adds);
    ensure!(commit.removed_partitions.len() == 1, "version {version} removes from {:?}", commit.removed_partitions);
    Ok(Left {
        number: rows[0][0].as_u64().unwrap_or(last + 1),
        commit: (committed_at - numbered_at).to_std()?,
        committed_at,
        after_midnight: (committed_at - days.midnight()).to_std().context("the day left before it was over")?,
        files: commit.removes.len() as u64,
        bytes: before.bytes_of(&commit.removes)?,
        rows: days.rows_of(0),
    })
}

/// Waits until every purge says since when no byte is left; how many landings were purged, and how long it took.
async fn bytes_gone(server: &Landfall, speed: f64, committed_at: DateTime<Utc>) -> Result<(u64, Duration)> {
    let sql = "select sum(landings), count(*) = count(bytes_at), max(bytes_at) from landfall.purges";
    let started = Instant::now();
    loop {
        let rows = server.sql(sql).await?;
        let row = rows.first().filter(|row| row.len() == 3).context("the purges")?;
        if let (Some(landings), Some(true), Some(at)) = (row[0].as_u64(), row[1].as_bool(), row[2].as_str()) {
            let at: DateTime<Utc> = at.parse()?;
            return Ok((landings, (at - committed_at).to_std()?));
        }
        ensure!(started.elapsed() < BYTES_MAX.div_f64(speed), "bytes are left {BYTES_MAX:?} after the commit: {rows:?}");
        tokio::time::sleep(POLL).await;
    }
}

async fn head(options: &Options, days: &Days, seen: &Seen) -> Result<String> {
    Ok(format!(
        "{}, {}. Landfall {}, all roles, embedded catalog and store; its clock, by libfaketime, a day on at each start. {} rows (a number, a small one, a short text) in {} CSV files, {} a day over {} days, retention {RETENTION_DAYS} days; \
         uploaded and loaded at {} rows/s. Then the server runs over the midnight that ends the first day's time. While nothing is timed its clock runs {} times as fast.\n\n",
        machine::today(),
        machine::describe()?,
        landfall_version().await?,
        thousands(float(days.rows())),
        days.count * options.files,
        options.files,
        days.count,
        rate(float(days.rows()) / seen.loading.as_secs_f64()),
        options.speed
    ))
}

fn markdown(seen: &Seen) -> String {
    let Seen { leaving, stayed, bytes_gone, purged, .. } = seen;
    let mut table = report::Table::new(vec![String::new(), String::new()]);
    let mut line = |label: &str, value: String| table.row(vec![label.into(), value]);
    let files = |count: u64, bytes: u64| format!("{} files, {:.1} MB", thousands(float(count)), float(bytes) / 1e6);
    line("leave the table", format!("{} rows, {}", thousands(float(leaving.rows)), files(leaving.files, leaving.bytes)));
    line("stay, each with its inode, size and time of change", files(stayed.0, stayed.1));
    line("the commit's actions on files", format!("{} removes of one partition, 0 adds", leaving.files));
    line("the load, numbered until committed", latency(leaving.commit.as_secs_f64() * 1e6));
    line("committed, after midnight", latency(leaving.after_midnight.as_secs_f64() * 1e6));
    line("landings purged", thousands(float(*purged)));
    line("no byte left (`bytes_at`), after the commit, by the server's clock", format!("{:.1} min", bytes_gone.as_secs_f64() / 60.0));
    format!(
        "{}\nThe day left by load {}. Rows and the sum of their numbers are those of the days that stay, and the audit balances.\n",
        table.markdown(),
        leaving.number
    )
}
