#!/bin/bash
# Builds for release: release.sh PACKAGE…, with RUSTFLAGS of the caller's if there are any.
# `release.profdata` tells the compiler what runs often (scripts/profile.sh makes it). What has changed since then is built
# as if it said nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
packages=()
for package in "$@"; do
    packages+=(--package "$package")
done
# Cargo looks at flags, not at the file: a new one has to be another flag to be noticed.
profile="$(cksum <release.profdata | cut -d ' ' -f 1)"
export RUSTFLAGS="${RUSTFLAGS:-} -Cprofile-use=$PWD/release.profdata -Cllvm-args=-no-pgo-warn-mismatch --cfg=profile=\"$profile\""
exec "${CARGO:-cargo}" build --locked --release "${packages[@]}"
