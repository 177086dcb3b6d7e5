#!/bin/sh
# Fills a corpus with the golden fixtures, each behind the bytes that choose its format and its cuts.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
target=$1
corpus=$2
case $target in
request | exact) kind=requests ;;
reply) kind=replies ;;
*) kind=streams ;;
esac
number=0
for format in openai_chat openai_responses anthropic gemini; do
    prefix=$(printf '\\%03o' "$number")
    number=$((number + 1))
    for file in "$root/crates/wire/tests/fixtures/$format/$kind"/*; do
        [ -f "$file" ] || continue
        seed="$corpus/$format-$(basename "$file")"
        case $target in
        splitter) printf '\007\001\031' >"$seed" ;;
        stream) printf "$prefix\007\001\031" >"$seed" ;;
        *) printf "$prefix" >"$seed" ;;
        esac
        cat "$file" >>"$seed"
    done
done
