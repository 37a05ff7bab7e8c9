"""Writes a zipped CSV file whose rows are those of another, as many times over as asked."""

import sys
import zipfile

source, target, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
with zipfile.ZipFile(source) as archive:
    header, rows = archive.read(archive.namelist()[0]).split(b"\n", 1)
if not rows.endswith(b"\n"):
    rows += b"\n"
with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
    with archive.open("flights.csv", "w", force_zip64=True) as out:
        out.write(header + b"\n")
        for _ in range(times):
            out.write(rows)
print("{}")
