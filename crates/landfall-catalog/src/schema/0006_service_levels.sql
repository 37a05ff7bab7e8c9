-- Service levels: whose turn it is, and what took longer than the objective of its dataset.

-- What of a definition is asked inside of transactions: its priority (0 low, 1 normal, 2 high) and its objective in microseconds.
alter table datasets add column priority bigint not null default 1;
alter table datasets add column sla bigint;

-- The queue of each dataset has a head of its own: a backfill of one is no longer before the others.
drop index jobs_ready;
create index jobs_ready on jobs (dataset, run_at, id) where state = 'ready';

-- Files that are not processed yet: the oldest of a dataset, however many wait.
create index landings_unprocessed on landings (dataset, received_at) where kind = 'file' and phase in ('received', 'staged');

-- A file, a dead letter, or batches of events that follow each other and were loaded together: processed at `processed_at`,
-- which was more than `objective` after the oldest of them was received.
create table sla_breaches (
    landing text primary key,
    last_landing text not null,
    dataset text not null,
    kind text not null,
    region text not null,
    first_seq bigint not null,
    last_seq bigint not null,
    landings bigint not null,
    records bigint not null,
    received_at bigint not null,
    processed_at bigint not null,
    objective bigint not null
);
create index sla_breaches_dataset on sla_breaches (dataset, landing);
create index sla_breaches_events on sla_breaches (dataset, region, last_seq) where kind = 'batch';
