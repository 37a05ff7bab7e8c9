"""What DuckDB says of a zipped CSV file of flights: its rows, and count and average delay by carrier."""

import json
import sys
import tempfile
import zipfile

import duckdb

with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(sys.argv[1]) as archive:
    path = archive.extract(archive.namelist()[0], folder)
    table = f"read_csv('{path}', header = true, nullstr = ['', 'NA'])"
    rows = duckdb.sql(f"select count(*) from {table}").fetchall()[0][0]
    query = f"select carrier, count(*), avg(dep_delay) from {table} group by carrier order by carrier"
    groups = duckdb.sql(query).fetchall()
print(json.dumps({"rows": rows, "groups": groups}))
