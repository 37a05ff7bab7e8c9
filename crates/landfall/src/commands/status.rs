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
    Ok(())
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
    fn a_step_says_how_much_and_then_the_rest() {
        let step = json!({ "at": "2026-11-21T07:03:48Z", "step": "stored", "bytes": 71_000, "digest": "sha256:df", "none": null });
        assert_eq!(details(&step), "bytes 71,000, digest sha256:df");
    }
}
