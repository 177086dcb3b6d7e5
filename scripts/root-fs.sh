#!/bin/sh
# Lays out the root file system of the image: root-fs.sh BINARY FOLDER
# The program, the libraries it is linked with, certificates, a user without a shell, its folders.
set -eu
binary="$1"
root="$2"

mkdir -p "$root/app/data" "$root/config" "$root/etc/ssl/certs" "$root/tmp"
cp "$binary" "$root/omniroute"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
printf 'omniroute:x:65532:65532::/app/data:/none\n' >"$root/etc/passwd"
ldd "$binary" >"$root/tmp/libraries"
grep -o '/[^ ]*' "$root/tmp/libraries" | while read -r library; do
    cp --parents -L "$library" "$root/"
done
rm "$root/tmp/libraries"
chown -R 65532:65532 "$root/app/data"
chmod 0700 "$root/app/data"
