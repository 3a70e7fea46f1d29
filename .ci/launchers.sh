#!/usr/bin/env bash
# The suites under real launchers, *.launcher.test.ts: Open MPI's and MPICH's mpirun, torchrun, a SLURM and an sshd that the tests start
# on this machine. Installs what is missing with apt, as root, on Debian or Ubuntu.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=(openssh-server openssh-client openmpi-bin libopenmpi-dev mpich slurm-wlm munge python3-torch)

missing=()
for package in "${packages[@]}"; do
  [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
done
if ((${#missing[@]} > 0)); then
  if ((EUID != 0)); then
    echo "missing ${missing[*]}: as root, apt-get install ${missing[*]}" >&2
    exit 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  started=$SECONDS
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  if ! { apt-get update && apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 50 "$log" >&2
    exit 1
  fi
  echo "installed ${missing[*]}: $((SECONDS - started)) s"
fi

npm run build
DATAREF_LAUNCHERS=1 npm run jest -- "$@"
