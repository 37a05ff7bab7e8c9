//! Everything has a limit. Each says its unit and why it is what it is.

use std::time::Duration;

// ---- Requests -----------------------------------------------------------------------------

/// Bytes of a file's key: what S3 allows, so that one key fits every door.
pub const KEY_BYTES_MAX: usize = 1024;

/// Bytes of one events body, uncompressed. It is held in memory while it is checked and committed.
pub const EVENTS_BODY_BYTES_MAX: usize = 16 << 20;

/// Bytes of events bodies that one node holds while they are read and landed; beyond it the door says 503.
pub const BODIES_BYTES_MAX: usize = 128 << 20;

/// Bytes of one event: ten thousand times the usual one, and a sixteenth of a body.
pub const EVENT_BYTES_MAX: usize = 1 << 20;

/// Bytes of one file: 5 TB, as S3 has it.
pub const FILE_BYTES_MAX: u64 = 5 << 40;

/// Levels of arrays and objects in one JSON record; parsers recurse, stacks end.
pub const JSON_DEPTH_MAX: usize = 64;

/// Bytes of an `Idempotency-Key`.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;

/// How long a receipt is remembered for its `Idempotency-Key`.
pub const IDEMPOTENCY_AGE_MAX: Duration = Duration::from_secs(24 * 3600);

/// Bytes of a JSON document that asks for something: a statement of `SQL_BYTES_MAX` with its parameters and its escapes.
pub const JSON_BODY_BYTES_MAX: u64 = 4 << 20;

/// Characters of the reason of a hold: a few sentences and a reference, since it is read in lists.
pub const HOLD_REASON_CHARS_MAX: usize = 1000;

/// Bytes of one SQL statement.
pub const SQL_BYTES_MAX: usize = 1 << 20;

/// Operators that a statement chains in one expression: each is a level of a tree that is walked by recursion.
pub const SQL_OPERATORS_MAX: usize = 1000;

/// Bytes of the stack of each thread that serves, of which the kernel gives only what is used. An unoptimised build
/// takes 10 KiB for a level of `SQL_OPERATORS_MAX`, an optimised one far less.
pub const THREAD_STACK_BYTES: usize = 16 << 20;

/// Items of one page of a list.
pub const PAGE_ITEMS_MAX: usize = 1000;

/// Items of a page when the caller does not say.
pub const PAGE_ITEMS_DEFAULT: usize = 100;

// ---- Clients that are slow ----------------------------------------------------------------

/// A request's head must arrive within this.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// A body that brings nothing for this long is given up.
pub const BODY_IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// After a grace of `BODY_IDLE_TIMEOUT`, a body must have brought this many bytes a second on average.
pub const BODY_BYTES_PER_SECOND_MIN: u64 = 1024;

/// A client that takes nothing of its answer for this long is cut off: longer than an upload that stands still, since
/// who reads may well have to think about what it read.
pub const ANSWER_IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// While an answer waits for its client, it must take this many bytes a second on average, or use up `ANSWER_IDLE_TIMEOUT`.
pub const ANSWER_BYTES_PER_SECOND_MIN: u64 = 1024;

/// Bytes of a document of S3: a thousand keys to delete, or ten thousand parts, take less.
pub const S3_DOCUMENT_BYTES_MAX: u64 = 2 << 20;

/// Connections that one door holds open at once; the next waits in the kernel's queue.
pub const CONNECTIONS_MAX: usize = 12_000;

/// Pieces of one resumable upload that are smaller than `UPLOAD_PART_BYTES`; larger ones are bounded by `FILE_BYTES_MAX`.
pub const UPLOAD_SMALL_PARTS_MAX: usize = 10_000;
pub const UPLOAD_PART_BYTES: u64 = 1 << 20;

/// An upload that nobody continued for this long is swept.
pub const UPLOAD_AGE_MAX: Duration = Duration::from_secs(24 * 3600);

// ---- Landing ------------------------------------------------------------------------------

/// Bytes of what the sender of a file says of it beside its type; S3 allows 2 KiB of metadata, and some headers.
pub const ATTRIBUTES_BYTES_MAX: usize = 8 << 10;

/// Bodies up to this many bytes stay inline in the catalog: one fsync instead of four.
pub const INLINE_BYTES_MAX: usize = 1 << 20;

/// Bytes of bodies that one group commit takes; larger groups make its tail latency, not its throughput.
pub const GROUP_BYTES_MAX: usize = 4 << 20;

/// Requests that one group commit takes.
pub const GROUP_REQUESTS_MAX: usize = 4096;

