-- The spine: datasets, landings and what became of them.
-- Common to SQLite and PostgreSQL: only bigint, text and blob. Moments are microseconds since 1970 in UTC.

-- A dataset's definition as configuration declares it, and the columns that were decided for it.
create table datasets (
    name text primary key,
    definition text not null,
    version bigint not null,
    columns text not null,
    columns_version bigint not null,
    detached bigint not null default 0,
    changed_at bigint not null
);

-- One counter per dataset and region. next_seq gives events their numbers; received_* is the left side of the
-- audit; event_bytes less the watermark's bytes is what waits to be loaded.
create table sequences (
    dataset text not null,
    region text not null,
    next_seq bigint not null default 1,
    received_records bigint not null default 0,
    received_bytes bigint not null default 0,
    event_bytes bigint not null default 0,
    primary key (dataset, region)
);

create table landings (
    id text primary key,
    dataset text not null,
    region text not null,
    kind text not null,
    source text not null,
    principal text not null,
    key text,
    generation bigint not null default 0,
    content_type text,
    digest text not null,
    size bigint not null,
    received_at bigint not null,
    first_seq bigint not null default 0,
    records bigint not null,
    object text,
    object_offset bigint not null default 0,
    state text not null default 'live',
    phase text not null default 'received',
    load bigint,
    removal bigint
);
create index landings_events on landings (dataset, region, first_seq) where kind = 'batch';
create index landings_files on landings (dataset, key, generation) where kind = 'file';
create index landings_dead on landings (dataset) where phase = 'dead';
-- Rows that must leave a sink: few at any time, looked for before every load.
create index landings_leaving on landings (dataset) where phase = 'loaded' and state <> 'live' and removal is null;

-- Inline bodies, in a table of their own so that the landings stay small.
create table bodies (
    landing text primary key,
    bytes blob not null
);

-- Which landing is live under a key; the row outlives a delete, so that generations never repeat.
create table files (
    dataset text not null,
    key text not null,
    landing text,
    generation bigint not null,
    primary key (dataset, key)
);

create table idempotency (
    principal text not null,
    dataset text not null,
    key text not null,
    digest text not null,
    region text not null,
    first_seq bigint not null,
    records bigint not null,
    expires_at bigint not null,
    primary key (principal, dataset, key)
);
create index idempotency_expiry on idempotency (expires_at);

-- States: ready -> leased -> done, or back to ready after a failure of the surroundings; dead when it failed for good.
create table jobs (
    id text primary key,
    kind text not null,
    dataset text not null,
    landing text not null,
    state text not null,
    attempts bigint not null default 0,
    epoch bigint not null default 0,
    owner text,
    lease_until bigint,
    run_at bigint not null,
    error text,
    created_at bigint not null,
    updated_at bigint not null
);
create index jobs_ready on jobs (run_at, id) where state = 'ready';
create index jobs_leased on jobs (lease_until) where state = 'leased';
create index jobs_landing on jobs (landing);
create index jobs_dataset on jobs (dataset, id);

-- States: staged -> numbered -> loaded, or dropped when its landing was replaced or deleted before a load took it.
create table manifests (
    id text primary key,
    dataset text not null,
    landing text,
    region text,
    first_seq bigint,
    last_seq bigint,
    body text not null,
    records bigint not null,
    bytes bigint not null,
    rejected_records bigint not null,
    rejected_bytes bigint not null,
    rows bigint not null,
    rejects text,
    state text not null,
    load bigint,
    created_at bigint not null
);
create index manifests_waiting on manifests (dataset, created_at) where state = 'staged';
create index manifests_load on manifests (dataset, load);
create index manifests_landing on manifests (landing) where landing is not null;
create index manifests_range on manifests (dataset, region, last_seq) where region is not null;
create index manifests_rejects on manifests (dataset, id) where rejects is not null;

-- Every path of a data file before it is written; swept paths are never used again.
create table staged_paths (
    path text primary key,
    dataset text not null,
    manifest text not null,
    state text not null,
    created_at bigint not null
);
create index staged_paths_manifest on staged_paths (manifest);

-- One committer at a time: the lease, its fencing epoch, and the last load that is done.
create table sinks (
    dataset text not null,
    sink text not null,
    epoch bigint not null default 0,
    owner text,
    lease_until bigint not null default 0,
    clean bigint not null default 1,
    last_load bigint not null default 0,
    last_load_id bigint,
    diverged text,
    primary key (dataset, sink)
);

create table loads (
    dataset text not null,
    sink text not null,
    number bigint not null,
    id bigint not null,
    epoch bigint not null,
    state text not null,
    records bigint not null,
    rows bigint not null,
    landings bigint not null,
    removals bigint not null,
    numbered_at bigint not null,
    committed_at bigint,
    table_version bigint,
    primary key (dataset, sink, number)
);
create unique index loads_open on loads (dataset, sink) where state = 'open';

-- Up to which event a sink holds a region's events, and how many of their bytes.
create table watermarks (
    dataset text not null,
    sink text not null,
    region text not null,
    seq bigint not null,
    bytes bigint not null,
    primary key (dataset, sink, region)
);

-- Work that failed for good, one per landing; dropped ones stay as history.
create table dead_letters (
    landing text primary key,
    dataset text not null,
    code text not null,
    reason text not null,
    line bigint,
    byte_offset bigint,
    state text not null,
    created_at bigint not null
);
create index dead_letters_dataset on dead_letters (dataset, landing);

create table keys (
    name text primary key,
    verifier text not null,
    grants text not null,
    created_at bigint not null,
    revoked_at bigint
);

create table uploads (
    id text primary key,
    dataset text not null,
    key text not null,
    principal text not null,
    content_type text,
    length bigint,
    received bigint not null default 0,
    landing text,
    created_at bigint not null,
    touched_at bigint not null
);
create index uploads_touched on uploads (touched_at);

create table upload_parts (
    upload text not null,
    part_offset bigint not null,
    length bigint not null,
    object text not null,
    primary key (upload, part_offset)
);
