#!/usr/bin/env bash
# sanitized.sh lit [TEST…] | pytest ARGUMENT… : the suites with the tools of build-asan.
source "$(dirname "${BASH_SOURCE[0]}")/setup/common.sh"
cd "$top"
suite=${1:?usage: sanitized.sh lit [TEST...] | pytest ARGUMENT...}
shift
export QOPT_SANITIZED=1 QOPT_BIN=$top/build-asan/bin PATH=$top/build-asan/bin:$PATH
# What is found ends a tool by a signal: its status of 1 would pass for that of a refused input.
export ASAN_OPTIONS=abort_on_error=1:allocator_may_return_null=1:hard_rss_limit_mb=8192:detect_leaks=${DETECT_LEAKS:-1}
export UBSAN_OPTIONS=abort_on_error=1:print_stacktrace=1:halt_on_error=1
export LSAN_OPTIONS=suppressions=$top/test/lsan.supp:print_suppressions=0
case $suite in
lit) exec "$python" "$(sed -n 's/^QOPT_LIT:[A-Z]*=//p' build-asan/CMakeCache.txt)" -sv "${@:-build-asan/test}" ;;
pytest) exec "$python" -m pytest -q -p no:cacheprovider "$@" ;;
*) die "there is no suite $suite: lit and pytest are" ;;
esac
