# Sourced by scripts that need Python: `python_environment REQUIREMENTS FOLDER` makes a virtual environment with what the
# file lists, or fails saying what is missing; one that is there already is taken.

python_environment() {
  local requirements=$1 environment=$2 python=${PYTHON:-python3}
  "$python" -c 'import sys, venv, ensurepip; assert sys.version_info >= (3, 11), sys.version' || {
    echo "$0 needs Python 3.11 or later with venv and pip (on Debian: apt-get install python3 python3-venv)" >&2
    exit 1
  }
  cmp -s "$requirements" "$environment/installed.txt" && return
  rm -rf "$environment"
  "$python" -m venv "$environment"
  "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements"
  cp "$requirements" "$environment/installed.txt"
}
