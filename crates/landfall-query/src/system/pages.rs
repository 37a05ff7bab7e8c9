//! The rows of a system table, a page of the catalog at a time.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use landfall_catalog::Catalog;
use landfall_catalog::lists::{Page, RejectsRecord};
use landfall_model::{DatasetName, Error, Result, limits};
use landfall_schedules::Schedules;
use landfall_store::Store;
use tokio::io::AsyncBufReadExt;
use tokio_util::io::StreamReader;

use super::cells::{Row, batch};
use super::kinds::SystemKind;
use super::rows;

/// Rows of one batch of rejects, whose raw records may be long.
const REJECT_ROWS: usize = 256;

/// What is read, and for whom.
#[derive(Clone)]
pub struct Scan {
    pub kind: SystemKind,
    pub catalog: Catalog,
    pub store: Store,
    /// What the caller may see; all if `None`.
    pub datasets: Option<Arc<BTreeSet<DatasetName>>>,
    /// The one dataset that the query asks for.
    pub only: Option<String>,
}

impl fmt::Debug for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "landfall.{}", self.kind.name())
    }
}

impl Scan {
    pub fn batches(self, schema: SchemaRef) -> BoxStream<'static, Result<RecordBatch>> {
        // A name that is none, or that the caller may not see, has no rows.
        let only = self.only.as_deref().map(str::parse::<DatasetName>);
        let (Ok(only), true) = (only.transpose(), self.only.as_deref().is_none_or(|only| self.shows(only))) else {
            return stream::empty().boxed();
        };
        let first = Page { dataset: only, after: None, limit: limits::CATALOG_PAGE_ROWS };
        if self.kind == SystemKind::Rejects {
            return self.rejects(first, schema);
        }
        let pages = stream::try_unfold((self, Some(first)), move |(scan, page)| {
            let schema = Arc::clone(&schema);
            async move {
                let Some(page) = page else { return Ok(None) };
                let (rows, next) = scan.page(page).await?;
                Ok(Some((batch(&schema, &rows)?, (scan, next))))
            }
        });
        pages.boxed()
    }

    fn shows(&self, dataset: &str) -> bool {
        self.datasets.as_ref().is_none_or(|datasets| datasets.iter().any(|known| known.as_str() == dataset))
    }

    /// The rows of a page, and the page after it.
    async fn page(&self, page: Page) -> Result<(Vec<Row>, Option<Page>)> {
        match self.kind {
            SystemKind::Landings => {
                let items = self.catalog.list_landings(&page).await?;
                Ok(self.paged(page, &items, |record| (record.landing.dataset.as_str(), record.landing.id.to_string()), rows::landing))
            }
            SystemKind::Jobs => {
                let items = self.catalog.list_jobs(&page).await?;
                Ok(self.paged(page, &items, |job| (&job.dataset, job.id.clone()), rows::job))
            }
            SystemKind::Loads => {
                let items = self.catalog.list_loads(&page).await?;
                Ok(self.paged(page, &items, |load| (&load.dataset, format!("{}/{}", load.dataset, load.number)), rows::load))
            }
            SystemKind::DeadLetters => {
                let items = self.catalog.list_dead_letters(&page).await?;
                Ok(self.paged(page, &items, |letter| (letter.landing.dataset.as_str(), letter.landing.id.to_string()), rows::dead_letter))
            }
            SystemKind::Holds => {
                let items = self.catalog.list_holds(&page).await?;
                Ok(self.paged(page, &items, |hold| (hold.dataset.as_str(), hold.subject.clone()), rows::hold))
            }
            SystemKind::Replays => {
                let items = self.catalog.list_replays(&page).await?;
                Ok(self.paged(page, &items, |replay| (replay.dataset.as_str(), replay.id.to_string()), rows::replay))
            }
            SystemKind::Purges => {
                let items = self.catalog.list_purges(&page).await?;
                Ok(self.paged(page, &items, |purge| (purge.dataset.as_str(), purge.landing.to_string()), rows::purge))
            }
            SystemKind::Runs => {
                let items = self.schedules().list_runs(None, &page).await?;
                Ok(self.paged(page, &items, |run| (run.dataset.as_str(), run.id.to_string()), rows::run))
            }
            SystemKind::LateLandings => {
                let items = self.schedules().list_late(None, &page).await?;
                Ok(self.paged(page, &items, |late| (late.dataset.as_str(), format!("{}/{}", late.run, late.landing)), rows::late_landing))
            }
            SystemKind::Schedules => Ok((self.all_schedules(page.dataset.as_ref()).await?, None)),
            SystemKind::SlaBreaches => {
                let items = self.catalog.list_breaches(&page).await?;
                Ok(self.paged(page, &items, |breach| (breach.dataset.as_str(), breach.landing.to_string()), rows::sla_breach))
            }
            SystemKind::Datasets => Ok((self.datasets(page.dataset.as_ref()).await?, None)),
            SystemKind::Audit => Ok((self.audit(page.dataset).await?, None)),
            SystemKind::Rejects => Ok((Vec::new(), None)),
        }
    }

    /// `naming` gives an item's dataset and its cursor.
    fn paged<'a, T>(
        &self,
        page: Page,
        items: &'a [T],
        naming: impl Fn(&'a T) -> (&'a str, String),
        row: impl Fn(&T) -> Row,
    ) -> (Vec<Row>, Option<Page>) {
        let full = items.len() >= page.limit;
        let next = items.last().filter(|_| full).map(|last| Page { after: Some(naming(last).1), ..page });
        let rows = items.iter().filter(|item| self.shows(naming(item).0)).map(row).collect();
        (rows, next)
    }

    async fn datasets(&self, only: Option<&DatasetName>) -> Result<Vec<Row>> {
        let records = self.catalog.datasets().await?;
        let wanted = records.iter().filter(|record| only.is_none_or(|only| record.definition.name == *only));
        let shown: Vec<_> = wanted.filter(|record| self.shows(record.definition.name.as_str())).collect();
        let (services, now) = (self.catalog.services().await?, self.catalog.clock().now());
        let level = |name: &DatasetName| services.iter().find(|service| service.dataset == *name).map(|service| service.level(now));
        shown.into_iter().map(|record| rows::dataset(record, level(&record.definition.name))).collect()
    }

    fn schedules(&self) -> Schedules {
        Schedules::new(self.catalog.clone())
    }

    async fn all_schedules(&self, only: Option<&DatasetName>) -> Result<Vec<Row>> {
        let (records, now) = (self.schedules().all().await?, self.catalog.clock().now());
        let wanted = records.iter().filter(|record| only.is_none_or(|only| record.definition.into == *only));
        Ok(wanted.filter(|record| self.shows(record.definition.into.as_str())).map(|record| rows::schedule(record, now)).collect())
    }

    async fn audit(&self, only: Option<DatasetName>) -> Result<Vec<Row>> {
        let audits = self.catalog.audit(only).await?;
        Ok(audits.iter().filter(|audit| self.shows(audit.dataset.as_str())).map(rows::audit).collect())
    }

    /// The rejects of one manifest after the other, out of their objects.
    fn rejects(self, first: Page, schema: SchemaRef) -> BoxStream<'static, Result<RecordBatch>> {
        let scan = self.clone();
        let manifests = stream::try_unfold(Some(first), move |page| {
            let scan = scan.clone();
            async move {
                let Some(page) = page else { return Ok(None) };
                let items = scan.catalog.list_rejects(&page).await?;
                let next =
                    items.last().filter(|_| items.len() >= page.limit).map(|last| Page { after: Some(last.manifest.clone()), ..page });
                Ok(Some((items, next)))
            }
        });
        let store = self.store.clone();
        let shown = move |record: &RejectsRecord| std::future::ready(self.shows(&record.dataset));
        let records = manifests.map_ok(|items: Vec<RejectsRecord>| stream::iter(items.into_iter().map(Ok))).try_flatten();
        let objects = records.try_filter(shown).map_ok(move |record| reject_batches(store.clone(), record, Arc::clone(&schema)));
        objects.try_flatten().boxed()
    }
}

/// The rejects of one object, some at a time.
fn reject_batches(store: Store, record: RejectsRecord, schema: SchemaRef) -> BoxStream<'static, Result<RecordBatch>> {
    let lines = async move {
        let bytes = store.stream(&record.object, None).await?;
        let lines = StreamReader::new(bytes.map_err(std::io::Error::other)).lines();
        let rows = stream::try_unfold((lines, record), |(mut lines, record)| async move {
            let line = lines.next_line().await.map_err(|why| Error::unavailable("reading rejects", why))?;
            let Some(line) = line else { return Ok(None) };
            let reject = serde_json::from_str(&line).map_err(|why| Error::internal("reading rejects", why))?;
            Ok(Some((rows::reject(&record, reject), (lines, record))))
        });
        let batches = rows.try_chunks(REJECT_ROWS).map_err(|error| error.1).and_then(move |rows| {
            let made = batch(&schema, &rows);
            std::future::ready(made)
        });
        Ok(batches)
    };
    stream::once(lines).try_flatten().boxed()
}
