//! Staging a file: decode, transform, encode, each on a thread of its own.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{AsArray, Int64Array};
use arrow::datatypes::{Int64Type, SchemaRef};
use futures::StreamExt;
use landfall_catalog::datasets::DatasetRecord;
use landfall_catalog::landings::Body;
use landfall_decode::{Content, Decoded, Input, Options, Outcome, Rejected, Summary, decode, infer};
use landfall_model::{BadRecord, Columns, Counts, Error, ErrorKind, Landing, Manifest, ManifestId, Reject, Result, Subject};
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use super::piece::{Piece, Written, writer};
use super::system::with_system;
use super::transform::{self, Transform};
use super::{Staging, Target, failed, fed};
use crate::delta::table_schema;

/// A file and how it is to be read. Cloning shares it.
#[derive(Clone)]
struct Work {
    landing: Arc<Landing>,
    record: Arc<DatasetRecord>,
    columns: Columns,
}

impl Work {
    fn options(&self) -> Options<'_> {
        let file_name = self.landing.key.as_ref().map(|key| key.file_name());
        Options { csv: &self.record.definition.csv, file_name, content: Content::File }
    }

    fn partition(&self) -> String {
        self.record.definition.granularity().partition(self.landing.received_at)
    }
}

impl Staging {
    /// Decodes until no column is new.
    pub(super) async fn stage_file(&self, landing: &Landing, target: &Target) -> Result<Manifest> {
        let record = self.0.definitions.get(&landing.dataset)?;
        let columns = record.columns.clone();
        let mut work = Work { landing: Arc::new(landing.clone()), record, columns };
        if work.columns.list.is_empty() && !work.columns.declared {
            let (input, again) = (self.input(landing).await?, work.clone());
            let suggest = move || infer(input, &again.options(), &again.columns);
            let new = blocking(suggest).await?;
            if !new.is_empty() {
                work.columns = self.extend(&landing.dataset, &work.columns, new).await?;
            }
        }
        loop {
            match self.attempt(&work, target).await? {
                Attempt::Staged(manifest) => return Ok(*manifest),
                Attempt::NewColumns(new) => work.columns = self.extend(&landing.dataset, &work.columns, new).await?,
            }
        }
    }

    /// The bytes of the landing, from the beginning.
    async fn input(&self, landing: &Landing) -> Result<Box<dyn Input>> {
        match self.place(landing).await? {
            Body::Bytes(body) => Ok(Box::new(Cursor::new(body))),
            Body::Object { key, offset, length } => Ok(Box::new(self.0.store.reader(&key, Some(offset..offset + length)).await?)),
        }
    }

    async fn attempt(&self, work: &Work, target: &Target) -> Result<Attempt> {
        let id = ManifestId::new(&self.0.clock);
        let transform = match &work.record.definition.transform {
            Some(sql) if !work.columns.list.is_empty() => Some(Transform::new(sql, &work.columns.list).await?),
            _ => None,
        };
        let input = self.input(&work.landing).await?;
        let (pieces, writing) = writer(self.outputs(target, &id));
        // If this future is dropped, decoding stops at its next batch.
        let stop = CancellationToken::new();
        let _stopped = stop.clone().drop_guard();
        let decoded = match transform {
            None => decode_rows(work, input, pieces.clone(), stop).await,
            Some(transform) => transform_rows(work, input, pieces.clone(), stop, &transform).await,
        };
        if let Ok(Outcome::Done(_)) = &decoded {
            // If the writer is gone, it says why below.
            let _ = pieces.send(Piece::Finish).await;
        }
        drop(pieces);
        let written = writing.await.map_err(|why| failed(&why))??;
        match (decoded?, written) {
            (Outcome::NewColumns(new), _) => Ok(Attempt::NewColumns(new)),
            (Outcome::Done(summary), Some(written)) => Ok(Attempt::Staged(Box::new(manifest(id, work, target, summary, written)))),
            (Outcome::Done(_), None) => Err(failed(&"the writer ended before the rows did")),
        }
    }
}

enum Attempt {
    Staged(Box<Manifest>),
    NewColumns(Vec<landfall_model::Column>),
}

fn manifest(id: ManifestId, work: &Work, target: &Target, summary: Summary, written: Written) -> Manifest {
    let landing = &work.landing;
    Manifest {
        id,
        dataset: target.dataset.clone(),
        subject: Subject::File { landing: landing.id.clone(), generation: landing.generation },
        definition_version: work.record.version,
        columns_version: work.columns.version,
        files: written.files,
        counts: Counts { bytes: landing.size, rejected_bytes: share(&summary, landing.size), ..counts(&summary, written.rows) },
        rejects: written.rejects,
    }
}

