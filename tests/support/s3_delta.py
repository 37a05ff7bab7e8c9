"""A Delta table in a bucket: eight writers append at once, with nothing but the conditional puts of the store to keep them
apart. s3_delta.py S3_URL SECRET. It prints `ok` at the end."""

import sys
from concurrent.futures import ThreadPoolExecutor

from arro3.core import Array, DataType, Table
from deltalake import CommitProperties, DeltaTable, write_deltalake

url, secret = sys.argv[1:3]
TABLE = "s3://lake/tables/counts"
WRITERS, COMMITS = 8, 12
OPTIONS = {
    "AWS_ENDPOINT_URL": url,
    "AWS_ALLOW_HTTP": "true",
    "AWS_REGION": "local",
    "AWS_ACCESS_KEY_ID": "admin",
    "AWS_SECRET_ACCESS_KEY": secret,
    "aws_conditional_put": "etag",
}


def rows(writer, commits):
    return Table({"writer": Array([writer] * len(commits), DataType.int64()), "commit": Array(commits, DataType.int64())})


def append(writer):
    for commit in range(COMMITS):
        write_deltalake(
            TABLE, rows(writer, [commit]), mode="append", storage_options=OPTIONS, commit_properties=CommitProperties(max_commit_retries=200)
        )


write_deltalake(TABLE, rows(-1, [0]), storage_options=OPTIONS)
with ThreadPoolExecutor(WRITERS) as writers:
    list(writers.map(append, range(WRITERS)))
table = DeltaTable(TABLE, storage_options=OPTIONS)
assert table.version() == WRITERS * COMMITS, table.version()
found = sum(count.as_py() for count in table.get_add_actions(flatten=True).column("num_records"))
assert found == WRITERS * COMMITS + 1, found
print("ok")
