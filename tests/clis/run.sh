#!/bin/sh
# Runs coding tools (Claude Code, Codex, Gemini CLI) against the gateway: tests/clis/run.sh [pytest arguments]
# A tool that is neither on PATH nor in $OMNIROUTE_CLIS is skipped. pytest comes from the client libraries'
# environment, target/clients-venv; logs of the gateways are in target/clients.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

fail() {
    echo "tests/clis: $1" >&2
    exit 1
}

[ -x "$root/target/debug/omniroute" ] || fail "target/debug/omniroute is missing; run: make test-clis"
python=${PYTHON:-"$root/target/clients-venv/bin/python"}
"$python" -c 'import pytest' 2>/dev/null || fail "pytest is missing; run make test-clients once, or set PYTHON to a python that has it"
mkdir -p "$root/target/clients"

PYTHONPYCACHEPREFIX="$root/target/clients/pycache" exec "$python" -m pytest -q -rs -p no:cacheprovider "$here" "$@"
