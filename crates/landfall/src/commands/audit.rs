//! `landfall audit`: promise 4 as a table, per dataset. What was received must
//! be found again, to the record and to the byte.

use reqwest::Method;
use serde_json::Value as Json;

use super::{Client, Failure};
use crate::output::Kind::{Count, Id, Text};
use crate::output::{Column, Format, Listing, Screen};

const COLUMNS: &[Column] = &[
    Column::new("dataset", "dataset", Text),
    Column::new("balances", "balances", Id),
    Column::new("received", "received_records", Count),
    Column::new("loaded", "loaded_records", Count),
    Column::new("rejected", "rejected_records", Count),
    Column::new("dead-lettered", "dead_lettered_records", Count),
    Column::new("discarded", "discarded_records", Count),
    Column::new("removed", "removed_records", Count),
    Column::new("in flight", "in_flight_records", Count),
];

/// Where a received record may be.
const PLACES: &[&str] = &["loaded", "rejected", "dead_lettered", "discarded", "removed", "in_flight"];

/// The audit's lines, each with its own `balances`, and whether all of them balance.
pub async fn audit(client: &Client, dataset: Option<&str>) -> Result<(Listing<'static>, bool), Failure> {
    let query: Vec<(&str, &str)> = dataset.map(|dataset| ("dataset", dataset)).into_iter().collect();
    let mut answer = client.json(client.request(Method::GET, &["audit"]).query(&query)).await?;
    let Some(Json::Array(mut items)) = answer.get_mut("items").map(Json::take) else {
        return Err(Failure::no("the server's answer has no `items`, so nothing is known to balance"));
    };
    let mut all = true;
    for item in &mut items {
        let balances = balances(item);
        all &= balances;
        if let Some(item) = item.as_object_mut() {
            item.insert("balances".into(), if balances { "yes".into() } else { "NO".into() });
        }
    }
    Ok((Listing { columns: COLUMNS, items, empty: "no datasets, so nothing to account for" }, all))
}

pub async fn print(client: &Client, dataset: Option<&str>, format: Format, screen: Screen) -> Result<(), Failure> {
    let (listing, balances) = audit(client, dataset).await?;
    listing.print(screen, format)?;
    if balances { Ok(()) } else { Err(Failure::no("the audit does not balance: records or bytes were received that are nowhere")) }
}

/// Counted here once more from the parts, in records and in bytes; a part that is missing does not balance, nor does a
/// table that holds other rows than it should, which only the server can see.
fn balances(item: &Json) -> bool {
    let adds_up = ["records", "bytes"].iter().all(|unit| {
        let part = |name: &str| item.get(format!("{name}_{unit}")).and_then(Json::as_i64);
        let found = PLACES.iter().try_fold(0_i64, |sum, place| sum.checked_add(part(place)?));
        found.is_some() && part("received") == found
    });
    adds_up && item.get("balances") == Some(&Json::Bool(true))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(loaded: i64, bytes: i64) -> Json {
        let mut item = json!({ "received_records": 10, "received_bytes": 100, "balances": true });
        for place in PLACES {
            item[format!("{place}_records")] = json!(0);
            item[format!("{place}_bytes")] = json!(0);
        }
        item["loaded_records"] = json!(loaded);
        item["loaded_bytes"] = json!(bytes);
        item
    }

    #[test]
    fn a_line_balances_in_records_and_in_bytes() {
        assert!(balances(&line(10, 100)));
        assert!(!balances(&line(9, 100)));
        assert!(!balances(&line(10, 99)));
        assert!(!balances(&json!({ "received_records": 0, "received_bytes": 0, "balances": true })));
        let mut other_rows = line(10, 100);
        other_rows["balances"] = json!(false);
        assert!(!balances(&other_rows));
    }
}
