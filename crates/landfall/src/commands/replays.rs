//! `landfall replay DATASET`, and `landfall replays pause|resume|cancel ID`.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::arguments::{Replay, ReplayAction};
use super::retry::Retry;
use super::{Client, Failure};
use crate::output::{Screen, count};

const POLL: Duration = Duration::from_millis(500);

pub async fn begin(client: &Client, replay: &Replay, screen: Screen) -> Result<(), Failure> {
    let body = json!({ "from": replay.from, "to": replay.to, "into": replay.into });
    let begun = client.json(client.request(Method::POST, &["datasets", &replay.dataset, "replay"]).json(&body)).await?;
    let id = text(&begun, "id").to_owned();
    if !replay.wait {
        screen.line(&id)?;
        let table = match &replay.into {
            Some(into) => format!("`{into}` gets its rows in one load, and the table of `{}` stays as it is,", replay.dataset),
            None => "The table changes in one load".to_owned(),
        };
        screen.note(&format!("{table} when all of it is staged; `landfall replays {}` tells how far.", replay.dataset));
        return Ok(());
    }
    wait(client, &id, screen).await
}

/// Stays until the replay is at its end, and tells how far it is.
async fn wait(client: &Client, id: &str, screen: Screen) -> Result<(), Failure> {
    let (mut retry, mut told) = (Retry::default(), -1);
    loop {
        match client.get(&["replays", id]).await {
            Ok(replay) => {
                retry.progress();
                let staged = replay.get("staged_records").and_then(Json::as_i64);
                if let Some(staged) = staged.filter(|staged| *staged != told) {
                    told = staged;
                    let all = replay.get("records").and_then(Json::as_i64).unwrap_or(staged);
                    screen.note(&format!("{} of {} records are staged", count(staged), count(all)));
                }
                match text(&replay, "state") {
                    "running" => {}
                    "done" => return screen.line(&format!("{id} is in the table")),
                    "failed" => return Err(Failure::no(format!("{id} failed: {}", text(&replay, "error")))),
                    other => return Err(Failure::no(format!("{id} is {other}"))),
                }
            }
            Err(failure) => retry.wait(failure).await?,
        }
        tokio::time::sleep(POLL).await;
    }
}

pub async fn act(client: &Client, action: &ReplayAction, screen: Screen) -> Result<(), Failure> {
    let (id, verb, said) = match action {
        ReplayAction::Pause { id } => (id, "pause", "rests; what is staged stays so"),
        ReplayAction::Resume { id } => (id, "resume", "goes on from where it was"),
        ReplayAction::Cancel { id } => (id, "cancel", "is given up; the table stays as it is"),
    };
    client.send(client.request(Method::POST, &["replays", id, verb])).await?;
    screen.line(&format!("{id} {said}"))
}

fn text<'a>(item: &'a Json, name: &str) -> &'a str {
    item.get(name).and_then(Json::as_str).unwrap_or_default()
}
