"""Polars into a Delta table by deltalake: the rows are there once the commit is."""

from deltalake import DeltaTable
from durable import OUTPUT, measure
from polars_schema import orders

measure(
    lambda: orders().collect(engine="streaming").write_delta(OUTPUT),
    lambda: f"read_parquet({DeltaTable(OUTPUT).file_uris()})",
)
