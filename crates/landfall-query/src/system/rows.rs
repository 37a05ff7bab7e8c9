//! What the catalog's records are as rows, in the order of the columns in `kinds`.

use std::time::Duration;

use landfall_catalog::audit::Audit;
use landfall_catalog::datasets::DatasetRecord;
use landfall_catalog::dead_letters::DeadLetter;
use landfall_catalog::holds::Hold;
use landfall_catalog::lists::{JobRecord, LoadRecord, RejectsRecord};
use landfall_catalog::purges::Purge;
use landfall_catalog::replays::Replay;
use landfall_catalog::service::Breach;
use landfall_catalog::standing::LandingRecord;
use landfall_model::{BadRecord, DatasetName, Error, EventId, Kind, Level, Reject, Result, Timestamp};
use landfall_schedules::Calendar;
use landfall_schedules::runs::{Late, Run};
use landfall_schedules::schedules::ScheduleRecord;

use super::cells::Row;

/// `level`: how it stands to its objective, where it has one.
pub fn dataset(record: &DatasetRecord, level: Option<Level>) -> Result<Row> {
    let definition = &record.definition;
    let columns = serde_json::to_string(&record.columns.list).map_err(|why| Error::internal("reading a dataset", why))?;
    let on_bad_record = match definition.on_bad_record {
        BadRecord::Reject => "reject",
        BadRecord::Fail => "fail",
    };
    Ok(vec![
        definition.name.as_str().into(),
        definition.description.clone().into(),
        columns.into(),
        on_bad_record.into(),
        definition.transform.clone().into(),
        definition.retention.map(|span| span.to_string()).into(),
        definition.sla.map(|span| span.to_string()).into(),
        level.map(Level::as_str).into(),
        definition.priority.as_str().into(),
        record.version.into(),
        record.detached.into(),
        record.changed_at.into(),
        record.beside.as_ref().map(|beside| beside.source.as_str()).into(),
        record.beside.as_ref().map(|beside| beside.made_by.as_str()).into(),
    ])
}

pub fn landing(record: &LandingRecord) -> Row {
    let landing = &record.landing;
    let event = |seq: i64| {
        let id = EventId { dataset: landing.dataset.clone(), region: landing.region.clone(), seq };
        (landing.kind == Kind::Batch).then(|| id.to_string())
    };
    vec![
        landing.id.as_str().into(),
        landing.dataset.as_str().into(),
        landing.region.as_str().into(),
        landing.kind.as_str().into(),
        landing.source.as_str().into(),
        landing.principal.to_string().into(),
        landing.key.as_ref().map(|key| key.as_str()).into(),
        landing.generation.into(),
        landing.content_type.clone().into(),
        format!("sha256:{}", landing.digest).into(),
        landing.size.into(),
        landing.received_at.into(),
        event(landing.first_seq).into(),
        event(landing.last_seq()).into(),
        landing.records.into(),
        landing.merged.as_ref().map_or(1, |merged| merged.landings).into(),
        landing.state.as_str().into(),
        landing.phase.as_str().into(),
        record.load.into(),
    ]
}

pub fn job(job: &JobRecord) -> Row {
    vec![
        job.id.as_str().into(),
        job.kind.as_str().into(),
        job.dataset.as_str().into(),
        job.landing.as_str().into(),
        job.state.as_str().into(),
        job.attempts.into(),
        job.owner.clone().into(),
        job.run_at.into(),
        job.error.clone().into(),
        job.created_at.into(),
        job.updated_at.into(),
    ]
}

pub fn load(load: &LoadRecord) -> Row {
    vec![
        load.dataset.as_str().into(),
        load.sink.as_str().into(),
        load.number.into(),
        load.state.as_str().into(),
        load.records.into(),
        load.rows.into(),
        load.manifests.into(),
        load.removals.into(),
        load.numbered_at.into(),
        load.committed_at.into(),
        load.table_version.into(),
    ]
}

pub fn dead_letter(letter: &DeadLetter) -> Row {
    let landing = &letter.landing;
    vec![
        landing.id.as_str().into(),
        landing.dataset.as_str().into(),
        landing.kind.as_str().into(),
        landing.key.as_ref().map(|key| key.as_str()).into(),
        letter.code.as_str().into(),
        letter.reason.as_str().into(),
        letter.line.into(),
        letter.byte_offset.into(),
        landing.records.into(),
        landing.size.into(),
        landing.received_at.into(),
        letter.created_at.into(),
    ]
}

