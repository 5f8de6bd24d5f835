#!/usr/bin/env bash
# Makes .venv with the packages of tools/packages/python.txt, once for each state of that file.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
list=$top/tools/packages/python.txt
stamp=$top/.venv/.made-from
made_from="$(key "$list") $(command -v python3) $top"

if [ "$(cat "$stamp" 2>/dev/null)" = "$made_from" ]; then say "Python packages: .venv is up to date"; exit 0; fi
say "Python packages: making .venv with $(grep -cv '^#' "$list") packages"
python3 -m venv --clear "$top/.venv" || die "python3 -m venv failed: python3-venv is needed"
"$python" -m pip install -q --disable-pip-version-check --no-deps -r "$list" || die "pip could not install $list; its message is above"
"$python" -m pip check -q || die "the pins of $list do not fit together; pip's message is above"
echo "$made_from" >"$stamp"
