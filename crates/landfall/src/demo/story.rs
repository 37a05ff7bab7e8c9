//! What the demo shows, in order: data going in, what became of it, queries,
//! the audit, and how to go on by hand.

use std::io::Cursor;
use std::time::Duration;

use serde_json::Value as Json;

use super::samples;
use crate::commands::{Client, DEAD_LETTERS, Failure, LANDINGS, REJECTS, Sent, audit, put_bytes, query, send_reader, wait_until_done};
use crate::output::Kind::{Count, Size, Text};
use crate::output::{Column, Listing, Screen, count};

const ITEMS: usize = 100;

// Fewer columns than the commands show: nobody needs an id yet.
const LANDED: &[Column] = &[
    Column::new("dataset", "dataset", Text),
    Column::new("kind", "kind", Text),
    Column::new("key", "key", Text),
    Column::new("size", "size", Size),
    Column::new("records", "records", Count),
    Column::new("state", "state", Text),
];
const REJECTED: &[Column] = &[
    Column::new("dataset", "dataset", Text),
    Column::new("line", "line", Count),
    Column::new("reason", "reason", Text),
    Column::new("raw", "raw", Text),
];
const DEAD: &[Column] = &[Column::new("dataset", "dataset", Text), Column::new("key", "key", Text), Column::new("reason", "reason", Text)];

/// How often the audit is asked whether everything is loaded, and how long between.
const SETTLE_TRIES: u32 = 300;
const SETTLE_PAUSE: Duration = Duration::from_millis(50);

/// Tells it. With `exit` it ends after the last line, else it stays until it is dropped.
pub async fn tell(client: &Client, token: &str, screen: Screen, exit: bool) -> Result<(), Failure> {
    step(screen, "serve", client.url())?;
    send_orders(client, screen).await?;
    put_files(client, screen).await?;
    settle(client).await?;
    what_landed(client, screen).await?;
    queries(client, screen).await?;
    heading(screen, "The audit: everything that was received is somewhere")?;
    let (listing, balances) = audit(client, None).await?;
    screen.text(&listing.table().render(screen))?;
    if !balances {
        return Err(Failure::no("the audit does not balance"));
    }
    if exit {
        return Ok(());
    }
    goodbye(client, token, screen)?;
    std::future::pending().await
}

async fn send_orders(client: &Client, screen: Screen) -> Result<(), Failure> {
    let mut sent = Sent::default();
    send_reader(client, "orders", Cursor::new(samples::orders()), &mut sent).await?;
    let answer = query(client, "select count(*) from orders").await?;
    let seen = answer.rows.first().and_then(|row| row.first()).and_then(Json::as_i64).unwrap_or(0);
    let bad = sent.events - seen;
    let orders =
        format!("{} events into orders, {bad} of them bad; the next query saw {} rows, before any load", count(sent.events), count(seen));
    step(screen, "send", &orders)
}

async fn put_files(client: &Client, screen: Screen) -> Result<(), Failure> {
    let broken = {
        let mut bytes = samples::gzip(&samples::shipments(20, 1))?;
        bytes.truncate(bytes.len() * 2 / 3);
        bytes
    };
    let files: Vec<(&str, &str, Vec<u8>, &str)> = vec![
        ("shipments", "2026-11-19.csv.gz", samples::gzip(&samples::shipments(18, 1_000))?, "weights a thousand times too large"),
        ("shipments", "2026-11-20.csv", samples::shipments_with_flaws(19).into(), "two bad records"),
        ("shipments", "2026-11-21.csv.gz", broken, "cut off on its way"),
        ("sensor_readings", "cold-store/2026-11-21.ndjson.gz", samples::gzip(&samples::readings())?, "one line cut short"),
        ("shipments", "2026-11-19.csv.gz", samples::gzip(&samples::shipments(18, 1))?, "corrected: takes the first one's place"),
    ];
    for (dataset, key, bytes, note) in files {
        let landed = put_bytes(client, dataset, key, bytes).await?;
        let answer = wait_until_done(client, &landed.id).await?;
        let became = answer.get("state").and_then(Json::as_str).unwrap_or_default();
        step(screen, "put", &format!("{:<48} {became:<7}  {}", format!("{dataset}/{key}"), screen.dim(note)))?;
    }
    Ok(())
}

