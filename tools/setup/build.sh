#!/usr/bin/env bash
# Configures (preset release, or the one named) and builds. Objects come from ccache where they were compiled before.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
preset=${1:-release}
cd "$top"
export QOPT_PYTHON=$python QOPT_ONNX_DIR
QOPT_ONNX_DIR=$(bash tools/setup/libonnx.sh --prefix)
# Two checkouts of the same sources share their objects.
# CCACHE_SLOPPINESS: without it ccache compiles anew whatever uses a precompiled header.
export CCACHE_SLOPPINESS=pch_defines,time_macros
export CCACHE_BASEDIR=$top CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-5G}

say "build: configuring with preset $preset"
log=$(mktemp)
"$cmake" --preset "$preset" >"$log" 2>&1 || { tail -n 40 "$log" >&2; die "cmake --preset $preset failed, its last lines are above"; }
say "build: compiling"
started=$SECONDS
"$cmake" --build --preset "$preset" -- --quiet || die "the build failed"
say "build: done in $((SECONDS - started)) s"
rm -f "$log"
