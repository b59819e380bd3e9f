#!/usr/bin/env bash
# Run the studies at their published sizes on a GPU, resumably; names in a call, or all of them.
#   bash benchmarks/gpu/studies.sh [NAME …]         results: studies/results/NAME-full, its figures: runs/studies/NAME-full
set -euo pipefail
cd "$(dirname "$0")/../.."
BIN=${BIN:-.venv/bin}
SCALE=${SCALE:-full}
DEVICE=${DEVICE:-cuda}
if [[ $# -eq 0 ]]; then
  set -- goodai_curriculum uber_curriculum transfer robustness uber_nas cnn_small_search cnn_small_search_cifar10
fi
for name in "$@"; do
  "$BIN"/gtn-nas study run "$name" --scale "$SCALE" --device "$DEVICE" --out "runs/studies/$name-$SCALE" ||
    echo "$name: a run could not be done; its page says which" >&2
  mkdir -p "studies/results/$name-$SCALE"
  cp "runs/studies/$name-$SCALE/results.jsonl" "studies/results/$name-$SCALE/"
done
