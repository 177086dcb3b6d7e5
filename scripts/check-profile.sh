#!/bin/sh
# Checks that the compiler in use can read release.profdata, without a build for release.
set -eu
cd "$(dirname "$0")/.."
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
# A profile that cannot be read is only worth a warning to the compiler.
said="$(echo 'pub fn nothing() {}' | rustc - --crate-name nothing --crate-type rlib -Copt-level=1 \
    -Cprofile-use=release.profdata --out-dir "$folder" 2>&1)"
if [ -n "$said" ]; then
    echo "$said" >&2
    echo "release.profdata cannot be used: \`make profile\` makes it anew" >&2
    exit 1
fi
