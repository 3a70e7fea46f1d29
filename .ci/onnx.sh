#!/usr/bin/env bash
# The graphs of @dataref/onnx/graph in Python: onnx.checker takes each of them, training agrees with numpy, and the gradients of
# each layer with JAX and, where Debian's is installed, PyTorch; safetensors opens a checkpoint of a training loop. Needs
# python3 with venv and pip; installs the rest into .venv-onnx.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source .ci/python-environment.sh
environment=.venv-onnx

python_environment test/interop/onnx/requirements.txt "$environment"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A seed that keeps clear of the corners of ReLU, where float32 and float64 part ways; train_mlp.py sees to it.
seed=${DATAREF_TEST_SEED:-1}
echo "onnx: DATAREF_TEST_SEED=$seed"
node_modules/.bin/tsc -b packages/onnx
node test/interop/onnx/write-graphs.mjs "$work" "$seed"
"$environment/bin/python" test/interop/onnx/check_graphs.py "$work"
"$environment/bin/python" test/interop/onnx/train_mlp.py "$work"
JAX_PLATFORMS=cpu "$environment/bin/python" test/interop/onnx/layer_gradients.py "$work"
# Debian's build: the wheel of torch for Linux (539 MB, 1.4 GB unpacked) cannot be imported without CUDA's libraries beside it.
if /usr/bin/python3 -c 'import numpy, torch' 2>/dev/null; then
  /usr/bin/python3 test/interop/onnx/torch_gradients.py "$work"
else
  echo 'NOTE: the gradients are compared with JAX alone, NOT with PyTorch: apt-get install python3-torch, for /usr/bin/python3'
fi
node test/interop/onnx/write-checkpoint.mjs "$work/checkpoint"
"$environment/bin/python" test/interop/onnx/check_checkpoints.py "$work/checkpoint"