/// Events gather for a moment before they are loaded, and rejects are known once they are.
async fn settle(client: &Client) -> Result<(), Failure> {
    for _ in 0..SETTLE_TRIES {
        let (listing, _) = audit(client, None).await?;
        let waiting = |item: &Json| item.get("in_flight_records").and_then(Json::as_i64).unwrap_or(0);
        if listing.items.iter().map(waiting).sum::<i64>() == 0 {
            return Ok(());
        }
        tokio::time::sleep(SETTLE_PAUSE).await;
    }
    Err(Failure::no("the sample data was not loaded within 15 seconds"))
}

async fn what_landed(client: &Client, screen: Screen) -> Result<(), Failure> {
    for (title, spec, columns) in [
        ("What landed", &LANDINGS, LANDED),
        ("What was rejected, and why; the other records of these files are loaded", &REJECTS, REJECTED),
        ("What could not be read as a whole", &DEAD_LETTERS, DEAD),
    ] {
        heading(screen, title)?;
        let (items, _) = spec.fetch(client, None, ITEMS).await?;
        screen.text(&Listing { columns, items, empty: "" }.table().render(screen))?;
    }
    Ok(())
}

const QUERIES: &[&str] = &[
    "select country, count(*) as orders, sum(amount) as revenue from orders group by country order by revenue desc limit 5",
    "select s.carrier, count(*) as parcels, round(avg(s.weight_kg), 1) as kg, sum(o.amount) as worth\n  \
     from shipments s join orders o on o.order_id = s.order_id group by s.carrier order by parcels desc",
    "select sensor, count(*) as readings, round(avg(celsius), 2) as celsius, sum(case when door_open then 1 else 0 end) as door_open\n  \
     from sensor_readings group by sensor order by door_open desc, sensor limit 3",
];

async fn queries(client: &Client, screen: Screen) -> Result<(), Failure> {
    heading(screen, "Queries")?;
    for sql in QUERIES {
        screen.line(&screen.dim(&format!("> {sql}")))?;
        screen.text(&query(client, sql).await?.grid().render(screen))?;
        screen.line("")?;
    }
    Ok(())
}

fn goodbye(client: &Client, token: &str, screen: Screen) -> Result<(), Failure> {
    let program = program();
    heading(screen, "Go on by hand, in another terminal")?;
    screen.text(&format!(
        "  export LANDFALL_URL={url} LANDFALL_TOKEN={token}\n  \
         {program} sql \"select * from shipments limit 5\"\n  \
         echo '{{\"order_id\": 1, \"customer\": \"You\", \"country\": \"DE\", \"amount\": 9.99}}' | {program} send orders\n  \
         {program} sql \"select * from orders where order_id = 1\"\n  \
         {program} rejects shipments\n  \
         {program} dead-letters\n  \
         curl -H \"Authorization: Bearer $LANDFALL_TOKEN\" {url}/v1/landings\n\n",
        url = client.url(),
    ))?;
    screen.line("The server stays up. Ctrl-C ends it, and nothing is left behind.")
}

/// How this program is called from here.
fn program() -> String {
    let own = std::env::current_exe().unwrap_or_else(|_| "landfall".into());
    let here = std::env::current_dir().ok();
    let relative = here.as_deref().and_then(|here| own.strip_prefix(here).ok());
    relative.map_or_else(|| own.display().to_string(), |path| format!("./{}", path.display()))
}

fn step(screen: Screen, what: &str, note: &str) -> Result<(), Failure> {
    screen.line(&format!("  {}  {note}", screen.bold(&format!("{what:<5}"))))
}

fn heading(screen: Screen, title: &str) -> Result<(), Failure> {
    screen.line("")?;
    screen.line(&screen.bold(title))
}
