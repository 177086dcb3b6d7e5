#!/bin/bash
# Checks monitoring/ with Prometheus' own programs: check-monitoring.sh [BINARY]
# Rules and their tests with promtool, then a real Prometheus at a real gateway under calls of every kind: the
# exposition is clean, every rule evaluates, every query of the dashboard has data.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/system-packages.sh operations
. scripts/gateway.sh

prometheus_folder=monitoring/prometheus
promtool check config "$prometheus_folder/prometheus.yml" >/dev/null
promtool check rules "$prometheus_folder/omniroute.rules.yml" >/dev/null
promtool test rules "$prometheus_folder/omniroute.test.yml" >/dev/null

dashboard=monitoring/grafana/omniroute.json
# Each panel has a number of its own, a place that no other has, and queries with letters of their own.
jq -e '
    [.panels[]] as $all
    | ($all | map(.id) | unique | length == ($all | length))
      and ($all | all(.gridPos.x + .gridPos.w <= 24))
      and ([$all[] | . as $p | range($p.gridPos.x; $p.gridPos.x + $p.gridPos.w) as $x
            | range($p.gridPos.y; $p.gridPos.y + $p.gridPos.h) as $y | "\($x),\($y)"] | length == (unique | length))
      and ($all | map(select(.type != "row")) | all((.targets | length > 0)
            and (.targets | map(.refId) | unique | length) == (.targets | length)
            and .description != "" and .datasource.uid == "${datasource}"))
' "$dashboard" >/dev/null || { echo "check-monitoring: $dashboard is not well laid out" >&2; exit 1; }

# A name that is in no reference would give an empty panel and an alert that never fires.
known="$(sed -n 's/^| `\([a-z_]*\)`.*/\1/p' docs/reference/metrics.md)"
unknown="$({ jq -r '.panels[].targets[]?.expr, .templating.list[].definition?' "$dashboard"
    cat "$prometheus_folder/omniroute.rules.yml" "$prometheus_folder/omniroute.test.yml"; } |
    grep -o '\b\(omniroute\|process\)_[a-z_]*' | sed 's/_\(bucket\|sum\|count\)$//' | sort -u |
    grep -vxF "$known" || true)"
[ -z "$unknown" ] || { echo "check-monitoring: no such metric: $unknown" >&2; exit 1; }

begin "${1:-target/debug/omniroute}"
start_provider
start_gateway
sed -e 's/_interval: 15s/_interval: 1s/' -e "s/127.0.0.1:20128/${base#http://}/" \
    "$repository/$prometheus_folder/prometheus.yml" >prometheus.yml
cp "$repository/$prometheus_folder/omniroute.rules.yml" .
prometheus --config.file=prometheus.yml --storage.tsdb.path=tsdb --web.listen-address=127.0.0.1:0 2>prometheus.log &
prometheus="http://$(address_in prometheus.log '.*Listening on" address=\([0-9.:]*\).*')"

# Ten seconds of everything that a panel shows. The long one is left by its client.
long="{\"model\":\"near/gpt-near\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"$(seq -s ' ' 99)\"}]}"
for round in $(seq 10); do
    call_chat near/gpt-near true &
    calls=$!
    call_messages near/gpt-near false
    wait "$calls"
    call_chat all false -H 'x-omniroute-no-cache: true'
    asked /v1/chat/completions -d '{"model":"near/gpt-near","temperature":0,"messages":[{"role":"user","content":"kept"}]}'
    call_chat near/gpt-near false -H 'authorization: Bearer not-a-real-frugal-key' || true
    call_chat no-such-model false || true
    asked /v1/chat/completions --max-time 0.4 -d "$long" || true
    [ "$round" = 1 ] && curl --silent --fail -H 'authorization: Bearer not-a-real-client-key' "$base/metrics" >exposition
    sleep 0.5
done
curl --silent --fail "$base/metrics" >exposition
promtool check metrics <exposition

asked_prometheus() { # path, arguments of curl
    curl --silent --fail --max-time 10 "${@:2}" "$prometheus$1"
}
unwell="$(asked_prometheus /api/v1/rules | jq -r '.data.groups[].rules[] | select(.health != "ok") | "\(.name): \(.lastError)"')"
[ -z "$unwell" ] || { echo "check-monitoring: rules do not evaluate: $unwell" >&2; exit 1; }

empty=0
queries=0
while IFS=$'\t' read -r title expression; do
    queries=$((queries + 1))
    expression="${expression//\$__rate_interval/15s}"
    expression="$(sed 's/\$\(job\|instance\|provider\)/.*/g' <<<"$expression")"
    found="$(asked_prometheus /api/v1/query --data-urlencode "query=$expression" | jq '.data.result | length')" || {
        echo "check-monitoring: $title: Prometheus refuses $expression" >&2
        exit 1
    }
    if [ "$found" = 0 ]; then
        echo "check-monitoring: $title: no data for $expression" >&2
        empty=$((empty + 1))
    fi
done < <(jq -r '.panels[] | .title as $title | .targets[]? | [$title, .expr] | @tsv' "$repository/$dashboard")
[ "$empty" = 0 ] || exit 1
echo "monitoring: rules and their tests, a clean exposition, $queries queries of the dashboard with data"
