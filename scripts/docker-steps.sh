#!/bin/bash
# Does what the Dockerfile does after the build, where no engine is at hand: docker-steps.sh [BINARY]
# Lays out the image's root, makes it read-only, enters it as the image's user with the image's variables and
# nothing else, and runs the image's commands: version, check, its CMD, its HEALTHCHECK, and SIGTERM.
set -euo pipefail
cd "$(dirname "$0")/.."

binary="${1:-target/debug/omniroute}"
[ -x "$binary" ] || { echo "docker-steps: $binary is missing; build it first" >&2; exit 1; }
if [ "${OMNIROUTE_IN_NAMESPACE:-}" != yes ]; then
    if ! unshare --mount --pid --fork true 2>/dev/null; then
        echo "docker-steps: not run: this user may not make namespaces (it takes root)"
        exit 0
    fi
    OMNIROUTE_IN_NAMESPACE=yes exec unshare --mount --pid --fork "$0" "$binary"
fi

work="$(mktemp -d)"
trap 'umount -R "$work/root" 2>/dev/null || true; rm -rf --one-file-system "$work"' EXIT
root="$work/root"
mkdir "$root" "$work/data"
scripts/root-fs.sh "$binary" "$root"
du -shL "$root" | sed 's|\t.*||; s|^|size of the root: |'

# What an engine adds: /proc, /dev, a volume for the data, --tmpfs /tmp, and --read-only for all else.
mkdir "$root/proc" "$root/dev"
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
for device in null zero random urandom; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mount -t tmpfs -o size=16m,noexec tmpfs "$root/tmp"
chown 65532:65532 "$work/data"
chmod 0700 "$work/data"
mount --bind "$work/data" "$root/app/data"
cat >"$root/config/omniroute.yaml" <<'YAML'
accounts:
  - { id: one, provider: deepseek, key: not-a-real-key }
YAML
mount -o remount,bind,ro "$root"

of_dockerfile() { sed -n "s/^$1 //p" Dockerfile; }
words_of() { # the words of a JSON list
    jq -r '.[]' <<<"$1"
}
user="$(of_dockerfile USER)"
read -ra variables <<<"$(of_dockerfile ENV)"
mapfile -t entry < <(words_of "$(of_dockerfile ENTRYPOINT)")
mapfile -t command < <(words_of "$(of_dockerfile CMD)")
mapfile -t health < <(words_of "$(of_dockerfile HEALTHCHECK | sed 's/.*CMD //')")
# A port of its own, so that what runs on this machine is left alone.
port="${DOCKER_STEPS_PORT:-20139}"
enter() { # never returns: in the background its process is the program's
    exec env -i "${variables[@]}" PORT="$port" "$(command -v chroot)" --userspec="$user" "$root" "$@"
}

(enter "${entry[@]}" version)
# The first key, as the guide makes it; without it the gateway would not start on the container's addresses.
first_key="$(variables+=(HOSTNAME=127.0.0.1); enter "${entry[@]}" keys create first)"
(enter "${entry[@]}" check)
enter "${entry[@]}" "${command[@]}" 2>"$work/log" &
gateway=$!
for _ in $(seq 100); do
    (enter "${health[@]}") >/dev/null 2>&1 && break
    kill -0 "$gateway" 2>/dev/null || break
    sleep 0.1
done
(enter "${health[@]}") || { cat "$work/log" >&2; exit 1; }
(enter "${entry[@]}" healthcheck)
curl --silent --fail -H "authorization: Bearer $first_key" "http://127.0.0.1:$port/v1/models" >/dev/null
[ -s "$work/data/omniroute.redb" ] || { echo "docker-steps: nothing is kept in /app/data" >&2; exit 1; }
kill -TERM "$gateway"
wait "$gateway" || { cat "$work/log" >&2; exit 1; }
if (enter "${health[@]}") 2>/dev/null; then
    echo "docker-steps: a gateway that ended is said to be well" >&2
    exit 1
fi
echo "the image's steps work: uid ${user%%:*}, read-only root, $(wc -l <"$work/log") lines of log, exit code 0"
