#!/bin/sh
# Runs an S3 server in memory (moto) on a free port of 127.0.0.1, until its standard input ends.
# It prints one line once it is ready: its URL. On the first run it installs itself from PyPI into
# target/s3-server; if that cannot be done it says so and exits 1.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
home="${CARGO_TARGET_DIR:-$root/target}/s3-server"
python="$home/venv/bin/python"

ready() { "$python" -c 'import moto, flask' 2>/dev/null; }

if ! ready; then
    mkdir -p "$home"
    # Tests run at once, and only one of them may install.
    exec 9>"$home/lock"
    flock 9
    if ! ready; then
        { python3 -m venv "$home/venv" && "$home/venv/bin/pip" install -q 'moto[server,s3]>=5.2,<6'; } >&2 || {
            echo "the S3 server (moto from PyPI) could not be installed: python3 with venv, and PyPI or its mirror, are needed" >&2
            exit 1
        }
    fi
    exec 9>&-
fi
exec "$python" "$root/tests/support/s3.py"
