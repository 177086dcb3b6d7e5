#!/bin/sh
# Fuzzes the wire formats, coverage-guided, on the stable toolchain: fuzz/run.sh [seconds per target] [target …]
# What failed once (fuzz/regressions) is replayed first. Corpora grow in target/fuzz-corpus; an input that fails is left in target/fuzz-findings.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
seconds=${1:-60}
[ $# -gt 0 ] && shift
targets=${*:-splitter request reply stream exact}
host=$(rustc -vV | sed -n 's/^host: //p')
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"

cargo build --manifest-path "$root/fuzz/Cargo.toml" --release --target "$host" --target-dir "$root/target/fuzz"
mkdir -p "$root/target/fuzz-findings"
for target in $targets; do
    corpus="$root/target/fuzz-corpus/$target"
    mkdir -p "$corpus"
    "$root/fuzz/seed.sh" "$target" "$corpus"
    for input in "$root/fuzz/regressions/$target"/*; do
        [ -f "$input" ] || continue
        "$root/target/fuzz/$host/release/$target" "$input" >/dev/null 2>&1 || {
            echo "fuzz: $target fails again on $input" >&2
            exit 1
        }
    done
    echo "fuzz: $target for $seconds s"
    "$root/target/fuzz/$host/release/$target" -max_total_time="$seconds" -rss_limit_mb=2048 -max_len=65536 \
        -print_final_stats=1 -artifact_prefix="$root/target/fuzz-findings/$target-" "$corpus" 2>&1 |
        tee "$root/target/fuzz-findings/$target.log" | grep -E 'stat::|ERROR|SUMMARY|panicked' || true
    if grep -qE 'ERROR|SUMMARY' "$root/target/fuzz-findings/$target.log"; then
        echo "fuzz: $target failed; see target/fuzz-findings" >&2
        exit 1
    fi
done
