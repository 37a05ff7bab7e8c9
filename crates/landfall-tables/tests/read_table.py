"""Reads the Delta table at argv[1] with delta-rs, Polars and DuckDB, and prints
its schema and its rows, once, if all three see the same."""

import datetime
import sys

import deltalake
import duckdb
import polars

HIDDEN = {"_landing", "_received_at"}


def plain(value):
    """The value as text or a number that every engine has alike."""
    if isinstance(value, datetime.datetime):
        return str(value.astimezone(datetime.timezone.utc))
    if isinstance(value, (list, tuple)) or value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def rows(names, table):
    keep = [at for at, name in enumerate(names) if name not in HIDDEN]
    return sorted(([plain(row[at]) for at in keep] for row in table), key=lambda row: row[0])


def type_name(kind):
    return kind.type if hasattr(kind, "type") else str(kind)


def main(path):
    table = deltalake.DeltaTable(path)
    fields = table.schema().fields
    names = [field.name for field in fields]
    print("schema:", ", ".join(f"{field.name} {type_name(field.type)}" for field in fields))
    print("transactions: landfall.load", table.transaction_version("landfall.load"))
    print("history:", " ".join(entry["operation"] for entry in table.history()))

    arrow = table.to_pyarrow_table() if hasattr(table, "to_pyarrow_table") else None
    by_delta = rows(names, zip(*[arrow.column(name).to_pylist() for name in names]))
    by_polars = rows(names, polars.read_delta(path).select(names).iter_rows())
    files = table.file_uris()
    quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    reader = duckdb.sql("set timezone = 'UTC'") or duckdb
    found = reader.sql(f"select {quoted} from read_parquet({files!r}, hive_partitioning = true, union_by_name = true)")
    by_duckdb = rows(names, found.fetchall())

    print("rows:", ", ".join(str(row) for row in by_delta))
    for engine, seen in [("polars", by_polars), ("duckdb", by_duckdb)]:
        if [[str(value) for value in row] for row in seen] != [[str(value) for value in row] for row in by_delta]:
            sys.exit(f"{engine} sees {seen}, delta-rs sees {by_delta}")
    print("deltalake, polars, duckdb agree")


main(sys.argv[1])
