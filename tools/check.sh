#!/usr/bin/env bash
# Sets up, builds, then runs every test: unit and layering (ctest), the lit suite, the Python integration tests.
# Closes with `N passed, N failed, N skipped` over all of them; the exit status is not zero when anything failed.
# QOPT_MODELS may name a folder of real models; without it the models are fetched into the user's cache.
# CHECK_ONLY="ctest lit" runs some suites only (and then says so); results lie in build/results.
source "$(dirname "${BASH_SOURCE[0]}")/setup/common.sh"
cd "$top"
started=$SECONDS
bash tools/setup.sh
bash tools/setup/build.sh release
export QOPT_MODELS=${QOPT_MODELS:-$cache/models}
bash tools/setup/models.sh

results=$top/build/results
rm -rf "$results"
mkdir -p "$results/gtest"
export QOPT_BIN=$top/build/bin PATH=$top/build/bin:$PATH
suites=${CHECK_ONLY:-ctest lit integration}
jobs=$(nproc)

run_ctest() {
  GTEST_OUTPUT=xml:$results/gtest/ "$top/.venv/bin/ctest" --test-dir build -j "$jobs" --timeout 600 --output-on-failure \
    --output-junit "$results/ctest.xml"
}
run_lit() {
  "$python" "$(sed -n 's/^QOPT_LIT:[A-Z]*=//p' build/CMakeCache.txt)" -s -v -j "$jobs" --xunit-xml-output "$results/lit.xml" build/test
}
run_integration() {
  "$python" -m pytest test/Integration -q -n "$jobs" --dist worksteal --timeout 2400 -p no:cacheprovider -rf \
    --junitxml "$results/integration.xml"
}

for suite in $suites; do
  say "tests: $suite"
  since=$SECONDS
  # The tally decides: it reads what each suite left behind and misses what a suite did not leave.
  "run_$suite" >"$results/$suite.log" 2>&1 || { remark "$suite did not end well; its log's last lines:"; tail -n 60 "$results/$suite.log"; }
  say "tests: $suite took $((SECONDS - since)) s"
done

say "everything took $((SECONDS - started)) s"
[ -z "${CHECK_ONLY-}" ] || remark "only these suites ran: $suites"
"$python" tools/check/tally.py "$results" $suites
