//! Each window is answered once: a count of events every 20 minutes beside whatever else
//! happens, with crashes at any point; a daily one across both changes of the
//! clocks; days that were missed; and what landed late.

use std::time::Duration;

use landfall_catalog::lists::Page;
use landfall_catalog::testing::TestCatalog;
use landfall_model::{Dataset, DatasetName, Principal, ResultFormat, Schedule, Timestamp, Window, limits};
use landfall_schedules::Calendar;
use landfall_schedules::runs::Run;
use serde_json::{Value, json};

use super::model::Kept;
use super::world::{READERS_GONE, World, is_data_file};

pub fn source() -> DatasetName {
    "always".parse().unwrap()
}

fn target() -> DatasetName {
    "counts".parse().unwrap()
}

fn schedule(name: &str, cron: &str) -> Schedule {
    Schedule {
        name: name.parse().unwrap(),
        cron: cron.into(),
        timezone: "Europe/Madrid".into(),
        sql: "select $start as begins, $end as ends, count(*) as events, now() as made from always \
              where _received_at >= $start and _received_at < $end"
            .into(),
        into: target(),
        window: None,
        format: ResultFormat::Ndjson,
        key: None,
    }
}

pub fn often() -> Schedule {
    schedule("often", "*/20 * * * *")
}

pub fn with_target(mut datasets: Vec<Dataset>) -> Vec<Dataset> {
    datasets.push(Dataset::new(target()));
    datasets
}

/// The windows that must have been answered: those of all fires since the schedule was declared.
async fn due(world: &World, schedule: &Schedule) -> Vec<Window> {
    let record = world.schedules().get(&schedule.name).await.unwrap();
    let runs = runs(world, schedule).await;
    let first = runs.last().map_or(record.planned_to, |run| run.window.from);
    let calendar = Calendar::of(schedule).unwrap();
    let until = world.clock.now().plus_micros(-i64::try_from(limits::WINDOW_GRACE.as_micros()).unwrap());
    calendar.windows(first, until, Some(first), 100_000)
}

/// Newest window first.
async fn runs(world: &World, schedule: &Schedule) -> Vec<Run> {
    let page = Page { dataset: None, after: None, limit: 100_000 };
    let mut runs = world.schedules().list_runs(Some(&schedule.name), &page).await.unwrap();
    runs.sort_by_key(|run| std::cmp::Reverse(run.window));
    runs
}

/// The table has one row for each window that has ended, with as many events as landed in it.
pub async fn check(world: &World, kept: &Kept, what: &str) {
    let schedule = often();
    let due = due(world, &schedule).await;
    if due.is_empty() {
        return;
    }
    let rows = world.rows("select begins, ends, events, made from counts order by begins").await;
    let count = |window: &Window| {
        let within = kept.batches.iter().filter(|batch| (window.from..window.to).contains(&batch.received_at));
        within.map(|batch| batch.last - batch.first + 1).sum::<usize>()
    };
    let expected: Vec<Value> = due.iter().map(|window| row(window.from, window.to, count(window))).collect();
    let runs = runs(world, &schedule).await;
    let missing: Vec<_> = expected.iter().filter(|row| !rows.contains(row)).collect();
    let stayed: Vec<_> = rows.iter().filter(|row| !expected.contains(row)).collect();
    let told = format!("{missing:?} are missing, {stayed:?} are there, of {} windows", expected.len());
    let open: Vec<_> = runs.iter().filter(|run| run.state != "done").map(|run| (&run.state, run.window.to, &run.error)).collect();
    assert!(missing.is_empty() && stayed.is_empty() && rows.len() == expected.len(), "{what}: {told}; {open:?}");
    assert!(runs.iter().all(|run| run.late == 0 && run.state != "failed"), "{what}: {runs:#?}");
}

/// `now()` is the end of the window, whenever it is answered.
fn row(from: Timestamp, to: Timestamp, events: usize) -> Value {
    let [from, to] = [from, to].map(|at| at.to_string().replace(".000000Z", "Z"));
    json!([from, to, events, to])
}

async fn world(at: &str, seed: u64) -> World {
    let world = World::new(TestCatalog::sqlite(), with_target(vec![Dataset::new(source())]), seed).await;
    let start: Timestamp = at.parse().unwrap();
    let ahead = u64::try_from(start.micros() - world.clock.now().micros()).unwrap();
    world.clock.advance(Duration::from_micros(ahead));
    world.with_schedules(vec![schedule("daily", "0 3 * * *")]).await
}

/// Lets hours go by, with an event at the half of each, and the work of a node that is up.
async fn hours(world: &World, hours: std::ops::Range<usize>, up: bool) {
    for hour in hours {
        world.clock.advance(Duration::from_secs(1800));
        world.events(&source(), hour..=hour).await;
        world.clock.advance(Duration::from_secs(1800));
        if up {
            world.settle().await;
        }
    }
    if up {
        world.clock.advance(Duration::from_secs(5));
        world.settle().await;
    }
}

