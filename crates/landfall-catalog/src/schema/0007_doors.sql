-- Doors: what they need beyond the HTTP one.

-- The secret of a key, sealed under the master key: signatures are checked with the secret itself. Keys that were made before
-- have none, and open the other doors only.
alter table keys add column sealed text;

-- What the sender of a file says of it beside its type: a document of the doors.
create table attributes (
    landing text primary key,
    body text not null
);

-- Uploads in parts that may come in any order: what the file will be said to be, and the parts by number.
alter table uploads add column attributes text;
create index uploads_open on uploads (dataset, key, id) where attributes is not null and landing is null;

create table parts (
    upload text not null,
    number bigint not null,
    length bigint not null,
    digest text not null,
    object text not null,
    created_at bigint not null,
    primary key (upload, number)
);
