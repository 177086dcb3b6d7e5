#!/bin/sh
# Runs the official client libraries against the gateway: tests/clients/run.sh [pytest arguments]
# The libraries live in target/clients-venv and are installed when requirements.txt has changed.
# Logs of the gateways and of pip are in target/clients.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
venv="$root/target/clients-venv"
logs="$root/target/clients"
stamp="$venv/requirements.sha256"
python=${PYTHON:-python3}

fail() {
    echo "tests/clients: $1" >&2
    exit 1
}

# Debian keeps `venv` in a package of its own.
need_venv_module() {
    command -v "$python" >/dev/null 2>&1 || fail "$python is missing; install it, for example: apt-get install python3 python3-venv"
    "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 && return 0
    command -v apt-get >/dev/null 2>&1 || fail "$python lacks the modules venv and ensurepip; install them"
    if [ "$(id -u)" = 0 ]; then
        as_root=""
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root="sudo"
    else
        fail "$python lacks the module venv; install it, for example: apt-get install python3-venv"
    fi
    echo "Installing python3-venv"
    $as_root apt-get update -qq
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
    "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 || fail "$python still lacks the module venv; it may not be Debian's, set PYTHON=/usr/bin/python3"
}

install() {
    echo "Installing the client libraries into target/clients-venv"
    rm -rf "$venv"
    "$python" -m venv "$venv" >"$logs/venv.log" 2>&1 || fail "no virtual environment could be made; see target/clients/venv.log"
    if ! "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --retries 2 --timeout 20 \
        --requirement "$here/requirements.txt" >"$logs/pip.log" 2>&1; then
        tail -n 5 "$logs/pip.log" >&2
        fail "pip could not install requirements.txt (all of it: target/clients/pip.log).
    Without a way to a package registry, set PIP_INDEX_URL to a mirror, or PIP_NO_INDEX=1 and
    PIP_FIND_LINKS to a folder of wheels. A version that does not exist is a fault of requirements.txt."
    fi
    echo "$wanted" >"$stamp"
}

[ -x "$root/target/debug/omniroute" ] || fail "target/debug/omniroute is missing; run: make test-clients"
mkdir -p "$logs"
rm -f "$logs"/*.log
wanted=$(sha256sum "$here/requirements.txt" | cut -d ' ' -f 1)
if [ "$(cat "$stamp" 2>/dev/null || true)" != "$wanted" ] || ! "$venv/bin/python" -c '' 2>/dev/null; then
    need_venv_module
    install
fi

PYTHONPYCACHEPREFIX="$logs/pycache" exec "$venv/bin/python" -m pytest -q -p no:cacheprovider "$here" "$@"
