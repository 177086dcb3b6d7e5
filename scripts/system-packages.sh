#!/bin/sh
# Installs the Debian packages a build needs, when they are missing and when this user may.
# cmake builds Pingora's compression (zlib-ng); libssl-dev and pkg-config find the system's OpenSSL.
# `system-packages.sh operations`: those that check the unit files, system calls, metrics and alert rules.
set -eu

missing=""
need() { # command-or-file package
    if ! command -v "$1" >/dev/null 2>&1 && [ ! -e "$1" ]; then
        missing="$missing $2"
    fi
}
case "${1:-build}" in
build)
    need cc gcc
    need c++ g++
    need cmake cmake
    need pkg-config pkg-config
    need /usr/include/openssl/ssl.h libssl-dev
    ;;
operations)
    need systemd-analyze systemd
    need promtool prometheus
    need strace strace
    need curl curl
    need jq jq
    # Debian keeps venv in a package of its own.
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
    ;;
*)
    echo "system-packages.sh: no packages for \`$1\`; it is build or operations" >&2
    exit 1
    ;;
esac
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root="sudo"
else
    as_root="none"
fi
if [ "$as_root" = none ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "These packages are needed and missing:$missing" >&2
    echo "Install them, for example: apt-get install$missing" >&2
    exit 1
fi
echo "Installing$missing"
$as_root apt-get update -qq
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
