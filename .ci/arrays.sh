#!/usr/bin/env bash
# Arrays exchanged with zarr-python and tensorstore in both directions, of every dtype and codec. Needs python3 with venv and
# pip; installs the rest into .venv-arrays, and into .venv-arrays-images where there is a Python 3.12 or later, which
# imagecodecs-zarr needs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source .ci/python-environment.sh
environment=.venv-arrays

python_environment test/interop/arrays/requirements.txt "$environment"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/python"
node_modules/.bin/tsc -b packages/arrays
node test/interop/arrays/write-arrays.mjs "$work/node"
"$environment/bin/python" -W ignore test/interop/arrays/read_arrays.py "$work/node"
"$environment/bin/python" -W ignore test/interop/arrays/write_arrays.py "$work/python"
node test/interop/arrays/read-arrays.mjs "$work/python"

# Images by imagecodecs-zarr itself.
newer_python() {
  local python
  for python in python3.13 python3.12 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[23].*/bin/python; do
    "$python" -c 'import sys, venv, ensurepip; assert sys.version_info >= (3, 12)' 2> /dev/null && command -v "$python" && return
  done
}
newer=$(newer_python || true)
if [ -n "$newer" ]; then
  PYTHON=$newer python_environment test/interop/arrays/images-requirements.txt .venv-arrays-images
  mkdir "$work/images"
  .venv-arrays-images/bin/python -W ignore test/interop/arrays/exchange_images.py "$work/node" "$work/images"
  node test/interop/arrays/read-arrays.mjs "$work/images"
fi

# The page for Python's users; its training where torch is installed.
node test/interop/arrays/write-page.mjs "$work/page/data"
root=$PWD
(cd "$work/page" && "$root/$environment/bin/python" -W ignore "$root/test/interop/arrays/run_page.py" "$root")