/// A batch above this many bytes goes to a preallocated segment of the store instead of the catalog, where it would
/// be written twice (to the write-ahead log and to the table).
pub const SEGMENT_BODY_BYTES_MIN: usize = 64 << 10;

/// Bytes of bodies that wait for a commit on one node; beyond it the doors say 503.
pub const PENDING_BYTES_MAX: usize = 64 << 20;

/// Bytes of acked and not yet loaded events of one dataset; beyond it the doors say 503.
pub const UNLOADED_BYTES_MAX: i64 = 8 << 30;

/// What a refused client is told to wait, in seconds.
pub const RETRY_AFTER_SECONDS: u64 = 1;

// ---- Store --------------------------------------------------------------------------------

/// Bytes that an upload gathers before a blocking thread hashes and writes them: enough to pay for the hand-over.
/// An upload holds at most twice this on the local disk, and three S3 parts on S3.
pub const UPLOAD_CHUNK_BYTES: usize = 1 << 20;

/// Bytes of a local upload after which the kernel is told to begin writing them to the disk.
pub const WRITE_BACK_BYTES: u64 = 8 << 20;

/// Bytes of one piece of an object that is streamed out.
pub const STREAM_CHUNK_BYTES: usize = 1 << 20;

/// Bytes of an object that is read whole into memory; a larger one is streamed.
pub const OBJECT_WHOLE_BYTES_MAX: u64 = 64 << 20;

/// Bytes of one block that a blocking reader takes from S3; it holds two, so that one arrives while the other is read.
pub const READER_BLOCK_BYTES: u64 = 8 << 20;

/// Bytes of one segment, which is zeroed before it is used: what a busy node fills in about a second.
pub const SEGMENT_BYTES: u64 = 64 << 20;

/// A segment is appended to for this long at most: bodies of a quiet node are then sealed elsewhere, and it can go.
pub const SEGMENT_AGE_MAX: Duration = Duration::from_secs(600);

/// Bytes of the first `S3_SMALL_PARTS` parts of an upload to S3, and of those after. S3 allows 10,000 parts, so an
/// object may have 8 GiB in small parts and 562 GiB in large ones; small parts keep the memory of usual uploads low.
pub const S3_PART_BYTES: usize = 8 << 20;
pub const S3_LARGE_PART_BYTES: usize = 64 << 20;
pub const S3_SMALL_PARTS: usize = 1_000;
pub const S3_PARTS_MAX: usize = 10_000;

/// Folders that a local store remembers to have synced; it forgets them all beyond that, and syncs anew.
pub const DURABLE_FOLDERS_MAX: usize = 8192;

/// Attempts to learn whether a conditional write to S3 took place, when its answers are lost.
pub const S3_CREATE_ATTEMPTS_MAX: u32 = 6;

/// Landings that one sealed object holds: its index is read whole.
pub const SEALED_LANDINGS_MAX: usize = 50_000;

/// Bytes of bodies that one sealed object holds, and that a merge of several comes to.
pub const SEALED_BYTES_MAX: i64 = 64 << 20;

/// How long bodies stay where they landed: long enough that they are sealed by the thousand, short enough that the catalog
/// stays small.
pub const SEAL_AFTER: Duration = Duration::from_secs(60);

/// Bytes of small files that one sealed object takes, and how long a few of them wait for more.
pub const SEALED_FILES_BYTES: i64 = 16 << 20;
pub const SEAL_FILES_AFTER: Duration = Duration::from_secs(3600);

/// Sealed objects of a like size that are merged into one.
pub const SEALED_MERGED_MIN: usize = 8;

// ---- Decoding -----------------------------------------------------------------------------

/// Bytes of one record of a file. A longer one is a file that cannot be read.
pub const RECORD_BYTES_MAX: usize = 16 << 20;

/// Columns of one table.
pub const COLUMNS_MAX: usize = 4096;

/// How many times larger than its container a file may unpack; beyond it (and beyond `BOMB_BYTES_FREE`) it is a bomb.
/// Real tables in zstd reach a few hundred.
pub const BOMB_RATIO_MAX: u64 = 1000;

/// The same in gzip and zip. Real tables stay below 100 there, and deflate itself ends at 1,032, so that a limit near
/// it would stop a bomb when all of it is unpacked.
pub const BOMB_DEFLATE_RATIO_MAX: u64 = 250;

/// Unpacked bytes that no ratio is asked of: what a worker reads in about a second, so that a small file of one line
/// that stands there a million times is a file like any other.
pub const BOMB_BYTES_FREE: u64 = 256 << 20;

/// Members of one archive.
pub const ARCHIVE_MEMBERS_MAX: usize = 10_000;

