//! Events to rows, with a real catalog to fix their columns in.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use landfall_model::{BodyPlace, Column, Dataset, ErrorKind, Kind, Landing, LandingId, LandingState, Phase, Principal, Source, Type};

use crate::live::bench::{Bench, local, name};
use bytes::Bytes;
use landfall_tables::events::{Recipe, decode_events};

/// Batches of these bodies, one event a line, numbered from 1.
fn batches(bench: &Bench, bodies: &[&str]) -> Vec<(Landing, Bytes)> {
    let mut next = 1;
    let landing = |body: &&str| {
        let records = i64::try_from(body.lines().count()).unwrap();
        next += records;
        let landing = Landing {
            id: LandingId::new(&bench.clock),
            dataset: name("orders"),
            region: local(),
            kind: Kind::Batch,
            source: Source::Http,
            principal: Principal::Anonymous,
            key: None,
            generation: 0,
            content_type: None,
            digest: String::new(),
            size: i64::try_from(body.len()).unwrap(),
            received_at: bench.clock.now(),
            first_seq: next - records,
            records,
            body: BodyPlace::Inline,
            state: LandingState::Live,
            phase: Phase::Received,
            merged: None,
        };
        (landing, Bytes::from((*body).to_owned()))
    };
    bodies.iter().map(landing).collect()
}

async fn recipe(bench: &Bench) -> Arc<Recipe> {
    let record = bench.catalog.dataset(&name("orders")).await.unwrap().unwrap();
    Arc::new(Recipe::of(&record).await.unwrap())
}

fn texts<'a>(rows: &'a RecordBatch, column: &str) -> Vec<&'a str> {
    rows.column_by_name(column).unwrap().as_string::<i32>().iter().map(Option::unwrap).collect()
}

fn orders(transform: Option<&str>) -> Dataset {
    Dataset { columns: Some(vec![Column::new("n", Type::Bigint)]), transform: transform.map(str::to_owned), ..Dataset::new(name("orders")) }
}

#[tokio::test]
async fn a_reject_says_its_event_and_its_place_in_its_own_body() {
    let bench = Bench::new(&[orders(None)]).await;
    let batches = batches(&bench, &["{\"n\":1}\n{\"n\":2}", "{\"n\":3}\n{\"n\":\"x\"}\n{\"n\":5}"]);
    let second = batches[1].0.id.clone();
    let (_, events) = decode_events(&bench.catalog, &recipe(&bench).await, batches).await.unwrap();
    assert_eq!(texts(&events.rows, "_event"), ["orders.local.1", "orders.local.2", "orders.local.3", "orders.local.5"]);
    let [reject] = &events.rejects[..] else { panic!("{:?}", events.rejects) };
    assert_eq!((reject.event.as_deref(), &reject.landing), (Some("orders.local.4"), &second));
    assert_eq!((reject.place.line, reject.place.byte_offset, reject.raw.as_str(), reject.bytes), (2, 8, "{\"n\":\"x\"}", 9));
    assert!(reject.reason.contains("\"n\""), "{}", reject.reason);
    assert_eq!((events.summary.records, events.summary.rejected_records), (5, 1));
}

#[tokio::test]
async fn a_batch_that_fails_every_time_takes_no_other_with_it() {
    let bench = Bench::new(&[orders(Some("select 10 / n as part from input"))]).await;
    let batches = batches(&bench, &["{\"n\":1}", "{\"n\":5}\n{\"n\":0}", "{\"n\":2}"]);
    let bad = batches[1].0.id.clone();
    let (_, events) = decode_events(&bench.catalog, &recipe(&bench).await, batches).await.unwrap();
    assert_eq!(texts(&events.rows, "_event"), ["orders.local.1", "orders.local.4"]);
    let [(dead, why)] = &events.dead[..] else { panic!("{:?}", events.dead) };
    assert_eq!((dead, why.kind), (&bad, ErrorKind::BadTransform));
}

#[tokio::test]
async fn a_transform_that_looks_at_several_events_takes_none() {
    let bench = Bench::new(&[orders(Some("select sum(n) as total from input"))]).await;
    let (_, events) = decode_events(&bench.catalog, &recipe(&bench).await, batches(&bench, &["{\"n\":1}", "{\"n\":2}"])).await.unwrap();
    assert_eq!((events.rows.num_rows(), events.dead.len()), (0, 2));
}

#[tokio::test]
async fn columns_are_fixed_once_whoever_comes_first() {
    let bench = Bench::new(&[Dataset::new(name("orders"))]).await;
    // Both begin with what was fixed before: nothing.
    let stale = recipe(&bench).await;
    let (first, _) = decode_events(&bench.catalog, &stale, batches(&bench, &["{\"a\":1}"])).await.unwrap();
    let (second, events) =
        decode_events(&bench.catalog, &stale, batches(&bench, &["{\"b\":\"x\",\"a\":\"no number\"}\n{\"b\":\"y\"}"])).await.unwrap();
    assert_eq!(first.columns().list, [Column::new("a", Type::Double)]);
    assert_eq!(second.columns().list, [Column::new("a", Type::Double), Column::new("b", Type::Text)]);
    assert_eq!((texts(&events.rows, "b"), events.rejects.len()), (vec!["y"], 1));
}
