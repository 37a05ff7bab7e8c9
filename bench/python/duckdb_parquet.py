"""DuckDB: read_csv with the types given (or told by itself) into one Parquet file with zstd."""

import sys

import duckdb

from durable import INPUT, OUTPUT, measure

TYPES = {
    "id": "BIGINT", "placed_at": "TIMESTAMP", "city": "VARCHAR", "price": "DOUBLE", "amount": "DECIMAL(12,2)",
    "due": "DATE", "paid": "BOOLEAN", "quantity": "INTEGER", "reference": "VARCHAR", "note": "VARCHAR",
}
DETECT = sys.argv[4:] == ["detect"]
RESULT = f"{OUTPUT}/orders.parquet"


def load():
    options = "" if DETECT else f", header = true, columns = {TYPES}"
    duckdb.sql(f"copy (from read_csv('{INPUT}'{options})) to '{RESULT}' (format parquet, compression zstd)")


measure(load, lambda: f"'{RESULT}'")
