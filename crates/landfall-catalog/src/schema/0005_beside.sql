-- Beside: a replay into a table of its own, which stands beside the table of its dataset.

-- Of a side table: the dataset whose landings it holds, and the replay that made it, whose id names its folder.
alter table datasets add column beside text;
alter table datasets add column made_by text;
create index datasets_beside on datasets (beside) where beside is not null;

-- The side table that a replay goes into.
alter table replays add column into_table text;
create index replays_into on replays (into_table) where into_table is not null;

-- Of a load that takes out of a side table what an expiry took out of its dataset: the version that did so there.
alter table loads add column follows bigint;

-- Which expiries of its dataset (by the version of the dataset's table) a side table has taken, with which of its own
-- versions, and when every file of it was marked that nothing names since then.
create table follows (
    dataset text not null,
    version bigint not null,
    side_version bigint not null,
    swept_at bigint,
    primary key (dataset, version)
);
