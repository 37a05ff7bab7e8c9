-- What a load took out again: looked for at its end, among all that ever landed.
create index landings_removal on landings (dataset, removal) where removal is not null;
