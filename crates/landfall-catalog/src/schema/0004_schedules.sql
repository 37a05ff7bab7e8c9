-- Schedules and their runs.

-- Every fire up to `planned_to` has its run; `last_to` is where the last window that was planned ends. `watch` says how far
-- what landed late was looked for.
create table schedules (
    name text primary key,
    definition text not null,
    version bigint not null,
    detached bigint not null default 0,
    planned_to bigint not null,
    last_to bigint,
    watch text,
    changed_at bigint not null
);

-- One run for each window. States: waiting -> running -> landed -> done, or failed; back to waiting when it is asked for again.
-- `cut` says what the tables held when it looked.
create table runs (
    id text primary key,
    schedule text not null,
    window_from bigint not null,
    window_to bigint not null,
    state text not null,
    backfill bigint not null default 0,
    principal text not null,
    attempts bigint not null default 0,
    epoch bigint not null default 0,
    owner text,
    lease_until bigint not null default 0,
    run_at bigint not null,
    dataset text not null,
    file_key text,
    landing text,
    cut text,
    rows bigint,
    rejected bigint,
    late bigint not null default 0,
    error text,
    created_at bigint not null,
    started_at bigint,
    finished_at bigint
);
create unique index runs_window on runs (schedule, window_to);
create index runs_open on runs (schedule, backfill, window_to) where state in ('waiting', 'running', 'landed');
create index runs_listed on runs (schedule, id);
create index runs_finished on runs (schedule, finished_at) where state = 'done';

-- What landed in a window and was not in the tables yet when its run looked.
create table late_landings (
    run text not null,
    landing text not null,
    schedule text not null,
    dataset text not null,
    received_at bigint not null,
    found_at bigint not null,
    primary key (run, landing)
);
create index late_landings_schedule on late_landings (schedule, run);
