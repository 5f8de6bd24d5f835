# Sourced by the scripts of tools/: where things are, and how they say what they do.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/qopt
python=$top/.venv/bin/python
cmake=$top/.venv/bin/cmake

say() { printf '== %s\n' "$*"; }
remark() { printf '!! %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# key FILE… : a short hash of the files' bytes, for stamps and cache folders.
key() { cat "$@" | sha256sum | cut -c1-12; }

# as_root COMMAND… : package installation needs root; say so where it cannot be had.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"
  else die "root is needed for: $*; run it as root, then start again"; fi
}
