#!/usr/bin/env bash
# Builds the verifier for the browser into public/wasm, with Go's support file
# for it. Vite copies both to dist; without them the page says that the check is
# not available here.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p public/wasm
GOOS=js GOARCH=wasm go build -trimpath -ldflags='-s -w' -o public/wasm/inkverify.wasm ../evidence/cmd/inkverify-wasm
install -m 644 "$(go env GOROOT)/lib/wasm/wasm_exec.js" public/wasm/wasm_exec.js
