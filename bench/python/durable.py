"""What every Python peer does around its own load: the clock, the sync, the sums and the answer."""

import json
import os
import sys
import time

import duckdb

INPUT, OUTPUT, QUERY = sys.argv[1:4]


def sync(path):
    """Makes a file, or a folder and all in it, durable: each file, then each folder."""
    for folder, _, files in os.walk(path):
        for name in files + ["."]:
            handle = os.open(os.path.join(folder, name), os.O_RDONLY)
            os.fsync(handle)
            os.close(handle)


def measure(load, relation):
    """Times `load()` until its result is durable, then asks `relation` (SQL, `from` clause) for the sums. The
    interpreter and its imports are up before the clock starts."""
    os.makedirs(OUTPUT)
    start = time.perf_counter()
    load()
    sync(OUTPUT)
    seconds = time.perf_counter() - start
    duckdb.sql("set timezone = 'UTC'")
    row = duckdb.sql(QUERY.replace("{table}", relation())).fetchall()[0]
    print(json.dumps({"seconds": seconds, "sums": [float(value) for value in row]}))
