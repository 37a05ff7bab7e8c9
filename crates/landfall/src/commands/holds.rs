//! `landfall hold` and `landfall release`.

use landfall_catalog::holds::Subject;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::{Client, Failure};
use crate::output::Screen;

/// What is neither could not even be asked for: a `/` in it would lead to another place.
fn check(subject: &str) -> Result<(), Failure> {
    let neither = |why| Failure::usage(format!("a hold is on a landing or on all of a dataset: {why}"));
    Subject::parse(subject).map(drop).map_err(neither)
}

pub async fn hold(client: &Client, subject: &str, reason: &str, screen: Screen) -> Result<(), Failure> {
    check(subject)?;
    let request = client.request(Method::PUT, &["holds", subject]).json(&json!({ "reason": reason }));
    let hold = client.json(request).await?;
    let text = |name: &str| hold.get(name).and_then(Json::as_str);
    screen.line(&format!("{subject} is held; `landfall release {subject}` ends it"))?;
    if let Some(held) = text("subject").filter(|_| text("asked").is_some()) {
        screen.note(&format!("It was merged with its neighbours, so the hold is on the batch that stands for them all: {held}"));
    }
    Ok(())
}

pub async fn release(client: &Client, subject: &str, screen: Screen) -> Result<(), Failure> {
    check(subject)?;
    client.send(client.request(Method::DELETE, &["holds", subject])).await?;
    screen.line(&format!("{subject} is not held any more"))
}
