#!/bin/sh
# Runs a Python script of this folder with the clients of the doors (boto3, the AWS command line, delta-rs) at hand: clients.sh SCRIPT ARGUMENT...
# On the first run they are installed from PyPI into target/clients; if that cannot be done it says so and exits 1.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
home="${CARGO_TARGET_DIR:-$root/target}/clients"
python="$home/venv/bin/python"

ready() { "$python" -c 'import boto3, awscli, deltalake' 2>/dev/null; }

if ! ready; then
    mkdir -p "$home"
    # Tests run at once, and only one of them may install.
    exec 9>"$home/lock"
    flock 9
    if ! ready; then
        { python3 -m venv "$home/venv" && "$home/venv/bin/pip" install -q 'boto3[crt]>=1.40,<2' 'awscli>=1.42,<2' 'deltalake>=1.2,<2'; } >&2 || {
            echo "the clients (boto3, awscli, deltalake from PyPI) could not be installed: python3 with venv, and PyPI or its mirror, are needed" >&2
            exit 1
        }
    fi
    exec 9>&-
fi
script=$1
shift
PATH="$home/venv/bin:$PATH" exec "$python" "$root/tests/support/$script" "$@"
