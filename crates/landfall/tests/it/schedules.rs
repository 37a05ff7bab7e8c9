//! A schedule as its users have it: declared in the file, run from the command
//! line over past windows, its answers in a table and as files.

use serde_json::json;

use crate::node::{Node, Place};

const CONFIG: &str = r#"
[datasets.events]
columns = { id = "bigint", amount = "decimal(12,2)" }
[schedules.daily]
cron = "0 3 * * *"
timezone = "Europe/Madrid"
into = "daily_totals"
format = "csv"
sql = "select $end as day, count(*) as events, sum(amount) as amount from events where _received_at >= $start and _received_at < $end"
[schedules.broken]
cron = "0 3 * * *"
into = "never"
sql = "select 1 / (count(*) - count(*)) as n from events where _received_at < $end"
"#;

fn run(node: &Node, arguments: &[&str]) -> (i32, String) {
    let output = node.command(arguments);
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap(), text)
}

#[tokio::test]
async fn past_windows_are_answered_from_the_command_line() {
    let place = Place::embedded(CONFIG);
    let node = place.start(&[]);
    node.post("events", "{\"id\":1,\"amount\":2.50}\n{\"id\":2,\"amount\":3}".into()).await;

    let (code, said) = run(&node, &["run", "daily", "--window", "2026-03-28..2026-03-31"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(said.matches("1 row in daily_totals").count(), 3, "{said}");
    assert!(said.contains("2026-03-28 02:00:00 to 2026-03-29 01:00:00"), "{said}");
    // Types are those of the answer, not what a first file looks like: all of its amounts are null.
    let sql = "select day, events, amount, arrow_typeof(amount), _key from daily_totals order by day limit 1";
    let first = json!(["2026-03-28T02:00:00Z", 0, null, "Decimal128(22, 2)", "daily/20260328T020000Z.csv"]);
    assert_eq!(node.rows(sql).await, [first]);

    let (code, said) = run(&node, &["rerun", "daily", "--window", "2026-03-28..2026-03-31"]);
    assert_eq!((code, node.rows("select count(*) from daily_totals").await), (0, vec![json!([3])]), "{said}");
    let (code, said) = run(&node, &["runs", "daily", "-o", "csv"]);
    assert_eq!((code, said.matches(",done,").count()), (0, 3), "{said}");
    let (code, said) = run(&node, &["schedules"]);
    assert!(code == 0 && said.contains("daily_totals") && said.contains("Europe/Madrid"), "{said}");

    let (code, said) = run(&node, &["run", "broken"]);
    assert!(code == 1 && said.contains("failed:") && said.contains("1 of 1 windows failed"), "{said}");
    for (arguments, expected) in [(&["run", "daily", "--window", "yesterday"][..], 2), (&["run", "dayly"], 1)] {
        let (code, said) = run(&node, arguments);
        assert_eq!(code, expected, "{said}");
    }
    assert!(node.stop().success());
}
