#!/bin/bash
# The promises that take longest to try, and their figures as one table: what is acknowledged survives
# kill -9, an import is whole or not there, no budget is overrun, no secret comes out, reloads, upgrades and
# stops break nothing, a crowd and a long load take no more memory than they may, floods and slow clients
# disturb nobody.
set -euo pipefail
cd "$(dirname "$0")/.."

export OMNIROUTE_KILLS="${OMNIROUTE_KILLS:-100}"
export OMNIROUTE_UPGRADES="${OMNIROUTE_UPGRADES:-10}"
export OMNIROUTE_STREAMS="${OMNIROUTE_STREAMS:-500}"
export OMNIROUTE_RATE="${OMNIROUTE_RATE:-200}"
export OMNIROUTE_CROWD="${OMNIROUTE_CROWD:-5000}"
export OMNIROUTE_SOAK="${OMNIROUTE_SOAK:-30}"
export OMNIROUTE_SOAK_RATE="${OMNIROUTE_SOAK_RATE:-200}"
export OMNIROUTE_SIEGE="${OMNIROUTE_SIEGE:-400}"
export OMNIROUTE_RELOADS="${OMNIROUTE_RELOADS:-100}"
# Two descriptors per stream.
ulimit -n "$(ulimit -Hn)"
log="$(mktemp)"
trap 'rm -f "$log"' EXIT

run() {
    "${CARGO:-cargo}" test --locked --quiet --package omniroute --test it -- \
        --nocapture --test-threads 1 "$1" 2>&1 | tee -a "$log" | grep -v '^\.*REL ' || return 1
}

failed=0
run crash:: || failed=1
run crash_import:: || failed=1
run budgets::two_hundred_clients_cannot_overrun_a_budget || failed=1
run leaks:: || failed=1
run reload::reloads_under_load || failed=1
run upgrade:: || failed=1
run stopping:: || failed=1
run soak:: || failed=1
run floods:: || failed=1
run siege:: || failed=1

echo
printf '%-8s %s\n' promise figures
sed -n 's/^\.*REL \([A-Z0-9]*\) /\1 /p' "$log" | while read -r name figures; do
    printf '%-8s %s\n' "$name" "$figures"
done
exit "$failed"
