#!/usr/bin/env bash
# Installs the packages of tools/packages/debian.txt that are missing. Costs a tenth of a second when none is.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
list=$top/tools/packages/debian.txt

# The version that is installed, or nothing; dpkg-query fails where it never heard of the package.
installed() { { dpkg-query -W -f='${db:Status-Status} ${Version}' "$1" 2>/dev/null || true; } | sed -n 's/^installed //p'; }
# The major version of Debian's [epoch:]upstream-revision.
major() { sed 's/^[0-9]*://; s/[^0-9].*//' <<<"$1"; }

# choose NAME WANTED: prints NAME=VERSION to install, the wanted version or another of its major version.
choose() {
  local name=$1 wanted=$2 version
  version=$(apt-cache madison "$name" | awk -v w="$wanted" '$3 == w {print $3; exit}')
  [ -n "$version" ] || version=$(apt-cache policy "$name" | awk '/Candidate:/ {print $2}')
  [ -n "$version" ] && [ "$version" != "(none)" ] || die "$name: no version is offered; check the machine's apt sources (main of Debian 12 and its security suite)"
  [ "$(major "$version")" = "$(major "$wanted")" ] || die "$name: $wanted is wanted, only $version is offered, of another major version"
  [ "$version" = "$wanted" ] || remark "$name: $wanted is not offered any more, taking $version; update tools/packages/debian.txt once all tests pass"
  echo "$name=$version"
}

missing=()
while read -r name wanted; do
  found=$(installed "$name")
  if [ -z "$found" ]; then missing+=("$name $wanted")
  elif [ "$(major "$found")" != "$(major "$wanted")" ]; then die "$name: $found is installed, $wanted is needed"
  elif [ "$found" != "$wanted" ]; then remark "$name: $found is installed, the project is tested with $wanted"; fi
done < <(grep -v '^#' "$list")

if [ ${#missing[@]} = 0 ]; then say "Debian packages: all are there"; exit 0; fi
say "Debian packages: installing ${#missing[@]} (${missing[*]%% *})"
export DEBIAN_FRONTEND=noninteractive
as_root apt-get update -q >/dev/null || die "apt-get update failed: no package list can be read"
wanted=()
for row in "${missing[@]}"; do wanted+=("$(choose ${row})"); done
as_root apt-get install -q -y --no-install-recommends "${wanted[@]}" >"${TMPDIR:-/tmp}/qopt-apt.log" 2>&1 ||
  { tail -n 20 "${TMPDIR:-/tmp}/qopt-apt.log" >&2; die "apt-get install failed, its last lines are above"; }
