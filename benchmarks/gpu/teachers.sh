#!/usr/bin/env bash
# Train the teachers of docs/teachers.md on a GPU and measure them on test images; one name a call, or all of them.
#   bash benchmarks/gpu/teachers.sh [NAME …]        results: benchmarks/results/teachers_gpu.jsonl
set -euo pipefail
cd "$(dirname "$0")/../.."
BIN=${BIN:-.venv/bin}
BUDGET=${BUDGET:-8m}
train() { # NAME OPTIONS…
  local name=$1
  shift
  "$BIN"/gtn-nas train-teacher --device cuda --time-budget "$BUDGET" --force --out "teachers/$name" "$@"
  "$BIN"/python benchmarks/teachers.py "teachers/$name" --append benchmarks/results/teachers_gpu.jsonl
}
for name in "${@:-}"; do
  case $name in
    mnist_goodai_*) train "$name" --data mnist --learner goodai --config "studies/teachers/$name.toml" ;;
    mnist_base_fc_*) train "$name" --data mnist --learner base_fc --config "studies/teachers/$name.toml" ;;
    mnist | fashion_mnist | digits) train "${name}_cnn_small" --data "$name" --space cnn_small --config "studies/teachers/cnn_small_$name.toml" ;;
    cifar10) train cifar10_cnn_small --data cifar10 --train-limit 10000 --space cnn_small --config studies/teachers/cnn_small_cifar10.toml ;;
    "") exec bash "$0" mnist_goodai_160 mnist_goodai_320 mnist_goodai_640 mnist_base_fc_32x128 mnist fashion_mnist digits cifar10 ;;
    *) echo "unknown teacher '$name'; see the cases of $0" >&2; exit 2 ;;
  esac
done
