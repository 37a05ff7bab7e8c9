"""Polars: a streamed read of the file with the types given into one Parquet file with zstd."""

from durable import OUTPUT, measure
from polars_schema import orders

RESULT = f"{OUTPUT}/orders.parquet"

measure(lambda: orders().sink_parquet(RESULT, compression="zstd"), lambda: f"'{RESULT}'")
