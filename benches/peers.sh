#!/bin/sh
# Installs LiteLLM's proxy and Portkey's gateway, for `BENCH_PEERS=1 make bench`. From the root of the
# repository: benches/peers.sh [folder]. Python 3.9 or newer and Node 18 or newer must be there.
set -eu

folder=${1:-target/peers}
mkdir -p "$folder"
python3 -m venv "$folder/litellm"
"$folder/litellm/bin/pip" install --quiet "litellm[proxy]==${LITELLM_VERSION:-1.108.7}"
npm install --prefix "$folder/portkey" --no-audit --no-fund --silent \
    "@portkey-ai/gateway@${PORTKEY_VERSION:-1.15.2}"
