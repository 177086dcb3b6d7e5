#!/bin/bash
# Checks that the compiler in use can read release.profdata, without a build for release; says if it was made with other
# dependencies than there are now, which is an error with --release.
set -euo pipefail
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

basis="$(scripts/profile-basis.sh)"
# Beside the bench, as it is made and measured, the program has to have the same parts as by itself: Cargo unites the
# features of all that is built at once, and one too many gives all others new names.
parts() {
    sed 's/^[0-9]* //; s/ (\*)$//' | sort -u
}
alone="$(comm -23 <(parts <<<"$basis") <(scripts/profile-basis.sh omniroute omniroute-bench | parts))"
if [ -n "$alone" ]; then
    printf '%s\n' "$alone" >&2
    echo "only built alone has the program these parts (beside the bench others, with other features): no profile fits both" >&2
    exit 1
fi
if [ "$(cksum <<<"$basis")" != "$(cat release.profdata.basis)" ]; then
    echo "release.profdata was made with other dependencies, settings or another compiler: functions have other names, and the" >&2
    echo "program is built as if it knew nothing of most of them. \`make profile\` makes it anew; a release needs that." >&2
    [ "${1:-}" != --release ] || exit 1
fi
