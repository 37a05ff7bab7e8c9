//! What the stories begin with: a dataset, landings, manifests.

use bytes::Bytes;
use landfall_catalog::Catalog;
use landfall_catalog::audit::Audit;
use landfall_catalog::events::{NewBatch, land_batch};
use landfall_catalog::files::{FileLanded, NewFile};
use landfall_catalog::jobs::Lease;
use landfall_catalog::loads::Load;
use landfall_catalog::manifests::Recorded;
use landfall_catalog::sinks::SinkLease;
use landfall_model::{
    BodyPlace, Condition, Counts, DataFile, Dataset, DatasetName, Error, ErrorKind, FileKey, JobId, Kind, Landing, LandingId, LandingState,
    LoadId, Manifest, ManifestId, Phase, Principal, Region, Result, Source, Subject,
};

pub fn orders() -> DatasetName {
    "orders".parse().unwrap()
}

pub fn local() -> Region {
    "local".parse().unwrap()
}

/// A catalog that knows the dataset `orders`.
pub async fn declared(catalog: &Catalog) {
    catalog.declare(local(), vec![Dataset::new(orders())]).await.unwrap();
}

fn landing(catalog: &Catalog, kind: Kind, records: i64, size: i64) -> Landing {
    let clock = catalog.clock();
    Landing {
        id: LandingId::new(clock),
        dataset: orders(),
        region: local(),
        kind,
        source: Source::Http,
        principal: Principal::Key("admin".into()),
        key: None,
        generation: 0,
        content_type: None,
        digest: String::new(),
        size,
        received_at: clock.now(),
        first_seq: 0,
        records,
        body: BodyPlace::Inline,
        state: LandingState::Live,
        phase: Phase::Received,
        merged: None,
    }
}

/// Lands `count` events and returns the landing with its numbers.
pub async fn land_events(catalog: &Catalog, count: i64) -> Landing {
    let body = Bytes::from(vec!["{}"; usize::try_from(count).unwrap()].join("\n"));
    let landing = landing(catalog, Kind::Batch, count, i64::try_from(body.len()).unwrap());
    let given = landing.clone();
    let first = catalog
        .write(move |tx| land_batch(tx, &NewBatch { landing: given.clone(), body: Some(body.clone()) }))
        .await
        .unwrap()
        .expect("there is room");
    Landing { first_seq: first, ..landing }
}

/// Puts `content` under `key`.
pub async fn put(catalog: &Catalog, key: &str, content: &str) -> (LandingId, FileLanded) {
    let landed = put_if(catalog, key, content, Condition::default()).await;
    (landed.0, landed.1.unwrap())
}

/// The same where `condition` holds.
pub async fn put_if(catalog: &Catalog, key: &str, content: &str, condition: Condition) -> (LandingId, Result<FileLanded>) {
    let key: FileKey = key.parse().unwrap();
    let mut landing = landing(catalog, Kind::File, 1, i64::try_from(content.len()).unwrap());
    landing.key = Some(key.clone());
    landing.digest = content.to_owned();
    let id = landing.id.clone();
    let file = NewFile {
        landing,
        key,
        condition,
        attributes: None,
        body: Some(Bytes::from(content.to_owned())),
        job: JobId::new(catalog.clock()),
    };
    (id, catalog.land_file(file).await)
}

pub async fn delete(catalog: &Catalog, key: &str) -> bool {
    catalog.delete_file(&orders(), &key.parse().unwrap(), &Condition::default()).await.unwrap().is_some()
}

pub async fn lease(catalog: &Catalog) -> Lease {
    catalog.lease_jobs("worker", 1).await.unwrap().pop().expect("a job is ready")
}

async fn manifest(catalog: &Catalog, subject: Subject, counts: Counts) -> Manifest {
    let id = ManifestId::new(catalog.clock());
    let path = format!("_partition=2026-11-21/{id}-00000.parquet");
    let file = DataFile { path, partition: "2026-11-21".into(), size: 1, rows: counts.rows, stats: "{}".into() };
    catalog.register_paths(&orders(), id.as_str(), vec![format!("tables/orders/{}", file.path)]).await.unwrap();
    Manifest { id, dataset: orders(), subject, definition_version: 1, columns_version: 1, files: vec![file], counts, rejects: None }
}

