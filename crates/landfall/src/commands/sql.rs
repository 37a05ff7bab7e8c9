//! `landfall sql`: one query and its answer.

use futures::StreamExt;
use reqwest::header::ACCEPT;
use reqwest::{Method, Response};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{Client, Failure};
use crate::output::{Format, Grid, Layout, Screen, count, plural, short_time};

/// Bytes of an answer that are held to be laid out as a table; CSV and JSON stream without limit.
const TABLE_BYTES_MAX: usize = 64 << 20;

/// An answer, as the API gives it.
#[derive(Debug, Deserialize)]
pub struct Answer {
    pub columns: Vec<AnswerColumn>,
    pub rows: Vec<Vec<Json>>,
}

#[derive(Debug, Deserialize)]
pub struct AnswerColumn {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
}

pub async fn once(client: &Client, sql: &str, format: Format, screen: Screen) -> Result<(), Failure> {
    match format {
        Format::Json => stream(client, sql, "application/json", screen).await,
        Format::Csv => stream(client, sql, "text/csv", screen).await,
        Format::Table => {
            let answer = query(client, sql).await?;
            screen.text(&answer.grid().render(screen))?;
            if screen.terminal {
                let rows = i64::try_from(answer.rows.len()).unwrap_or(i64::MAX);
                screen.note(&screen.dim(&plural(rows, "row", "rows")));
            }
            Ok(())
        }
    }
}

/// Asks, and holds the whole answer.
pub async fn query(client: &Client, sql: &str) -> Result<Answer, Failure> {
    let response = ask(client, sql, "application/json").await?;
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        body.extend_from_slice(&chunk.map_err(|error| broken(client, &error))?);
        if body.len() > TABLE_BYTES_MAX {
            let most = count(i64::try_from(TABLE_BYTES_MAX >> 20).unwrap_or(0));
            return Err(Failure::no(format!(
                "the answer is larger than the {most} MiB that a table may have; ask with -o csv, or with a limit"
            )));
        }
    }
    serde_json::from_slice(&body).map_err(|error| Failure::no(format!("the server's answer cannot be read: {error}")))
}

async fn stream(client: &Client, sql: &str, accept: &str, screen: Screen) -> Result<(), Failure> {
    let mut chunks = ask(client, sql, accept).await?.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        screen.bytes(&chunk.map_err(|error| broken(client, &error))?)?;
    }
    if accept == "application/json" { screen.text("\n") } else { Ok(()) }
}

async fn ask(client: &Client, sql: &str, accept: &str) -> Result<Response, Failure> {
    let sql = sql.trim().trim_end_matches(';');
    client.send(client.request(Method::POST, &["sql"]).header(ACCEPT, accept).json(&json!({ "sql": sql }))).await
}

/// The answer had begun: what came of it is not all.
fn broken(client: &Client, error: &reqwest::Error) -> Failure {
    let failure = client.unreachable(error);
    Failure { message: format!("the answer broke off and is not complete; {}", failure.message), ..failure }
}

impl Answer {
    pub fn grid(&self) -> Grid {
        let mut grid = Grid::new(self.columns.iter().map(|column| (column.name.clone(), column.layout())));
        for row in &self.rows {
            grid.push(row.iter().zip(&self.columns).map(|(value, column)| show(value, &column.kind)).collect());
        }
        grid
    }
}

impl AnswerColumn {
    fn layout(&self) -> Layout {
        let kind = self.kind.as_str();
        let number = matches!(kind, "int" | "bigint" | "smallint" | "double" | "real" | "float") || kind.starts_with("decimal");
        match kind {
            "date" | "timestamp" => Layout::Whole,
            _ if number => Layout::Number,
            _ => Layout::Text,
        }
    }
}

fn show(value: &Json, kind: &str) -> String {
    match value {
        Json::Null => "-".into(),
        Json::String(text) if kind.starts_with("timestamp") => short_time(text),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn an_answer_is_a_table() {
        let text = r#"{"columns":[{"name":"carrier","type":"text"},{"name":"n","type":"bigint"},{"name":"at","type":"timestamp"}],
            "rows":[["UA",58665,"2026-11-21T06:14:09.000001Z"],[null,"9007199254740993",null]]}"#;
        let answer: Answer = serde_json::from_str(text).unwrap();
        expect![[r#"
            carrier                 n  at
            ────────────────────────────────────────────────
            UA                  58665  2026-11-21 06:14:09
            -        9007199254740993  -
        "#]]
        .assert_eq(&answer.grid().render(Screen { terminal: false, color: false, width: None }));
    }
}
