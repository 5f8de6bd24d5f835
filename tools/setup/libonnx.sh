#!/usr/bin/env bash
# Builds ONNX's own C++ library from its source package, once, into a folder of the cache; third_party/README.md tells why.
# `libonnx.sh --prefix` only prints that folder: it is named after the version and everything that the build depends on.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
version=1.23.2
sha256=008cb0467b2bbee41448acc7da8b6f4e704624cb0d327a2d5adafc7ce19bc5b8

tools_versions() { dpkg-query -W -f='${Package} ${Version}\n' clang-22 libprotobuf-dev libstdc++-12-dev 2>/dev/null; }
prefix=$cache/onnx-$version-$(key "${BASH_SOURCE[0]}" <(tools_versions))
if [ "${1-}" = --prefix ]; then echo "$prefix"; exit 0; fi

mkdir -p "$cache"
exec 9>"$cache/onnx.lock"
flock 9
if [ -f "$prefix/lib/cmake/ONNX/ONNXConfig.cmake" ]; then say "libonnx $version: built already, in $prefix"; exit 0; fi

work=$(mktemp -d "$cache/onnx-build.XXXXXX")
trap 'rm -rf "$work"' EXIT
say "libonnx $version: fetching its source package"
# Without build isolation pip asks the package for its metadata with the pinned tools of .venv.
PATH=$top/.venv/bin:$PATH "$python" -m pip download -q --disable-pip-version-check --no-deps --no-build-isolation \
  --no-binary onnx --dest "$work" "onnx==$version" || die "the source package of onnx $version could not be fetched; pip's message is above"
echo "$sha256  $work/onnx-$version.tar.gz" | sha256sum --check --quiet || die "onnx-$version.tar.gz is not the file that this project was made with: its sha256 differs"
tar -xzf "$work/onnx-$version.tar.gz" -C "$work"

say "libonnx $version: building (a minute on two free cores)"
options=(
  -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=clang-22 -DCMAKE_CXX_COMPILER=clang++-22 -DCMAKE_CXX_STANDARD=20
  -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DBUILD_SHARED_LIBS=OFF -DONNX_ML=ON -DONNX_USE_UNITY_BUILD=ON
  -DONNX_USE_PROTOBUF_SHARED_LIBS=ON -DONNX_BUILD_PYTHON=OFF -DONNX_BUILD_TESTS=OFF -DPython3_EXECUTABLE="$python"
)
{ PATH=$top/.venv/bin:$PATH "$cmake" -S "$work/onnx-$version" -B "$work/build" -G Ninja "${options[@]}" -DCMAKE_INSTALL_PREFIX="$work/install" &&
  ninja -C "$work/build" && ninja -C "$work/build" install; } >"$work/log" 2>&1 ||
  { tail -n 30 "$work/log" >&2; die "libonnx did not build; the log's last lines are above"; }
rm -rf "$prefix"
mv "$work/install" "$prefix"
say "libonnx $version: built, in $prefix"
