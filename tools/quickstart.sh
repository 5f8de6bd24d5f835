#!/usr/bin/env bash
# From a bare machine to a quantized model that runs: sets up, builds, fetches Magika (a 3 MB model that tells a file's type from
# its bytes) and data for it, compiles it as it is and quantized to W8A8, runs both, prints what it cost and what it gained.
source "$(dirname "${BASH_SOURCE[0]}")/setup/common.sh"
cd "$top"
bash tools/setup.sh
bash tools/setup/build.sh release
models=$cache/models
out=$top/build/quickstart
qopt=$top/build/bin/qopt
mkdir -p "$out"

say "model and data: magika, by package name, into $models"
"$python" tools/get_models.py "$models" magika
"$python" tools/quickstart/arrays.py "$models/magika_eval.npz" "$out"

step() { say "qopt ${*//$top\//}"; "$qopt" "$@"; }
step compile "$models/magika.onnx" -o "$out/float.so"
step quantize "$models/magika.onnx" --scheme W8A8 --calibration-data "$models/magika_calib.npz" -o "$out/w8a8.so" --report "$out/report"
for name in float w8a8; do
  step run "$out/$name.so" --input bytes="$out/bytes.npy" -o "$out/$name.npz"
  step run "$out/$name.so" --input bytes="$out/bytes.npy" --repeat 5 --json "$out/$name.json"
done
step eval --reference "$models/magika.onnx" "$out/w8a8.so" --data "$models/magika_eval.npz"

say "W8A8 beside float, on ${models##*/}/magika_eval.npz (the whole story is in build/quickstart/report/report.html)"
"$python" tools/quickstart/table.py "$out" float w8a8
