-- Time: what leaves a table and the store, what proves that it left, and what keeps the catalog small.

-- A batch may stand for neighbours that were merged with it: how many landings the row stands for, the least and the last
-- of their ids (which nodes give by their own clocks, so not quite in the order of numbers), and how many bytes of index
-- lie behind their bodies in the object.
alter table landings add column merged bigint not null default 1;
alter table landings add column least_id text;
alter table landings add column last_id text;
alter table landings add column index_bytes bigint not null default 0;
create index landings_merged on landings (last_id) where last_id is not null;
create index landings_inline on landings (dataset, received_at) where kind = 'file' and object is null;
create index landings_received on landings (dataset, received_at) where kind = 'file';
create index landings_listed on landings (dataset, received_at) where kind = 'batch' and phase <> 'received';
create index landings_object on landings (object) where object is not null;

-- All that a manifest is about was received before this.
alter table manifests add column received_to bigint not null default 0;
update manifests set received_to = 1 + coalesce((select l.received_at from landings l where l.id = manifests.landing), 0) where landing is not null;
update manifests set received_to = 1 + coalesce((select max(l.received_at) from landings l where l.dataset = manifests.dataset and l.region = manifests.region and l.kind = 'batch' and l.first_seq between manifests.first_seq and manifests.last_seq), 0) where landing is null;
-- How often a range was merged with its neighbours; 0: its bodies are where they landed.
alter table manifests add column level bigint not null default 0;
create index manifests_level on manifests (dataset, region, level, first_seq) where region is not null and landing is null and state = 'loaded';
create index manifests_expiry on manifests (dataset, received_to) where region is not null and state = 'loaded';
create index manifests_removed on manifests (dataset, id) where state = 'removed';

-- A load of an expiry takes out all that was received before its cutoff, but for what was held when it was numbered.
alter table loads add column cutoff bigint;
alter table loads add column held text;

-- What was purged: the rows that said so are gone themselves, and the audit goes on counting.
alter table sequences add column purged_records bigint not null default 0;
alter table sequences add column purged_bytes bigint not null default 0;

-- Up to where a table was purged, by which version, and what was held then; up to where raw bytes are in the archive; which checkpoint the log shall begin with, and since when.
alter table sinks add column purged_to bigint not null default 0;
alter table sinks add column purge_version bigint not null default -1;
alter table sinks add column held text;
alter table sinks add column archived_to bigint not null default 0;
alter table sinks add column log_from bigint not null default -1;
alter table sinks add column log_from_at bigint not null default 0;
alter table sinks add column log_begins bigint not null default 0;

-- States of a path: staged -> kept -> gone; the object of one that is gone is deleted from `gone_until` on, and then its row.
alter table staged_paths add column gone_until bigint;
create index staged_paths_state on staged_paths (dataset, state, path);
create index staged_paths_gone on staged_paths (gone_until) where state = 'gone';
update staged_paths set state = 'kept' where manifest in (select id from manifests);

-- What retention shall not touch: a landing, or all of a dataset.
create table holds (
    subject text primary key,
    dataset text not null,
    reason text not null,
    principal text not null,
    created_at bigint not null
);
create index holds_dataset on holds (dataset);

-- What was purged: its rows had left the table with `version` when it was forgotten at `purged_at`, its files were out of
-- the table's folder's books at `swept_at`, and from `bytes_at` on no byte of it is left.
create table purges (
    landing text primary key,
    last_id text,
    dataset text not null,
    kind text not null,
    merged bigint not null,
    digest text not null,
    records bigint not null,
    bytes bigint not null,
    received_at bigint not null,
    version bigint not null,
    purged_at bigint not null,
    swept_at bigint,
    bytes_at bigint
);
create index purges_dataset on purges (dataset, landing);
create index purges_unfinished on purges (dataset) where bytes_at is null;

-- A window of landings that is processed again. States: running, paused, done, failed, cancelled. From `safe_from` to `safe_to`
-- every event is in it; the lease only saves two nodes from doing the same.
create table replays (
    id text primary key,
    dataset text not null,
    from_at bigint not null,
    to_at bigint not null,
    state text not null,
    version bigint not null,
    principal text not null,
    error text,
    load bigint,
    safe_from bigint,
    safe_to bigint,
    reach_from bigint,
    reach_to bigint,
    owner text,
    lease_until bigint not null default 0,
    created_at bigint not null,
    updated_at bigint not null
);
create unique index replays_active on replays (dataset) where state in ('running', 'paused');
create index replays_dataset on replays (dataset, id);
alter table loads add column replay text;

-- What of a replay is staged waits (state `waiting`) until all of it is.
alter table manifests add column replay text;
create index manifests_replay on manifests (replay, region, first_seq) where replay is not null;
