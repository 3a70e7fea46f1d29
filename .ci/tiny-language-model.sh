#!/usr/bin/env bash
# The language model of the examples, as a newcomer runs it: its perplexity falls, windows of another length come from the
# same tokens, and the killed run ends with equal weights.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
started=$SECONDS
npm start --workspace examples/tiny-language-model -- --data "$data" | tee "$data/output.txt"
echo "tiny-language-model: $((SECONDS - started)) s"
grep -q '^equal to the bit$' "$data/output.txt" || { echo 'the killed run ended with other weights' >&2; exit 1; }
awk '/^held-out perplexity/ { if ($3 > 1 && $3 < 20) ok = 1 } END { exit !ok }' "$data/output.txt" ||
  { echo 'held-out perplexity is not below 20' >&2; exit 1; }
