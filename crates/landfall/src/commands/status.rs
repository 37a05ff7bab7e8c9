//! `landfall status ID`: the timeline, as rows of time and what happened; and waiting
//! until a landing is done.

use std::time::Duration;

use serde_json::Value as Json;

use super::retry::Retry;
use super::{Client, Failure};
use crate::output::{Format, Screen, short_time};

const POLL_FIRST: Duration = Duration::from_millis(30);
const POLL_LONGEST: Duration = Duration::from_secs(1);

pub async fn status(client: &Client, id: &str, format: Format, screen: Screen) -> Result<(), Failure> {
    let status = client.get(&["status", id]).await?;
    if format != Format::Table {
        return screen.line(&serde_json::to_string_pretty(&status).unwrap_or_default());
    }
    screen.line(&format!("{}  {}", screen.bold(id), standing(&status)))?;
    for moment in status.get("timeline").and_then(Json::as_array).into_iter().flatten() {
        let text = |name: &str| moment.get(name).and_then(Json::as_str).unwrap_or_default();
        let at = screen.dim(&format!("{:<19}", short_time(text("at"))));
        screen.line(format!("  {at}  {:<9}  {}", text("what"), text("note")).trim_end())?;
    }
    Ok(())
}

/// One word for where it stands.
pub fn standing(status: &Json) -> &str {
    status.get("status").and_then(Json::as_str).unwrap_or_default()
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
