#!/usr/bin/env bash
# Tokens compared one by one with those of Python's `tokenizers`, and caches and windows with what numpy makes of them.
# Needs python3 with venv and pip; installs the rest into .venv-text.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source .ci/python-environment.sh
environment=.venv-text

python_environment test/interop/text/requirements.txt "$environment"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
node_modules/.bin/tsc -b packages/text
node test/interop/text/write-tokens.mjs "$work"
"$environment/bin/python" test/interop/text/compare_tokens.py "$work"

# Caches, from their definition alone.
node test/interop/text/write-cache.mjs "$work/cache"
"$environment/bin/python" test/interop/text/read_cache.py "$work/cache"

# Windows as numpy has them, of the token files mapped into memory.
node test/interop/text/write-windows.mjs "$work"
"$environment/bin/python" test/interop/text/windows.py "$work"
