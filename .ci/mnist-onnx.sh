#!/usr/bin/env bash
# The onnxruntime example, as a newcomer runs it: at least 93% (MLP) and 96% (CNN) of the held-out digits read right, and
# equal parameters after the kills.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
started=$SECONDS
npm start --workspace examples/mnist-onnx -- --data "$data" | tee "$data/output.txt"
echo "mnist-onnx: $((SECONDS - started)) s"
reached() {
  grep -q "^$1: equal to the bit$" "$data/output.txt" || { echo "$1: the killed run ended with other parameters" >&2; exit 1; }
  awk -v name="$1:" -v least="$2" '$1 == name && /held-out accuracy/ { if ($4 + 0 >= least) ok = 1 } END { exit !ok }' "$data/output.txt" ||
    { echo "$1: held-out accuracy below $2" >&2; exit 1; }
}
reached mlp 0.93
reached cnn 0.96
