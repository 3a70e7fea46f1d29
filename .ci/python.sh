#!/usr/bin/env bash
# Files exchanged with Python: its readers open the parts that Node stores, and a second implementation, written from
# docs/, reads them and goes on from Node's states. Needs python3 with venv and pip; installs the rest into .venv-interop.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source .ci/python-environment.sh
environment=.venv-interop
configurations=20

python_environment test/interop/requirements.txt "$environment"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
seed=${DATAREF_TEST_SEED:-$RANDOM}
echo "python: DATAREF_TEST_SEED=$seed"
node_modules/.bin/tsc -b packages/core
node test/interop/write-datasets.mjs "$work/samples"
node test/interop/write-configurations.mjs "$work/configurations" "$configurations" "$seed"
"$environment/bin/python" test/interop/agreement.py "$work/samples" "$work/configurations"
"$environment/bin/python" test/interop/peers.py "$work/samples"
