#!/bin/bash
# Writes release.profdata anew: builds programs that count what they run, and calls them as users would (scripts/train.py).
# Takes a quarter of an hour. Needs the llvm-profdata of the compiler's LLVM, of Debian's llvm-NN or of rustup's llvm-tools.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/system-packages.sh

llvm="$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')"
tools="$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin"
profdata="$(PATH="$tools:/usr/lib/llvm-$llvm/bin:$PATH" command -v llvm-profdata || true)"
if [ -z "$profdata" ] || ! "$profdata" --version 2>&1 | grep -q "LLVM version $llvm\."; then
    echo "llvm-profdata of LLVM $llvm is missing: apt-get install llvm-$llvm, or rustup component add llvm-tools" >&2
    exit 1
fi

counts="$PWD/target/profile/counts"
# A folder of its own: the flags are in every part of the build, and with them it would take the place of the release.
RUSTFLAGS="${RUSTFLAGS:-} -Cprofile-generate=$counts" "${CARGO:-cargo}" build --locked --release \
    --target-dir target/profile --package omniroute --package omniroute-bench
# Compile-time programs have counted too.
rm -rf "$counts"
scripts/train.py target/profile/release/omniroute target/profile/release/omniroute-bench
"$profdata" merge --sparse --output release.profdata "$counts"/*.profraw
scripts/profile-basis.sh | cksum >release.profdata.basis
ls -l release.profdata