/// What the rejects take of the landing's own bytes: in a container, their share of the text it unpacks to.
fn share(summary: &Summary, size: i64) -> i64 {
    let (rejected, all) = (i128::from(summary.rejected_bytes), i128::from(summary.bytes.max(1)));
    let part = if summary.bytes > u64::try_from(size).unwrap_or(0) { rejected * i128::from(size) / all } else { rejected };
    i64::try_from(part).unwrap_or(size).min(size)
}

/// Counts as the catalog has them.
pub(super) fn counts(summary: &Summary, rows: i64) -> Counts {
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    Counts {
        records: signed(summary.records),
        bytes: signed(summary.bytes),
        rejected_records: signed(summary.rejected_records),
        rejected_bytes: signed(summary.rejected_bytes),
        rows,
    }
}

/// Without a transform, the decoder's batches go to the writer as they are.
async fn decode_rows(work: &Work, input: Box<dyn Input>, pieces: Sender<Piece>, stop: CancellationToken) -> Result<Outcome> {
    let schema = table_schema(&work.columns.list);
    let (partition, landing) = (work.partition(), Arc::clone(&work.landing));
    decode_each(work, input, pieces.clone(), stop, move |decoded| {
        let rows = with_system(decoded.batch.columns(), numbers(&decoded.lines), &landing, &schema)?;
        fed(pieces.blocking_send(Piece::Rows(partition.clone(), rows)))
    })
    .await
}

/// With one, they are its input, and its rows go to the writer.
async fn transform_rows(
    work: &Work,
    input: Box<dyn Input>,
    pieces: Sender<Piece>,
    stop: CancellationToken,
    transform: &Transform,
) -> Result<Outcome> {
    let (sender, batches) = tokio::sync::mpsc::channel(landfall_model::limits::STAGE_QUEUE_BATCHES);
    let schema = transform.input_schema();
    let rows = transform.run(transform::channel_stream(Arc::clone(&schema), batches)).await?;
    let feed = decode_each(work, input, pieces.clone(), stop.clone(), move |decoded| {
        // A query that has all it wants closes the channel; what follows is decoded for its rejects and counts.
        let _ = sender.blocking_send(transform::numbered(&schema, decoded.batch, numbers(&decoded.lines))?);
        Ok(())
    });
    let schema = table_schema(transform.columns());
    let take = async {
        let taken = take_rows(rows, work, &schema, &pieces).await;
        if taken.is_err() {
            stop.cancel();
        }
        taken
    };
    let (decoded, taken) = tokio::join!(feed, take);
    taken.and(decoded)
}

async fn take_rows(
    mut rows: datafusion::execution::SendableRecordBatchStream,
    work: &Work,
    schema: &SchemaRef,
    pieces: &Sender<Piece>,
) -> Result<()> {
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(|error| transform::failure(&error))?;
        let (lines, own) = batch.columns().split_last().ok_or_else(|| failed(&"the transform gave no columns"))?;
        let rows = with_system(own, lines.as_primitive::<Int64Type>().clone(), &work.landing, schema)?;
        fed(pieces.send(Piece::Rows(work.partition(), rows)).await)?;
    }
    Ok(())
}

/// Decodes on a thread of its own: rejects go to the writer, rows to `take`.
async fn decode_each(
    work: &Work,
    input: Box<dyn Input>,
    pieces: Sender<Piece>,
    stop: CancellationToken,
    take: impl Fn(Decoded) -> Result<()> + Send + 'static,
) -> Result<Outcome> {
    let work = work.clone();
    blocking(move || {
        decode(input, &work.options(), &work.columns, &mut |mut decoded| {
            if stop.is_cancelled() {
                return fed(Err(()));
            }
            let rejects = std::mem::take(&mut decoded.rejects);
            if !rejects.is_empty() {
                let rejects = rejects.into_iter().map(|rejected| reject(&work, rejected)).collect::<Result<Vec<_>>>()?;
                fed(pieces.blocking_send(Piece::Rejects(rejects)))?;
            }
            if decoded.batch.num_rows() == 0 { Ok(()) } else { take(decoded) }
        })
    })
    .await
}

/// An error where the dataset wants all of a file or nothing.
fn reject(work: &Work, rejected: Rejected) -> Result<Reject> {
    let Rejected { place, reason, raw, bytes } = rejected;
    if work.record.definition.on_bad_record == BadRecord::Fail {
        return Err(Error::new(ErrorKind::BadRecord, reason).at(place.line, place.byte_offset));
    }
    Ok(Reject {
        landing: work.landing.id.clone(),
        event: None,
        place,
        reason,
        raw: String::from_utf8_lossy(&raw).into_owned(),
        bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
    })
}

fn numbers(lines: &[u64]) -> Int64Array {
    lines.iter().map(|line| i64::try_from(*line).ok()).collect()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|why| Error::internal("decoding", why))?
}