/// Rows of one batch between rooms: large enough to amortise, small enough for the cache.
pub const BATCH_ROWS: usize = 16_384;

/// Bytes of raw text in one batch, for wide rows.
pub const BATCH_BYTES: usize = 8 << 20;

/// Bytes of a reject's raw record that are kept; the whole one is in the landing.
pub const REJECT_RAW_BYTES_MAX: usize = 64 << 10;

/// Bytes that types are inferred from at the least, before a value may decide otherwise later as a reject.
pub const INFER_BYTES_MAX: u64 = 64 << 20;

// ---- Work ---------------------------------------------------------------------------------

/// Jobs that one node runs at once: each holds a decoder's and an encoder's buffers. Two keep two cores busy, and one dataset
/// alone gets no more than that; the third is for another one, whose file shall not wait until a large one is staged.
pub const JOBS_AT_ONCE: usize = 3;

/// How much the threads that stage and load give way to those that answer (`nice`, 0 to 19): enough that an ack does not
/// wait for them, little enough that a busy door does not starve the loads.
pub const BACKGROUND_NICENESS: i32 = 5;

/// The same of the threads that stage what is replayed: the last there is, since it was loaded once already and nobody waits.
pub const REPLAY_NICENESS: i32 = 19;

/// Breaches of service levels that are remembered of each dataset: some pages to look through; the counter has all of them.
pub const SLA_BREACHES_KEPT: usize = 10_000;

/// How often service levels are looked at for the warnings in the log.
pub const SLA_WATCH: Duration = Duration::from_secs(1);

/// How long a lease lasts without a heartbeat.
pub const LEASE: Duration = Duration::from_secs(30);

/// How often a lease is renewed: three may be lost before it ends.
pub const HEARTBEAT: Duration = Duration::from_secs(8);

/// Attempts of a job whose surroundings fail, before it is a dead letter.
pub const JOB_ATTEMPTS_MAX: u32 = 12;

/// The first wait before a retry; it doubles, with jitter, up to `BACKOFF_MAX`.
pub const BACKOFF_FIRST: Duration = Duration::from_millis(250);
pub const BACKOFF_MAX: Duration = Duration::from_secs(300);

/// Polling between nodes: it only covers a wake-up that was lost.
pub const POLL: Duration = Duration::from_secs(5);

/// How long a node that is told to stop waits for what is under way.
pub const DRAIN_MAX: Duration = Duration::from_secs(25);

// ---- Tables -------------------------------------------------------------------------------

/// How long events gather before a load takes them; they are queryable meanwhile.
pub const LOAD_LINGER: Duration = Duration::from_secs(2);

/// How long they gather at the least, however short the objective of their dataset: each load is a file and a commit.
pub const LOAD_LINGER_MIN: Duration = Duration::from_millis(50);

/// Bytes of waiting events that end the lingering, and that one load takes of them.
pub const LOAD_EVENT_BYTES: i64 = 64 << 20;

/// How often one commit to a table starts over because others came first: with one committer per table, rarely once.
pub const COMMIT_ATTEMPTS_MAX: u32 = 100;

/// Bytes of a data file that is merged with others; larger ones cost a query little.
pub const SMALL_FILE_BYTES: i64 = 64 << 20;

/// Small files of a like size that begin a merge where more may come.
pub const SMALL_FILES_MIN: usize = 8;

/// Bytes of the files that become one, and how many they are: a merge takes seconds, and the commit that ends it is small.
pub const MERGED_FILE_BYTES: i64 = 192 << 20;
pub const MERGED_FILES_MAX: usize = 64;

/// How long files that have left a table are kept for those who read it with other programs: twice as long as our own queries
/// run. A table that is loaded every two seconds has as many of them as it gets in this time.
pub const OLD_FILES_KEPT: Duration = Duration::from_secs(1200);

/// How often the files of a table are compared with what names them.
pub const SWEEP_EVERY: Duration = Duration::from_secs(300);

/// What was begun and not recorded for this long is taken for left behind; who comes later is told so.
pub const UNRECORDED_AGE_MAX: Duration = Duration::from_secs(24 * 3600);

/// How often a table is looked after when nothing wakes its keeper.
pub const KEEP_EVERY: Duration = Duration::from_secs(15);

/// Loads of a table that are remembered: what a busy day brings.
pub const LOADS_KEPT: i64 = 50_000;

/// Versions of a table between checkpoints: opening it reads at most about as many small objects.
pub const CHECKPOINT_VERSIONS: i64 = 100;

/// Batches of one range of events: what one transaction takes away when they are merged.
pub const LOAD_BATCHES_MAX: usize = 4096;

