#!/bin/bash
# Checks what systemd/ holds with systemd's own programs, offline: a scratch root, no running systemd.
# The unit and each drop-in must verify without a word, and be exposed by at most 1.2 (1.5 with a port below 1024).
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/system-packages.sh operations

# Tenths, as systemd-analyze wants them.
plain_exposure=12
privileged_port_exposure=15

root="$(mktemp -d)"
trap 'rm -rf "$root"' EXIT
units="$root/etc/systemd/system"
mkdir -p "$units" "$root/usr/bin" "$root/bin"
install -m 0755 /bin/true "$root/usr/bin/omniroute"
install -m 0755 /bin/true "$root/bin/sh"
for target in network-online sysinit basic shutdown sockets; do
    printf '[Unit]\nDescription=%s\n' "$target" >"$units/$target.target"
done

# Silent is clean; a word of systemd-analyze fails the check even where its exit code does not.
silent() {
    local said
    said="$("$@" 2>&1)" || { echo "$said" >&2; return 1; }
    [ -z "$said" ] || { echo "$said" >&2; return 1; }
}

exposure() { # at most, unit
    local said
    said="$(systemd-analyze security --no-pager --offline=true --threshold="$1" "$2" 2>&1)" || {
        echo "$said" >&2
        return 1
    }
    echo "$said" | grep -o 'Overall exposure level.*[0-9.]\+'
}

unit="$units/omniroute.service"
cp systemd/omniroute.service "$unit"
silent systemd-analyze verify --man=no --root="$root" omniroute.service
exposure "$plain_exposure" "$unit"

mkdir "$unit.d"
cp systemd/drop-ins/privileged-port.conf "$unit.d/"
silent systemd-analyze verify --man=no --root="$root" omniroute.service
exposure "$privileged_port_exposure" "$unit"

# An older systemd does not know the type of this one and says so.
version="$(systemd-analyze --version | sed -n '1s/systemd \([0-9]*\).*/\1/p')"
if [ "$version" -ge 253 ]; then
    cp systemd/drop-ins/notify-reload.conf "$unit.d/"
    silent systemd-analyze verify --man=no --root="$root" omniroute.service
else
    echo "systemd $version has no Type=notify-reload: drop-ins/notify-reload.conf was not checked"
fi

cp systemd/omniroute.socket "$units/"
silent systemd-analyze verify --man=no --root="$root" omniroute.socket

template="$units/omniroute@.service"
mkdir "$template.d"
cp systemd/omniroute.service "$template"
cp systemd/drop-ins/upgrade.conf "$template.d/"
silent systemd-analyze verify --man=no --root="$root" omniroute@a.service

printf 'root:x:0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
printf 'root:x:0:\n' >"$root/etc/group"
mkdir -p "$root/usr/lib/sysusers.d" "$root/usr/lib/tmpfiles.d"
cp systemd/omniroute.sysusers "$root/usr/lib/sysusers.d/omniroute.conf"
cp systemd/omniroute.tmpfiles "$root/usr/lib/tmpfiles.d/omniroute.conf"
systemd-sysusers --root="$root" omniroute.conf >/dev/null 2>&1
grep -q '^omniroute:.*:/var/lib/omniroute:' "$root/etc/passwd" || {
    echo "systemd-sysusers made no user omniroute" >&2
    exit 1
}
# Owners can be given only by root.
if [ "$(id -u)" = 0 ]; then
    silent systemd-tmpfiles --root="$root" --create omniroute.conf
    for folder in "750 /etc/omniroute" "700 /var/lib/omniroute" "700 /etc/credstore"; do
        is="$(stat -c '%a' "$root/${folder#* }") ${folder#* }"
        [ "$is" = "$folder" ] || { echo "systemd-tmpfiles: $is instead of $folder" >&2; exit 1; }
    done
fi
echo "unit, drop-ins, sysusers and tmpfiles are fine"