/// Stages the file of a leased job: `records` in it, `rejected` of them bad.
pub async fn stage(catalog: &Catalog, lease: &Lease, records: i64, rejected: i64) -> Recorded {
    let landing = catalog.landing(&lease.landing).await.unwrap().unwrap();
    let counts = Counts { records, bytes: landing.size, rejected_records: rejected, rejected_bytes: rejected, rows: records - rejected };
    let subject = Subject::File { landing: landing.id, generation: landing.generation };
    catalog.record_landing(lease, &manifest(catalog, subject, counts).await).await.unwrap()
}

/// Stages the batch of a leased job: a dead letter that is tried again.
pub async fn stage_batch(catalog: &Catalog, lease: &Lease) -> Recorded {
    let batch = catalog.landing(&lease.landing).await.unwrap().unwrap();
    let counts = Counts { records: batch.records, bytes: batch.size, rows: batch.records, ..Counts::default() };
    let subject = Subject::Range { region: local(), first: batch.first_seq, last: batch.last_seq(), except: Vec::new() };
    catalog.record_landing(lease, &manifest(catalog, subject, counts).await).await.unwrap()
}

/// What staging the events `first..=last` comes to, of `bytes` bytes, `rejected` of them bad.
pub async fn range(catalog: &Catalog, first: i64, last: i64, bytes: i64, rejected: i64) -> Manifest {
    let records = last - first + 1;
    let counts = Counts { records, bytes, rejected_records: rejected, rejected_bytes: 2 * rejected, rows: records - rejected };
    let subject = Subject::Range { region: local(), first, last, except: Vec::new() };
    manifest(catalog, subject, counts).await
}

/// Stages them.
pub async fn stage_range(catalog: &Catalog, lease: &SinkLease, first: i64, last: i64, bytes: i64, rejected: i64) -> Recorded {
    catalog.record_range(lease, &range(catalog, first, last, bytes, rejected).await, Vec::new()).await.unwrap()
}

/// Stages these batches, which follow each other; `dead` of them cannot be read.
pub async fn stage_without(catalog: &Catalog, lease: &SinkLease, batches: &[&Landing], dead: &Landing) -> Recorded {
    let good = batches.iter().filter(|batch| batch.id != dead.id);
    let (records, bytes) = good.fold((0, 0), |(records, bytes), batch| (records + batch.records, bytes + batch.size));
    let counts = Counts { records, bytes, rows: records, ..Counts::default() };
    let (first, last) = (batches[0].first_seq, batches[batches.len() - 1].last_seq());
    let subject = Subject::Range { region: local(), first, last, except: vec![dead.id.clone()] };
    let why = Error::new(ErrorKind::BadTransform, "it cannot be transformed");
    catalog.record_range(lease, &manifest(catalog, subject, counts).await, vec![(dead.id.clone(), why)]).await.unwrap()
}

pub async fn sink(catalog: &Catalog) -> SinkLease {
    catalog.acquire_sink(&orders(), "committer").await.unwrap().expect("the sink is free")
}

pub async fn number(catalog: &Catalog, lease: &SinkLease) -> Option<Load> {
    catalog.number_load(lease, LoadId::new(catalog.clock())).await.unwrap()
}

/// Numbers what waits and marks it done, as if the sink had taken it.
pub async fn load(catalog: &Catalog, lease: &SinkLease) -> Load {
    let load = number(catalog, lease).await.expect("something to load");
    catalog.finish_load(lease, &load, load.number).await.unwrap();
    load
}

/// The landings whose rows a load takes out.
pub fn gone(load: &Load) -> Vec<LandingId> {
    load.removals.iter().map(|removal| removal.landing.clone()).collect()
}

/// The files that a load brings in.
pub fn came(load: &Load) -> Vec<LandingId> {
    let file = |manifest: &Manifest| match &manifest.subject {
        Subject::File { landing, .. } => Some(landing.clone()),
        Subject::Range { .. } => None,
    };
    load.manifests.iter().filter_map(file).collect()
}

/// The audit of `orders`, which must balance at every moment of every story, and agree with what is said to be in flight.
pub async fn audit(catalog: &Catalog) -> Audit {
    let audit = catalog.audit(Some(orders())).await.unwrap().pop().unwrap();
    assert!(audit.balances(), "{audit:?} is off by {:?}", audit.difference());
    let in_flight = catalog.in_flight().await.unwrap().remove(&orders()).unwrap_or_default();
    assert_eq!(in_flight.records, audit.in_flight.records, "{in_flight:?} beside {audit:?}");
    assert_eq!(in_flight.oldest.is_some(), in_flight.records > 0, "{in_flight:?}");
    audit
}
