# shellcheck shell=bash disable=SC2034
# Sourced by the checks that need a gateway at work: a provider (`omniroute demo`), a gateway in front of it, calls.
# Everything happens in a folder of its own, which goes with the script. Sets $binary, $repository and $work.

# Makes the folder and goes there.
begin() { # binary
    repository="$PWD"
    binary="$(realpath "$1" 2>/dev/null || true)"
    [ -x "$binary" ] || { echo "$0: $1 is missing; build it first" >&2; exit 1; }
    work="$(mktemp -d)"
    trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$work"' EXIT
    cd "$work" || exit 1
    export HOME="$work"
}

# Prints the address that a log says, once it does.
address_in() { # log, expression with the address as its group
    local found
    for _ in $(seq 300); do
        found="$(sed -n "s/$2/\1/p" "$1" | head -n 1)"
        [ -n "$found" ] && { echo "$found"; return; }
        sleep 0.1
    done
    cat "$1" >&2
    return 1
}
serves='.*"listen":"\([0-9.:]*\)".*'

# Starts the provider and writes o.yaml: accounts that work, that fail at each step of a connection, and that wait;
# keys with and without a budget; models with and without a price.
start_provider() {
    "$binary" demo --port 0 --log-format json >/dev/null 2>provider.log &
    local provider
    provider="$(address_in provider.log "$serves")"
    cat >o.yaml <<YAML
tunnel: direct
providers:
  near:
    wire: openai_chat
    base_url: "http://$provider"
    models:
      - { id: gpt-near, context_tokens: 128000, max_output_tokens: 100 }
      - { id: demo, context_tokens: 128000, max_output_tokens: 100 }
  named: { wire: anthropic, base_url: "https://localhost:${provider#*:}" }
  nowhere: { wire: anthropic, base_url: "https://nowhere.invalid" }
accounts:
  - { id: near-1, provider: near, key: not-a-real-key, limits: { rpm: 6000, concurrent: 1 } }
  - { id: named-1, provider: named, key: not-a-real-key }
  - { id: nowhere-1, provider: nowhere, key: not-a-real-key }
combos:
  all: { targets: [nowhere/x, named/x, near/demo] }
client_keys:
  - { name: steps, key: not-a-real-client-key, scopes: [inference, admin] }
  - { name: frugal, key: not-a-real-frugal-key, budget: { limit: \$5, period: daily } }
resilience: { account_limits: { max_wait: 30s } }
pricing:
  near/gpt-near: { input: \$1, output: \$2 }
YAML
}

# Starts the gateway, under a tracer if one is given; sets $gateway and $base.
start_gateway() {
    "$@" "$binary" run --no-open --log-format json --config o.yaml --port 0 --data-dir data 2>gateway.log &
    gateway=$!
    base="http://$(address_in gateway.log "$serves")"
}

# Asks for a path with the administrator's key; curl's arguments follow.
asked() {
    local path="$1"
    shift
    curl --silent --fail --max-time 60 -o answer -H 'authorization: Bearer not-a-real-client-key' "$@" "$base$path"
}

# Calls a model: OpenAI Chat and Anthropic Messages.
call_chat() { # model, stream, more arguments of curl
    asked /v1/chat/completions -d "{\"model\":\"$1\",\"stream\":$2,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}" "${@:3}"
}
call_messages() {
    asked /v1/messages -d "{\"model\":\"$1\",\"stream\":$2,\"max_tokens\":99,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}" "${@:3}"
}
