//! `landfall ls`: the datasets, or the files of one.

use super::arguments::List;
use super::lists::{limit, show};
use super::{Client, Failure};
use crate::output::Kind::{Id, Length, Size, Text, Time};
use crate::output::{Column, Listing, Screen};

const DATASETS: &[Column] = &[
    Column::new("dataset", "name", Text),
    Column::new("columns", "columns", Length),
    Column::new("priority", "priority", Id),
    Column::new("sla", "sla", Id),
    Column::new("state", "sla_state", Id),
    Column::new("description", "description", Text),
];

const FILES: &[Column] = &[
    Column::new("key", "key", Text),
    Column::new("size", "size", Size),
    Column::new("phase", "phase", Id),
    Column::new("received", "received_at", Time),
    Column::new("landing", "id", Id),
];

pub async fn ls(client: &Client, path: Option<&str>, list: List, screen: Screen) -> Result<(), Failure> {
    let Some(path) = path else {
        let (items, more) = client.list(&["datasets"], &[], limit(list)).await?;
        let empty = "no datasets: declare one as [datasets.NAME] in the configuration";
        return show(Listing { columns: DATASETS, items, empty }, more, list, screen);
    };
    let (dataset, prefix) = path.split_once('/').unwrap_or((path, ""));
    let (items, more) = client.list(&["datasets", dataset, "files"], &[("prefix", prefix)], limit(list)).await?;
    show(Listing { columns: FILES, items, empty: "no files" }, more, list, screen)
}
