#!/usr/bin/env bash
# Tables that Node saved, read by path in DuckDB, pandas, polars and pyarrow. Needs python3 with venv and pip; installs the
# rest into .venv-catalog.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source .ci/python-environment.sh
environment=.venv-catalog

python_environment test/interop/catalog/requirements.txt "$environment"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
node_modules/.bin/tsc -b packages/catalog
node test/interop/catalog/write-tables.mjs "$work"
"$environment/bin/python" test/interop/catalog/read_tables.py "$work"
