#!/usr/bin/env bash
# Brings everything that building and testing qopt needs onto a bare Debian 12 machine: Debian packages, a Python
# environment in .venv, libonnx in the user's cache. Each step finds out in a moment that it was done before.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bash "$here/setup/debian.sh"
bash "$here/setup/python.sh"
bash "$here/setup/libonnx.sh"
