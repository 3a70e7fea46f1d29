#!/usr/bin/env bash
# The suite of packages/tfjs, and the MNIST example, on TensorFlow.js's native backend. @tensorflow/tfjs-node is an
# optional peer and not in the lock: it is put beside the installed packages, and built from source.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Sums are made in the order of the threads: only with their number pinned are two runs equal to the bit.
export TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1 OMP_NUM_THREADS=1
export TF_CPP_MIN_LOG_LEVEL=2 # the library's notes on the processor

before=$(sha256sum package.json package-lock.json)
npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error @tensorflow/tfjs-node@4.22.0
if [[ $(sha256sum package.json package-lock.json) != "$before" ]]; then
  echo 'installing tfjs-node changed package.json or package-lock.json' >&2
  exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! bash .ci/build-tfjs-node.sh >"$log" 2>&1; then
  tail -n 50 "$log" >&2
  exit 1
fi
node -e "require('@tensorflow/tfjs-node').setBackend('tensorflow').then((works) => process.exit(works ? 0 : 1))"
echo 'tfjs-node is built and loads'

npm run build
DATAREF_TF_BACKEND=node npm run jest -- packages/tfjs
if [[ -f examples/mnist/dist/main.js ]]; then npm start --workspace examples/mnist -- --backend node; fi
