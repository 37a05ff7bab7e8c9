//! `landfall status ID`: the timeline, as rows of time and step; and waiting
//! until a landing is done.

use std::time::Duration;

use serde_json::Value as Json;

use super::retry::Retry;
use super::{Client, Failure};
use crate::output::{Format, Screen, count, short_time};

const POLL_FIRST: Duration = Duration::from_millis(30);
const POLL_LONGEST: Duration = Duration::from_secs(1);

pub async fn status(client: &Client, id: &str, format: Format, screen: Screen) -> Result<(), Failure> {
    let status = client.get(&["status", id]).await?;
    if format != Format::Table {
        return screen.line(&serde_json::to_string_pretty(&status).unwrap_or_default());
    }
    screen.line(&format!("{}  {}", screen.bold(id), standing(&status)))?;
    for step in status.get("timeline").and_then(Json::as_array).into_iter().flatten() {
        let text = |name: &str| step.get(name).and_then(Json::as_str).unwrap_or_default();
        let at = screen.dim(&format!("{:<19}", short_time(text("at"))));
        screen.line(format!("  {at}  {:<9}  {}", text("step"), details(step)).trim_end())?;
    }
    if let Some(line) = status.get("sla").and_then(service_level) {
        screen.line(&format!("  {line}"))?;
    }
    Ok(())
}

/// How it stands to the objective of its dataset, in one line.
fn service_level(sla: &Json) -> Option<String> {
    let text = |name: &str| sla.get(name).and_then(Json::as_str);
    let objective = text("objective")?;
    let Some(seconds) = sla.get("seconds").and_then(Json::as_f64) else {
        return Some(format!("service level {objective}"));
    };
    let standing = text("state").unwrap_or_default();
    Some(match text("processed_at") {
        Some(_) => format!("service level {objective}: took {seconds:.3} s, {standing}"),
        None => format!("service level {objective}: waits for {seconds:.3} s, due {}, {standing}", short_time(text("due_at")?)),
    })
}

/// What a step says beside its time and its name: first how much, then the rest.
fn details(step: &Json) -> String {
    let name = |name: &str| name.replace('_', " ");
    let fields = || step.as_object().into_iter().flatten().filter(|(name, _)| !matches!(name.as_str(), "at" | "step"));
    let numbers = fields().filter_map(|(field, value)| Some(format!("{} {}", name(field), count(value.as_i64()?))));
    let texts = fields().filter_map(|(field, value)| Some(format!("{} {}", name(field), value.as_str()?)));
    numbers.chain(texts).collect::<Vec<_>>().join(", ")
}

/// One word for where it stands.
pub fn standing(status: &Json) -> &str {
    status.get("state").and_then(Json::as_str).unwrap_or_default()
}

/// Asks until the landing is loaded, dead, discarded or removed, and gives the last answer.
pub async fn wait_until_done(client: &Client, id: &str) -> Result<Json, Failure> {
    let (mut wait, mut retry) = (POLL_FIRST, Retry::default());
    loop {
        match client.get(&["status", id]).await {
            Ok(status) if matches!(standing(&status), "loaded" | "dead" | "discarded" | "removed") => return Ok(status),
            Ok(_) => retry.progress(),
            Err(failure) => retry.wait(failure).await?,
        }
        tokio::time::sleep(wait).await;
        wait = wait.saturating_mul(2).min(POLL_LONGEST);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_service_level_is_one_line() {
        let waits =
            json!({ "objective": "5s", "due_at": "2026-11-21T07:03:53Z", "processed_at": null, "seconds": 3.5, "state": "at risk" });
        assert_eq!(service_level(&waits).unwrap(), "service level 5s: waits for 3.500 s, due 2026-11-21 07:03:53, at risk");
        let took = json!({ "objective": "5s", "processed_at": "2026-11-21T07:03:50Z", "seconds": 2, "state": "met" });
        assert_eq!(service_level(&took).unwrap(), "service level 5s: took 2.000 s, met");
        assert_eq!(service_level(&json!({ "objective": "5s", "seconds": null })).unwrap(), "service level 5s");
        assert_eq!(service_level(&Json::Null), None);
    }

    #[test]
    fn a_step_says_how_much_and_then_the_rest() {
        let step = json!({ "at": "2026-11-21T07:03:48Z", "step": "stored", "bytes": 71_000, "digest": "sha256:df", "none": null });
        assert_eq!(details(&step), "bytes 71,000, digest sha256:df");
    }
}
