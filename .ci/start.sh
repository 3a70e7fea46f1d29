#!/usr/bin/env bash
# `npm start`, as a newcomer runs it: at least 93% of the held-out digits read right, and equal weights after the kill.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
started=$SECONDS
npm start -- --data "$data" | tee "$data/output.txt"
echo "npm start: $((SECONDS - started)) s"
grep -q '^equal to the bit$' "$data/output.txt" || { echo 'the killed run ended with other weights' >&2; exit 1; }
awk '/^held-out accuracy/ { if ($3 >= 0.93) ok = 1 } END { exit !ok }' "$data/output.txt" ||
  { echo 'held-out accuracy below 0.93' >&2; exit 1; }
test -s "$data/curve.svg"
