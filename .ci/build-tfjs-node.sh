#!/usr/bin/env bash
# Builds the native addon of the installed @tensorflow/tfjs-node from source, against the libtensorflow that a Python
# wheel of TensorFlow carries. The package's own install script downloads both from a host that may not be reachable.
# usage: build-tfjs-node.sh [PROJECT]   a folder with node_modules/@tensorflow/tfjs-node; default: this repository
set -euo pipefail

project=$(cd "${1:-$(dirname "${BASH_SOURCE[0]}")/..}" && pwd)
package=$project/node_modules/@tensorflow/tfjs-node
tensorflow=2.12.1
cache=${XDG_CACHE_HOME:-$HOME/.cache}/dataref/tensorflow-$tensorflow

missing=()
for tool in node npm python3 make; do command -v "$tool" >/dev/null || missing+=("$tool"); done
command -v "${CXX:-c++}" >/dev/null || missing+=("a C++ compiler (c++, or CXX)")
if command -v python3 >/dev/null; then
  python3 -m pip --version >/dev/null 2>&1 || missing+=("pip for python3")
fi
if ((${#missing[@]} > 0)); then
  printf 'tfjs-node cannot be built here: missing %s\n' "$(IFS=,; echo "${missing[*]}")" >&2
  exit 1
fi
if [[ ! -f $package/package.json ]]; then
  echo "no $package: npm install --no-save --ignore-scripts @tensorflow/tfjs-node" >&2
  exit 1
fi
if [[ $(uname -s)-$(uname -m) != Linux-x86_64 ]]; then
  echo "tfjs-node is built from source on Linux x86_64 only, this is $(uname -sm)" >&2
  exit 1
fi

# The wheel of any Python version has the same library.
if ! compgen -G "$cache/*.whl" >/dev/null; then
  mkdir -p "$cache"
  python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$cache" \
    --python-version 3.11 --implementation cp --abi cp311 --platform manylinux2014_x86_64 "tensorflow-cpu==$tensorflow"
fi
wheel=$(compgen -G "$cache/*.whl" | head -n 1)

# deps/: the C headers and the two libraries, by the names that the package looks for.
rm -rf "$package/deps" "$package/lib" "$package/build"
mkdir -p "$package/deps/lib"
python3 - "$wheel" "$package/deps" <<'PY'
import os
import shutil
import sys
import zipfile

wheel, deps = sys.argv[1:3]
headers = [
    "tensorflow/include/" + folder
    for folder in ("tensorflow/c/", "tensorflow/core/platform/", "tensorflow/core/util/", "tensorflow/tsl/", "tsl/")
]
libraries = ("tensorflow/libtensorflow_cc.so.2", "tensorflow/libtensorflow_framework.so.2")
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        if name in libraries:
            target = os.path.join(deps, "lib", os.path.basename(name))
        elif name.endswith(".h") and name.startswith(tuple(headers)):
            target = os.path.join(deps, name.removeprefix("tensorflow/"))
        else:
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with archive.open(name) as source, open(target, "wb") as out:
            shutil.copyfileobj(source, out, 1 << 20)
PY
ln -s libtensorflow_cc.so.2 "$package/deps/lib/libtensorflow.so"
ln -s libtensorflow_cc.so.2 "$package/deps/lib/libtensorflow.so.2.9.1" # the package's sign that the library is there
ln -s libtensorflow_framework.so.2 "$package/deps/lib/libtensorflow_framework.so"

# Node's headers lie beside it; where they do not, node-gyp downloads them.
prefix=$(node -p "require('path').resolve(process.execPath, '../..')")
headers=()
if [[ -f $prefix/include/node/node_api.h ]]; then headers=("--nodedir=$prefix"); fi
npm_root=$(dirname "$(readlink -f "$(command -v npm)")")/..
cd "$package"
npm_config_node_gyp=$npm_root/node_modules/node-gyp/bin/node-gyp.js \
  node "$project/node_modules/@mapbox/node-pre-gyp/bin/node-pre-gyp" install --build-from-source "${headers[@]}"
