"""The file's types for Polars."""

import polars as pl

from durable import INPUT

SCHEMA = {
    "id": pl.Int64, "placed_at": pl.Datetime("us"), "city": pl.String, "price": pl.Float64, "amount": pl.Decimal(12, 2),
    "due": pl.Date, "paid": pl.Boolean, "quantity": pl.Int32, "reference": pl.String, "note": pl.String,
}


def orders():
    return pl.scan_csv(INPUT, schema=SCHEMA)
