//! `landfall drop TABLE`.

use landfall_model::DatasetName;
use reqwest::Method;

use super::{Client, Failure};
use crate::output::Screen;

pub async fn drop_it(client: &Client, table: &str, screen: Screen) -> Result<(), Failure> {
    table.parse::<DatasetName>().map_err(|why| Failure::usage(format!("`{table}` is not the name of a table: {why}")))?;
    client.send(client.request(Method::DELETE, &["tables", table])).await?;
    screen.line(&format!("{table} is dropped; its files go when no query can be reading them"))
}
