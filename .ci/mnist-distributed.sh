#!/usr/bin/env bash
# MNIST on several workers, started by mpirun where there is one: they are preempted, others go on and one of them is killed,
# others go on again, and the weights are those of one process. The program itself compares them, and proves that each digit
# was seen once an epoch. Then the same without mpirun, over TCP.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

npm run build
npm start --workspace examples/mnist-distributed -- --epochs 1 --batch 100
npm start --workspace examples/mnist-distributed -- --epochs 1 --batch 100 --tcp --workers 3,2,4
