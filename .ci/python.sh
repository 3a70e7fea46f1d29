#!/usr/bin/env bash
# Files exchanged with Python: its readers open the parts that Node stores, and a second implementation, written from
# docs/, reads them and goes on from Node's states. Needs python3 with venv and pip; installs the rest into .venv-interop.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python=${PYTHON:-python3}
requirements=test/interop/requirements.txt
environment=.venv-interop
configurations=20

"$python" -c 'import sys, venv, ensurepip; assert sys.version_info >= (3, 11), sys.version' || {
  echo "python.sh needs Python 3.11 or later with venv and pip (on Debian: apt-get install python3 python3-venv)" >&2
  exit 1
}
if ! cmp -s "$requirements" "$environment/installed.txt"; then
  rm -rf "$environment"
  "$python" -m venv "$environment"
  "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements"
  cp "$requirements" "$environment/installed.txt"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
seed=${DATAREF_TEST_SEED:-$RANDOM}
echo "python: DATAREF_TEST_SEED=$seed"
node_modules/.bin/tsc -b packages/core
node test/interop/write-datasets.mjs "$work/samples"
node test/interop/write-configurations.mjs "$work/configurations" "$configurations" "$seed"
"$environment/bin/python" test/interop/agreement.py "$work/samples" "$work/configurations"
"$environment/bin/python" test/interop/peers.py "$work/samples"