/// Manifests in one load.
pub const LOAD_MANIFESTS_MAX: usize = 512;

/// Landings that one load takes out of a table one by one; they are looked for in its files all at once, in memory.
pub const LOAD_REMOVALS_MAX: usize = 10_000;

/// Rows of one Parquet row group: what one decode buffer of a reader holds.
pub const ROW_GROUP_ROWS: usize = 128 << 10;

/// Bytes of one row group before it is compressed: wide rows end it before `ROW_GROUP_ROWS` does, for the writer holds it in memory.
pub const ROW_GROUP_BYTES: usize = 64 << 20;

/// Bytes that the transform of one staging may hold; beyond it spills, then fails.
pub const TRANSFORM_BYTES_MAX: usize = 128 << 20;

/// Batches that wait between the steps of a staging: one is being filled while one is being taken.
pub const STAGE_QUEUE_BATCHES: usize = 2;

/// Bytes of event bodies that are decoded together.
pub const EVENTS_DECODE_BYTES: usize = 4 << 20;

/// Bytes of one data file; a larger landing has several.
pub const DATA_FILE_BYTES: usize = 256 << 20;

/// Bytes of decoded events that wait for their load in memory, per node; what is above is decoded by each query.
pub const TAIL_BYTES_MAX: usize = 512 << 20;

/// Bytes that all queries of a node may hold; beyond it they spill, then fail. What cannot spill (a `count(distinct)`) then
/// still takes tens of millions of values.
pub const QUERY_BYTES_MAX: usize = 1 << 30;

/// Bytes that all queries of a node may spill to disk; beyond it they fail, before the disk is full for what lands.
pub const QUERY_SPILL_BYTES_MAX: u64 = 16 << 30;

/// Bytes of Parquet footers that a node keeps: those of some thousand files.
pub const FOOTER_CACHE_BYTES_MAX: usize = 64 << 20;

/// A query that runs longer is cancelled, so that no reader holds old files for ever.
pub const QUERY_TIMEOUT: Duration = Duration::from_secs(600);

/// Queries that run at once on one node.
pub const QUERIES_MAX: usize = 64;

/// How long a run waits behind the end of its window before it looks: clocks of nodes differ by less, and what was received
/// before the end is committed by then.
pub const WINDOW_GRACE: Duration = Duration::from_secs(2);

/// How long a run waits for files of its window that are still on their way into a table; what comes after is late.
pub const WINDOW_WAIT_MAX: Duration = Duration::from_secs(3600);

/// Windows that one transaction plans, or that are asked for at once: a schedule of each minute, for a week.
pub const WINDOWS_MAX: usize = 10_080;

/// Runs of a schedule that are remembered.
pub const RUNS_KEPT: usize = 20_000;

/// For how long an older answer may still come from a node that stood still, and is looked for.
pub const OVERTAKEN_AFTER: Duration = Duration::from_secs(24 * 3600);

/// Rows of one page that a system table reads from the catalog; no transaction outlives a page.
pub const CATALOG_PAGE_ROWS: usize = 10_000;

// ---- Catalog ------------------------------------------------------------------------------

/// Connections that write to a PostgreSQL catalog, beside the one that lands. A laptop's server allows 100 in all.
pub const CATALOG_WRITE_LANES: usize = 4;

/// Connections that read the catalog; their transactions are short.
pub const CATALOG_READ_LANES: usize = 4;

/// Prepared statements that one connection keeps.
pub const CATALOG_STATEMENTS_MAX: usize = 256;

/// How often a transaction is run when the database asks to run it again (a deadlock, a lost connection).
pub const CATALOG_ATTEMPTS_MAX: u32 = 5;

/// How long a connection to PostgreSQL may take to open.
pub const CATALOG_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest wait between two attempts to connect to PostgreSQL; in between, callers are refused at once.
pub const CATALOG_RECONNECT_MAX: Duration = Duration::from_secs(5);

/// How long one statement may run; all of ours take milliseconds.
pub const CATALOG_STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a statement waits for a row that another transaction holds.
pub const CATALOG_LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a transaction may stand still before PostgreSQL ends it: only a stopped process has one.
pub const CATALOG_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Pages of 4 KiB in SQLite's log that start a checkpoint: larger ones make the tail latency, smaller ones the throughput.
pub const CHECKPOINT_PAGES: u32 = 1000;

/// Bytes that SQLite's log is grown to before it is used, since a commit that grows a file costs twice an overwriting one.
pub const CATALOG_LOG_BYTES: u64 = 16 << 20;

/// Between two wake-ups of other nodes about one topic.
pub const NOTIFY_GAP: Duration = Duration::from_millis(5);
