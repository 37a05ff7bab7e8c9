//! The table is the image of what landed: random sequences of landing,
//! replacing, deleting, holding, expiring, sealing, merging, crashing and
//! starting again, against a plain model, on both catalogs, with time moved.
//!
//! `LANDFALL_IMAGE_SEEDS` and `LANDFALL_IMAGE_STEPS` make it longer.

mod beside;
mod bucket;
mod calendar;
mod model;
mod purge;
mod timetable;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use landfall_catalog::holds::Subject;
use landfall_catalog::testing::TestCatalog;
use landfall_model::{Dataset, DatasetName, ErrorKind, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;

use self::model::{Kept, Live, Replaying, Side};
use self::world::{READERS_GONE, Work, World, is_data_file};

/// Each with its retention: by the minute, by the hour, and for ever.
const DATASETS: [(&str, Option<&str>); 3] = [("minutes", Some("40m")), ("hours", Some("9h")), ("always", None)];

const KEYS: [&str; 5] = ["a.csv", "b.csv", "c/d.csv", "c/e.csv", "f.csv"];

struct Driver {
    world: World,
    random: StdRng,
    kept: BTreeMap<DatasetName, Kept>,
    /// Numbers for events and versions: each is used once.
    next: usize,
    falls: BTreeMap<&'static str, usize>,
    checks: usize,
    /// The most objects that were seen in the archive.
    archived: usize,
    /// Replays that came to be in a table.
    replays: usize,
    /// And in a side table.
    replays_beside: usize,
    sides: BTreeMap<DatasetName, Side>,
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().map_or(default, |value| value.parse().unwrap())
}

async fn drive(place: fn(usize) -> futures::future::BoxFuture<'static, TestCatalog>) {
    let steps = setting("LANDFALL_IMAGE_STEPS", 2000);
    for seed in 1..=setting("LANDFALL_IMAGE_SEEDS", 1) {
        let mut driver = Driver::new(place(seed).await, seed as u64).await;
        for step in 0..steps {
            driver.step(&format!("seed {seed}, step {step}")).await;
        }
        driver.end(&format!("seed {seed}, the end")).await;
        assert!(driver.falls.len() > 10, "the falls were at {:?} only", driver.falls);
    }
}

#[tokio::test]
async fn the_table_is_the_image_of_what_landed_on_sqlite() {
    drive(|_| Box::pin(async { TestCatalog::sqlite() })).await;
}

#[tokio::test]
async fn the_table_is_the_image_of_what_landed_on_postgres() {
    drive(|_| Box::pin(TestCatalog::postgres())).await;
}

impl Driver {
    async fn new(place: TestCatalog, seed: u64) -> Driver {
        let names = DATASETS.map(|(name, retention)| (name.parse::<DatasetName>().unwrap(), retention));
        let dataset = |(name, retention): &(DatasetName, Option<&str>)| Dataset {
            retention: retention.map(|span| span.parse().unwrap()),
            transform: Some(transform_of(name, 1)),
            archive_after: name.as_str().starts_with("hours").then(|| "2h".parse().unwrap()),
            ..Dataset::new(name.clone())
        };
        let datasets = names.iter().flat_map(|named| [dataset(&(named.0.clone(), named.1)), dataset(&files_of(named))]).collect();
        let kept = names.iter().flat_map(|named| [(named.0.clone(), Kept::new(named.1)), (files_of(named).0, Kept::new(named.1))]);
        let kept = kept.collect();
        let world = World::new(place, timetable::with_target(datasets), seed).await.with_schedules(vec![timetable::often()]).await;
        Driver {
            world,
            random: StdRng::seed_from_u64(seed),
            kept,
            next: 1,
            falls: BTreeMap::new(),
            checks: 0,
            archived: 0,
            replays: 0,
            replays_beside: 0,
            sides: BTreeMap::new(),
        }
    }

    fn dataset(&mut self, files: bool) -> DatasetName {
        let (name, _) = DATASETS[self.random.random_range(0..DATASETS.len())];
        if files { format!("{name}_files").parse().unwrap() } else { name.parse().unwrap() }
    }

    fn kept(&mut self, dataset: &DatasetName) -> &mut Kept {
        self.kept.get_mut(dataset).unwrap()
    }

    fn numbers(&mut self, count: usize) -> (usize, usize) {
        let first = self.next;
        self.next += count;
        (first, self.next - 1)
    }

    async fn step(&mut self, what: &str) {
        match self.random.random_range(0..100) {
            0..18 => self.land_events().await,
            18..36 => self.put().await,
            36..42 => self.delete().await,
            42..46 => self.hold().await,
            46..49 => self.release().await,
            49..57 => self.move_time().await,
            57..88 => self.work().await,
            88 => self.drop_some().await,
            89 => self.world.restart().await,
            90..95 => self.replay().await,
            95 => self.stop_or_go_on().await,
            96 => self.many_small().await,
            _ => self.check(what).await,
        }
    }

    async fn land_events(&mut self) {
        let dataset = self.dataset(false);
        let count = if self.random.random_bool(0.02) { 3000 } else { self.random.random_range(1..6) };
        let (first, last) = self.numbers(count);
        let landing = self.world.events(&dataset, first..=last).await;
        let received_at = self.world.clock.now();
        let made = BTreeSet::from([self.kept[&dataset].made]);
        self.kept(&dataset).batches.push(Live { landing, received_at, first, last, made, over: false });
    }

    async fn put(&mut self) {
        let dataset = self.dataset(true);
        self.put_into(dataset).await;
    }

    async fn put_into(&mut self, dataset: DatasetName) {
        let key = KEYS[self.random.random_range(0..KEYS.len())];
        // Now and then the very content comes back that was there before.
        let before = self.random.random_bool(0.15).then(|| self.kept[&dataset].earlier.get(key).copied()).flatten();
        let (version, rows) = match before {
            Some(before) => before,
            None => (self.numbers(1).0, if self.random.random_bool(0.05) { 2000 } else { self.random.random_range(1..4) }),
        };
        let landing = self.world.put(&dataset, key, version, rows).await;
        let live = self.kept[&dataset].files.get(key);
        if live.is_some_and(|live| live.landing == landing) {
            return;
        }
        if let Some(replaced) = live.map(|live| (live.first, live.last)) {
            self.kept(&dataset).earlier.insert(key.to_owned(), replaced);
        }
        let received_at = self.world.clock.now();
        let made = BTreeSet::from([self.kept[&dataset].made]);
        self.kept(&dataset).files.insert(key.to_owned(), Live { landing, received_at, first: version, last: rows, made, over: false });
    }

    async fn delete(&mut self) {
        let dataset = self.dataset(true);
        self.delete_from(dataset).await;
    }

    async fn delete_from(&mut self, dataset: DatasetName) {
        let key = KEYS[self.random.random_range(0..KEYS.len())];
        let now = self.world.clock.now();
        let there = self.kept(&dataset).files.contains_key(key);
        self.kept(&dataset).expire(now);
        let live = self.kept(&dataset).files.remove(key).is_some();
        let deleted = self.world.delete(&dataset, key).await;
        // What is over may or may not have been ended already.
        assert!(deleted || !live, "{key} of {dataset} was live");
        assert!(!deleted || there, "{key} of {dataset} was not there");
    }

    /// Holds a landing, or a dataset whole. What is over before is gone before, so that the model knows what is held back.
    async fn hold(&mut self) {
        self.settle().await;
        let now = self.world.clock.now();
        self.kept.values_mut().for_each(|kept| kept.expire(now));
        self.expire_sides(now);
        let of_files = self.random.random_bool(0.5);
        let dataset = self.dataset(of_files);
        if self.random.random_bool(0.1) {
            self.world.catalog().hold(Subject::Dataset(dataset.clone()), "an audit", "test").await.unwrap();
            self.kept(&dataset).held_whole = true;
            return;
        }
        let kept = &self.kept[&dataset];
        let live = kept.files.values().chain(kept.batches.iter().filter(|batch| !batch.over));
        let live: Vec<_> = live.map(|live| live.landing.clone()).collect();
        if live.is_empty() || self.kept[&dataset].held.len() > 2 {
            return;
        }
        let landing = live[self.random.random_range(0..live.len())].clone();
        // A batch that was merged is held by the one that stands for it.
        let row = self.world.row_of(&landing).await;
        self.world.catalog().hold(Subject::Landing(row.clone()), "a question", "test").await.unwrap();
        self.kept(&dataset).held.insert(landing, row);
    }

    async fn release(&mut self) {
        let of_files = self.random.random_bool(0.5);
        let dataset = self.dataset(of_files);
        if self.kept[&dataset].held_whole {
            self.world.catalog().release(Subject::Dataset(dataset.clone())).await.unwrap();
            self.kept(&dataset).held_whole = false;
        }
        let row = self.kept[&dataset].held.values().next().cloned();
        if let Some(row) = row {
            self.world.catalog().release(Subject::Landing(row.clone())).await.unwrap();
            self.kept(&dataset).held.retain(|_, held| *held != row);
        }
    }

    /// Mends a transform, and has a window processed again. What landed before is loaded with the old one first.
    async fn replay(&mut self) {
        let of_files = self.random.random_bool(0.5);
        let dataset = self.dataset(of_files);
        self.settle().await;
        self.look_at_replays().await;
        let made = self.kept[&dataset].made + 1;
        self.kept(&dataset).made = made;
        self.world.redefine(&dataset, transform_of(&dataset, made)).await;
        let now = self.world.clock.now();
        let (from, to) = match self.random.random_range(0..3) {
            0 => (Timestamp(0), now),
            1 => (now.plus_micros(-self.random.random_range(1..20_000_000_000)), now),
            _ => (now.plus_micros(-20_000_000_000), now.plus_micros(-self.random.random_range(1..9_000_000_000))),
        };
        if self.random.random_bool(0.5) {
            self.replay_beside(&dataset, from, to).await;
        } else {
            match self.world.catalog().begin_replay(&dataset, from, to, "test").await {
                Ok(replay) => self.kept(&dataset).replay = Some(Replaying { id: replay.id, from, to }),
                Err(error) => {
                    let other = self.kept[&dataset].replay.is_some() || self.is_replayed_beside(&dataset);
                    assert!(error.kind == ErrorKind::Conflict && other, "{error}");
                }
            }
        }
        // Things happen to the landings of the window between its units.
        for _ in 0..self.random.random_range(0..12) {
            match self.random.random_range(0..8) {
                0..3 => self.one_work(Work::Replay).await,
                3 => self.one_work(Work::Load).await,
                4 => self.one_work(Work::Stage).await,
                5 if of_files => self.put_into(dataset.clone()).await,
                6..8 if of_files => self.delete_from(dataset.clone()).await,
                _ => self.land_events().await,
            }
        }
    }

    /// Enough small ranges of events, one after the other, that what is merged is merged again.
    async fn many_small(&mut self) {
        let dataset = self.dataset(false);
        for _ in 0..9 {
            let (first, last) = self.numbers(2);
            let landing = self.world.events(&dataset, first..=last).await;
            let (received_at, made) = (self.world.clock.now(), BTreeSet::from([self.kept[&dataset].made]));
            self.kept(&dataset).batches.push(Live { landing, received_at, first, last, made, over: false });
            self.settle().await;
            self.world.clock.advance(Duration::from_secs(61));
        }
    }

    /// Pauses, resumes or cancels whatever replays there are.
    async fn stop_or_go_on(&mut self) {
        let own = self.kept.values().filter_map(|kept| kept.replay.as_ref().map(|replay| replay.id.clone()));
        let ids: Vec<_> = own.chain(self.sides.values().filter_map(|side| side.replay.clone())).collect();
        for id in ids {
            let changed = match self.random.random_range(0..4) {
                0 => self.world.catalog().pause_replay(&id).await,
                1 => self.world.catalog().cancel_replay(&id).await,
                _ => self.world.catalog().resume_replay(&id).await,
            };
            assert!(changed.is_ok() || changed.is_err_and(|error| error.kind == ErrorKind::Conflict));
        }
    }

    async fn look_at_replays(&mut self) {
        self.look_at_sides().await;
        let ids: Vec<_> = self.kept.iter().filter_map(|(name, kept)| Some((name.clone(), kept.replay.as_ref()?.id.clone()))).collect();
        for (dataset, id) in ids {
            let replay = self.world.catalog().replay(&id).await.unwrap();
            assert_ne!(replay.state, "failed", "{replay:?}");
            match replay.state.as_str() {
                "done" => {
                    self.replays += 1;
                    self.kept(&dataset).replayed();
                }
                "cancelled" => self.kept(&dataset).replay = None,
                _ => {}
            }
        }
    }

    async fn move_time(&mut self) {
        let seconds = match self.random.random_range(0..10) {
            0..5 => self.random.random_range(1..90),
            5..9 => self.random.random_range(90..1800),
            _ => self.random.random_range(1800..20_000),
        };
        self.world.clock.advance(Duration::from_secs(seconds));
        // Windows have ended: some of their runs are cut off.
        for _ in 0..self.random.random_range(0..4) {
            self.one_work(Work::Run).await;
        }
    }

    /// One piece of work, which now and then is cut off.
    async fn work(&mut self) {
        let work = Work::ALL[self.random.random_range(0..Work::ALL.len())];
        self.one_work(work).await;
    }

    async fn one_work(&mut self, work: Work) {
        let points = self.random.random_bool(0.3).then(|| self.random.random_range(0..6));
        if let Some(point) = self.world.work(work, points).await {
            *self.falls.entry(point).or_default() += 1;
            self.world.restart().await;
        }
        self.look_at_numbered().await;
    }

    /// Everything that can be done is done; events gather for a while after they were first seen.
    async fn settle(&mut self) {
        self.world.settle().await;
        self.look_at_numbered().await;
        self.world.clock.advance(Duration::from_secs(3));
        self.world.settle().await;
        self.look_at_numbered().await;
    }

    /// Everything that can be done now is done, and then the tables hold what the model does.
    async fn check(&mut self, what: &str) {
        self.checks += 1;
        self.settle().await;
        let now = self.world.clock.now();
        self.look_at_replays().await;
        for kept in self.kept.values_mut() {
            kept.expire(now);
        }
        self.expire_sides(now);
        self.check_sides(what).await;
        for audit in self.world.catalog().audit(None).await.unwrap() {
            assert!(audit.balances(), "{what}: {audit:?} is off by {:?}", audit.difference());
            assert_eq!(audit.in_flight.records, 0, "{what}: {audit:?}");
            let rows = self.world.table_rows(&audit.dataset).await;
            assert_eq!(rows, audit.rows, "{what}: rows in the table of `{}`", audit.dataset);
        }
        self.archived = self.archived.max(self.world.archived().await.len());
        for (dataset, kept) in &self.kept {
            self.check_events(what, dataset, kept).await;
            self.check_files(what, dataset, kept).await;
        }
        timetable::check(&self.world, &self.kept[&timetable::source()], what).await;
    }

    async fn check_events(&self, what: &str, dataset: &DatasetName, kept: &Kept) {
        if kept.batches.is_empty() || dataset.as_str().ends_with("_files") {
            return;
        }
        let rows = self.world.rows(&format!("select id, made from {dataset}")).await;
        let made: BTreeMap<usize, usize> = rows.iter().map(|row| (number(&row[0]), number(&row[1]))).collect();
        for live in kept.batches.iter().filter(|live| !live.over) {
            let found: Vec<_> = (live.first..=live.last).filter_map(|id| made.get(&id)).collect();
            assert!(found.iter().all(|made| live.made.contains(made)), "{what}: {found:?} made {live:?} of `{dataset}`");
        }
        let found: Vec<usize> = rows.iter().map(|row| number(&row[0])).collect();
        let once: BTreeSet<usize> = found.iter().copied().collect();
        assert_eq!(once.len(), found.len(), "{what}: events of `{dataset}` are there twice");
        let (must, may) = kept.events();
        let missing: Vec<_> = must.difference(&once).take(5).collect();
        let stayed: Vec<_> = once.difference(&may).take(5).collect();
        assert!(missing.is_empty() && stayed.is_empty(), "{what}: of `{dataset}` {missing:?} are missing, {stayed:?} stayed");
    }

    async fn check_files(&self, what: &str, dataset: &DatasetName, kept: &Kept) {
        if !dataset.as_str().ends_with("_files") || self.world.table_rows(dataset).await == 0 && kept.files.is_empty() {
            return;
        }
        let sql = format!(
            "select _key, _landing, version, count(*), count(distinct \"row\"), min(made), max(made) from {dataset} group by all order by _key"
        );
        let sql = sql.replace("group by all", "group by _key, _landing, version");
        let rows = self.world.rows(&sql).await;
        let expected: Vec<_> = kept
            .files
            .iter()
            .map(|(key, live)| json!([key, live.landing.as_str(), live.first, live.last, live.last, live.made.first(), live.made.last()]))
            .collect();
        assert_eq!(rows, expected, "{what}: files of `{dataset}`");
        for (key, live) in &kept.files {
            assert!(self.world.has_its_bytes(&live.landing).await, "{what}: the bytes of {key} in `{dataset}` are others");
        }
    }

    /// Lets all time run out, and then finds nothing that is over in any place.
    async fn end(&mut self, what: &str) {
        self.check(what).await;
        for kept in self.kept.values_mut() {
            kept.held.clear();
            kept.held_whole = false;
        }
        for hold in self.world.catalog().holds("", 1000).await.unwrap() {
            self.world.catalog().release(Subject::parse(&hold.subject).unwrap()).await.unwrap();
        }
        let own = self.kept.values().filter_map(|kept| kept.replay.as_ref().map(|replay| replay.id.clone()));
        let ids: Vec<_> = own.chain(self.sides.values().filter_map(|side| side.replay.clone())).collect();
        for id in ids {
            let _ = self.world.catalog().resume_replay(&id).await;
        }
        self.check(what).await;
        assert!(self.replays > 3, "{what}: {} replays", self.replays);
        self.world.clock.advance(Duration::from_secs(2 * 86_400));
        for _ in 0..6 {
            self.check(what).await;
            self.world.clock.advance(READERS_GONE);
        }
        self.end_sides(what).await;
        // What was merged while that came to its end is deleted once nobody reads it.
        for _ in 0..3 {
            self.check(what).await;
            self.world.clock.advance(READERS_GONE);
        }
        let objects = self.world.objects().await;
        for (dataset, kept) in &self.kept {
            let of = |part: &str| objects.iter().filter(|key| key.contains(&format!("{part}/{dataset}/"))).count();
            if kept.retention.is_some() {
                assert!(kept.batches.is_empty() && kept.files.is_empty(), "{what}: the model keeps what is over");
                assert_eq!(
                    (of("tables") - of_log(&objects, dataset), of("landings"), of("sealed"), of("rejects")),
                    (0, 0, 0, 0),
                    "{what}: `{dataset}`: {:?}",
                    objects.iter().filter(|key| key.contains(&format!("/{dataset}/")) && !key.contains("_delta_log")).collect::<Vec<_>>()
                );
                let sql = format!("select count(*) from landfall.landings where dataset = '{dataset}'");
                assert_eq!(self.world.rows(&sql).await, [json!([0])], "{what}: landings of `{dataset}`");
                let open = self.world.catalog().unfinished_purges().await.unwrap();
                assert!(!open.iter().any(|(name, _)| name == dataset), "{what}: a purge of `{dataset}` is not finished");
            }
        }
        assert!(self.archived > 0 && self.world.archived().await.is_empty(), "{what}: {} objects were archived", self.archived);
        let mut left: BTreeMap<&str, usize> = BTreeMap::new();
        for key in objects.iter().filter(|key| is_data_file(key)) {
            *left.entry(key.split('/').nth(1).unwrap_or_default()).or_default() += 1;
        }
        assert!(left.values().sum::<usize>() <= 60, "{what}: data files were not merged: {left:?}");
    }
}

fn files_of<'a>(named: &(DatasetName, Option<&'a str>)) -> (DatasetName, Option<&'a str>) {
    (format!("{}_files", named.0).parse().unwrap(), named.1)
}

/// The transform number `made` of a dataset.
fn transform_of(dataset: &DatasetName, made: usize) -> String {
    let own = if dataset.as_str().ends_with("_files") { "version, \"row\", text" } else { "id, text" };
    format!("select {own}, {made} as made from input")
}

fn number(value: &serde_json::Value) -> usize {
    // Numbers of events without declared columns are doubles.
    value.to_string().trim_end_matches(".0").parse().unwrap()
}

fn of_log(objects: &[String], dataset: &DatasetName) -> usize {
    objects.iter().filter(|key| key.contains(&format!("tables/{dataset}/_delta_log/"))).count()
}
