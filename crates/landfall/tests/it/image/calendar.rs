//! Days go by: what 7 and 30 days of retention leave each morning, and what has
//! gone to the archive after a year.

use std::time::Duration;

use landfall_catalog::testing::TestCatalog;
use landfall_model::{Dataset, DatasetName};
use serde_json::{Value, json};

use super::world::{READERS_GONE, World};

const DAY: Duration = Duration::from_secs(86_400);

fn dataset(name: &str, retention: Option<&str>, archive_after: Option<&str>) -> Dataset {
    let span = |text: &str| text.parse().unwrap();
    Dataset { retention: retention.map(span), archive_after: archive_after.map(span), ..Dataset::new(name.parse().unwrap()) }
}

/// The first and the last day whose rows are there, and how many days that are.
async fn days_of(world: &World, name: &DatasetName) -> Vec<Value> {
    world.rows(&format!("select min(version), max(version), count(*) from {name}")).await
}

#[tokio::test]
async fn each_morning_leaves_what_its_retention_says_and_a_year_goes_to_the_archive() {
    let (week, month, always): (DatasetName, DatasetName, DatasetName) =
        ("week".parse().unwrap(), "month".parse().unwrap(), "always".parse().unwrap());
    let datasets = vec![dataset("week", Some("7d"), None), dataset("month", Some("30d"), None), dataset("always", None, Some("1y"))];
    let world = World::new(TestCatalog::sqlite(), datasets, 3).await;
    for day in 1..=45 {
        for name in [&week, &month, &always] {
            world.put(name, &format!("{day}.csv"), day, 1).await;
        }
        world.settle().await;
        // Whole days: the one that the cutoff falls into is still there.
        let oldest = |days: usize| day.saturating_sub(days).max(1);
        let expected = |oldest: usize| [json!([oldest, day, day - oldest + 1])];
        assert_eq!(days_of(&world, &week).await, expected(oldest(7)), "day {day}");
        assert_eq!(days_of(&world, &month).await, expected(oldest(30)), "day {day}");
        assert_eq!(days_of(&world, &always).await, expected(1), "day {day}");
        world.clock.advance(DAY);
    }
    // Now the first of the files are a year old, and the others are not.
    for _ in 0..33 {
        world.clock.advance(DAY * 10);
        world.settle().await;
    }
    assert_eq!(days_of(&world, &week).await, [json!([null, null, 0])]);
    assert_eq!(days_of(&world, &month).await, [json!([null, null, 0])]);
    let before = world.archived().await.len();
    assert!((1..20).contains(&before), "{before} objects are in the archive");
    for _ in 0..5 {
        world.clock.advance(DAY * 10);
        world.settle().await;
    }
    world.clock.advance(READERS_GONE);
    world.settle().await;
    assert_eq!(days_of(&world, &always).await, expected_of_all());
    let stored = world.objects().await.into_iter().filter(|key| key.contains("sealed/always/") || key.contains("landings/always/")).count();
    assert_eq!((stored, world.archived().await.len()), (0, 45), "all raw bytes of that year are in the archive");
    let live = world.catalog().live_files(&always, "", "", 100).await.unwrap();
    assert_eq!(live.len(), 45);
    for landing in live {
        assert!(world.has_its_bytes(&landing.id).await, "{}", landing.id);
    }
}

fn expected_of_all() -> [Value; 1] {
    [json!([1, 45, 45])]
}
