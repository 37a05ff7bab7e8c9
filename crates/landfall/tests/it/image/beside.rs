//! Replays beside a table, in the random sequences: what a side table holds is
//! what was live in its window when its load was numbered, less what expired since;
//! and of one that was dropped nothing is left.

use std::collections::BTreeSet;
use std::time::Duration;

use landfall_model::{DatasetName, ErrorKind, Timestamp};
use rand::Rng;
use serde_json::json;

use super::model::{Kept, Side};
use super::world::{READERS_GONE, SIDES};
use super::{Driver, number};

impl Driver {
    /// Begins a replay into some side table, if that may be.
    pub(super) async fn replay_beside(&mut self, dataset: &DatasetName, from: Timestamp, to: Timestamp) {
        let name: DatasetName = SIDES[self.random.random_range(0..SIDES.len())].parse().unwrap();
        let free = self.sides.get(&name).is_none_or(|side| side.source == *dataset && side.is_empty());
        let may = free && self.kept[dataset].replay.is_none() && !self.is_replayed_beside(dataset);
        match self.world.replay_beside(dataset, &name, from, to).await {
            Ok(replay) => {
                assert!(may, "{replay:?} could begin");
                let (source, to) = (dataset.clone(), replay.to);
                let made = self.kept[dataset].made;
                self.sides.insert(name, Side { source, replay: Some(replay.id), from, to, made, rows: None, beside: Vec::new() });
            }
            Err(error) => assert!(error.kind == ErrorKind::Conflict && !may, "{name} of {dataset}: {error}"),
        }
    }

    /// True while a replay of the dataset into a side table is not at its end.
    pub(super) fn is_replayed_beside(&self, dataset: &DatasetName) -> bool {
        self.sides.values().any(|side| side.source == *dataset && side.replay.is_some())
    }

    /// What a load holds is decided when it is numbered: takes down what is live then.
    pub(super) async fn look_at_numbered(&mut self) {
        for side in self.sides.values_mut().filter(|side| side.rows.is_none()) {
            let Some(id) = &side.replay else { continue };
            if self.world.catalog().replay(id).await.unwrap().load.is_some() {
                side.number(&self.kept[&side.source]);
            }
        }
    }

    pub(super) async fn look_at_sides(&mut self) {
        for side in self.sides.values_mut() {
            let Some(id) = &side.replay else { continue };
            let replay = self.world.catalog().replay(id).await.unwrap();
            match replay.state.as_str() {
                "done" => {
                    assert!(side.rows.is_some(), "{replay:?} was numbered");
                    self.replays_beside += 1;
                    side.replay = None;
                }
                "cancelled" => side.replay = None,
                other => assert_ne!(other, "failed", "{replay:?}"),
            }
        }
    }

    pub(super) fn expire_sides(&mut self, now: Timestamp) {
        for side in self.sides.values_mut() {
            side.expire(&self.kept[&side.source], now);
        }
    }

    /// Drops some side table, unless a replay is on its way into it.
    pub(super) async fn drop_some(&mut self) {
        self.look_at_replays().await;
        let names: Vec<_> = self.sides.keys().cloned().collect();
        if names.is_empty() {
            let known: DatasetName = self.kept.keys().next().unwrap().clone();
            assert_eq!(self.world.drop_side(&known).await.unwrap_err().kind, ErrorKind::Conflict);
            return;
        }
        let name = &names[self.random.random_range(0..names.len())];
        match self.world.drop_side(name).await {
            Ok(()) => assert!(self.sides.remove(name).is_some_and(|side| side.replay.is_none()), "{name} was dropped"),
            Err(error) => assert!(error.kind == ErrorKind::Conflict && self.sides[name].replay.is_some(), "{name}: {error}"),
        }
    }

    pub(super) async fn check_sides(&self, what: &str) {
        for (name, side) in &self.sides {
            let none = Kept::default();
            let rows = side.rows.as_ref().unwrap_or(&none);
            if side.source.as_str().ends_with("_files") {
                self.check_side_files(what, name, side, rows).await;
            } else {
                self.check_side_events(what, name, side, rows).await;
            }
        }
    }

