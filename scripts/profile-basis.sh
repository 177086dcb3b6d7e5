#!/bin/bash
# Says what release.profdata has to be made with for its counts to fit: the compiler, the settings of the release, and
# every package with its features and what it depends on. Functions have other names if anything of that changes.
# profile-basis.sh [PACKAGE…]: of these packages, built at once; of the program if none is named.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- omniroute
rustc --version
sed -n '/^\[profile\.release\]/,/^$/p' Cargo.toml | grep -v '^#'
"${CARGO:-cargo}" tree --locked --edges normal,build --prefix depth --format ' {p} [{f}]' "${@/#/--package=}" |
    sed "s| (${PWD}[^)]*)||"
