#!/usr/bin/env bash
# Frames of the real danfojs-node, saved as tables. Installs it, and what it needs (340 MB), in a temporary folder: of what it names
# by an address, xlsx, the last release that npm has, and TensorFlow.js in place of the one with a native library.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/package.json" <<'JSON'
{
  "private": true,
  "dependencies": { "danfojs-node": "1.2.0" },
  "overrides": { "xlsx": "0.18.5", "@tensorflow/tfjs-node": "npm:@tensorflow/tfjs@4.22.0" }
}
JSON
npm install --prefix "$work" --ignore-scripts --no-audit --no-fund --loglevel=error
node_modules/.bin/tsc -b packages/catalog
node test/interop/catalog/danfo.mjs "$work"
