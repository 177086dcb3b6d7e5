#!/bin/bash
# Builds the program so that the same source gives the same bytes in any folder: release-build.sh [FOLDER]
# Puts program, checksum and list of parts (SBOM) into FOLDER, target/dist if none is given.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/system-packages.sh

folder="${1:-target/dist}"
cargo_home="${CARGO_HOME:-$HOME/.cargo}"
rust_source="$(rustc --print sysroot)/lib/rustlib/src/rust"
# Paths are in messages of panics; those of this machine are replaced. Cargo.lock and rust-toolchain.toml pin the rest;
# the C compiler and OpenSSL's headers are the system's.
export RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=$PWD=/src --remap-path-prefix=$cargo_home=/cargo --remap-path-prefix=$rust_source=/rust"
export CFLAGS="${CFLAGS:-} -ffile-prefix-map=$PWD=/src -ffile-prefix-map=$cargo_home=/cargo"
export CXXFLAGS="${CXXFLAGS:-} -ffile-prefix-map=$PWD=/src -ffile-prefix-map=$cargo_home=/cargo"
SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)"
export SOURCE_DATE_EPOCH
export CARGO_INCREMENTAL=0

scripts/check-profile.sh --release
scripts/release.sh omniroute
mkdir -p "$folder"
strip --strip-debug -o "$folder/omniroute" target/release/omniroute
RUSTFLAGS="" "${CARGO:-cargo}" xtask sbom >"$folder/omniroute.cdx.json"
cd "$folder"
sha256sum omniroute omniroute.cdx.json | tee SHA256SUMS