    async fn check_side_events(&self, what: &str, name: &DatasetName, side: &Side, kept: &Kept) {
        let count = self.world.rows(&format!("select count(*) from {name}")).await;
        if count == [json!([0])] {
            let (must, _) = kept.events();
            assert!(must.is_empty(), "{what}: {must:?} of `{}` are missing in `{name}`", side.source);
            return;
        }
        let rows = self.world.rows(&format!("select id, made from {name}")).await;
        let made: BTreeSet<usize> = rows.iter().map(|row| number(&row[1])).collect();
        assert!(made.len() == 1 && made.iter().all(|made| side.may_be_made(*made)), "{what}: `{name}` was made by {made:?}: {side:?}");
        let found: Vec<usize> = rows.iter().map(|row| number(&row[0])).collect();
        let once: BTreeSet<usize> = found.iter().copied().collect();
        assert_eq!(once.len(), found.len(), "{what}: events of `{name}` are there twice");
        let (must, mut may) = kept.events();
        may.extend(side.beside.iter().flat_map(|live| live.first..=live.last));
        let missing: Vec<_> = must.difference(&once).take(5).collect();
        let stayed: Vec<_> = once.difference(&may).take(5).collect();
        assert!(missing.is_empty() && stayed.is_empty(), "{what}: of `{name}` {missing:?} are missing, {stayed:?} stayed: {side:?}");
    }

    async fn check_side_files(&self, what: &str, name: &DatasetName, side: &Side, kept: &Kept) {
        if self.world.rows(&format!("select count(*) from {name}")).await == [json!([0])] {
            assert!(kept.files.is_empty(), "{what}: files of `{name}` are missing: {side:?}");
            return;
        }
        let sql = format!(
            "select _key, _landing, version, count(*), count(distinct \"row\") from {name} group by _key, _landing, version order by _key"
        );
        let rows = self.world.rows(&sql).await;
        let expected: Vec<_> =
            kept.files.iter().map(|(key, live)| json!([key, live.landing.as_str(), live.first, live.last, live.last])).collect();
        assert_eq!(rows, expected, "{what}: files of `{name}`: {side:?}");
        let made = self.world.rows(&format!("select min(made), max(made) from {name}")).await;
        assert!(made[0][0] == made[0][1] && side.may_be_made(number(&made[0][0])), "{what}: `{name}` was made by {made:?}: {side:?}");
    }

    /// All time has run out: of what was over nothing is left beside either; then all side tables are dropped.
    pub(super) async fn end_sides(&mut self, what: &str) {
        assert!(self.replays_beside > 2, "{what}: {} replays beside a table", self.replays_beside);
        let objects = self.world.objects().await;
        for (name, side) in self.sides.iter().filter(|(_, side)| self.kept[&side.source].retention.is_some()) {
            let data = objects
                .iter()
                .find(|key| key.contains(&format!("tables/{name}/")) && key.ends_with(".parquet") && !key.contains("/_delta_log/"));
            assert_eq!(data, None, "{what}: `{name}` keeps what is over: {side:?}");
        }
        for name in self.sides.keys() {
            self.world.drop_side(name).await.unwrap();
        }
        self.sides.clear();
        for _ in 0..2 {
            self.world.clock.advance(READERS_GONE + Duration::from_secs(86_400));
            self.settle().await;
        }
        let objects = self.world.objects().await;
        for name in SIDES {
            let left = objects.iter().find(|key| key.contains(&format!("tables/{name}/")) || key.contains(&format!("rejects/{name}/")));
            assert_eq!(left, None, "{what}: `{name}` was dropped");
            let known = format!("select count(*) from landfall.datasets where dataset = '{name}'");
            assert_eq!(self.world.rows(&known).await, [json!([0])], "{what}: `{name}` was dropped");
        }
    }
}
