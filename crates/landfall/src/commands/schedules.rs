//! `landfall schedules`, `landfall runs [SCHEDULE]` and `landfall run SCHEDULE
//! --window FROM..TO`, which has windows answered and stays until they are.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::arguments::{Run, Runs};
use super::retry::Retry;
use super::{Client, Failure, lists, progress};
use crate::output::{Screen, count, plural, short_time};

const POLL: Duration = Duration::from_millis(300);

pub async fn runs(client: &Client, runs: &Runs, screen: Screen) -> Result<(), Failure> {
    let query: Vec<(&str, &str)> = runs.schedule.as_deref().map(|schedule| ("schedule", schedule)).into_iter().collect();
    let (items, more) = client.list(&["runs"], &query, lists::limit(runs.list)).await?;
    lists::show(lists::RUNS.listing(items), more, runs.list, screen)
}

pub async fn run(client: &Client, run: &Run, screen: Screen) -> Result<(), Failure> {
    let (from, to) = match &run.window {
        None => (None, None),
        Some(window) => {
            let (from, to) = window.split_once("..").ok_or_else(|| usage(window))?;
            (Some(from), Some(to).filter(|to| !to.is_empty()))
        }
    };
    if from == Some("") {
        return Err(usage(run.window.as_deref().unwrap_or_default()));
    }
    let body = json!({ "from": from, "to": to });
    let asked = client.json(client.request(Method::POST, &["schedules", &run.schedule, "runs"]).json(&body)).await?;
    let items = asked.get("items").and_then(Json::as_array).cloned().unwrap_or_default();
    if run.detach {
        for item in &items {
            screen.line(text(item, "id"))?;
        }
        screen.note(&format!("`landfall runs {}` tells how far they are.", run.schedule));
        return Ok(());
    }
    let mut told = Told::default();
    let bar = progress::items(&run.schedule, items.len() as u64);
    for item in &items {
        let ended = wait(client, text(item, "id")).await?;
        bar.inc(1);
        bar.suspend(|| told.tell(&ended, screen))?;
    }
    bar.finish_and_clear();
    told.end(items.len(), screen)
}

fn usage(window: &str) -> Failure {
    Failure::usage(format!("`{window}` is not a window: write FROM..TO, each RFC 3339 or a day, like 2026-11-01..2026-11-08"))
}

/// Stays until a run is at its end.
async fn wait(client: &Client, id: &str) -> Result<Json, Failure> {
    let mut retry = Retry::default();
    loop {
        match client.get(&["runs", id]).await {
            Ok(run) if matches!(text(&run, "state"), "done" | "failed") => return Ok(run),
            Ok(_) => retry.progress(),
            Err(failure) => retry.wait(failure).await?,
        }
        tokio::time::sleep(POLL).await;
    }
}

/// What was said of the windows so far.
#[derive(Default)]
struct Told {
    rows: i64,
    failed: usize,
}

impl Told {
    fn tell(&mut self, run: &Json, screen: Screen) -> Result<(), Failure> {
        let window = format!("{} to {}", short_time(text(run, "from")), short_time(text(run, "to")));
        if text(run, "state") == "failed" {
            self.failed += 1;
            return screen.line(&format!("{window}  failed: {}", text(run, "error")));
        }
        let number = |name: &str| run.get(name).and_then(Json::as_i64).unwrap_or(0);
        self.rows += number("rows");
        let rejected = number("rejected");
        let rejects = if rejected > 0 { format!(", {} rejected", count(rejected)) } else { String::new() };
        screen.line(&format!("{window}  {} in {}{rejects}", plural(number("rows"), "row", "rows"), text(run, "dataset")))
    }

    fn end(&self, windows: usize, screen: Screen) -> Result<(), Failure> {
        if self.failed > 0 {
            return Err(Failure::no(format!("{} of {windows} windows failed", self.failed)));
        }
        if windows > 1 {
            screen.note(&format!("{windows} windows are answered, with {} rows", count(self.rows)));
        }
        Ok(())
    }
}

fn text<'a>(item: &'a Json, name: &str) -> &'a str {
    item.get(name).and_then(Json::as_str).unwrap_or_default()
}