#[tokio::test]
async fn a_daily_run_has_23_and_25_hours_when_the_clocks_change() {
    for (start, days, lengths) in [("2026-03-27T12:00:00Z", 4, [14, 23, 24, 24]), ("2026-10-23T12:00:00Z", 4, [13, 25, 24, 24])] {
        let world = world(start, 5).await;
        // A bit more than the days, so that the last window has ended.
        hours(&world, 0..days * 24 + 2, true).await;
        let rows = world.rows("select events, ends from counts order by begins").await;
        let found: Vec<i64> = rows.iter().map(|row| row[0].as_i64().unwrap()).collect();
        // The first window began before there was anything to count.
        assert_eq!(found, lengths, "{rows:?}");
        let at_three = rows.iter().all(|row| {
            let end: Timestamp = row[1].as_str().unwrap().parse().unwrap();
            let local = chrono::DateTime::from_timestamp_micros(end.micros()).unwrap().with_timezone(&chrono_tz::Europe::Madrid);
            local.format("%H:%M").to_string() == "03:00"
        });
        assert!(at_three, "{rows:?}");
    }
}

#[tokio::test]
async fn missed_days_are_made_up_for_in_their_order() {
    let mut world = world("2026-06-01T12:00:00Z", 6).await;
    hours(&world, 0..24, true).await;
    assert_eq!(runs(&world, &schedule("daily", "0 3 * * *")).await.len(), 1);
    // Doors are open, but nothing works for three days and a bit.
    hours(&world, 24..24 + 76, false).await;
    world.restart().await;
    world.settle().await;
    let daily = schedule("daily", "0 3 * * *");
    let made = runs(&world, &daily).await;
    assert_eq!(made.iter().map(|run| run.state.as_str()).collect::<Vec<_>>(), ["done"; 4], "{made:#?}");
    let order: Vec<_> = made.iter().rev().map(|run| (run.started_at, run.id.clone())).collect();
    assert!(order.is_sorted_by_key(|(started, _)| *started), "{order:?}");
    let rows = world.rows("select events from counts order by begins").await;
    // The first of them has what landed after the clock began.
    assert_eq!(rows[1..], [json!([24]), json!([24]), json!([24])]);
    let whole = due(&world, &daily).await;
    assert_eq!(whole.len(), 4);
}

#[tokio::test]
async fn what_landed_late_is_named_and_a_window_that_is_run_again_has_it() {
    let world = world("2026-06-01T12:00:00Z", 7).await;
    hours(&world, 0..24, true).await;
    let daily = schedule("daily", "0 3 * * *");
    let first = runs(&world, &daily).await.remove(0);
    assert_eq!((first.state.as_str(), first.rows, first.late), ("done", Some(1), 0));
    let before = world.rows("select events, _landing from counts").await;

    // Another node's clock is behind: what it lands now was received before the window ended.
    let late = world.events_at(&source(), 1000..=1002, first.window.to.plus_micros(-1_000_000)).await;
    world.clock.advance(Duration::from_secs(30));
    world.settle().await;
    let named = world.schedules().list_late(Some(&first.id), &Page { dataset: None, after: None, limit: 9 }).await.unwrap();
    assert_eq!(named.iter().map(|late| &late.landing).collect::<Vec<_>>(), [&late]);
    assert_eq!(runs(&world, &daily).await[0].late, 1);
    assert_eq!(world.rows("select events, _landing from counts").await, before, "nothing changes by itself");

    let asked = world.schedules().ask_runs(&daily.name, vec![first.window], &Principal::Anonymous).await.unwrap();
    assert_eq!(asked.iter().map(|run| &run.id).collect::<Vec<_>>(), [&first.id], "the same window is the same run");
    world.settle().await;
    let again = runs(&world, &daily).await.remove(0);
    assert_eq!((again.state.as_str(), again.rows, again.late), ("done", Some(1), 0));
    let after = world.rows("select events, _landing from counts").await;
    let events = before[0][0].as_i64().unwrap() + 3;
    assert_eq!((after.len(), &after[0][0]), (1, &json!(events)), "one row took the place of the other");

    // And a second time with nothing new: the same content lands nothing.
    world.schedules().ask_runs(&daily.name, vec![first.window], &Principal::Anonymous).await.unwrap();
    world.settle().await;
    assert_eq!(world.rows("select events, _landing from counts").await, after);
}

#[tokio::test]
async fn the_small_files_of_many_windows_are_merged() {
    let world = World::new(TestCatalog::sqlite(), with_target(vec![Dataset::new(source())]), 8).await;
    let world = world.with_schedules(vec![often()]).await;
    world.clock.advance(Duration::from_secs(2 * 86_400));
    for _ in 0..4 {
        world.settle().await;
        world.clock.advance(READERS_GONE);
    }
    assert_eq!(world.rows("select count(*) from counts").await, [json!([162])]);
    let files = world.objects().await.iter().filter(|key| is_data_file(key)).count();
    assert!(files < 30, "{files} data files");
}
