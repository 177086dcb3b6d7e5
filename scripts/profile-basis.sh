#!/bin/bash
# Says what release.profdata has to be made with for its counts to fit: the compiler, the settings of the release, and
# every package with its features and what it depends on. Functions have other names if anything of that changes.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo="${CARGO:-cargo}"
tree() {
    "$cargo" tree --locked --edges normal,build --prefix depth --format ' {p} [{f}]' "$@" | sed "s| ($PWD[^)]*)||"
}
rustc --version
sed -n '/^\[profile\.release\]/,/^$/p' Cargo.toml | grep -v '^#'
tree --package omniroute
# Beside the bench, as it is made and measured, the program has to have the same parts as by itself.
# (`cargo` unites the features of all that is built at once; a feature too many in one gives all others new names.)
parts() {
    sed 's/^[0-9]* //; s/ (\*)$//' | sort -u
}
beside="$(tree --package omniroute --package omniroute-bench | parts)"
tree --package omniroute | parts | while read -r part; do
    grep --quiet --fixed-strings --line-regexp -e "$part" <<<"$beside" || echo "only if built alone: $part"
done
