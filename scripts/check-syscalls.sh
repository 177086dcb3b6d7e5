#!/bin/bash
# Checks that the unit's SystemCallFilter lets through what the gateway does: check-syscalls.sh [BINARY]
# The gateway runs under strace and is put to all its uses: calls of every delivery, TLS and names, its
# database, backups, reloads, the command line, a drain. A system call that the filter refuses is an error.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/system-packages.sh operations
if ! strace -f -o /dev/null true 2>/dev/null; then
    echo "check-syscalls: not run: this machine does not let strace look"
    exit 0
fi
. scripts/gateway.sh
begin "${1:-target/debug/omniroute}"

# The names that a word of the filter stands for; groups hold groups.
names_of() {
    case "$1" in
    @*) systemd-analyze syscall-filter "$1" | sed -e 1,2d -e 's/ //g' -e '/^#/d' -e '/^$/d' |
        while read -r name; do names_of "$name"; done ;;
    *) echo "$1" ;;
    esac
}
# What is let through when all lines of the unit have had their say, in their order.
let_through() {
    sed -n 's/^SystemCallFilter=//p' "$repository/systemd/omniroute.service" | while read -r words; do
        sign=+
        [ "${words#\~}" = "$words" ] || sign=-
        for word in ${words#\~}; do names_of "$word"; done | sed "s/^/$sign/"
    done | awk '
        /^\+/ { let[substr($0, 2)] = 1 }
        /^-/ { delete let[substr($0, 2)] }
        END { for (name in let) print name }' | sort -u
}

start_provider
start_gateway strace -D -f -qq -c -U name,calls -o calls
for model in near/gpt-near all; do
    for stream in true false; do
        call_chat "$model" "$stream"
        call_messages "$model" "$stream"
    done
done
for path in /livez /readyz /metrics /v1/models /api/health /api/usage /api/db-backups/exportAll; do
    asked "$path"
done
asked /api/db-backups/export
asked /api/db-backups/import -F file=@answer
"$binary" keys create other --config o.yaml --data-dir data >/dev/null
"$binary" healthcheck --config o.yaml --port 0 --data-dir data >/dev/null
kill -HUP "$gateway"
cp o.yaml other.yaml
mv other.yaml o.yaml
for _ in $(seq 100); do
    [ "$(grep -c 'configuration reloaded' gateway.log)" -ge 2 ] && break
    sleep 0.1
done
kill -TERM "$gateway"
wait "$gateway"
for _ in $(seq 100); do
    [ -s calls ] && break
    sleep 0.1
done

let_through >allowed
awk 'NR > 2 && $2 ~ /^[0-9]+$/ && $1 != "total" { print $1 }' calls | sort -u >used
[ "$(wc -l <used)" -gt 40 ] || { echo "check-syscalls: strace saw next to nothing" >&2; cat calls >&2; exit 1; }
refused="$(comm -23 used allowed)"
if [ -n "$refused" ]; then
    echo "check-syscalls: the unit's SystemCallFilter refuses what the gateway uses:" >&2
    echo "$refused" >&2
    exit 1
fi
echo "$(wc -l <used) system calls used, all among the $(wc -l <allowed) that the unit lets through"
