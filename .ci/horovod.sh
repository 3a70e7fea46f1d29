#!/usr/bin/env bash
# Horovod's own launcher with workers of Node, static and elastic. Builds Horovod 0.28.1 from source into .venv-horovod, for
# no framework, once: three minutes on two cores. Needs python3 with venv and pip, a C++ compiler, make and cmake.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

environment=.venv-horovod
for tool in python3 g++ make cmake; do
  if ! command -v "$tool" >/dev/null; then
    echo "horovod: $tool is missing: apt-get install -y --no-install-recommends python3-venv g++ make cmake" >&2
    exit 1
  fi
done

if ! "$environment/bin/python" -c 'import horovod.runner' 2>/dev/null; then
  rm -rf "$environment"
  python3 -m venv "$environment"
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  export HOROVOD_WITHOUT_TENSORFLOW=1 HOROVOD_WITHOUT_PYTORCH=1 HOROVOD_WITHOUT_MXNET=1 HOROVOD_WITHOUT_MPI=1
  # Its build needs setuptools of before pkg_resources was taken out, and sees what is installed only without isolation.
  if ! {
    "$environment/bin/python" -m pip install --disable-pip-version-check wheel 'setuptools<70' &&
      "$environment/bin/python" -m pip install --disable-pip-version-check --no-build-isolation horovod==0.28.1
  } >"$log" 2>&1; then
    tail -n 50 "$log" >&2
    exit 1
  fi
fi

npm run build
DATAREF_HOROVOD_PYTHON="$PWD/$environment/bin/python" npm run jest -- --testTimeout 300000 --testMatch '<rootDir>/packages/horovod-shard/test/horovod/*.horovod.ts'
