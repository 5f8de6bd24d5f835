#!/usr/bin/env bash
# fuzz.sh SECONDS [TARGET…]: searches with each fuzz target (default: all) for so long, in the asan build, from its seeds and what earlier
# searches found. What goes wrong is left in build-asan/fuzz/TARGET; mend it, then put the file beside the other seeds of test/fuzz.
source "$(dirname "${BASH_SOURCE[0]}")/setup/common.sh"
cd "$top"
seconds=${1:?usage: fuzz.sh SECONDS [TARGET...]}
shift
[ $# -gt 0 ] || set -- arrays recipe stats onnx mlir
export ASAN_OPTIONS=allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export LSAN_OPTIONS=suppressions=$top/test/lsan.supp:print_suppressions=0
status=0
for target in "$@"; do
  say "fuzz: $target for $seconds s"
  mkdir -p "build-asan/fuzz/$target/found"
  "build-asan/test/fuzz/fuzz-$target" -max_total_time="$seconds" -max_len=8192 -timeout=20 -rss_limit_mb=3072 -print_final_stats=1 \
    -artifact_prefix="build-asan/fuzz/$target/" "build-asan/fuzz/$target/found" "test/fuzz/seeds/$target" \
    >"build-asan/fuzz/$target.log" 2>&1 || { status=1; remark "$target: its log's last lines"; tail -n 40 "build-asan/fuzz/$target.log"; }
done
exit $status