pub fn reject(record: &RejectsRecord, reject: Reject) -> Row {
    vec![
        record.dataset.as_str().into(),
        record.manifest.as_str().into(),
        reject.landing.as_str().into(),
        reject.event.into(),
        reject.place.line.into(),
        reject.place.byte_offset.into(),
        reject.reason.into(),
        reject.raw.into(),
        reject.bytes.into(),
    ]
}

pub fn hold(hold: &Hold) -> Row {
    vec![
        hold.subject.as_str().into(),
        hold.dataset.as_str().into(),
        hold.landing().into(),
        hold.reason.as_str().into(),
        hold.principal.as_str().into(),
        hold.created_at.into(),
    ]
}

pub fn purge(purge: &Purge) -> Row {
    vec![
        purge.landing.as_str().into(),
        purge.last.as_str().into(),
        purge.merged.into(),
        purge.dataset.as_str().into(),
        purge.kind.as_str().into(),
        format!("sha256:{}", purge.digest).into(),
        purge.records.into(),
        purge.bytes.into(),
        purge.received_at.into(),
        purge.purged_at.into(),
        purge.bytes_at.into(),
    ]
}

pub fn sla_breach(breach: &Breach) -> Row {
    let seconds = |micros: i64| Duration::from_micros(u64::try_from(micros).unwrap_or(0)).as_secs_f64();
    vec![
        breach.dataset.as_str().into(),
        breach.landing.as_str().into(),
        breach.last.as_str().into(),
        breach.landings.into(),
        breach.records.into(),
        breach.event(breach.first_seq).map(|id| id.to_string()).into(),
        breach.event(breach.last_seq).map(|id| id.to_string()).into(),
        breach.kind.as_str().into(),
        breach.received_at.into(),
        breach.processed_at.into(),
        breach.objective.duration().as_secs_f64().into(),
        seconds(breach.micros()).into(),
    ]
}

pub fn replay(replay: &Replay) -> Row {
    vec![
        replay.id.as_str().into(),
        replay.dataset.as_str().into(),
        replay.from.into(),
        replay.to.into(),
        replay.state.as_str().into(),
        replay.version.into(),
        replay.principal.as_str().into(),
        replay.error.clone().into(),
        replay.load.filter(|_| replay.state == "done").into(),
        replay.created_at.into(),
        replay.updated_at.into(),
        replay.into.as_ref().map(DatasetName::as_str).into(),
    ]
}

pub fn schedule(record: &ScheduleRecord, now: Timestamp) -> Row {
    let definition = &record.definition;
    let next = Calendar::of(definition).ok().filter(|_| !record.detached).and_then(|calendar| calendar.next(now));
    vec![
        definition.name.as_str().into(),
        definition.into.as_str().into(),
        definition.cron.as_str().into(),
        definition.timezone.as_str().into(),
        definition.sql.as_str().into(),
        definition.window.map(|span| span.to_string()).into(),
        definition.format.extension().into(),
        record.version.into(),
        record.detached.into(),
        next.into(),
        record.changed_at.into(),
    ]
}

pub fn run(run: &Run) -> Row {
    vec![
        run.id.as_str().into(),
        run.schedule.as_str().into(),
        run.dataset.as_str().into(),
        run.window.from.into(),
        run.window.to.into(),
        run.state.as_str().into(),
        run.backfill.into(),
        run.principal.as_str().into(),
        run.attempts.into(),
        run.key.as_ref().map(|key| key.as_str()).into(),
        run.landing.as_ref().map(|landing| landing.as_str()).into(),
        run.rows.into(),
        run.rejected.into(),
        run.late.into(),
        run.error.clone().into(),
        run.started_at.into(),
        run.finished_at.into(),
    ]
}

pub fn late_landing(late: &Late) -> Row {
    vec![
        late.run.as_str().into(),
        late.schedule.as_str().into(),
        late.dataset.as_str().into(),
        late.landing.as_str().into(),
        late.received_at.into(),
        late.found_at.into(),
    ]
}

pub fn audit(audit: &Audit) -> Row {
    let amounts =
        [audit.received, audit.loaded, audit.rejected, audit.dead_lettered, audit.discarded, audit.removed, audit.in_flight].into_iter();
    let mut row: Row = vec![audit.dataset.as_str().into(), audit.sink.into()];
    row.extend(amounts.flat_map(|amount| [amount.records.into(), amount.bytes.into()]));
    row.extend([audit.rows.into(), audit.balances().into()]);
    row
}
