#!/bin/bash
# Runs docs/guides/systemd.md as it is pasted, in a booted Debian of its own: test-systemd.sh [BINARY]
# Needs root, debootstrap, systemd-nspawn and a mirror of Debian; takes two minutes, so CI leaves it out.
# The root of the first run is kept in target/systemd-root for the next.
set -euo pipefail
cd "$(dirname "$0")/.."

binary="${1:-target/debug/omniroute}"
[ -x "$binary" ] || { echo "test-systemd: $binary is missing; build it first" >&2; exit 1; }
for program in debootstrap systemd-nspawn; do
    command -v "$program" >/dev/null || {
        echo "test-systemd: $program is missing: apt-get install debootstrap systemd-container" >&2
        exit 1
    }
done

base="${SYSTEMD_ROOT:-target/systemd-root}"
if [ ! -x "$base/usr/bin/systemctl" ]; then
    debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,sudo,curl,ca-certificates,libssl3 \
        bookworm "$base" >target/debootstrap.log
fi
work="$(mktemp -d)"
trap 'rm -rf --one-file-system "$work"' EXIT
root="$work/root"
cp -a "$base" "$root"
rm -f "$root/etc/machine-id"
echo "127.0.0.1 localhost $(hostname)" >"$root/etc/hosts"

mkdir -p "$root/src/target/release"
cp -r systemd "$root/src/"
cp "$binary" "$root/src/target/release/omniroute"
{
    echo 'set -eux -o pipefail'
    echo 'trap "journalctl -u omniroute -o cat -n 30" ERR'
    echo 'cd /src'
    # The blocks of the guide, one after the other.
    sed -n '/^```sh$/,/^```$/{/^```/d;p}' docs/guides/systemd.md
    echo '! systemctl is-enabled omniroute'
    echo 'echo the guide works'
} >"$root/src/guide.sh"
# What a reader would see for himself.
sed -i \
    -e '/systemctl status omniroute/a for _ in $(seq 50); do omniroute healthcheck --port 20128 && break; sleep 0.1; done' \
    -e 's|^curl -s .*/v1/models$|&  \| grep -q openai|' \
    -e '/systemctl reload omniroute$/a sleep 1; journalctl -u omniroute -o cat | grep "configuration reloaded"; systemctl show omniroute -p NRestarts | grep =0' \
    -e '/systemctl restart omniroute$/a sleep 1; sudo -u omniroute omniroute keys list --data-dir /var/lib/omniroute | grep laptop; test ! -e /var/lib/omniroute/master.key' \
    "$root/src/guide.sh"
cat >"$root/etc/systemd/system/guide.service" <<'UNIT'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
TimeoutStartSec=120
ExecStart=/bin/bash /src/guide.sh
ExecStopPost=/bin/systemctl --no-block poweroff
StandardOutput=file:/src/guide.log
StandardError=file:/src/guide.log
UNIT
mkdir -p "$root/etc/systemd/system/default.target.wants"
ln -s ../guide.service "$root/etc/systemd/system/default.target.wants/guide.service"

timeout 300 systemd-nspawn --quiet --directory "$root" --register=no --keep-unit --boot </dev/null >"$work/boot.log" 2>&1 ||
    { tail -n 20 "$work/boot.log" >&2; cat "$root/src/guide.log" >&2; exit 1; }
if ! grep -q '^the guide works$' "$root/src/guide.log"; then
    cat "$root/src/guide.log" >&2
    exit 1
fi
echo "docs/guides/systemd.md works as pasted: $(grep -c '^+ ' "$root/src/guide.log") commands in a booted Debian"
