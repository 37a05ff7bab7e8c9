//! `landfall dead-letters show|retry|drop ID`.

use reqwest::Method;
use serde_json::Value as Json;

use super::arguments::DeadLetter;
use super::{Client, Failure};
use crate::output::{Format, Screen, short_time};

pub async fn act(client: &Client, action: &DeadLetter, screen: Screen) -> Result<(), Failure> {
    match action {
        DeadLetter::Show { id, output } => show(client, id, output.output, screen).await,
        DeadLetter::Retry { id } => {
            client.send(client.request(Method::POST, &["dead-letters", id, "retry"])).await?;
            screen.line(&format!("{id} is worked on again; `landfall status {id}` tells how far"))
        }
        DeadLetter::Drop { id } => {
            client.send(client.request(Method::POST, &["dead-letters", id, "drop"])).await?;
            screen.line(&format!("{id} is dropped and counts as discarded"))
        }
    }
}

async fn show(client: &Client, id: &str, format: Format, screen: Screen) -> Result<(), Failure> {
    let letter = client.get(&["dead-letters", id]).await?;
    if format != Format::Table {
        return screen.line(&serde_json::to_string_pretty(&letter).unwrap_or_default());
    }
    for (name, value) in letter.as_object().into_iter().flatten() {
        let text = match value {
            Json::Null => continue,
            Json::String(text) => short_time(text),
            other => other.to_string(),
        };
        screen.line(&format!("{}  {text}", screen.dim(&format!("{name:<12}"))))?;
    }
    Ok(())
}
